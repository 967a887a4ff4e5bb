import { ApplicationError, ConclaveError, NotLeaderError, type ReportedClass } from '../../ground/errors.js';
import {
  DirectoryLockedError,
  InvalidBatchError,
  LogLostError,
  NotRecoveredError,
  StorageFailedError,
  UnknownFormatError,
  WalDamagedError,
  WrongClusterError,
  WrongNodeError,
} from '../../storage/errors.js';
import type { ErrorReport } from './protocol.js';

/** Causes of causes that are told of. */
const causesMax = 5;

const storageClasses: Readonly<Record<string, ReportedClass>> = {
  DIRECTORY_LOCKED: DirectoryLockedError,
  LOG_LOST: LogLostError,
  WRONG_NODE: WrongNodeError,
  WRONG_CLUSTER: WrongClusterError,
  UNKNOWN_FORMAT: UnknownFormatError,
  WAL_DAMAGED: WalDamagedError,
  STORAGE_FAILED: StorageFailedError,
  INVALID_BATCH: InvalidBatchError,
  NOT_RECOVERED: NotRecoveredError,
};

/** An error as it travels to another thread. */
export function reportOf(error: unknown): ErrorReport {
  if (error instanceof NotLeaderError) {
    return { code: error.code, message: error.message, leaderId: error.leaderId, term: error.term };
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | null)?.code;
  return {
    code: typeof code === 'string' ? code : 'UNEXPECTED',
    message,
    ...(isOthersFault(error) ? { stack: stackOf(error) } : {}),
    ...(error instanceof ConclaveError ? { details: detailsOf(error) } : {}),
  };
}

/** The error again, an instance of the class that its code belongs to. */
export function errorOf(report: ErrorReport): ConclaveError {
  const { code, message, leaderId = null, term = 0 } = report;
  if (code === 'NOT_LEADER') return NotLeaderError.reportedWith(message, leaderId, term);
  const error = Object.assign(ConclaveError.reported(code, message, storageClasses[code]), report.details);
  if (report.stack !== undefined) error.stack = report.stack;
  return error;
}

/** Was it thrown by, or because of, code that is not Conclave's? Then its reader wants to know where. */
function isOthersFault(error: unknown): error is Error {
  return error instanceof Error && (error instanceof ApplicationError || !(error instanceof ConclaveError));
}

function stackOf(error: Error): string {
  const stacks: string[] = [];
  for (let at: unknown = error; at instanceof Error && stacks.length < causesMax; at = at.cause) {
    stacks.push(at.stack ?? at.message);
  }
  return stacks.join('\nCaused by: ');
}

/** Own fields that are plain, such as the process that holds a lock. */
function detailsOf(error: ConclaveError): Record<string, string | number> {
  const details: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(error)) {
    if (name === 'code' || name === 'name') continue;
    if (typeof value === 'string' || typeof value === 'number') details[name] = value;
  }
  return details;
}
