import type { Clock } from '../../ground/clock.js';
import type { Replica } from '../../raft/replica.js';
import type { SessionTable } from '../../raft/sessions.js';

/**
 * The log's own time, by which sessions expire: it goes as the leader's clock goes, from the latest time in its log on.
 * So it never falls along the log, stands still while nobody leads, and asks of no two clocks that they agree; nobody
 * but the leader that appends an entry reads a clock for it.
 */
export class LogTime {
  readonly #clock: Clock;
  readonly #replica: Replica;
  readonly #sessions: SessionTable;
  #baseMs = 0;
  #sinceMs = 0;

  constructor(clock: Clock, replica: Replica, sessions: SessionTable) {
    this.#clock = clock;
    this.#replica = replica;
    this.#sessions = sessions;
  }

  /** This node has been elected: it goes on from the latest time in its log. */
  begin(): void {
    const { log, lastApplied } = this.#replica;
    let latestMs = this.#sessions.logTimeMs;
    for (const { session } of log.range(lastApplied + 1, log.lastIndex)) {
      if (session !== undefined) latestMs = session.logTimeMs;
    }
    this.#baseMs = latestMs;
    this.#sinceMs = this.#clock.now();
  }

  /** The state was restored: a leader goes on from its time, if that is later. */
  catchUp(): void {
    const { id, leaderId } = this.#replica;
    if (leaderId !== id || this.#sessions.logTimeMs <= this.now()) return;
    this.#baseMs = this.#sessions.logTimeMs;
    this.#sinceMs = this.#clock.now();
  }

  /** The time to be written into an entry that this leader appends now, in whole milliseconds. */
  now(): number {
    return this.#baseMs + Math.max(0, Math.floor(this.#clock.now() - this.#sinceMs));
  }
}
