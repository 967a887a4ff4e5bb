import { delivered, type NodeEvent } from '../../../machines/node-events.js';
import type { Clock } from '../../ground/clock.js';
import type { NodeId } from '../../raft/entry.js';
import type { Message } from '../../raft/messages.js';
import type { Replica } from '../../raft/replica.js';
import { hear, judge, type TermRules } from '../../raft/terms.js';
import type { Cipher } from '../../wire/cipher.js';
import { FrameDecoder } from '../../wire/messages.js';

/**
 * What peers say: frames in, messages into the mailbox, and when their turn comes, events of the chart. It is open
 * while the chart is alive, and a node whose inbox is shut hears nobody.
 */
export class Inbox {
  readonly #replica: Replica;
  readonly #rules: TermRules;
  readonly #clock: Clock;
  readonly #decoder: FrameDecoder;
  #isOpen = true;
  #dropped = 0;

  constructor(replica: Replica, rules: TermRules, cipher: Cipher, clock: Clock) {
    this.#replica = replica;
    this.#rules = rules;
    this.#clock = clock;
    this.#decoder = new FrameDecoder(cipher);
  }

  get counters() {
    return { ...this.#decoder.counters, framesDropped: this.#dropped };
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
    hear(this.#replica, message, nowMs);
    switch (judge(this.#replica, message, nowMs, this.#rules)) {
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
