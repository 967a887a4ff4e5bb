/**
 * A server has seen what Raft proves impossible. Going on could make state machines diverge, so the node dies.
 */
export class InvariantViolation extends Error {
  readonly code = 'INVARIANT_VIOLATED';

  constructor(message: string) {
    super(`${message} The node stops rather than diverge; keep its disk for inquiry.`);
    this.name = 'InvariantViolation';
  }
}

/** Dies unless the condition, true in every correct run, holds. The message is made only then. */
export function invariant(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new InvariantViolation(message());
}
