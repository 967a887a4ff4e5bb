import { ConclaveError } from '../ground/errors.js';
import { excerpt } from '../ground/printable.js';
import { messageOf } from '../ground/thrown.js';
import type { LogIndex, NodeId, Term } from '../raft/entry.js';
import type { SealMark } from '../wire/log-seal.js';

/** A running process holds the directory. Nothing was read or changed. */
export class DirectoryLockedError extends ConclaveError {
  /** The process that holds it. */
  readonly pid: number;

  constructor(directory: string, pid: number, owner: string) {
    const advice =
      pid === process.pid
        ? 'That is this process itself: close the other cluster or node first. One in a worker thread that was terminated can be closed no more, and its lock ends with the process.'
        : 'Stop it first, or choose another directory.';
    // The owner's name was read from a file.
    const who = excerpt(owner, 100);
    super('DIRECTORY_LOCKED', `The directory ${directory} is in use by process ${pid} (${who}). ${advice}`);
    this.pid = pid;
  }
}

/**
 * The directory is empty, and held the node's log before, or may have. A node that has forgotten whom it voted for and what it
 * acknowledged could vote a second time in a term, and help to elect a leader that lacks what is committed (§5.2, §5.4).
 */
export class LogLostError extends ConclaveError {
  /** @param how it is known to have been there. */
  constructor(directory: string, nodeId: NodeId, how = `was in ${directory} and is gone`) {
    super(
      'LOG_LOST',
      `The log of node ${nodeId} ${how}. Without it the node has forgotten what it promised, and its vote could undo what is committed: bring the directory back as the node left it, not as it was at some time before. Or take the node out of the cluster and add it with nothing: "remove ${nodeId}", then "add ${nodeId}", or "replace ${nodeId} N" by another.`,
    );
  }
}

/** The directory holds another node's log. Nothing was changed. */
export class WrongNodeError extends ConclaveError {
  constructor(file: string, found: NodeId, expected: NodeId) {
    super(
      'WRONG_NODE',
      `${file} belongs to node ${found}, not to node ${expected}. Give every node a directory of its own, and this one its old one.`,
    );
  }
}

/** The directory holds a log of another cluster. Nothing was changed. */
export class WrongClusterError extends ConclaveError {
  constructor(file: string, found: string, expected: string) {
    super(
      'WRONG_CLUSTER',
      `${file} belongs to cluster "${found}", not to "${expected}". Name that cluster, or choose another directory.`,
    );
  }
}

/** The directory holds a log whose entries were sealed under another cipher or key. Nothing was changed. */
export class WrongKeyError extends ConclaveError {
  constructor(what: string, found: SealMark, given: SealMark) {
    const difference =
      found.kind === given.kind
        ? 'another key than any that was given'
        : `the cipher "${found.kind}", and "${given.kind}" was given`;
    super(
      'WRONG_KEY',
      `The entries in ${what} are sealed under ${difference}. Start the node with the cipher and key that it had (one that was replaced belongs among the old keys), or choose another directory.`,
    );
  }
}

/** The log was written by a later version, which lays it out differently. Nothing was changed. */
export class UnknownFormatError extends ConclaveError {
  constructor(file: string, found: number, known: number) {
    super(
      'UNKNOWN_FORMAT',
      `${file} has format version ${found}; this version reads ${known} and those before. Open it with the version that wrote it.`,
    );
  }
}

/** Something that was once durable does not check any more. Nothing was changed. */
export class WalDamagedError extends ConclaveError {
  readonly file: string;
  /** Where in the file, in bytes. */
  readonly offset: number;
  readonly reason: string;

  constructor(file: string, offset: number, reason: string) {
    super(
      'WAL_DAMAGED',
      `${file} is damaged at byte ${offset}: ${reason}. The node does not run, because it may have promised what is lost there; nothing was changed. Restore the directory from a copy that was made since the node last ran: an older one, like an empty directory, forgets what the node promised, and with it the others could undo what is committed.`,
    );
    this.file = file;
    this.offset = offset;
    this.reason = reason;
  }
}

/** What lies on disk is whole, and the node's cipher does not open it. Nothing was changed. */
export class UnreadableLogError extends ConclaveError {
  constructor(nodeId: NodeId, index: LogIndex, term: Term) {
    super(
      'UNREADABLE_LOG',
      `Entry ${index} (term ${term}) of node ${nodeId}’s log cannot be opened: it was written under another cipher or key, or altered. Start the node with the cipher and key that it had; nothing was changed.`,
    );
  }
}

/** A call to the medium failed. Whether its bytes are durable is not known, so the storage takes no more. */
export class StorageFailedError extends ConclaveError {
  constructor(what: string, cause: unknown) {
    super(
      'STORAGE_FAILED',
      `${what} failed: ${reasonOf(cause)} Nothing more is written, for what is durable is not known now; restart the node to recover what is.`,
      { cause },
    );
  }
}

/** A batch leaves a gap in the log, or holds what the format cannot. Nothing of it was written. */
export class InvalidBatchError extends ConclaveError {
  constructor(lastIndex: LogIndex, reason: string) {
    super(
      'INVALID_BATCH',
      `A batch after index ${lastIndex} is not valid: ${reason}. This is a defect of the caller; restart the node to recover what is durable.`,
    );
  }
}

/** A stored snapshot does not check any more. It is given up; the storage goes on with what else it has. */
export class SnapshotDamagedError extends ConclaveError {
  /** The entry that it ends with. */
  readonly index: LogIndex;

  constructor(what: string, index: LogIndex, reason: string) {
    super(
      'SNAPSHOT_DAMAGED',
      `The snapshot of entry ${index} in ${what} is damaged: ${reason}. The node goes on from the one before, if there is one and the log that follows it.`,
    );
    this.index = index;
  }
}

/** A snapshot, or what is to be done with the log beside it, does not fit what is stored. Nothing was changed. */
export class InvalidSnapshotError extends ConclaveError {
  constructor(reason: string) {
    super(
      'INVALID_SNAPSHOT',
      `The storage was asked for what would leave a gap: ${reason}. This is a defect of the caller; restart the node to recover what is durable.`,
    );
  }
}

/** A storage was used before what it holds was read back. Nothing was written. */
export class NotRecoveredError extends ConclaveError {
  constructor() {
    super('NOT_RECOVERED', 'The storage has not been recovered yet. Call recover() before anything else.');
  }
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const message = messageOf(cause);
  switch (code) {
    case 'ENOSPC':
      return `the disk is full (${message}). Free some space.`;
    case 'EDQUOT':
      return `the disk quota is used up (${message}). Raise it or free some space.`;
    case 'EIO':
      return `the disk reports an input/output error (${message}). Check the medium.`;
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return `the directory cannot be written (${message}). Check its permissions.`;
    default:
      return `${message}.`;
  }
}
