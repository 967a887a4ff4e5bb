import { crc32 } from 'node:zlib';
import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { Applied } from '../world/watched-application.js';
import type { ClusterRecord } from './cluster-record.js';
import type { Observation } from './observation.js';
import { Violation } from './violation.js';

/**
 * If a server has applied a log entry at a given index to its state machine, no other server will ever apply a
 * different log entry for the same index. (Figure 3, State Machine Safety; raft.tla: StateMachineSafety) Nor does a
 * deterministic state machine answer differently.
 */
export function stateMachineSafety(id: NodeId, applied: Applied, cluster: ClusterRecord): void {
  const { index, term } = applied;
  const command = crc32(applied.command);
  const result = crc32(applied.result);
  const known = cluster.applied[index];
  if (known === undefined) cluster.applied[index] = { term, command, result };
  else if (known.term !== term || known.command !== command) {
    throw new Violation(
      'StateMachineSafety',
      id,
      `Node ${id} applied a command of term ${term} at index ${index}, and another one of term ${known.term} was applied there.`,
    );
  } else if (known.result !== result) {
    throw new Violation(
      'StateMachineSafety',
      id,
      `Node ${id} applied the command at index ${index} as others did, and got another result.`,
    );
  }
}

/** Each state machine is fed commands in the order of the log, each once, leaving none out. (§5.3, Rules for Servers) */
export function appliesInOrder(
  id: NodeId,
  previous: LogIndex,
  { index }: Applied,
  cluster: ClusterRecord,
): void {
  let next = previous + 1;
  while (next < index && cluster.committedAt(next)?.hasEffect === false) next++;
  if (next === index || cluster.committedAt(next) === undefined) {
    if (index > previous) return;
  }
  throw new Violation(
    'AppliesInOrder',
    id,
    `Node ${id} applied entry ${index} after entry ${previous}, when entry ${next} was due.`,
  );
}

/**
 * Each state machine is given each command that has an effect, once, and nothing else: what a client sends again within
 * its session is passed over, and so is what comes after the session has expired, by the time that the log says. (thesis
 * §6.3; §8)
 *
 * @param applied what this node's state machine was given in this step
 * @param restored the entry that its state was restored to in this step, or 0
 */
export function appliesEachCommandOnce(
  { id, replica, before }: Observation,
  cluster: ClusterRecord,
  applied: readonly LogIndex[],
  restored: LogIndex,
): void {
  const given = new Set(applied);
  const from = Math.max(before?.lastApplied ?? 0, restored) + 1;
  for (let index = from; index <= replica.lastApplied; index++) {
    const isToBeGiven = cluster.committedAt(index)?.hasEffect === true;
    if (given.has(index) === isToBeGiven) continue;
    throw new Violation(
      'AppliesEachCommandOnce',
      id,
      isToBeGiven
        ? `Node ${id} passed entry ${index} over, which has not been applied before.`
        : `Node ${id} applied entry ${index}, which is a repetition, or of a session that is over.`,
    );
  }
}

/** What a client is told was done is what was done, and stays: at that index, in that term, with that result. (§8) */
export function answeredWasApplied(
  id: NodeId,
  answer: {
    readonly index: LogIndex;
    readonly term: Term;
    readonly command: Uint8Array;
    readonly result: Uint8Array;
  },
  cluster: ClusterRecord,
): void {
  const applied = cluster.applied[answer.index];
  if (
    applied?.term === answer.term &&
    applied.command === crc32(answer.command) &&
    applied.result === crc32(answer.result)
  ) {
    return;
  }
  throw new Violation(
    'AnsweredWasApplied',
    id,
    `Node ${id} answered that a command was applied at index ${answer.index} in term ${answer.term}, and ${applied === undefined ? 'nothing' : `another one (term ${applied.term}), or with another result,`} was.`,
  );
}
