import { type Actor, createActor } from 'xstate';
import { type SessionEvent, sessionMachine } from '../../machines/session.js';
import { packBytes, unpackBytes } from '../ground/byte-strings.js';
import {
  CommandTooLargeError,
  type ConclaveError,
  NodeDeadError,
  OverloadedError,
} from '../ground/errors.js';
import {
  type Answered,
  type ClientReply,
  invalidConsistency,
  notBytes,
  type Proposed,
  type ReplyOf,
} from '../node/clients/client-requests.js';
import { errorOf } from '../node/host/error-report.js';
import type { NodeId } from '../raft/entry.js';
import { copyOf, isConsistency, isTimeout, type ProposeOptions, type ReadOptions } from './call-options.js';
import { Deadlines } from './deadlines.js';
import { type Command, commandsMax, SentCommands } from './sent-commands.js';
import { detached, invalidTimeout, noQuorum, outcomeUnknown } from './session-errors.js';
import type { SessionHost } from './session-host.js';
import { SessionReads } from './session-reads.js';

export const timeoutMsDefault = 5000;
/** Nothing was appended there, so the command may go elsewhere. */
const retryableCodes: ReadonlySet<string> = new Set(['NOT_LEADER', 'NODE_DEAD']);

/**
 * A client's view of the cluster. Takes commands and reads one by one, sends them in batches, one message a turn,
 * to the leader that the chart has found, and keeps them until their outcome is known or their deadline passes. No
 * node is given more at a time than it can answer soon: what is above that waits here.
 *
 *     propose → waiting ── ready: sent ──→ applied        resolved
 *                  ↑                  └──→ refused        nothing was appended: waiting again
 *                  └───────────────────────┘  node gone   OutcomeUnknownError
 *     deadline:  waiting → QuorumUnavailableError          sent → OutcomeUnknownError
 */
export class Session {
  readonly #host: SessionHost;
  readonly #chart: Actor<typeof sessionMachine>;
  readonly #sent = new SentCommands();
  readonly #reads: SessionReads;
  readonly #deadlines: Deadlines;
  #waiting: Command[] = [];
  #pinned: Command[] = [];
  #outstanding = 0;
  #target: NodeId | null = null;
  #turnIsDue = false;
  #turnStartedMs = 0;
  #closed: ConclaveError | null = null;

