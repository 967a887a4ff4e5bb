import type { ReadOptions } from '../ground/call-options.js';
import { type ConclaveError, NodeDeadError } from '../ground/errors.js';
import { aborted, onAbort, timeoutMsDefault } from '../ground/waiting.js';
import type { Answered, Consistency, ReplyOf } from '../node/clients/client-requests.js';
import { errorOf } from '../node/host/error-report.js';
import type { NodeId } from '../raft/entry.js';
import { type Call, noAnswer, type Settle } from './calls.js';
import type { CallNews, SessionHost, SessionLimits } from './session-host.js';

interface Read extends Call<Answered> {
  readonly query: Uint8Array;
  readonly consistency: Consistency;
  readonly maxStaleMs: number | undefined;
  readonly only: NodeId | null;
  /** Its number in the node's answer while it is with one. */
  request: number;
  sentTo: NodeId | null;
  isOver: boolean;
  /** No longer hears whether it is aborted. */
  forget: (() => void) | null;
}

/** The reads of a session: asked again as often as need be, for asking changes nothing. */
export class SessionReads {
  readonly #host: SessionHost;
  readonly #limits: SessionLimits;
  readonly #news: CallNews;
  readonly #sent = new Map<number, Read>();
  /** How many of those each node has. */
  readonly #loads = new Map<NodeId, number>();
  /** For the leader. */
  #waiting: Read[] = [];
  /** For one node, or any. */
  #directed: Read[] = [];
  /** Directed reads that were refused: asked again after a pause. */
  #postponed: Read[] = [];
  #pause: unknown = null;
  #aborted: Read[] = [];
  #nextRequest = 0;
  #count = 0;
  #bytes = 0;

  constructor(host: SessionHost, limits: SessionLimits, news: CallNews) {
    this.#host = host;
    this.#limits = limits;
    this.#news = news;
  }

