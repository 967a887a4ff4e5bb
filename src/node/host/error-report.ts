import {
  ApplicationError,
  ConclaveError,
  NotLeaderError,
  OutcomeUnknownError,
  type ReportedClass,
} from '../../ground/errors.js';
import { cropped, messageOf } from '../../ground/thrown.js';
import type { NodeId, Term } from '../../raft/entry.js';
import {
  DirectoryLockedError,
  InvalidBatchError,
  LogLostError,
  NotRecoveredError,
  StorageFailedError,
  UnknownFormatError,
  UnreadableLogError,
  WalDamagedError,
  WrongClusterError,
  WrongKeyError,
  WrongNodeError,
} from '../../storage/errors.js';

/** An error on its way to another thread. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly leaderId?: NodeId | null;
  readonly term?: Term;
  /** Where it was thrown, and where its causes were; of rare errors alone. */
  readonly stack?: string;
  /** What else the error says, by the names of its fields. */
  readonly details?: Readonly<Record<string, string | number>>;
  /** What it came of, where that is an error of Conclave's. Without stacks: many are told of one cause. */
  readonly cause?: Pick<ErrorReport, 'code' | 'message' | 'details'>;
}

/** Causes of causes that are told of. */
const causesMax = 5;
const unexpected = 'UNEXPECTED';
const codeLengthMax = 64;
const stackLengthMax = 16 * 1024;
const detailsMax = 16;

const storageClasses: ReadonlyMap<string, ReportedClass> = new Map<string, ReportedClass>([
  ['DIRECTORY_LOCKED', DirectoryLockedError],
  ['LOG_LOST', LogLostError],
  ['WRONG_NODE', WrongNodeError],
  ['WRONG_CLUSTER', WrongClusterError],
  ['WRONG_KEY', WrongKeyError],
  ['UNKNOWN_FORMAT', UnknownFormatError],
  ['UNREADABLE_LOG', UnreadableLogError],
  ['WAL_DAMAGED', WalDamagedError],
  ['STORAGE_FAILED', StorageFailedError],
  ['INVALID_BATCH', InvalidBatchError],
  ['NOT_RECOVERED', NotRecoveredError],
]);

/** An error as it travels to another thread. One of an application's may be of any shape, and throw when it is read. */
export function reportOf(error: unknown): ErrorReport {
  try {
    return described(error);
  } catch {
    return { code: unexpected, message: messageOf(error) };
  }
}

function described(error: unknown): ErrorReport {
  if (error instanceof NotLeaderError) {
    return { code: error.code, message: error.message, leaderId: error.leaderId, term: error.term };
  }
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return {
    code: typeof code === 'string' ? cropped(code, codeLengthMax) : unexpected,
    message: messageOf(error),
    ...(isOthersFault(error) ? { stack: stackOf(error) } : {}),
    ...(error instanceof ConclaveError ? { details: detailsOf(error) } : {}),
    ...(error instanceof OutcomeUnknownError && error.cause instanceof ConclaveError
      ? { cause: summaryOf(error.cause) }
      : {}),
  };
}

function summaryOf(error: ConclaveError): NonNullable<ErrorReport['cause']> {
  return { code: error.code, message: messageOf(error), details: detailsOf(error) };
}

/** The error again, an instance of the class that its code belongs to. */
export function errorOf(report: ErrorReport): ConclaveError {
  const { code, message, leaderId = null, term = 0 } = report;
  if (code === 'NOT_LEADER') return NotLeaderError.reportedWith(message, leaderId, term);
  const error = Object.assign(
    ConclaveError.reported(code, message, storageClasses.get(code)),
    report.details,
  );
  if (report.stack !== undefined) error.stack = report.stack;
  if (report.cause !== undefined) {
    Object.defineProperty(error, 'cause', {
      value: errorOf(report.cause),
      configurable: true,
      writable: true,
    });
  }
  return error;
}

/** Was it thrown by, or because of, code that is not Conclave's? Then its reader wants to know where. */
function isOthersFault(error: unknown): error is Error {
  return error instanceof Error && (error instanceof ApplicationError || !(error instanceof ConclaveError));
}

function stackOf(error: Error): string {
  const stacks: string[] = [];
  for (let at: unknown = error; at instanceof Error && stacks.length < causesMax; at = at.cause) {
    stacks.push(typeof at.stack === 'string' ? at.stack : messageOf(at));
  }
  return cropped(stacks.join('\nCaused by: '), stackLengthMax);
}

/** Own fields that are plain, such as the process that holds a lock; none whose name an error has a use for. */
function detailsOf(error: ConclaveError): Record<string, string | number> {
  const details: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(error).slice(0, detailsMax)) {
    if (name === 'code' || name === 'stack' || name in ConclaveError.prototype) continue;
    if (typeof value === 'string') details[name] = cropped(value);
    else if (typeof value === 'number') details[name] = value;
  }
  return details;
}
