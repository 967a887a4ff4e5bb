import { type Campaign, type Cast, grantedBy } from '../../recording/campaign.js';
import type { ClusterState } from '../../recording/cluster-state.js';
import type { Timeline } from '../../recording/timeline.js';
import { seconds } from '../base/words.js';

/** The election that is told at a moment, in words. */
export interface Election {
  readonly title: string;
  readonly why: string;
  readonly outcome: string;
  /** The campaign that began it. */
  readonly first: Campaign | null;
  /** The one that won, or got furthest. */
  readonly campaign: Campaign | null;
  /** Who has voted in its term. */
  readonly casts: readonly Cast[];
}

/** The election that made the leader of a moment, or if nobody leads the one under way. */
export function electionOf(timeline: Timeline, state: ClusterState): Election {
  const { leader, nr } = state;
  const all = timeline.chronicle.campaigns.until(nr);
  const won =
    leader === null
      ? undefined
      : all.findLast(
          ({ node, term, end }) => end?.isElected && node === leader.id && term === leader.state?.term,
        );
  if (leader !== null && won === undefined) {
    return {
      ...none,
      title: `Term ${leader.state?.term}`,
      why: `Node ${leader.id} led already when this was first watched: how it was elected was not seen.`,
    };
  }
  const before = all.filter(
    ({ end }) => end?.isElected && end.nr < (won?.end?.nr ?? Number.POSITIVE_INFINITY),
  );
  const since = Math.max(0, ...before.map(({ end }) => end?.nr ?? 0));
  const until = won?.end?.nr ?? nr;
  const rivals = all.filter((each) => each.nr > since && each.nr <= until);
  const [first = null] = rivals;
  if (first === null) {
    return { ...none, title: 'No election yet', why: 'Nobody leads, and no election timer has run out.' };
  }
  const campaign = won ?? furthest(rivals);
  return {
    title:
      won === undefined ? `Election for term ${campaign.term}, under way` : `Election of term ${won.term}`,
    why: `At ${seconds(first.at)} node ${first.node} asked for votes: ${first.why}.`,
    outcome: outcomeOf(
      won,
      rivals,
      all.filter((each) => each.nr > until),
    ),
    first,
    campaign,
    casts: timeline.chronicle.campaigns.castsIn(campaign.term, nr),
  };
}

const none = { title: '', why: '', outcome: '', first: null, campaign: null, casts: [] };

function outcomeOf(
  won: Campaign | undefined,
  rivals: readonly Campaign[],
  later: readonly Campaign[],
): string {
  const sentences: string[] = [];
  if (won !== undefined) sentences.push(`Node ${won.node} leads since ${seconds(won.end?.at ?? won.at)}.`);
  const others = rivals.filter((each) => each !== won && each.end !== null && !each.end.isElected);
  const stood = others.filter((each) => each.stood !== null);
  for (const { node, term, stood: standing, end } of stood.slice(-2)) {
    const votes = grantedBy(standing?.votes ?? []).length;
    sentences.push(
      `Node ${node} did not win term ${term}, with ${votes === 1 ? 'one vote' : `${votes} votes`}: ${end?.why}.`,
    );
  }
  const inVain = later.filter(({ end }) => end?.isElected !== true);
  if (inVain.length > 0) {
    const [last] = inVain.slice(-1);
    const times = inVain.length === 1 ? 'once' : `${inVain.length} times`;
    sentences.push(`Since then others have asked for votes in vain ${times}, node ${last?.node} last.`);
  }
  return sentences.join(' ');
}

/** One that stands has come further than one that asks. */
function furthest(rivals: readonly Campaign[]): Campaign {
  const open = rivals.filter(({ end }) => end === null);
  const [best] = (open.length > 0 ? open : rivals).toSorted(
    (a, b) => Number(b.stood !== null) - Number(a.stood !== null) || b.term - a.term || b.nr - a.nr,
  );
  return best as Campaign;
}
