import { requireBytes } from '../../application/contract.js';
import { ApplicationError, type ConclaveError, NotLeaderError, TooStaleError } from '../../ground/errors.js';
import { messageOf } from '../../ground/thrown.js';
import type { LogIndex } from '../../raft/entry.js';
import { ReadIndexQueue } from '../../raft/reads.js';
import type { Replica } from '../../raft/replica.js';
import { reportOf } from '../host/error-report.js';
import type { ClientRead, ClientReply, Read } from './client-requests.js';

interface Waiting {
  readonly index: LogIndex;
  readonly read: Read;
}

/** What was asked for together: one index serves all. */
interface Forwarded {
  readonly reads: Read[];
  readonly sentAtMs: number;
}

/**
 * Reads on their way through a node. A leader's: held (its no-op has not committed) → in a round → waiting for
 * the state machine. A follower's: forwarded to the leader → waiting for the state machine. Their number is
 * bounded by `readsMax` at the door.
 */
export class PendingReads {
  readonly rounds = new ReadIndexQueue<Read>();
  readonly #replica: Replica;
  readonly #query: (query: Uint8Array) => Uint8Array;
  #held: Read[] = [];
  #waiting: Waiting[] = [];
  readonly #forwarded = new Map<number, Forwarded>();
  #forwardedSize = 0;
  /** The question that has not left yet. */
  #gathering: Forwarded | null = null;
  /** They come again in the node's next life; frames that are for this one are not heard there. */
  #nextRequest = 1;

  constructor(replica: Replica, query: (query: Uint8Array) => Uint8Array) {
    this.#replica = replica;
    this.#query = query;
  }

  get size(): number {
    return this.#held.length + this.rounds.size + this.#waiting.length + this.#forwardedSize;
  }

  hold(read: Read): void {
    this.#held.push(read);
  }

  takeHeld(): Read[] {
    return this.#held.splice(0);
  }

  /**
   * Remembers a read whose index the leader is asked for, and returns the number to ask under; null when a question that
   * has not left yet will do for it, too.
   */
  forward(read: Read, nowMs: number): number | null {
    this.#forwardedSize++;
    if (this.#gathering !== null) {
      this.#gathering.reads.push(read);
      return null;
    }
    const request = this.#nextRequest++;
    this.#gathering = { reads: [read], sentAtMs: nowMs };
    this.#forwarded.set(request, this.#gathering);
    return request;
  }

  /** What was asked leaves now: an index that is noted for it may be older than what is read from now on. */
  questionsLeave(): void {
    this.#gathering = null;
  }

  takeForwarded(request: number): readonly Read[] {
    const forwarded = this.#forwarded.get(request);
    if (forwarded === undefined) return [];
    this.#forwarded.delete(request);
    this.#forwardedSize -= forwarded.reads.length;
    if (forwarded === this.#gathering) this.#gathering = null;
    return forwarded.reads;
  }

  /** Refuses the forwarded reads that were sent before `momentMs`: the question or its answer was lost. */
  expireForwarded(momentMs: number): void {
    for (const [request, { sentAtMs }] of this.#forwarded) {
      if (sentAtMs >= momentMs) return;
      for (const read of this.takeForwarded(request)) this.refuse(read);
    }
  }

  /** Serves the read as soon as everything through `index` is applied. */
  serveAt(index: LogIndex, read: Read): void {
    this.#waiting.push({ index, read });
  }

  /** Serves the reads whose index the state machine has reached. */
  serveApplied(): void {
    if (this.#waiting.length === 0) return;
    const { lastApplied } = this.#replica;
    const due = this.#waiting.filter((waiting) => waiting.index <= lastApplied);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => waiting.index > lastApplied);
    for (const { read } of due) this.answer(read);
  }

  /** Answers from the state machine as it stands. */
  answer(read: Read): void {
    if (read.kind === 'client') read.reply(this.#answerTo(read));
  }

  /** Answers from the state machine as it stands, which is so old, if that will do. */
  answerStale(read: Read, ageMs: number | null): void {
    if (read.kind !== 'client') return;
    const { maxStaleMs = Number.POSITIVE_INFINITY } = read;
    const isTooOld = maxStaleMs < (ageMs ?? Number.POSITIVE_INFINITY);
    if (isTooOld) this.refuse(read, new TooStaleError(this.#replica.id, ageMs, maxStaleMs));
    else read.reply(this.#answerTo(read, { ageMs }));
  }

  #answerTo({ request, query }: ClientRead, age: { readonly ageMs?: number | null } = {}): ClientReply {
    try {
      const result = requireBytes('query', this.#query(query));
      return { type: 'answer', request, result, index: this.#replica.lastApplied, ...age };
    } catch (cause) {
      const text = `The application could not answer the query: ${messageOf(cause)}`;
      const error = new ApplicationError(text, { cause });
      return { type: 'readRefused', request, error: reportOf(error) };
    }
  }

  /** Says that this node cannot confirm the read; asking again is always safe. */
  refuse(read: Read, error: ConclaveError = this.#notLeader()): void {
    if (read.kind === 'client') {
      read.reply({ type: 'readRefused', request: read.request, error: reportOf(error) });
    } else if (read.kind === 'own') read.refused(error);
  }

  /** A leader leaves office: what it has not confirmed it can no longer confirm. */
  refuseUnconfirmed(): void {
    for (const read of [...this.takeHeld(), ...this.rounds.takeAll()]) this.refuse(read);
  }

  refuseForwarded(): void {
    this.expireForwarded(Number.POSITIVE_INFINITY);
  }

  /** The node falls silent: every read is refused with `error`. */
  refuseAll(error: ConclaveError): void {
    const forwarded = [...this.#forwarded.keys()].flatMap((request) => this.takeForwarded(request));
    const waiting = this.#waiting.map(({ read }) => read);
    this.#waiting = [];
    const reads = [...this.takeHeld(), ...this.rounds.takeAll(), ...forwarded, ...waiting];
    for (const read of reads) this.refuse(read, error);
  }

  #notLeader(): NotLeaderError {
    return new NotLeaderError(this.#replica.id, this.#replica.leaderId, this.#replica.currentTerm);
  }
}