  constructor(host: SessionHost) {
    this.#host = host;
    this.#deadlines = new Deadlines(host.clock, (nowMs) => this.#expire(nowMs));
    this.#reads = new SessionReads(host, this.#deadlines, {
      refused: (refusal) => this.#chart.send(refusal),
      roomAgain: () => this.#submit(),
    });
    this.#chart = createActor(this.#bind(), { clock: host.clock });
    this.#chart.start();
  }

  /** The chart's running actor, for those who watch. */
  get chart(): Actor<typeof sessionMachine> {
    return this.#chart;
  }

  propose(bytes: Uint8Array, options: ProposeOptions = {}): Promise<Proposed> {
    const { timeoutMs = timeoutMsDefault, node: only = null } = options;
    const refusal = this.#refusalOf(bytes, timeoutMs);
    if (refusal !== null) return Promise.reject(refusal);
    const own = copyOf(bytes);
    if (own === null) return Promise.reject(detached('command'));
    const deadlineMs = this.#turnTime() + timeoutMs;
    this.#deadlines.add(deadlineMs);
    this.#outstanding++;
    return new Promise((resolve, reject) => {
      const command = { bytes: own, deadlineMs, timeoutMs, only, resolve, reject, number: -1, sentTo: null };
      if (only === null) this.#waiting.push(command);
      else this.#pinned.push(command);
    });
  }

  read(query: Uint8Array, options: ReadOptions = {}): Promise<Answered> {
    const timeoutMs = options.timeoutMs ?? timeoutMsDefault;
    if (this.#closed !== null) return Promise.reject(this.#closed);
    if (!(query instanceof Uint8Array)) return Promise.reject(notBytes('query', query));
    if (!isTimeout(timeoutMs)) return Promise.reject(invalidTimeout(timeoutMs));
    if (!isConsistency(options.consistency)) return Promise.reject(invalidConsistency(options.consistency));
    const own = copyOf(query);
    if (own === null) return Promise.reject(detached('query'));
    return this.#reads.ask(own, options, timeoutMs, this.#turnTime() + timeoutMs);
  }

  /** A node leads that did not, or in a higher term. Null: nobody leads any more. */
  leaderChanged(leaderId: NodeId | null): void {
    if (this.#closed !== null) return;
    this.#chart.send(leaderId === null ? { type: 'leader.lost' } : { type: 'leader.reported', leaderId });
  }

  hear(from: NodeId, reply: ClientReply): void {
    switch (reply.type) {
      case 'applied':
        this.#applied(reply);
        break;
      case 'refused':
        this.#refused(from, reply);
        break;
      case 'answer':
        this.#reads.answered(reply);
        break;
      case 'readRefused':
        this.#reads.refused(from, reply);
        break;
    }
  }

  /** The node's thread is gone: nobody will learn there what became of the commands it had. */
  nodeEnded(id: NodeId): void {
    const error = outcomeUnknown(`Node ${id} went down after the command was sent to it`);
    for (const command of this.#sent.takeWhere(({ sentTo }) => sentTo === id)) this.#fail(command, error);
    this.#reads.nodeEnded(id);
    this.#submit();
  }

  /** Everything under way is rejected, and everything to come. */
  close(error: ConclaveError): void {
    if (this.#closed !== null) return;
    this.#closed = error;
    this.#chart.stop();
    this.#deadlines.stop();
    for (const command of [...this.#waiting.splice(0), ...this.#pinned.splice(0)]) this.#fail(command, error);
    const unknown = outcomeUnknown('The cluster was closed after the command was sent');
    for (const command of this.#sent.takeWhere(() => true)) this.#fail(command, unknown);
    this.#reads.close(error);
  }

  #refusalOf(bytes: Uint8Array, timeoutMs: number): ConclaveError | null {
    if (this.#closed !== null) return this.#closed;
    if (!(bytes instanceof Uint8Array)) return notBytes('command', bytes);
    if (!isTimeout(timeoutMs)) return invalidTimeout(timeoutMs);
    const { commandBytesMax } = this.#host;
    if (bytes.length > commandBytesMax) return new CommandTooLargeError(bytes.length, commandBytesMax);
    if (this.#outstanding < commandsMax) return null;
    return new OverloadedError(
      `${commandsMax} commands are under way already. Nothing was appended: wait for some of them and propose it again.`,
    );
  }

  /** The present, looked up once a turn; makes sure that the turn comes. */
  #turnTime(): number {
    this.#submit();
    return this.#turnStartedMs;
  }

  #submit(): void {
    if (this.#turnIsDue || this.#closed !== null) return;
    this.#turnIsDue = true;
    this.#turnStartedMs = this.#host.clock.now();
    this.#host.clock.soon(() => this.#turn());
  }

  #turn(): void {
    this.#turnIsDue = false;
    if (this.#closed !== null) return;
    this.#sendPinned();
    this.#reads.sendDirected();
    this.#chart.send({ type: 'client.submit' });
  }

  #sendPinned(): void {
    const pinned = this.#pinned;
    this.#pinned = [];
    for (const command of pinned) {
      const node = command.only as NodeId;
      if (!this.#sendBatch(node, [command])) this.#fail(command, new NodeDeadError(node, 'has crashed'));
    }
  }

  #sendWaiting(): void {
    const target = this.#target;
    if (target === null) return;
    this.#reads.sendWaiting(target);
    const waiting = this.#waiting;
    let sent = 0;
    let isHeard = true;
    while (isHeard && sent < waiting.length) {
      const batch = this.#sent.fitting(target, waiting, sent);
      if (batch.length === 0) break;
      isHeard = this.#sendBatch(target, batch);
      if (isHeard) sent += batch.length;
    }
    if (sent > 0) this.#waiting = waiting.slice(sent);
    if (!isHeard) this.#chart.send({ type: 'node.refused', by: target, leaderId: null });
  }

  /** A node has answered, and can be given more. */
  #sendMore(): void {
    if (this.#waiting.length > 0) this.#submit();
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

  #applied(reply: ReplyOf<'applied'>): void {
    const { first, count, index, term } = reply;
    const results = unpackBytes(reply.results, count) ?? [];
    for (let at = 0; at < count; at++) {
      const command = this.#sent.take(first + at);
      const result = results[at];
      if (command === null || result === undefined) continue;
      this.#outstanding--;
      command.resolve({ index: index + at, term, result });
    }
    this.#sendMore();
  }

  #refused(from: NodeId, reply: ReplyOf<'refused'>): void {
    const { first, count, error } = reply;
    const isRetryable = retryableCodes.has(error.code);
    const refusal = errorOf(error);
    for (let number = first; number < first + count; number++) {
      const command = this.#sent.take(number);
      if (command === null) continue;
      if (isRetryable && command.only === null) this.#waiting.push(command);
      else this.#fail(command, refusal);
    }
    if (isRetryable) this.#chart.send({ type: 'node.refused', by: from, leaderId: error.leaderId ?? null });
    this.#sendMore();
  }

  /** Rejects what is past its deadline. Returns when the next deadline is. */
  #expire(nowMs: number): number {
    let nextMs = this.#reads.expire(nowMs);
    const isDue = (command: Command) => {
      if (command.deadlineMs <= nowMs) return true;
      nextMs = Math.min(nextMs, command.deadlineMs);
      return false;
    };
    for (const command of this.#waiting.filter(isDue)) this.#fail(command, noQuorum(command.timeoutMs));
    this.#waiting = this.#waiting.filter((command) => command.deadlineMs > nowMs);
    for (const command of this.#sent.takeWhere(isDue)) {
      const why = `No outcome was heard from node ${command.sentTo} within ${command.timeoutMs} ms`;
      this.#fail(command, outcomeUnknown(why));
    }
    this.#sendMore();
    return nextMs;
  }

  /** One error may serve many commands: it is the stack trace that makes errors dear. */
  #fail(command: Command, error: Error): void {
    this.#outstanding--;
    command.reject(error);
  }

  /** The machine with every name bound. */
  #bind(): typeof sessionMachine {
    type Args = { readonly event: SessionEvent };
    const hintIn = ({ event }: Args) => (event.type === 'node.refused' ? event.leaderId : null);
    return sessionMachine.provide({
      guards: {
        isOutdated: ({ event }) => event.type === 'node.refused' && event.by !== this.#target,
        namesAnother: (args) => hintIn(args) !== null && hintIn(args) !== this.#target,
        leaderIsKnown: () => this.#host.leaderId() !== null,
      },
      actions: {
        sendWaiting: () => this.#sendWaiting(),
        adoptReported: ({ event }) => {
          if (event.type === 'leader.reported') this.#target = event.leaderId;
        },
        adoptKnown: () => {
          this.#target = this.#host.leaderId();
        },
        followHint: (args) => {
          this.#target = hintIn(args);
        },
        forgetLeader: () => {
          this.#target = null;
        },
      },
      delays: { retryPause: this.#host.retryPauseMs },
    });
  }
}
