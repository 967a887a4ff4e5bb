import type { Role } from '../../node/information.js';
import type { ObservedChange, ObservedState } from '../../node/watch/observation.js';
import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { Life, NodeStep } from './format.js';

type Run = ObservedState['log']['runs'][number];

/** A node at one moment, as far as it is known. Each step makes a new one. */
export interface NodeSeen {
  readonly id: NodeId;
  /** Does it vote, or only learn? */
  readonly isVoter: boolean;
  readonly life: Life;
  /** Since when, in milliseconds of the recording; null if it was so from the beginning. */
  readonly lifeSince: number | null;
  /** As it told of itself; null of one that never did. */
  readonly state: ObservedState | null;
  /** When its election timer was last started or renewed. */
  readonly timerSince: number;
  /** When it became what it is; null if it was that before. */
  readonly roleSince: number | null;
  /** Its log and how far it is committed and applied, not further than what is known of others allows. */
  readonly levels: Levels;
  readonly cut: LogCut | null;
}

export interface Levels {
  readonly last: LogIndex;
  readonly commit: LogIndex;
  readonly height: LogIndex;
}

/** What was cut off the end of a log: it conflicted with the leader's (§5.3). */
export interface LogCut {
  readonly at: number;
  readonly from: LogIndex;
  readonly last: LogIndex;
  /** As the log stood there. */
  readonly runs: readonly Run[];
}

/** Does the node run and hold itself for the leader? */
export function isLeading({ life, state }: NodeSeen): boolean {
  return (life === 'running' || life === 'paused') && state?.role === 'leader';
}

/** The role that is seen: of a node that does not run, none. */
export function roleOf({ life, state, isVoter }: NodeSeen): Role {
  if (life !== 'running' && life !== 'paused') return 'dead';
  return state?.role ?? (isVoter ? 'follower' : 'learner');
}

export function termOf(node: NodeSeen | null): Term {
  return node?.state?.term ?? -1;
}

/** The term of the entry at an index; null where none was told. */
export function termAt({ runs, last }: ObservedState['log'], index: LogIndex): Term | null {
  if (index > last) return null;
  return runs.findLast(([first]) => first <= index)?.[1] ?? null;
}

/** How much of the election timeout is over at a moment, from 0 to 1; null where no timer runs. */
export function timerShare(node: NodeSeen, at: number): number | null {
  const { life, state, timerSince } = node;
  if (life !== 'running' || state === null || state.timer.timeoutMs <= 0) return null;
  if (state.role === 'leader' || state.role === 'dead') return null;
  return Math.min(1, Math.max(0, (at - timerSince) / state.timer.timeoutMs));
}

const nothing: Levels = { last: 0, commit: 0, height: 0 };

/** A node that has told nothing yet. */
export function unseen(id: NodeId, isVoter: boolean): NodeSeen {
  return {
    id,
    isVoter,
    life: 'running',
    lifeSince: null,
    state: null,
    timerSince: 0,
    roleSince: null,
    levels: nothing,
    cut: null,
  };
}

/** The node after one of its steps; itself where nothing changed. */
export function nodeAfter(node: NodeSeen, step: NodeStep): NodeSeen {
  switch (step.kind) {
    case 'life':
      if (step.life === node.life) return node;
      return {
        ...node,
        life: step.life,
        lifeSince: step.at,
        // A new life has a memory of its own, and will tell of it.
        state: node.life === 'crashed' ? null : node.state,
      };
    case 'stand': {
      const { state, at } = step;
      const isAnew = state.role !== node.state?.role;
      const roleSince = node.state === null ? null : isAnew ? at : node.roleSince;
      const levels = node.state === null ? nothing : node.levels;
      return { ...node, state, timerSince: at - state.timer.elapsedMs, roleSince, levels };
    }
    default:
      return step.change === undefined || node.state === null
        ? node
        : nodeChanged(node, node.state, step.change, step.at);
  }
}

function nodeChanged(node: NodeSeen, state: ObservedState, change: ObservedChange, at: number): NodeSeen {
  const { timeoutMs, heardLeader, log, links, linksClosed = [], ...rest } = change;
  const isAnew = change.role !== undefined && change.role !== state.role;
  return {
    ...node,
    state: {
      ...state,
      ...rest,
      log: log === undefined ? state.log : logAfter(state.log, log),
      links: linksAfter(state.links, links, linksClosed, change.role ?? state.role),
      timer: timeoutMs === undefined ? state.timer : { timeoutMs, elapsedMs: 0 },
    },
    timerSince: timeoutMs === undefined && heardLeader === undefined ? node.timerSince : at,
    roleSince: isAnew ? at : node.roleSince,
    cut: log === undefined ? node.cut : (cutBy(state.log, log, at) ?? node.cut),
  };
}

function logAfter(
  before: ObservedState['log'],
  { last, runs, begins = before.begins }: ObservedState['log'],
): ObservedState['log'] {
  const from = runs[0]?.[0] ?? last + 1;
  const kept = before.runs.filter(([first]) => first < from);
  const isJoined = kept.at(-1)?.[1] === runs[0]?.[1];
  const all = [...kept, ...(isJoined ? runs.slice(1) : runs)];
  return { last, runs: all, ...(begins === undefined ? {} : { begins }) };
}

function cutBy(
  before: ObservedState['log'],
  { last, runs }: ObservedState['log'],
  at: number,
): LogCut | null {
  const from = runs[0]?.[0] ?? last + 1;
  return from > before.last ? null : { at, from, last: before.last, runs: before.runs };
}

function linksAfter(
  before: ObservedState['links'],
  changed: ObservedChange['links'],
  closed: readonly NodeId[],
  role: Role,
): ObservedState['links'] {
  if (role !== 'leader') return before.length === 0 ? before : [];
  if (changed === undefined && closed.length === 0) return before;
  const left = before.filter(({ peer }) => !closed.includes(peer));
  const links = new Map(left.map((link) => [link.peer, link]));
  for (const { transition: _, ...link } of changed ?? []) links.set(link.peer, link);
  return [...links.values()].sort((a, b) => a.peer - b.peer);
}
