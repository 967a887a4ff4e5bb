import { crc32 } from 'node:zlib';
import type { LogIndex, NodeId } from '../../raft/entry.js';
import { Violation } from './violation.js';

/**
 * A linearizable read shows a state no older than what was committed anywhere when it was asked. (thesis §6.4, §8)
 *
 * @param committedBefore how much was committed when the question arrived at the node
 */
export function readIndexIsCurrent(id: NodeId, index: LogIndex, committedBefore: LogIndex): void {
  if (index >= committedBefore) return;
  throw new Violation(
    'ReadIndexIsCurrent',
    id,
    `Node ${id} answered a linearizable read from the state at index ${index}, when index ${committedBefore} had been committed before it was asked.`,
  );
}

/** A command that was refused as certainly without effect is never applied. (§8: the client will send it again) */
export class RefusedCommands {
  readonly #refused = new Map<number, NodeId>();

  refused(id: NodeId, command: Uint8Array): void {
    this.#refused.set(crc32(command), id);
  }

  /** The client sends it again: it may take effect from now on. */
  sentAgain(command: Uint8Array): void {
    this.#refused.delete(crc32(command));
  }

  refusedWasNotApplied(id: NodeId, command: Uint8Array, index: LogIndex): void {
    const refusedBy = this.#refused.get(crc32(command));
    if (refusedBy === undefined) return;
    throw new Violation(
      'RefusedWasNotApplied',
      id,
      `Node ${id} applied at index ${index} a command that node ${refusedBy} had refused as certainly without effect.`,
    );
  }
}
