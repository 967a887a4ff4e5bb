import { packBytes, unpackBytes } from '../ground/byte-strings.js';
import type { ProposeOptions } from '../ground/call-options.js';
import { type ConclaveError, NodeDeadError } from '../ground/errors.js';
import { aborted, onAbort, timeoutMsDefault } from '../ground/waiting.js';
import type { Proposed, ReplyOf } from '../node/clients/client-requests.js';
import { errorOf } from '../node/host/error-report.js';
import type { NodeId } from '../raft/entry.js';
import { abortedTooLate, noQuorum, outcomeUnknown, type Settle } from './calls.js';
import { type Command, SentCommands } from './sent-commands.js';
import type { CallNews, SessionHost, SessionLimits } from './session-host.js';

/** Nothing was appended there, so the command may go elsewhere. */
const retryableCodes: ReadonlySet<string> = new Set(['NOT_LEADER', 'NOT_READY', 'NODE_DEAD']);

/**
 * The commands of a session: sent in batches, and sent again only when it is certain that nothing was appended.
 *
 *     waiting ── sent ──→ applied        resolved
 *        ↑         └──→ refused          nothing was appended: waiting again, or rejected
 *        └───────────────┘  node gone    OutcomeUnknownError
 *     deadline:  waiting → QuorumUnavailableError    sent → OutcomeUnknownError
 *     aborted:   waiting → AbortedError              sent → OutcomeUnknownError
 */
export class SessionCommands {
  readonly #host: SessionHost;
  readonly #limits: SessionLimits;
  readonly #news: CallNews;
  readonly #sent: SentCommands;
  /** For the leader. */
  #waiting: Command[] = [];
  /** For one node each. */
  #pinned: Command[] = [];
  #aborted: Command[] = [];
  #count = 0;
  #bytes = 0;