  /** How many are under way. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many more of `bytes` each can be taken; one of any size while there is none. */
  roomFor(bytes: number): number {
    if (this.#count === 0) return this.#limits.readsMax;
    const { readsMax, readsBytesMax } = this.#limits;
    const fitting = bytes === 0 ? readsMax : Math.floor((readsBytesMax - this.#bytes) / bytes);
    return Math.min(readsMax - this.#count, fitting);
  }

  /** Is there anything that a node could be asked? */
  get anyWaits(): boolean {
    return this.#waiting.length + this.#directed.length > 0;
  }

  add(query: Uint8Array, settle: Settle<Answered>, options: ReadOptions, deadlineMs: number): void {
    const { timeoutMs = timeoutMsDefault, signal, maxStaleMs } = options;
    const { consistency = 'linearizable', node: only = null } = options;
    this.#count++;
    this.#bytes += query.length;
    const read: Read = {
      query,
      consistency,
      maxStaleMs,
      only,
      timeoutMs,
      deadlineMs,
      signal,
      settle,
      request: -1,
      sentTo: null,
      isOver: false,
      forget: null,
    };
    if (signal !== undefined) {
      read.forget = onAbort(signal, () => {
        this.#aborted.push(read);
        this.#news.turnDue();
      });
    }
    this.#wait(read);
  }

  sendDirected(): void {
    const directed = this.#directed;
    this.#directed = [];
    for (const read of directed) {
      const node = read.only ?? this.#host.anyNode();
      if (node !== null && !this.#hasRoom(node)) {
        this.#directed.push(read);
        continue;
      }
      if (node !== null && this.#send(node, read)) continue;
      if (read.only === null) this.#postpone(read);
      else this.#fail(read, new NodeDeadError(read.only, 'has crashed'));
    }
  }

  /** False if nobody is there to hear. */
  sendWaiting(leaderId: NodeId): boolean {
    const waiting = this.#waiting;
    let sent = 0;
    while (sent < waiting.length && this.#hasRoom(leaderId) && this.#send(leaderId, waiting[sent] as Read))
      sent++;
    if (sent > 0) this.#waiting = waiting.slice(sent);
    return this.#waiting.length === 0 || !this.#hasRoom(leaderId);
  }

  answered({ request, result, index, ageMs }: ReplyOf<'answer'>): void {
    const read = this.#take(request);
    if (read === null) return;
    this.#over(read);
    read.settle.resolve(ageMs === undefined ? { result, index } : { result, index, ageMs });
  }

  refused(from: NodeId, { request, error }: ReplyOf<'readRefused'>): void {
    const read = this.#take(request);
    if (read === null) return;
    // Another node may be there, and its state younger.
    const isOfNode = error.code === 'NODE_DEAD' || error.code === 'TOO_STALE';
    if (error.code !== 'NOT_LEADER' && !(isOfNode && read.only === null)) this.#fail(read, errorOf(error));
    else if (isDirected(read)) this.#postpone(read);
    else {
      this.#waiting.push(read);
      this.#news.refused({ type: 'node.refused', by: from, leaderId: error.leaderId ?? null });
    }
  }

  nodeEnded(id: NodeId): void {
    for (const [request, read] of this.#sent) {
      if (read.sentTo !== id) continue;
      this.#take(request);
      this.#wait(read);
    }
  }

  /** Ends what its callers have aborted since the last call. */
  endAborted(): void {
    if (this.#aborted.length === 0) return;
    for (const read of this.#aborted.splice(0)) {
      if (read.isOver) continue;
      if (read.sentTo !== null) this.#take(read.request);
      this.#fail(read, aborted('query', read.signal));
    }
    this.#keep(({ isOver }) => !isOver);
  }

  /** Rejects what is past its deadline and is not with a node. Returns when the next deadline is. */
  expireUnsent(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    this.#keep((read) => {
      if (read.deadlineMs > nowMs) nextMs = Math.min(nextMs, read.deadlineMs);
      else this.#fail(read, noAnswer(read.timeoutMs, read.only));
      return !read.isOver;
    });
    return nextMs;
  }

  /** Rejects all that is past its deadline. Returns when the next deadline is. */
  expire(nowMs: number): number {
    let nextMs = this.expireUnsent(nowMs);
    for (const [request, read] of this.#sent) {
      if (read.deadlineMs > nowMs) nextMs = Math.min(nextMs, read.deadlineMs);
      else {
        this.#take(request);
        this.#fail(read, noAnswer(read.timeoutMs, read.only));
      }
    }
    return nextMs;
  }

  close(error: ConclaveError): void {
    this.#host.clock.clearTimeout(this.#pause);
    const unsent = [this.#waiting, this.#directed, this.#postponed].flatMap((queue) => queue.splice(0));
    const reads = [...unsent, ...this.#sent.values()];
    this.#sent.clear();
    this.#loads.clear();
    for (const read of reads) this.#fail(read, error);
  }

  #wait(read: Read): void {
    if (isDirected(read)) this.#directed.push(read);
    else this.#waiting.push(read);
  }

  #keep(isKept: (read: Read) => boolean): void {
    this.#waiting = this.#waiting.filter(isKept);
    this.#directed = this.#directed.filter(isKept);
    this.#postponed = this.#postponed.filter(isKept);
  }

  #send(node: NodeId, read: Read): boolean {
    const { query, consistency, maxStaleMs } = read;
    const number = this.#nextRequest++;
    const request = { type: 'read', request: number, query, consistency } as const;
    if (!this.#host.post(node, maxStaleMs === undefined ? request : { ...request, maxStaleMs })) return false;
    read.request = number;
    read.sentTo = node;
    this.#sent.set(number, read);
    this.#loads.set(node, this.#loadOf(node) + 1);
    return true;
  }

  /** Takes out a read that is with a node; null if it is no longer waited for. */
  #take(request: number): Read | null {
    const read = this.#sent.get(request);
    if (read === undefined) return null;
    this.#sent.delete(request);
    if (read.sentTo !== null) this.#loads.set(read.sentTo, this.#loadOf(read.sentTo) - 1);
    read.sentTo = null;
    return read;
  }

  #loadOf(node: NodeId): number {
    return this.#loads.get(node) ?? 0;
  }

  #hasRoom(node: NodeId): boolean {
    return this.#loadOf(node) < this.#limits.readsAtNodeMax;
  }

  /** One timer for all. */
  #postpone(read: Read): void {
    this.#postponed.push(read);
    this.#pause ??= this.#host.clock.setTimeout(() => {
      this.#pause = null;
      this.#directed = this.#directed.concat(this.#postponed.splice(0));
      this.#news.turnDue();
    }, this.#host.retryPauseMs);
  }

  #fail(read: Read, error: Error): void {
    this.#over(read);
    read.settle.reject(error);
  }

  #over(read: Read): void {
    read.isOver = true;
    this.#count--;
    this.#bytes -= read.query.length;
    read.forget?.();
  }
}

function isDirected({ only, consistency }: Read): boolean {
  return only !== null || consistency === 'stale';
}
