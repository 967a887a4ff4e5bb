import type { SessionEvent } from '../../machines/session.js';
import { type ConclaveError, NodeDeadError, OverloadedError } from '../ground/errors.js';
import type { Answered, Consistency, ReplyOf } from '../node/clients/client-requests.js';
import { errorOf } from '../node/host/error-report.js';
import type { NodeId } from '../raft/entry.js';
import type { ReadOptions } from './call-options.js';
import type { Deadlines } from './deadlines.js';
import { noAnswer } from './session-errors.js';
import type { SessionHost } from './session-host.js';

/** Reads that clients may have under way. */
const readsMax = 65_536;
/** What one node is asked at a time; more wait here, or its turns would grow so long that it is deposed. */
export const readsAtNodeMax = 2048;

interface Read {
  readonly query: Uint8Array;
  readonly consistency: Consistency;
  readonly only: NodeId | null;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly resolve: (answered: Answered) => void;
  readonly reject: (error: Error) => void;
  sentTo: NodeId | null;
}

/** Who hears of what befalls reads. */
export interface ReadNews {
  /** A node did not take a read for the leader. */
  refused(event: SessionEvent): void;
  /** A node has answered, and can be asked more: a turn is due. */
  roomAgain(): void;
}

/** The reads of a session: asked again as often as need be, for asking changes nothing. */
export class SessionReads {
  readonly #host: SessionHost;
  readonly #deadlines: Deadlines;
  readonly #news: ReadNews;
  readonly #sent = new Map<number, Read>();
  /** How many of those each node has. */
  readonly #loads = new Map<NodeId, number>();
  /** For the leader. */
  #waiting: Read[] = [];
  /** For one node, or any. */
  #directed: Read[] = [];
  /** Directed reads that were refused: asked again after a pause. */
  #postponed: Read[] = [];
  #nextRequest = 0;

  constructor(host: SessionHost, deadlines: Deadlines, news: ReadNews) {
    this.#host = host;
    this.#deadlines = deadlines;
    this.#news = news;
  }

  ask(query: Uint8Array, options: ReadOptions, timeoutMs: number, deadlineMs: number): Promise<Answered> {
    const { consistency = 'linearizable', node: only = null } = options;
    if (this.#sent.size + this.#waiting.length + this.#directed.length + this.#postponed.length >= readsMax) {
      return Promise.reject(
        new OverloadedError(`${readsMax} reads are under way already. Wait for some of them and ask again.`),
      );
    }
    this.#deadlines.add(deadlineMs);
    return new Promise((resolve, reject) => {
      this.#wait({
        query,
        consistency,
        only,
        timeoutMs,
        deadlineMs,
        resolve,
        reject,
        sentTo: null,
      });
    });
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
      else read.reject(new NodeDeadError(read.only, 'has crashed'));
    }
  }

  sendWaiting(leaderId: NodeId): void {
    const waiting = this.#waiting;
    let sent = 0;
    while (sent < waiting.length && this.#hasRoom(leaderId) && this.#send(leaderId, waiting[sent] as Read))
      sent++;
    if (sent > 0) this.#waiting = waiting.slice(sent);
    if (this.#waiting.length > 0 && this.#hasRoom(leaderId)) {
      this.#news.refused({ type: 'node.refused', by: leaderId, leaderId: null });
    }
  }

  answered({ request, result, index }: ReplyOf<'answer'>): void {
    this.#take(request)?.resolve({ result, index });
    this.#askMore();
  }

  refused(from: NodeId, { request, error }: ReplyOf<'readRefused'>): void {
    const read = this.#take(request);
    if (read === null) return;
    this.#askMore();
    const isDead = error.code === 'NODE_DEAD';
    if (error.code !== 'NOT_LEADER' && !(isDead && read.only === null)) read.reject(errorOf(error));
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

  /** Rejects what is past its deadline. Returns when the next deadline is. */
  expire(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    const keep = (read: Read) => {
      if (read.deadlineMs > nowMs) nextMs = Math.min(nextMs, read.deadlineMs);
      else read.reject(noAnswer(read.timeoutMs, read.only));
      return read.deadlineMs > nowMs;
    };
    this.#waiting = this.#waiting.filter(keep);
    this.#directed = this.#directed.filter(keep);
    const postponed = this.#postponed.splice(0).filter(keep);
    this.#postponed.push(...postponed);
    for (const [request, read] of this.#sent) if (!keep(read)) this.#take(request);
    this.#askMore();
    return nextMs;
  }

  close(error: ConclaveError): void {
    const unsent = [this.#waiting, this.#directed, this.#postponed].flatMap((queue) => queue.splice(0));
    const reads = [...unsent, ...this.#sent.values()];
    this.#sent.clear();
    this.#loads.clear();
    for (const read of reads) read.reject(error);
  }

  #wait(read: Read): void {
    if (isDirected(read)) this.#directed.push(read);
    else this.#waiting.push(read);
  }

  #send(node: NodeId, read: Read): boolean {
    const { query, consistency } = read;
    const request = this.#nextRequest++;
    if (!this.#host.post(node, { type: 'read', request, query, consistency })) return false;
    read.sentTo = node;
    this.#sent.set(request, read);
    this.#loads.set(node, this.#loadOf(node) + 1);
    return true;
  }

  /** Takes out a read that is with a node; null if it is no longer waited for. */
  #take(request: number): Read | null {
    const read = this.#sent.get(request);
    if (read === undefined) return null;
    this.#sent.delete(request);
    if (read.sentTo !== null) this.#loads.set(read.sentTo, this.#loadOf(read.sentTo) - 1);
    return read;
  }

  #loadOf(node: NodeId): number {
    return this.#loads.get(node) ?? 0;
  }

  #hasRoom(node: NodeId): boolean {
    return this.#loadOf(node) < readsAtNodeMax;
  }

  #askMore(): void {
    if (this.#waiting.length + this.#directed.length > 0) this.#news.roomAgain();
  }

  /** One timer for all. */
  #postpone(read: Read): void {
    this.#postponed.push(read);
    if (this.#postponed.length > 1) return;
    this.#host.clock.setTimeout(() => {
      this.#directed.push(...this.#postponed.splice(0));
      this.sendDirected();
    }, this.#host.retryPauseMs);
  }
}

function isDirected({ only, consistency }: Read): boolean {
  return only !== null || consistency === 'stale';
}
