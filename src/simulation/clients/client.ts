import { packBytes, unpackBytes } from '../../ground/byte-strings.js';
import type { Random } from '../../ground/random.js';
import type { ClientReply, ReplyOf } from '../../node/clients/client-requests.js';
import type { NodeId } from '../../raft/entry.js';
import { readIndexIsCurrent } from '../invariants/clients.js';
import { answeredWasApplied } from '../invariants/state-machines.js';
import type { Appointment } from '../world/virtual-time.js';
import type { World } from '../world/world.js';
import { type Calls, decodeAnswer, encodeCall } from './calls.js';
import type { OpenCall, Recorder } from './recorder.js';

/** Between client and node a message takes up to this, in milliseconds. */
const travelMsMax = 3;
/** A client asks again after up to this, in milliseconds. */
const retryMsMax = 60;

/** What decides how a client behaves. */
export interface ClientOptions {
  readonly number: number;
  readonly thinkMsMean: number;
  /** How long it waits for an answer before it gives the call up. */
  readonly timeoutMs: number;
}

/**
 * One client with one call at a time. A read, and a command that was certainly not appended, it asks again, here or
 * elsewhere; a command whose outcome it did not learn it never repeats.
 */
export class Client {
  readonly #options: ClientOptions;
  readonly #world: World;
  readonly #calls: Calls;
  readonly #recorder: Recorder;
  readonly #random: Random;
  #leader: NodeId | null = null;
  #call: OpenCall | null = null;
  #attempt = 0;
  #isDead = false;
  #isClosing = false;
  #hangs = false;
  /** What happened to it while it hung. */
  #unread: (() => void)[] = [];
  #timer: Appointment | null = null;
  #served = 0;

  constructor(options: ClientOptions, world: World, calls: Calls, recorder: Recorder, random: Random) {
    this.#options = options;
    this.#world = world;
    this.#calls = calls;
    this.#recorder = recorder;
    this.#random = random;
  }

  get number(): number {
    return this.#options.number;
  }

  /** How many calls were answered since `countFromHere`. */
  get served(): number {
    return this.#served;
  }

  countFromHere(): void {
    this.#served = 0;
  }

