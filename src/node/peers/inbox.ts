import { delivered, type NodeEvent } from '../../../machines/node-events.js';
import type { Clock } from '../../ground/clock.js';
import type { NodeId } from '../../raft/entry.js';
import type { Message } from '../../raft/messages.js';
import { type Nonsense, nonsenseIn, nonsenses } from '../../raft/nonsense.js';
import type { Replica } from '../../raft/replica.js';
import { hear, judge, type TermRules } from '../../raft/terms.js';
import type { FrameCounters, FrameDecoder } from '../../wire/messages.js';

/** How many frames and messages met which fate. */
export interface InboxCounters extends FrameCounters {
  /** Not a peer's, or there was no room. */
  readonly framesDropped: number;
  /** Dropped because they make no sense. */
  readonly nonsense: Readonly<Record<Nonsense, number>>;
}

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
  #isOpen = true;
  #dropped = 0;

  constructor(replica: Replica, rules: TermRules, decoder: FrameDecoder, clock: Clock) {
    this.#replica = replica;
    this.#rules = rules;
    this.#clock = clock;
    this.#decoder = decoder;
  }

  /** How many messages made no sense. */
  get nonsenseCount(): number {
    return this.#nonsenseCount;
  }

  get counters(): InboxCounters {
    return { ...this.#decoder.counters, framesDropped: this.#dropped, nonsense: { ...this.#nonsense } };
  }

  open(): void {
    this.#isOpen = true;
  }

  shut(): void {
    this.#isOpen = false;
  }

  /** The message in a frame that `from` sent; null when it makes none, or is not a peer's. */
  read(from: NodeId, frame: Uint8Array): Message | null {
    const { id, configuration } = this.#replica;
    const message = this.#decoder.decode(frame);
    if (message !== null && message.from === from && from !== id && configuration.isMember(from))
      return message;
    return this.drop();
  }

  /** Counts a frame that is not heard: there is no room for it. */
  drop(): null {
    this.#dropped++;
    return null;
  }

  /** What the message is to the chart, now; null when it is to hear nothing of it. */
  hear(message: Message): NodeEvent | null {
    if (!this.#isOpen) return null;
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
