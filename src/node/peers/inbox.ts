import { delivered, type NodeEvent } from '../../../machines/node-events.js';
import type { Clock } from '../../ground/clock.js';
import type { NodeId } from '../../raft/entry.js';
import { isForFormerBearer } from '../../raft/membership.js';
import type { Message } from '../../raft/messages.js';
import { type Nonsense, nonsenseIn, nonsenses } from '../../raft/nonsense.js';
import type { Replica } from '../../raft/replica.js';
import { hear, judge, type TermRules } from '../../raft/terms.js';
import type { FrameCounters, FrameDecoder, Letter } from '../../wire/messages.js';
import type { Lives, Refusal } from './lives.js';

/** How many frames and messages met which fate. */
export interface InboxCounters extends FrameCounters {
  /** Not of who sent it, or there was no room, or refused as the next ones. */
  readonly framesDropped: number;
  /** Not for this node, or not of lives that are lived now. */
  readonly refused: Readonly<Record<Refusal, number>>;
  /** Dropped because they make no sense. */
  readonly nonsense: Readonly<Record<Nonsense, number>>;
}

/** Hellos that wait for the end of the turn; more are not said. */
const hellosMax = 1024;

/**
 * What peers say: frames in, messages into the mailbox, and when their turn comes, events of the chart. It is open
 * while the chart is alive, and a node whose inbox is shut hears nobody.
 */
export class Inbox {
  readonly #replica: Replica;
  readonly #rules: TermRules;
  readonly #clock: Clock;
  readonly #decoder: FrameDecoder;
  readonly #nonsense = Object.fromEntries(nonsenses.map((name) => [name, 0])) as Record<Nonsense, number>;
  #nonsenseCount = 0;
  readonly #lives: Lives;
  readonly #refused: Record<Refusal, number> = {
    otherCluster: 0,
    otherReceiver: 0,
    unprovenLife: 0,
    formerBearer: 0,
  };
  #hellos: Letter[] = [];
  #isOpen = true;
  #dropped = 0;

  constructor(replica: Replica, rules: TermRules, decoder: FrameDecoder, lives: Lives, clock: Clock) {
    this.#replica = replica;
    this.#rules = rules;
    this.#clock = clock;
    this.#decoder = decoder;
    this.#lives = lives;
  }

  /** How many messages made no sense. */
  get nonsenseCount(): number {
    return this.#nonsenseCount;
  }

  /** How many messages were meant for a server that bore this one's id before. */
  get forFormerBearer(): number {
    return this.#refused.formerBearer;
  }

  get counters(): InboxCounters {
    const refused = { ...this.#refused };
    const nonsense = { ...this.#nonsense };
    return { ...this.#decoder.counters, framesDropped: this.#dropped, refused, nonsense };
  }

  open(): void {
    this.#isOpen = true;
  }

  shut(): void {
    this.#isOpen = false;
    this.#hellos = [];
  }

  /**
   * The message in a frame that `from` sent; null when it makes none, or is of another cluster, life or sender. It may
   * be of a server that is no member as far as this one knows: it may have become one, and lead or stand (§6). Whoever
   * counts asks the configuration.
   */
  read(from: NodeId, frame: Uint8Array): Message | null {
    const letter = this.#decoder.open(frame);
    if (letter?.message.from !== from || from === this.#replica.id) return this.drop();
    const { message } = letter;
    const refusal = this.#lives.judge(letter);
    this.#owe(this.#lives.answerTo(letter, refusal));
    if (refusal !== null) {
      this.#refused[refusal]++;
      return this.drop();
    }
    return message.type === 'hello' ? null : message;
  }

  /** Hellos are said to all peers: a node that starts is known by nobody. */
  greet(): void {
    const { id, configuration } = this.#replica;
    for (const peer of configuration.peersOf(id)) this.#owe(this.#lives.helloFor(peer));
  }

  /** The hellos that are owed, once. */
  takeHellos(): Letter[] {
    return this.#hellos.splice(0);
  }

  #owe(hello: Letter | null): void {
    if (hello !== null && this.#isOpen && this.#hellos.length < hellosMax) this.#hellos.push(hello);
  }

  /** Counts a frame that is not heard: there is no room for it. */
  drop(): null {
    this.#dropped++;
    return null;
  }

  /** What the message is to the chart, now; null when it is to hear nothing of it. */
  hear(message: Message): NodeEvent | null {
    if (!this.#isOpen) return null;
    if (isForFormerBearer(this.#replica, message)) {
      this.#refused.formerBearer++;
      return null;
    }
    const nowMs = this.#clock.now();
    const judgement = judge(this.#replica, message, nowMs, this.#rules);
    const nonsense = judgement === 'olderTerm' ? null : nonsenseIn(this.#replica, message);
    if (nonsense !== null) {
      this.#nonsense[nonsense]++;
      this.#nonsenseCount++;
      return null;
    }
    hear(this.#replica, message, nowMs);
    switch (judgement) {
      case 'current':
        return delivered(message);
      case 'newerTerm':
        return { type: 'peer.newerTerm', message };
      case 'olderTerm':
        return { type: 'peer.olderTerm', message };
      case 'disturbsLeader':
        return null;
    }
  }
}