  constructor(host: SessionHost, limits: SessionLimits, news: CallNews) {
    this.#host = host;
    this.#limits = limits;
    this.#news = news;
    this.#sent = new SentCommands(limits);
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
    if (this.#count === 0) return this.#limits.commandsMax;
    const { commandsMax, commandsBytesMax } = this.#limits;
    const fitting = bytes === 0 ? commandsMax : Math.floor((commandsBytesMax - this.#bytes) / bytes);
    return Math.min(commandsMax - this.#count, fitting);
  }

  /** Is there anything that a node could be given? */
  get anyWaits(): boolean {
    return this.#waiting.length + this.#pinned.length > 0;
  }

  add(bytes: Uint8Array, settle: Settle<Proposed>, options: ProposeOptions, deadlineMs: number): void {
    const { timeoutMs = timeoutMsDefault, signal, node: only = null } = options;
    this.#count++;
    this.#bytes += bytes.length;
    const command: Command = {
      bytes,
      only,
      timeoutMs,
      deadlineMs,
      signal,
      settle,
      number: -1,
      sentTo: null,
      isOver: false,
      forget: null,
    };
    if (signal !== undefined) {
      command.forget = onAbort(signal, () => {
        this.#aborted.push(command);
        this.#news.turnDue();
      });
    }
    if (only === null) this.#waiting.push(command);
    else this.#pinned.push(command);
  }

  sendPinned(): void {
    const pinned = this.#pinned;
    this.#pinned = [];
    for (const command of pinned) {
      const node = command.only as NodeId;
      if (!this.#sendBatch(node, [command])) this.#fail(command, new NodeDeadError(node, 'has crashed'));
    }
  }

  /** False if nobody is there to hear. */
  sendWaiting(leaderId: NodeId): boolean {
    const waiting = this.#waiting;
    let sent = 0;
    let isHeard = true;
    while (isHeard && sent < waiting.length) {
      const batch = this.#sent.fitting(leaderId, waiting, sent);
      if (batch.length === 0) break;
      isHeard = this.#sendBatch(leaderId, batch);
      if (isHeard) sent += batch.length;
    }
    if (sent > 0) this.#waiting = waiting.slice(sent);
    return isHeard;
  }

  /** Numbers in a message run on; where a late command of an earlier round holds a number, another message begins. */
  #sendBatch(node: NodeId, commands: readonly Command[]): boolean {
    let first = this.#sent.nextNumber();
    let run: Uint8Array[] = [];
    let isHeard = true;
    for (const command of commands) {
      if (this.#sent.nextNumber() !== first + run.length) {
        isHeard = this.#post(node, first, run) && isHeard;
        run = [];
        first = this.#sent.nextNumber();
      }
      this.#sent.add(command, node);
      run.push(command.bytes);
    }
    isHeard = this.#post(node, first, run) && isHeard;
    if (!isHeard) for (const { number } of commands) this.#sent.take(number);
    return isHeard;
  }

  #post(node: NodeId, first: number, run: readonly Uint8Array[]): boolean {
    if (run.length === 0) return true;
    return this.#host.post(node, { type: 'propose', first, count: run.length, commands: packBytes(run) });
  }

  applied({ first, count, index, term, results: packed }: ReplyOf<'applied'>): void {
    const results = unpackBytes(packed, count);
    if (results === null) return;
    for (let at = 0; at < count; at++) {
      const command = this.#sent.take(first + at);
      if (command === null) continue;
      this.#over(command);
      command.settle.resolve({ index: index + at, term, result: results[at] as Uint8Array });
    }
  }

  refused(from: NodeId, { first, count, error }: ReplyOf<'refused'>): void {
    const isRetryable = retryableCodes.has(error.code);
    const refusal = errorOf(error);
    for (let number = first; number < first + count; number++) {
      const command = this.#sent.take(number);
      if (command === null) continue;
      if (isRetryable && command.only === null) this.#waiting.push(command);
      else this.#fail(command, refusal);
    }
    if (isRetryable) this.#news.refused({ type: 'node.refused', by: from, leaderId: error.leaderId ?? null });
  }

  /** Nobody will learn there what became of the commands it had. */
  nodeEnded(id: NodeId): void {
    const error = outcomeUnknown(`Node ${id} went down after the command was sent to it`);
    for (const command of this.#sent.takeWhere(({ sentTo }) => sentTo === id)) this.#fail(command, error);
  }

  /** Ends what its callers have aborted since the last call. */
  endAborted(): void {
    if (this.#aborted.length === 0) return;
    for (const command of this.#aborted.splice(0)) {
      if (command.isOver) continue;
      const { sentTo, number } = command;
      if (sentTo !== null) this.#sent.take(number);
      const reason = sentTo === null ? aborted('command', command.signal) : abortedTooLate(command, sentTo);
      this.#fail(command, reason);
    }
    this.#waiting = this.#waiting.filter(({ isOver }) => !isOver);
    this.#pinned = this.#pinned.filter(({ isOver }) => !isOver);
  }

  /** Rejects what is past its deadline and was not sent: it must not be any more. Returns when the next deadline is. */
  expireUnsent(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    const keep = (command: Command) => {
      if (command.deadlineMs > nowMs) nextMs = Math.min(nextMs, command.deadlineMs);
      else this.#fail(command, noQuorum(command.timeoutMs));
      return !command.isOver;
    };
    this.#waiting = this.#waiting.filter(keep);
    this.#pinned = this.#pinned.filter(keep);
    return nextMs;
  }

  /** Rejects all that is past its deadline. Returns when the next deadline is. */
  expire(nowMs: number): number {
    let nextMs = this.expireUnsent(nowMs);
    const isDue = (command: Command) => {
      if (command.deadlineMs > nowMs) nextMs = Math.min(nextMs, command.deadlineMs);
      return command.deadlineMs <= nowMs;
    };
    for (const command of this.#sent.takeWhere(isDue)) {
      const why = `No outcome was heard from node ${command.sentTo} within ${command.timeoutMs} ms`;
      this.#fail(command, outcomeUnknown(why));
    }
    return nextMs;
  }

  close(error: ConclaveError): void {
    for (const command of [...this.#waiting.splice(0), ...this.#pinned.splice(0)]) this.#fail(command, error);
    const unknown = outcomeUnknown('The cluster was closed after the command was sent');
    for (const command of this.#sent.takeWhere(() => true)) this.#fail(command, unknown);
  }

  /** One error may serve many commands: it is the stack trace that makes errors dear. */
  #fail(command: Command, error: Error): void {
    this.#over(command);
    command.settle.reject(error);
  }

  #over(command: Command): void {
    this.#count--;
    this.#bytes -= command.bytes.length;
    command.isOver = true;
    command.forget?.();
  }
}
