import type { NodeId } from '../../../raft/entry.js';
import { type Campaign, grantedBy, latestAnswers } from '../../recording/campaign.js';
import { listed } from '../../recording/chronicle.js';
import { byId, html, setAttributes, setText } from '../base/elements.js';
import type { Look } from '../player/player.js';
import { type Election, electionOf } from './election.js';

/** The election that made the present leader, or the one under way: why it began, who voted for whom, what was needed. */
export class ElectionView {
  readonly #title = byId('election-title');
  readonly #why = byId('election-why');
  readonly #votes = byId('election-votes');
  readonly #outcome = byId('election-outcome');
  readonly #show: (nr: number) => void;
  #drawn = '';

  /** @param show is called with the step that was chosen. */
  constructor(show: (nr: number) => void) {
    this.#show = show;
    byId('election-start').addEventListener('click', () => {
      const nr = Number(byId('election-start').dataset.nr);
      if (nr > 0) this.#show(nr);
    });
  }

  draw(look: Look): void {
    const election = electionOf(look.timeline, look.state);
    const start = byId('election-start');
    setAttributes(start, { hidden: election.first === null, 'data-nr': election.first?.nr ?? null });
    setText(this.#title, election.title);
    setText(this.#why, election.why);
    setText(this.#outcome, election.outcome);
    this.#drawVotes(election, look.state.configuration.voters);
  }

  /** A line for each voter: what it answered and for whom it voted. */
  #drawVotes(election: Election, voters: readonly NodeId[]): void {
    const { campaign, casts } = election;
    const key = JSON.stringify([campaign, casts, voters]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    if (campaign === null) {
      this.#votes.replaceChildren();
      return;
    }
    const would = new Map(latestAnswers(campaign.preVotes).map((answer) => [answer.voter, answer]));
    const counted = new Map(
      latestAnswers(campaign.stood?.votes ?? []).map((answer) => [answer.voter, answer]),
    );
    const cast = new Map(casts.map((each) => [each.voter, each.candidate]));
    const row = (id: NodeId) =>
      html(
        'tr',
        {},
        html('th', { scope: 'row' }, `node ${id}${id === campaign.node ? ' (itself)' : ''}`),
        answerCell(would.get(id)?.granted),
        html('td', {}, cast.has(id) ? `node ${cast.get(id)}` : '–'),
        answerCell(counted.get(id)?.granted),
      );
    this.#votes.replaceChildren(
      html(
        'table',
        {},
        html('caption', {}, tally(campaign)),
        html('thead', {}, html('tr', {}, ...heads.map((head) => html('th', { scope: 'col' }, head)))),
        html('tbody', {}, ...voters.map(row)),
      ),
    );
  }
}

const heads = ['voter', 'would vote', 'voted for', 'answer heard'];

function answerCell(granted: boolean | undefined): HTMLElement {
  if (granted === undefined) return html('td', { class: 'none' }, '–');
  return html('td', { class: granted ? 'yes' : 'no' }, granted ? 'yes' : 'no');
}

function tally({ node, preVotes, stood, needed, voters }: Campaign): string {
  const majority = `a majority is ${needed} of ${voters}`;
  if (stood === null) return `Node ${node}: ${grantedBy(preVotes).length} would vote for it; ${majority}.`;
  const votes = grantedBy(stood.votes);
  return `Node ${node}: ${votes.length === 1 ? '1 vote' : `${votes.length} votes`} (${listed(votes)}); ${majority}.`;
}
