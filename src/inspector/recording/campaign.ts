import type { NodeId, Term } from '../../raft/entry.js';

/** What a voter answered, when the one who asked heard it. */
export interface Answer {
  readonly voter: NodeId;
  readonly granted: boolean;
  readonly nr: number;
}

/** A vote that was cast. */
export interface Cast {
  readonly voter: NodeId;
  readonly candidate: NodeId;
  readonly term: Term;
  readonly nr: number;
  readonly at: number;
}

/** A place in the order. */
export interface Moment {
  readonly nr: number;
  readonly at: number;
}

/** One node's attempt to be elected, from the moment its timer ran out. */
export interface Campaign extends Moment {
  readonly node: NodeId;
  /** What it campaigns for; spent only once it stands. */
  readonly term: Term;
  readonly why: string;
  /** How many votes there are, and how many are a majority. */
  readonly voters: number;
  readonly needed: number;
  /** Answers to its pre-votes, its own included; none where it stood at once. */
  readonly preVotes: readonly Answer[];
  /** It became a candidate, with these answers to its requests for votes, its own included. */
  readonly stood: (Moment & { readonly votes: readonly Answer[] }) | null;
  readonly end: (Moment & { readonly isElected: boolean; readonly why: string }) | null;
}

/** A campaign as it stood after a step. */
export function campaignAt(campaign: Campaign, nr: number): Campaign {
  const { preVotes, stood, end } = campaign;
  const heard = (answers: readonly Answer[]) => answers.filter((answer) => answer.nr <= nr);
  return {
    ...campaign,
    preVotes: heard(preVotes),
    stood: stood === null || stood.nr > nr ? null : { ...stood, votes: heard(stood.votes) },
    end: end === null || end.nr > nr ? null : end,
  };
}

/** The latest answer of each, the granted ones first. */
export function latestAnswers(answers: readonly Answer[]): Answer[] {
  const latest = new Map(answers.map((answer) => [answer.voter, answer]));
  return [...latest.values()].sort((a, b) => Number(b.granted) - Number(a.granted) || a.nr - b.nr);
}

/** Who said yes. */
export function grantedBy(answers: readonly Answer[]): NodeId[] {
  return latestAnswers(answers).flatMap(({ voter, granted }) => (granted ? [voter] : []));
}
