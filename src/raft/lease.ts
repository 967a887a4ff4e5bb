import type { LogIndex } from './entry.js';

/** What is to be believed of clocks, for leases. */
export interface LeaseOptions {
  /** Over any time, a clock runs faster or slower than true time by this part at most: 0.05 is five in a hundred. */
  readonly clockDriftMax: number;
}

/*
 * Reads without a round of messages: the log is the lease (LeaseGuard; Davis, Demirbas, Deng 2025). An entry that a leader
 * appended and that is committed lets it answer reads by itself for a time from the moment it was appended. Whoever is
 * elected has that entry (Leader Completeness), and commits nothing before that time is over: it counts it from when it
 * last heard a leader, which cannot have been before the entry was made. So nobody can have been told of anything that
 * the old leader lacks while the old leader still answers.
 *
 *     old leader   append e ────── committed ══ answers reads by its lease ══╡          its clock: the shorter time
 *     new leader        └─► hears of e ── … ── elected ── appends ────────────── commits its clock: the whole time
 *
 * The other lease there is (thesis §6.4.1) lives in the voters' promise to elect nobody for a while after a heartbeat. It
 * binds votes, across restarts and terms, and is broken by each way to be elected sooner, such as a transfer. This one
 * binds nothing but the new leader's own commits: elections are as they were. Its price is an entry now and then where
 * nothing is written, only while reads ask for it. What both assume is that clocks drift within a bound, and go on: one
 * that stands still while its machine sleeps, or jumps, is beyond it.
 */
export class Lease {
  readonly #options: LeaseOptions | null;
  /** How long a leader's last entries bind the next leader: nobody is elected sooner unless told to stand. */
  readonly #bindsMs: number;
  /** How long a leader may answer by an entry, on its own clock: the next one's may be the faster by as much as can be. */
  readonly #lastsMs: number;
  /** From when on this node may have been bound: it knows of nothing before it started. */
  readonly #startedAtMs: number;
  #waitsUntilMs = Number.NEGATIVE_INFINITY;
  /** What it has appended as a leader and does not know to be committed, and when: oldest first. */
  #appended: { readonly index: LogIndex; readonly atMs: number }[] = [];
  #appendedAtMs = Number.NEGATIVE_INFINITY;
  #endsAtMs = Number.NEGATIVE_INFINITY;

  /** @param options null: there are no leases, and nobody waits for one. */
  constructor(options: LeaseOptions | null, electionTimeoutMsMin: number, nowMs: number) {
    const { clockDriftMax } = options ?? { clockDriftMax: 0 };
    this.#options = options;
    this.#bindsMs = electionTimeoutMsMin;
    this.#lastsMs = (electionTimeoutMsMin * (1 - clockDriftMax)) / (1 + clockDriftMax);
    this.#startedAtMs = nowMs;
  }

  /** This node is elected. @param leaderHeardAtMs when it last heard a leader. */
  begin(leaderHeardAtMs: number): void {
    this.end();
    if (this.#options === null) return;
    this.#waitsUntilMs = Math.max(this.#startedAtMs, leaderHeardAtMs, this.#appendedAtMs) + this.#bindsMs;
  }

  /** It has appended entries as the leader. */
  appended(lastIndex: LogIndex, nowMs: number): void {
    if (this.#options === null) return;
    this.#appendedAtMs = nowMs;
    if (this.#appended.at(-1)?.atMs === nowMs) this.#appended.pop();
    this.#appended.push({ index: lastIndex, atMs: nowMs });
  }

  /** Its entries through `commitIndex` are committed. */
  committed(commitIndex: LogIndex): void {
    let passed = 0;
    for (const { index, atMs } of this.#appended) {
      if (index > commitIndex) break;
      this.#endsAtMs = atMs + this.#lastsMs;
      passed++;
    }
    this.#appended.splice(0, passed);
  }

  /** It leads no more, or gives up what it could answer by. */
  end(): void {
    this.#appended = [];
    this.#endsAtMs = Number.NEGATIVE_INFINITY;
  }

  /** How long this leader has to wait before it commits anything. */
  remainingMs(nowMs: number): number {
    return Math.max(0, this.#waitsUntilMs - nowMs);
  }

  /** May this leader answer a read by itself? */
  isHeld(nowMs: number): boolean {
    return nowMs < this.#endsAtMs;
  }

  /** Is it time to append something, so that it may do so for longer? */
  isToBeRenewed(nowMs: number): boolean {
    return (
      this.#options !== null && this.#appended.length === 0 && this.#endsAtMs - nowMs < this.#lastsMs / 2
    );
  }
}
