import type { ObservedKind } from '../../../node/watch/observation.js';
import type { NodeId } from '../../../raft/entry.js';
import type { ClusterState } from '../../recording/cluster-state.js';
import type { Network, Step } from '../../recording/format.js';
import type { Look } from '../player/player.js';

/** A message on its way at the moment on show, or many of a kind told together. */
export interface Flying {
  /** The same for the same message. */
  readonly key: string;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: ObservedKind;
  /** Messages, or the entries that they carry. */
  readonly number: number;
  readonly told: string;
  /** How much of the way it has come, from 0 to 1. */
  readonly share: number;
  readonly arrives: boolean;
  /** It is what the step on show is about. */
  readonly isInStep: boolean;
}

/** A message is seen for so long at least, of our milliseconds: real ones take one or two. */
const seenMsMin = 450;
/** One of which it was never told that it arrived is shown for so long, in milliseconds of the recording. */
const lostMs = 60;
/** Messages of a kind on a link are drawn so far apart, from 0 to 1. */
const apartShare = 0.3;
/** Messages in the air at one time; what comes beyond is not shown. */
export const flyingMax = 120;
/** How far back messages are looked for that are still on their way: in steps, and in milliseconds. */
const stepsBackMax = 1500;
const msBackMax = 4000;

/** The messages that are on their way at the moment on show, latest first. */
export function messagesInFlight(look: Look): Flying[] {
  const { timeline, nr, at, mode, speed } = look;
  // A picture that stands still is exact; one that moves shows each message long enough to be seen.
  const seenMs = mode === 'paused' ? 0 : seenMsMin * speed;
  const flying: Flying[] = [];
  const lastNr = Math.max(timeline.firstNr, nr - stepsBackMax);
  for (let back = nr; back >= lastNr && flying.length < flyingMax; back--) {
    const step = timeline.step(back);
    if (step === null || at - step.at > msBackMax) break;
    if (step.kind === 'send') addSent(flying, step, look, seenMs);
    else if (step.kind === 'tally' && mode !== 'paused') addTallied(flying, step, at, seenMs);
  }
  return mode === 'paused' ? flying : apart(flying);
}

/** Of messages of a kind that follow each other closely on a link, the first: as many would hide the rest. */
function apart(flying: readonly Flying[]): Flying[] {
  const shares = new Map<string, number>();
  return flying.filter(({ from, to, message, share }) => {
    const like = `${from} ${to} ${message}`;
    const behind = shares.get(like);
    if (behind !== undefined && share - behind < apartShare) return false;
    shares.set(like, share);
    return true;
  });
}

function addSent(flying: Flying[], step: Extract<Step, { kind: 'send' }>, look: Look, seenMs: number): void {
  const { timeline, nr, at, state, mode } = look;
  const { node: from, message, entries, text } = step;
  const arrivals = timeline.arrivalsOf(step.nr);
  for (const to of step.to) {
    const arrival = arrivals.find((each) => each.to === to);
    const arrives = arrival !== undefined || mayArrive(state, from, to);
    const wayMs = Math.max(
      seenMs,
      arrival === undefined ? lostMs : (timeline.step(arrival.nr)?.at ?? at) - step.at,
    );
    const isHeardNow = arrival?.nr === nr;
    // Of a picture that stands still the order says what is on its way, for many things happen at one moment.
    const isOver =
      mode === 'paused'
        ? arrival === undefined
          ? at - step.at > lostMs
          : arrival.nr < nr
        : at - step.at > wayMs;
    if (isOver) continue;
    const share = wayMs <= 0 ? 0.5 : (at - step.at) / wayMs;
    flying.push({
      key: `${step.nr} ${to}`,
      from,
      to,
      message,
      number: entries,
      told: `${message} from node ${from} to node ${to}: ${text}`,
      share: mode === 'paused' ? (isHeardNow ? 0.94 : Math.min(0.85, Math.max(0.1, share))) : share,
      arrives,
      isInStep: mode === 'paused' && (isHeardNow || step.nr === nr),
    });
  }
}

/** A busy node tells how many went, not when each did. */
function addTallied(
  flying: Flying[],
  step: Extract<Step, { kind: 'tally' }>,
  at: number,
  seenMs: number,
): void {
  if (at - step.at > seenMs) return;
  for (const { direction, peer, message, count, entries } of step.messages) {
    if (direction !== 'sent') continue;
    flying.push({
      key: `${step.nr} ${peer} ${message}`,
      from: step.node,
      to: peer,
      message,
      number: message === 'appendEntries' ? entries : count,
      told: `${count} × ${message} from node ${step.node} to node ${peer}`,
      share: (at - step.at) / seenMs,
      arrives: true,
      isInStep: false,
    });
  }
}

/** Does the network carry anything from one node to the other, and does anybody hear it? */
function mayArrive({ network, nodes }: ClusterState, from: NodeId, to: NodeId): boolean {
  const life = nodes.get(to)?.life ?? 'running';
  // What comes to a paused node waits for it.
  return (life === 'running' || life === 'paused') && (network === null || carries(network, from, to));
}

export function carries({ groups, links, link }: Network, from: NodeId, to: NodeId): boolean {
  const together = groups.some((group) => group.includes(from) && group.includes(to));
  const policy = links.find((each) => each.from === from && each.to === to)?.policy ?? link;
  return together && !policy.cut;
}
