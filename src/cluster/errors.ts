import { ClosedError, ConclaveError } from '../ground/errors.js';
import { messageOf } from '../ground/thrown.js';
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

/** The directory's logs were made by other voters. Nothing was changed. */
export class WrongMembersError extends ConclaveError {
  /** Whose logs they are. */
  readonly voters: readonly NodeId[];

  constructor(directory: string, found: readonly NodeId[], wanted: readonly NodeId[]) {
    super(
      'WRONG_MEMBERS',
      `The logs in ${directory} belong to a cluster whose voters are ${found.join(', ')}; these are ${wanted.join(', ')}. Other voters could undo what is committed: start it with those again, or choose another directory.`,
    );
    this.voters = found;
  }
}

/** A thread ended without saying why. */
export class ThreadEndedError extends ConclaveError {
  constructor(what: string, cause: unknown) {
    super('THREAD_ENDED', `${what} ended unexpectedly: ${messageOf(cause)}.`, { cause });
  }
}

/**
 * A thread does not end though it was killed: it hangs outside JavaScript, in a system call or a native library.
 * Its files may still be written, and the process cannot exit by itself before it returns.
 */
export class ThreadStuckError extends ConclaveError {
  constructor(nodeId: NodeId) {
    super(
      'THREAD_STUCK',
      `The thread of node ${nodeId} hangs in a system call or native code and cannot be ended. Do not open its directory again before this process is gone: if it does not exit, end it with kill -9.`,
    );
  }
}

/** The cluster closed itself, because what it cannot do without died: the cause. */
export class ClusterFailedError extends ClosedError {
  constructor(cause: Error) {
    super('The cluster', `failed and closed itself: ${cause.message}`, { cause });
  }
}
