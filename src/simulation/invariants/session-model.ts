import { lengthBytes } from '../../ground/byte-strings.js';
import type { LogIndex } from '../../raft/entry.js';
import type { Run } from '../../raft/run.js';
import { decodeSessionCommand } from '../../wire/sessions.js';

interface ModelledSession {
  readonly timeoutMs: number;
  activeMs: number;
  acknowledged: number;
  readonly applied: Set<number>;
}

/**
 * What the committed log says of sessions, entry by entry and as plainly as can be (thesis §6.3): which entries have an
 * effect, and which are repetitions, or come too late.
 */
export class SessionModel {
  readonly #sessions = new Map<LogIndex, ModelledSession>();
  #timeMs = 0;
  /** How many entries were commands that had been applied before, and how many were of sessions that were over. */
  readonly counts = { repeated: 0, expired: 0 };

  /** The next committed entry. Is the application given it? */
  next(index: LogIndex, { kind, session: first, firstIndex, body }: Run): boolean {
    if (first === undefined) return kind === 'command';
    this.#timeMs = Math.max(this.#timeMs, first.logTimeMs);
    const command = kind === 'session' ? decodeSessionCommand(body.subarray(lengthBytes)) : null;
    if (command?.type === 'open') {
      const { timeoutMs } = command;
      this.#sessions.set(index, { timeoutMs, activeMs: this.#timeMs, acknowledged: 1, applied: new Set() });
      return false;
    }
    const session = this.#sessions.get(first.id);
    if (session === undefined || this.#timeMs - session.activeMs > session.timeoutMs) {
      this.#sessions.delete(first.id);
      this.counts.expired++;
      return false;
    }
    if (command?.type === 'end') this.#sessions.delete(first.id);
    session.activeMs = this.#timeMs;
    session.acknowledged = Math.max(session.acknowledged, first.acknowledged);
    if (command !== null) return false;
    const sequence = first.sequence + index - firstIndex;
    if (sequence < session.acknowledged || session.applied.has(sequence)) {
      this.counts.repeated++;
      return false;
    }
    session.applied.add(sequence);
    return true;
  }
}
