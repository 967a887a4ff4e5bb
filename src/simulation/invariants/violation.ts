import type { NodeId } from '../../raft/entry.js';

/** Something happened that must never happen. The run is over. */
export class Violation extends Error {
  /** The invariant's name, as its source has it. */
  readonly invariant: string;
  readonly node: NodeId | null;

  constructor(invariant: string, node: NodeId | null, what: string) {
    super(what);
    this.name = 'Violation';
    this.invariant = invariant;
    this.node = node;
  }
}
