import type { Clock } from '../../ground/clock.js';
import type { Random } from '../../ground/random.js';
import type { Replica } from '../../raft/replica.js';
import { believesInLeader } from '../../raft/terms.js';
import type { Timings } from '../options.js';

/**
 * The randomised election timeout (§5.2). It is not restarted at every message: it remembers when the leader was
 * heard, and when it fires early it sleeps for what is left.
 */
export class ElectionTimer {
  readonly #replica: Replica;
  readonly #timings: Timings;
  readonly #clock: Clock;
  readonly #random: Random;
  #startedAtMs: number;
  #timeoutMs: number;
  /** How many times the usual spread timeouts are drawn from. */
  #spread = 1;

  constructor(replica: Replica, timings: Timings, clock: Clock, random: Random) {
    this.#replica = replica;
    this.#timings = timings;
    this.#clock = clock;
    this.#random = random;
    this.#startedAtMs = clock.now();
    this.#timeoutMs = this.#draw();
  }

  /** Starts over with a timeout drawn anew. */
  restart(): void {
    this.#startedAtMs = this.#clock.now();
    this.#timeoutMs = this.#draw();
  }

  /**
   * A round of votes was lost: starts over, and draws from twice as wide a range from now on, so that in a large cluster
   * a round has time to end before the next begins. With as many times the usual range as there are voters, the first
   * of them is as soon as one alone would be, so more would serve nobody.
   */
  widen(): void {
    this.#spread = Math.min(this.#spread * 2, this.#replica.configuration.voters.length);
    this.restart();
  }

  /** There is a leader: timeouts are the usual ones again, the one under way too. */
  narrow(): void {
    if (this.#spread === 1) return;
    this.#spread = 1;
    this.restart();
  }

  /** How long until it is due, given when it was started and when a leader was last heard. At least 1 ms. */
  remainingMs(): number {
    // Also when that leader is forgotten for a newer term: all who learn of it would stand at once, and split the vote.
    const since = Math.max(this.#startedAtMs, this.#replica.leaderHeardAtMs);
    return Math.max(1, since + this.#timeoutMs - this.#clock.now());
  }

  /** Drawn when it was started, in milliseconds. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** When it was started, on the node's clock. */
  get startedAtMs(): number {
    return this.#startedAtMs;
  }

  leaderHeardRecently(): boolean {
    return believesInLeader(this.#replica, this.#clock.now(), this.#timeoutMs);
  }

  startedRecently(): boolean {
    return this.#clock.now() - this.#startedAtMs < this.#timeoutMs;
  }

  #draw(): number {
    const { electionTimeoutMsMin, electionTimeoutMsMax } = this.#timings;
    const usualMs = electionTimeoutMsMax - electionTimeoutMsMin;
    // Whoever is preferred is due first, the others only when it has had its time: of two that could win it does.
    const fromMs = electionTimeoutMsMin + usualMs * this.#replica.configuration.rankOf(this.#replica.id);
    return this.#random.between(fromMs, fromMs + usualMs * this.#spread);
  }
}
