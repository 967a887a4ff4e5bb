import type { NodeFailure } from '../client/events.js';
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

  constructor(
    directory: string,
    found: readonly NodeId[],
    wanted: readonly NodeId[],
    advice = 'start it with those again, or choose another directory',
  ) {
    super(
      'WRONG_MEMBERS',
      `The logs in ${directory} belong to a cluster whose voters are ${found.join(', ')}; these are ${wanted.join(', ')}. Other voters could undo what is committed: ${advice}.`,
    );
    this.voters = found;
  }

  /** Nothing tells who voted but the logs that are there: each may be a voter's. */
  static unlisted(
    directory: string,
    file: string,
    found: readonly NodeId[],
    wanted: readonly NodeId[],
  ): WrongMembersError {
    const strangers = found.filter((id) => !wanted.includes(id));
    const [node, directories] =
      strangers.length === 1 ? ['node', 'its directory'] : ['nodes', 'their directories'];
    return new WrongMembersError(
      directory,
      found,
      wanted,
      `start it with those again, or bring back ${file}, which tells who voted and is gone. (If ${node} ${strangers.join(', ')} never voted, but learned, remove ${directories} instead: a learner is sent the log again)`,
    );
  }
}

/** A directory is not there and cannot be made, or something else is in its place. Nothing was changed. */
export class DirectoryUnusableError extends ConclaveError {
  /** @param at what it was that failed: the directory, or one above it */
  constructor(directory: string, at: string, cause: unknown) {
    super(
      'DIRECTORY_UNUSABLE',
      `The directory ${directory} cannot be had: ${obstacle(at, 'make it', cause)}. Choose another, or clear the way for it.`,
      { cause },
    );
  }
}

/** All threads have ended, and a node's directory is still locked: the lock cannot be removed. */
export class LockLeftError extends ConclaveError {
  constructor(directory: string, cause: unknown) {
    super(
      'LOCK_LEFT',
      `The cluster is closed, but the lock in ${directory} cannot be removed: ${obstacle('it', 'remove it', cause)}. Nobody else can open that directory while this process runs; whoever opens it then has to be allowed to write there.`,
      { cause },
    );
  }
}

function obstacle(at: string, what: string, cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  switch (code) {
    case 'ENOTDIR':
    case 'EEXIST':
      return `${at} is a file`;
    case 'EACCES':
    case 'EPERM':
      return `this process has no right to ${what} (${code})`;
    case 'EROFS':
      return `the file system cannot be written (${code})`;
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}

/** What may keep one node from starting and says nothing of the others. */
const codesOfOneNode: ReadonlySet<string> = new Set([
  'DIRECTORY_UNUSABLE',
  'LOG_LOST',
  'STORAGE_FAILED',
  'WAL_DAMAGED',
  'WRONG_NODE',
]);

/** So many nodes could not be started that no majority came together. Nothing is left running. */
export class StartFailedError extends ConclaveError {
  /** What is wrong with each node that failed. */
  readonly failures: readonly NodeFailure[];

  private constructor(failures: readonly NodeFailure[], unheard: readonly NodeId[]) {
    const reasons = failures.map(({ id, error }) => `node ${id}: ${error.message}`);
    const waiting = unheard.map((id) => `node ${id} is still at it.`);
    super(
      'START_FAILED',
      ['Too few nodes can be started for a majority of the voters.', ...reasons, ...waiting].join('\n    '),
    );
    this.failures = failures;
  }

  /**
   * The reason of a start that failed: what all nodes were refused for alike, if it is that, or else each one's.
   * @param unheard nodes that had neither recovered nor failed when it was given up
   */
  static of(failures: readonly NodeFailure[], nodes: number, unheard: readonly NodeId[]): Error {
    const codes = new Set(failures.map(({ error }) => (error instanceof ConclaveError ? error.code : '')));
    const [code = ''] = codes;
    const isCommon = codes.size === 1 && code !== '' && !codesOfOneNode.has(code);
    const [first] = failures;
    const isOfAll = failures.length === nodes && (isCommon || nodes === 1);
    return isOfAll && first !== undefined ? first.error : new StartFailedError(failures, unheard);
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
