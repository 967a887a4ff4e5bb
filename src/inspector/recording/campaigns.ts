import type { NodeId, Term } from '../../raft/entry.js';
import { type Campaign, type Cast, campaignAt } from './campaign.js';
import type { ClusterState } from './cluster-state.js';
import type { NodeStep, TakenStep } from './format.js';
import type { NodeSeen } from './node-seen.js';
import { whyItCampaigns, whyItGivesUp } from './reasons.js';

type Open = { -readonly [Name in keyof Campaign]: Campaign[Name] };

/** What a step meant for the campaign of its node. */
export interface Turn {
  readonly what: 'begins' | 'stands' | 'wins' | 'fails' | 'again';
  readonly campaign: Campaign;
}

/** Follows every attempt to be elected, step by step. */
export class Campaigns {
  /** In the order in which they began. */
  #all: Open[] = [];
  readonly #open = new Map<NodeId, Open>();
  #casts: Cast[] = [];

  /** All campaigns that had begun by a step, as they stood then. */
  until(nr: number): Campaign[] {
    return this.#all.filter((campaign) => campaign.nr <= nr).map((campaign) => campaignAt(campaign, nr));
  }

  /** Who had voted in a term by a step, and for whom. */
  castsIn(term: Term, nr: number): Cast[] {
    return this.#casts.filter((cast) => cast.nr <= nr && cast.term === term);
  }

  /** Takes a step of a node. @param was the node before it, and `state` how everything stands after it. */
  take(step: NodeStep, was: NodeSeen, state: ClusterState): Turn[] {
    const node = state.nodes.get(step.node) ?? was;
    if (step.kind === 'life' || step.kind === 'stand') return this.#interrupted(step, node);
    if (step.kind !== 'chart') return [];
    this.#noteCast(step, node);
    const entered = step.transitions.map(({ target }) => target);
    const isNew = entered.includes('alive.preCandidate') || entered.includes('alive.candidate');
    if (isNew) return this.#begins(step, was, node, state);
    this.#noteAnswers(step, node);
    if (entered.includes('alive.leader')) return this.#ends(step, true, '');
    const open = this.#open.get(node.id);
    const role = node.state?.role;
    if (open === undefined || role === 'preCandidate' || role === 'candidate') return [];
    return this.#ends(step, false, whyItGivesUp(step, open));
  }

  /** Forgets what ended before a step. */
  forgetBefore(nr: number): void {
    this.#all = this.#all.filter(({ end }) => end === null || end.nr >= nr);
    this.#casts = this.#casts.filter((cast) => cast.nr >= nr);
  }

  #begins(step: TakenStep, was: NodeSeen, node: NodeSeen, state: ClusterState): Turn[] {
    const { nr, at } = step;
    const open = this.#open.get(node.id);
    const term = node.state?.term ?? 0;
    const stands = node.state?.role === 'candidate';
    if (stands && open !== undefined && open.stood === null) {
      open.term = term;
      open.stood = { nr, at, votes: [] };
      this.#noteAnswers(step, node);
      return [{ what: 'stands', campaign: campaignAt(open, nr) }];
    }
    const isAgain = open !== undefined;
    const ended = isAgain ? this.#ends(step, false, 'no majority answered in time') : [];
    const { voters } = state.configuration;
    const campaign: Open = {
      nr,
      at,
      node: node.id,
      term: stands ? term : term + 1,
      why: whyItCampaigns(step, was, state),
      voters: voters.length,
      needed: state.configuration.shortestQuorum(voters)?.length ?? 0,
      preVotes: [],
      stood: stands ? { nr, at, votes: [] } : null,
      end: null,
    };
    this.#all.push(campaign);
    this.#open.set(node.id, campaign);
    this.#noteAnswers(step, node);
    // One that asks in vain again and again is told of once.
    const wasInVain = ended.some((turn) => turn.campaign.stood === null) && campaign.stood === null;
    if (wasInVain) return [{ what: 'again', campaign: campaignAt(campaign, nr) }];
    return [...ended, { what: stands ? 'stands' : 'begins', campaign: campaignAt(campaign, nr) }];
  }

  /** A new answer takes the place of what its voter said before: it may have been asked again. */
  #noteAnswers({ nr, change }: TakenStep, { id }: NodeSeen): void {
    const open = this.#open.get(id);
    if (open === undefined || change?.votes === undefined) return;
    const known = open.stood?.votes ?? open.preVotes;
    const news = change.votes
      .filter(([voter, granted]) => known.findLast((each) => each.voter === voter)?.granted !== granted)
      .map(([voter, granted]) => ({ voter, granted, nr }));
    if (open.stood === null) open.preVotes = [...open.preVotes, ...news];
    else open.stood = { ...open.stood, votes: [...open.stood.votes, ...news] };
  }

  #noteCast({ nr, at, change }: TakenStep, { id, state }: NodeSeen): void {
    // Who stands again votes for itself again, in another term.
    const isVote = change?.votedFor !== undefined || change?.term !== undefined;
    if (!isVote || state === null || state.votedFor === null) return;
    this.#casts.push({ voter: id, candidate: state.votedFor, term: state.term, nr, at });
  }

  /** Its node is down, or told of itself anew: what it did meanwhile is not known. */
  #interrupted(step: NodeStep, { state, life }: NodeSeen): Turn[] {
    const isOver = life !== 'running' && life !== 'paused';
    if (!isOver && (state?.role === 'candidate' || state?.role === 'preCandidate')) return [];
    const why = isOver ? `it is ${life}` : 'how it ended was not told';
    return this.#ends(step, !isOver && state?.role === 'leader', why);
  }

  #ends({ node, nr, at }: NodeStep, isElected: boolean, why: string): Turn[] {
    const open = this.#open.get(node);
    if (open === undefined) return [];
    this.#open.delete(node);
    open.end = { nr, at, isElected, why };
    return [{ what: isElected ? 'wins' : 'fails', campaign: campaignAt(open, nr) }];
  }
}