  get isBusy(): boolean {
    return this.#call !== null && !this.#isDead;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Thinks, calls, waits, and begins anew. */
  start(): void {
    const thinkMs = -Math.log(1 - this.#random.next()) * this.#options.thinkMsMean;
    this.#after(thinkMs, () => this.#begin());
  }

  /** Does nothing and reads no answer until it wakes. What it sent before is on its way all the same. */
  hang(): void {
    this.#hangs = true;
  }

  /** Goes on, and first reads what came meanwhile: an answer, or that its time is over. */
  wake(): void {
    this.#hangs = false;
    for (const read of this.#unread.splice(0)) read();
  }

  #after(delayMs: number, run: () => void): Appointment {
    return this.#world.time.after(delayMs, () => this.#read(run));
  }

  /** Now, or when it wakes. With one call at a time there are only a few such things. */
  #read(run: () => void): void {
    if (this.#hangs) this.#unread.push(run);
    else run();
  }

  /** Never does anything again; a call under way stays without an answer. */
  die(): void {
    this.#isDead = true;
    if (this.#timer !== null) this.#world.time.cancel(this.#timer);
  }

  /** Begins no other call. */
  close(): void {
    this.#isClosing = true;
  }

  #begin(): void {
    if (this.#isDead || this.#isClosing) return;
    this.#call = this.#recorder.invoke(this.#options.number, this.#calls.draw());
    this.#ask(this.#call);
  }

  #ask(call: OpenCall): void {
    if (this.#isDead || call !== this.#call) return;
    const attempt = ++this.#attempt;
    const isRead = call.input.type === 'get';
    // Reads go anywhere: every node serves linearizable ones.
    const guess = isRead && this.#random.chance(0.6) ? null : this.#leader;
    const voters = this.#world.hosts.length;
    const node = guess ?? this.#random.below(voters);
    const answered = (reply: ClientReply) => {
      const hear = () => {
        if (attempt === this.#attempt && call === this.#call && !this.#isDead) this.#hear(call, node, reply);
      };
      this.#travel(() => this.#read(hear));
    };
    if (this.#timer !== null) this.#world.time.cancel(this.#timer);
    this.#timer = this.#after(this.#options.timeoutMs, () => {
      if (attempt === this.#attempt) this.#giveUp(call);
    });
    this.#world.trace.event(node, 'call', this.#options.number, call.invokedAt);
    this.#travel(() => {
      if (!this.#request(node, call, answered)) this.#read(() => this.#again(call, null));
    });
  }

  #travel(arrive: () => void): void {
    this.#world.time.after(this.#random.next() * travelMsMax, arrive);
  }

  #request(node: NodeId, call: OpenCall, answered: (reply: ClientReply) => void): boolean {
    const bytes = encodeCall(call.input);
    const { rare, oracle, refusals } = this.#world;
    return this.#world.host(node).ask((actor, guarded) => {
      if (call.input.type === 'get') {
        rare.readAsked(actor);
        const committedBefore = oracle.cluster.committed.length;
        const reply = guarded((given) => {
          if (given.type === 'answer') readIndexIsCurrent(node, given.index, committedBefore);
          answered(given);
        });
        actor.read({ kind: 'client', request: 0, query: bytes, reply }, 'linearizable');
        return;
      }
      refusals.sentAgain(bytes);
      const { replica } = actor;
      const wasTaken = replica.leaderId === node;
      const reply = guarded((given) => {
        if (given.type === 'applied') this.#checkAnswer(node, bytes, given);
        if (wasTaken && given.type === 'refused' && given.error.code === 'NOT_LEADER') {
          rare.count('a command superseded at the node that took it');
        }
        if (isCertain(call, given)) refusals.refused(node, bytes);
        answered(given);
      });
      actor.propose({ first: 0, count: 1, body: packBytes([bytes]), reply });
    });
  }

  #checkAnswer(node: NodeId, command: Uint8Array, given: ReplyOf<'applied'>): void {
    const result = unpackBytes(given.results, 1)?.[0] ?? new Uint8Array(0);
    const { index, term } = given;
    answeredWasApplied(node, { index, term, command, result }, this.#world.oracle.cluster);
  }

  #hear(call: OpenCall, node: NodeId, reply: ClientReply): void {
    if (reply.type === 'applied') {
      this.#leader = node;
      this.#finish(call, unpackBytes(reply.results, 1)?.[0] ?? new Uint8Array(0));
    } else if (reply.type === 'answer') {
      this.#world.rare.readAnswered(this.#world.host(node).actor);
      this.#finish(call, reply.result);
    } else if (reply.type === 'refused' || reply.type === 'readRefused') {
      const { code, leaderId } = reply.error;
      if (code === 'OUTCOME_UNKNOWN') this.#giveUp(call);
      else this.#again(call, leaderId ?? null);
    }
  }

  #finish(call: OpenCall, result: Uint8Array): void {
    this.#world.trace.event(null, 'answer', call.client, call.invokedAt, 1);
    this.#served++;
    this.#recorder.answer(call, decodeAnswer(call.input, result));
    this.#next();
  }

  /** Asks again a little later, where the leader is said to be. Nothing has happened so far. */
  #again(call: OpenCall, leader: NodeId | null): void {
    if (call !== this.#call) return;
    this.#leader = leader;
    this.#after(this.#random.next() * retryMsMax, () => this.#ask(call));
  }

  /** The outcome stays open, for ever. A read had none. */
  #giveUp(call: OpenCall): void {
    if (call !== this.#call || this.#isDead) return;
    this.#world.trace.event(null, 'answer', call.client, call.invokedAt, 0);
    this.#leader = null;
    if (call.input.type === 'get') {
      this.#ask(call);
      return;
    }
    this.#world.rare.count('an outcome unknown to the client');
    this.#next();
  }

  #next(): void {
    this.#call = null;
    if (this.#timer !== null) this.#world.time.cancel(this.#timer);
    this.start();
  }
}

/** Does the reply say that a command, of which there is only this one, had no effect? */
function isCertain({ input }: OpenCall, reply: ClientReply): boolean {
  const isUnique = input.type === 'put' || input.type === 'compareAndSet';
  return isUnique && reply.type === 'refused' && reply.error.code !== 'OUTCOME_UNKNOWN';
}
