import { type Actor, createActor } from 'xstate';
import { withEventTable } from '../../machines/event-table.js';
import { type SessionEvent, sessionMachine } from '../../machines/session.js';
import type { ProposeOptions, ReadOptions, WaitOptions } from '../ground/call-options.js';
import {
  CommandTooLargeError,
  type ConclaveError,
  OverloadedError,
  QueryTooLargeError,
} from '../ground/errors.js';
import { abortedBefore, timeoutMsDefault } from '../ground/waiting.js';
import { type Answered, type ClientReply, notBytes, type Proposed } from '../node/clients/client-requests.js';
import type { NodeId } from '../raft/entry.js';
import { copyOf, copyToPack, detached, type Settle, wrongOptions } from './calls.js';
import { Deadlines } from './deadlines.js';
import { SessionCommands } from './session-commands.js';
import { type SessionHost, type SessionLimits, sessionLimits } from './session-host.js';
import { SessionReads } from './session-reads.js';
import { WaitingRoom } from './waiting-room.js';

/** A session that is silent is kept alive so many times before it would expire: two may be lost. */
const keepAlivesPerTimeout = 3;

/**
 * So many commands of one turn do not wait for its end: while they are appended and sent, the next ones are taken.
 * Fewer, and each batch costs every thread on the way a wake-up.
 */
export const earlyAfter = 256;

/**
 * A client's view of the cluster. Takes commands and reads one by one, sends them in batches, those of a turn together
 * or by the hundred, to the leader that the chart has found, and keeps them until their outcome is known, their deadline
 * passes or their caller aborts them: each call ends exactly once. No node is given more at a time than it can answer
 * soon: what is above that waits here, within bounds. Whoever is refused hears so in a turn to come, so that one who asks
 * again at once, for ever, leaves the loop to others in between.
 */
export class Session {
  readonly #host: SessionHost;
  readonly #limits: SessionLimits;
  readonly #chart: Actor<typeof sessionMachine>;
  readonly #commands: SessionCommands;
  readonly #reads: SessionReads;
  readonly #room: WaitingRoom;
  readonly #deadlines: Deadlines;
  #target: NodeId | null = null;
  #keepAliveMs = 0;
  #turnIsDue = false;
  #isTurning = false;
  /** Commands that were taken since the last turn. */
  #sinceTurn = 0;
  /** Told to all who are refused for want of room in this turn: a stack trace for each would cost more than the work. */
  readonly #overloads = new Map<'command' | 'query', OverloadedError>();
  #closed: ConclaveError | null = null;

  constructor(host: SessionHost, limits = sessionLimits) {
    this.#host = host;
    this.#limits = limits;
    this.#deadlines = new Deadlines(host.clock, (nowMs) => this.#expire(nowMs));
    const turnDue = () => this.#requestTurn();
    const tell = (event: SessionEvent) => this.#chart.send(event);
    const news = { turnDue, refused: tell, session: tell };
    this.#commands = new SessionCommands(host, limits, news);
    this.#reads = new SessionReads(host, limits, news);
    this.#room = new WaitingRoom(turnDue);
    this.#chart = createActor(this.#bind(), { clock: host.clock });
    this.#chart.start();
  }

  /** The chart's running actor, for those who watch. */
  get chart(): Actor<typeof sessionMachine> {
    return this.#chart;
  }

  /** What is under way. */
  get pending(): { commands: number; commandBytes: number; reads: number; queryBytes: number } {
    const { count: commands, bytes: commandBytes } = this.#commands;
    const { count: reads, bytes: queryBytes } = this.#reads;
    return { commands, commandBytes, reads, queryBytes };
  }

  propose(bytes: Uint8Array, options?: ProposeOptions): Promise<Proposed> {
    return new Promise((resolve, reject) => this.submit(bytes, { resolve, reject }, options));
  }

  read(query: Uint8Array, options?: ReadOptions): Promise<Answered> {
    return new Promise((resolve, reject) => this.ask(query, { resolve, reject }, options));
  }

