import { ConclaveError, NotLeaderError } from '../../errors.js';
import type { ErrorReport } from './protocol.js';

/** An error as it travels to another thread. */
export function reportOf(error: unknown): ErrorReport {
  if (error instanceof NotLeaderError) {
    return { code: error.code, message: error.message, leaderId: error.leaderId, term: error.term };
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | null)?.code;
  return { code: typeof code === 'string' ? code : 'UNEXPECTED', message };
}

/** The error again, an instance of the class that its code belongs to. */
export function errorOf(report: ErrorReport): ConclaveError {
  const { code, message, leaderId = null, term = 0 } = report;
  if (code === 'NOT_LEADER') return NotLeaderError.reportedWith(message, leaderId, term);
  return ConclaveError.reported(code, message);
}
