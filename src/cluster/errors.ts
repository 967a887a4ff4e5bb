import { ConclaveError } from '../errors.js';
import type { NodeId } from '../raft/entry.js';

/**
 * A node without a disk crashed, and with it went its log and its votes. Coming back empty, it could vote a second
 * time in one term and help to lose what is committed (§5.2, §5.4), so it stays down.
 */
export class MemoryLostError extends ConclaveError {
  constructor(nodeId: NodeId) {
    super(
      'MEMORY_LOST',
      `Node ${nodeId} kept its log in memory and crashed: restarting it empty could undo what is committed. Start the cluster with storage { kind: 'disk' } to crash and restart nodes, or use stop and revive, which keep the memory.`,
    );
  }
}

/** A thread ended without saying why. */
export class ThreadEndedError extends ConclaveError {
  constructor(what: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super('THREAD_ENDED', `${what} ended unexpectedly: ${reason}.`, { cause });
  }
}
