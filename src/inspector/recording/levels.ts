import type { Configuration } from '../../raft/configuration.js';
import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { Levels, NodeSeen } from './node-seen.js';

/*
 * A busy node tells in slices how far it has come, and two nodes' slices do not end at the same moment: a follower may
 * seem to have what its leader has not appended yet. So nobody is shown further than what is shown of others allows:
 *
 *     the leader appends ─► followers store ─► the leader commits, a majority having it ─► followers commit ─► each applies
 *
 * Where every event was told by itself, in causal order, this holds nobody back.
 */

/** How far each node is shown to have come; those alone that stand otherwise than before. */
export function levelsOf(
  nodes: ReadonlyMap<NodeId, NodeSeen>,
  configuration: Configuration,
): Map<NodeId, Levels> {
  const leaders = leadersOf(nodes);
  const lasts = new Map<NodeId, LogIndex>();
  for (const node of nodes.values()) lasts.set(node.id, lastOf(node, leaders));
  const commits = new Map<Term, LogIndex>();
  for (const [term, leader] of leaders)
    commits.set(term, commitOf(leader, quorumHas(nodes, configuration, lasts)));
  const levels = new Map<NodeId, Levels>();
  for (const node of nodes.values()) {
    const { state, levels: before } = node;
    if (state === null) continue;
    const last = lasts.get(node.id) ?? 0;
    const leader = leaders.get(state.term);
    const commit = leader === node ? (commits.get(state.term) ?? 0) : commitOf(node, commits.get(state.term));
    const reached = Math.min(commit, last);
    const height = Math.min(state.height, reached);
    if (before.last === last && before.commit === reached && before.height === height) continue;
    levels.set(node.id, { last, commit: reached, height });
  }
  return levels;
}

function leadersOf(nodes: ReadonlyMap<NodeId, NodeSeen>): Map<Term, NodeSeen> {
  const leaders = new Map<Term, NodeSeen>();
  for (const node of nodes.values()) {
    if (node.state?.role === 'leader' && !isGone(node)) leaders.set(node.state.term, node);
  }
  return leaders;
}

/** Entries of a term are its leader's: while that is in office, nobody has them before it. */
function lastOf({ id, state, levels }: NodeSeen, leaders: ReadonlyMap<Term, NodeSeen>): LogIndex {
  if (state === null) return 0;
  const { last, runs } = state.log;
  const leader = leaders.get(state.term);
  const isItsLeaders = leader !== undefined && leader.id !== id && runs.at(-1)?.[1] === state.term;
  return isItsLeaders ? held(last, levels.last, leader.state?.log.last) : last;
}

function commitOf({ state, levels }: NodeSeen, max: LogIndex | undefined): LogIndex {
  return state === null ? 0 : held(state.commitIndex, levels.commit, max);
}

/** What was told, if it is not more than may be; what was shown before is not taken back for that. */
function held(told: number, before: number, max: number | undefined): number {
  return told <= before || max === undefined ? told : Math.max(before, Math.min(told, max));
}

/** The highest index that a quorum has. Of one that is gone nobody knows how far it had come. */
function quorumHas(
  nodes: ReadonlyMap<NodeId, NodeSeen>,
  configuration: Configuration,
  lasts: ReadonlyMap<NodeId, LogIndex>,
): LogIndex {
  return configuration.reached((id) => {
    const node = nodes.get(id);
    const isUnknown = node === undefined || node.state === null || isGone(node);
    return isUnknown ? Number.POSITIVE_INFINITY : (lasts.get(id) ?? 0);
  });
}

/** How far it has come since it was last heard nobody knows. */
function isGone({ life }: NodeSeen): boolean {
  return life === 'crashed' || life === 'unreachable';
}