  /** Resolves when another command and another query can be taken, for those who wait in the order they came. */
  room(options: WaitOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => this.awaitRoom({ resolve, reject }, options));
  }

  /** What `propose` does, for callers who keep time otherwise than by promises. */
  submit(bytes: Uint8Array, settle: Settle<Proposed>, options: ProposeOptions = {}): void {
    const refusal = this.#refusalOf('command', bytes, options);
    const own = refusal === null ? copyToPack(bytes) : null;
    if (own === null) {
      this.#refuse(settle, refusal ?? detached('command'));
      return;
    }
    this.#commands.add(own, settle, options, this.#begin(options));
    if (++this.#sinceTurn >= earlyAfter && !this.#isTurning) this.#turn();
  }

  /** What `read` does. */
  ask(query: Uint8Array, settle: Settle<Answered>, options: ReadOptions = {}): void {
    const refusal = this.#refusalOf('query', query, options);
    const own = refusal === null ? copyOf(query) : null;
    if (own !== null) this.#reads.add(own, settle, options, this.#begin(options));
    else this.#refuse(settle, refusal ?? detached('query'));
  }

  /** What `room` does. */
  awaitRoom(settle: Settle<void>, options: WaitOptions = {}): void {
    const refusal = this.#closed ?? wrongOptions(options) ?? abortedBefore('wait', options);
    if (refusal !== null) this.#refuse(settle, refusal);
    else if (this.#room.isEmpty && this.#roomLeft() > 0) settle.resolve();
    else this.#room.add(settle, options, this.#begin(options));
  }

  /** A node leads that did not, or in a higher term. Null: nobody leads any more. */
  leaderChanged(leaderId: NodeId | null): void {
    if (this.#closed !== null) return;
    this.#chart.send(leaderId === null ? { type: 'leader.lost' } : { type: 'leader.reported', leaderId });
  }

  hear(from: NodeId, reply: ClientReply): void {
    if (this.#closed !== null) return;
    if (reply.type === 'applied') this.#commands.applied(reply);
    else if (reply.type === 'refused') this.#commands.refused(from, reply);
    else if (reply.type === 'answer') this.#reads.answered(reply);
    else this.#reads.refused(from, reply);
    this.#goOn();
  }

  /** The node's thread is gone: nobody will learn there what became of the commands it had. */
  nodeEnded(id: NodeId): void {
    if (this.#closed !== null) return;
    this.#commands.nodeEnded(id);
    this.#reads.nodeEnded(id);
    this.#goOn();
  }

  /** Everything under way is rejected, and everything to come. */
  close(error: ConclaveError): void {
    if (this.#closed !== null) return;
    this.#commands.endSession(this.#target);
    this.#closed = error;
    this.#chart.stop();
    this.#deadlines.stop();
    this.#commands.close(error);
    this.#reads.close(error);
    this.#room.close(error);
  }

  /** Why a request is not taken, or null. */
  #refusalOf(what: 'command' | 'query', bytes: Uint8Array, options: ReadOptions): ConclaveError | null {
    if (this.#closed !== null) return this.#closed;
    if (!(bytes instanceof Uint8Array)) return notBytes(what, bytes);
    const wrong = wrongOptions(options) ?? abortedBefore(what, options);
    if (wrong !== null) return wrong;
    const { commandBytesMax, queryBytesMax } = this.#host;
    const { length } = bytes;
    if (what === 'command') {
      if (length > commandBytesMax) return new CommandTooLargeError(length, commandBytesMax);
      return this.#commands.roomFor(length) > 0 ? null : this.#overloaded(what);
    }
    if (length > queryBytesMax) return new QueryTooLargeError(length, queryBytesMax);
    return this.#reads.roomFor(length) > 0 ? null : this.#overloaded(what);
  }

  #overloaded(what: 'command' | 'query'): OverloadedError {
    const { commandsMax, commandsBytesMax, readsMax, readsBytesMax } = this.#limits;
    const known = this.#overloads.get(what);
    if (known !== undefined) return known;
    const full =
      what === 'command'
        ? `${commandsMax} commands or ${commandsBytesMax} bytes of them`
        : `${readsMax} queries or ${readsBytesMax} bytes of them`;
    const error = new OverloadedError(
      `No more than ${full} may be under way. Nothing was appended: wait for some of them, or for room(), and send it again.`,
    );
    this.#overloads.set(what, error);
    this.#requestTurn();
    return error;
  }

  /** How many more requests of any size can be taken. */
  #roomLeft(): number {
    const { commandBytesMax, queryBytesMax } = this.#host;
    return Math.min(this.#commands.roomFor(commandBytesMax), this.#reads.roomFor(queryBytesMax));
  }

  #refuse({ reject }: Pick<Settle<never>, 'reject'>, error: Error): void {
    this.#host.clock.soon(() => reject(error));
  }

  /** A call begins; what it asks for is sent at the end of this turn. Returns its deadline. */
  #begin({ timeoutMs = timeoutMsDefault }: WaitOptions): number {
    const deadlineMs = this.#host.clock.now() + timeoutMs;
    this.#deadlines.add(deadlineMs);
    this.#requestTurn();
    return deadlineMs;
  }

  #requestTurn(): void {
    if (this.#turnIsDue || this.#closed !== null) return;
    this.#turnIsDue = true;
    this.#host.clock.soon(() => {
      if (this.#turnIsDue) this.#turn();
    });
  }

  #turn(): void {
    this.#turnIsDue = false;
    if (this.#closed !== null) return;
    this.#sinceTurn = 0;
    this.#isTurning = true;
    this.#overloads.clear();
    this.#commands.endAborted();
    this.#reads.endAborted();
    this.#room.endAborted();
    this.#expireUnsent();
    this.#commands.sendPinned();
    this.#reads.sendDirected();
    this.#chart.send({ type: 'client.submit' });
    this.#letIn();
    this.#isTurning = false;
  }

  /** Something has ended: others that wait can be sent, or let in. */
  #goOn(): void {
    if (this.#commands.anyWaits || this.#reads.anyWaits || !this.#room.isEmpty) this.#requestTurn();
  }

  #letIn(): void {
    if (this.#room.isEmpty) return;
    const left = this.#roomLeft();
    this.#room.letIn(left);
    // Who was let in may think better of it.
    if (left > 0 && !this.#room.isEmpty) this.#requestTurn();
  }

  /** Whoever leads now is given what the one before has not answered. */
  #adopt(target: NodeId | null): void {
    if (target !== null && target !== this.#target) this.#commands.leaderIs(target);
    this.#target = target;
  }

  #sendWaiting(): void {
    const target = this.#target;
    if (target === null) return;
    this.#expireUnsent();
    const areReadsHeard = this.#reads.sendWaiting(target);
    if (this.#commands.sendWaiting(target) && areReadsHeard) return;
    this.#chart.send({ type: 'node.refused', by: target, leaderId: null });
  }

  /** A deadline may have passed while this thread was busy: what was not sent must not be any more. */
  #expireUnsent(): void {
    const nowMs = this.#host.clock.now();
    if (!this.#deadlines.mayHavePassed(nowMs)) return;
    this.#commands.expireUnsent(nowMs);
    this.#reads.expireUnsent(nowMs);
  }

  /** Rejects what is past its deadline. Returns when the next deadline is. */
  #expire(nowMs: number): number {
    const nextMs = Math.min(
      this.#commands.expire(nowMs),
      this.#reads.expire(nowMs),
      this.#room.expire(nowMs),
    );
    this.#goOn();
    return nextMs;
  }

  /** The machine with every name bound. */
  #bind(): typeof sessionMachine {
    type Args = { readonly event: SessionEvent };
    const hintIn = ({ event }: Args) => (event.type === 'node.refused' ? event.leaderId : null);
    return withEventTable(
      sessionMachine.provide({
        guards: {
          isOutdated: ({ event }) => event.type === 'node.refused' && event.by !== this.#target,
          namesAnother: (args) => hintIn(args) !== null && hintIn(args) !== this.#target,
          leaderIsKnown: () => this.#host.leaderId() !== null,
          repeatsNothing: () => !this.#host.sessions,
          commandsWait: () => this.#commands.anyForLeader,
        },
        actions: {
          sendWaiting: () => this.#sendWaiting(),
          adoptReported: ({ event }) => {
            if (event.type === 'leader.reported') this.#adopt(event.leaderId);
          },
          adoptKnown: () => this.#adopt(this.#host.leaderId()),
          followHint: (args) => this.#adopt(hintIn(args)),
          forgetLeader: () => {
            this.#target = null;
          },
          askForSession: () => this.#commands.askForSession(),
          adoptSession: ({ event }) => {
            if (event.type !== 'session.opened') return;
            this.#keepAliveMs = event.timeoutMs / keepAlivesPerTimeout;
            this.#commands.beginSession(event.id);
          },
          leaveSession: () => this.#commands.leaveSession(),
          refuseWaiting: ({ event }) => {
            if (event.type === 'session.refused') this.#commands.refuseWaiting(event.error);
          },
          keepAlive: () => this.#commands.keepAlive(),
        },
        delays: {
          retryPause: this.#host.retryPauseMs,
          keepAliveInterval: () => this.#keepAliveMs,
        },
      }),
    );
  }
}
