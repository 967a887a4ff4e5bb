import type { NodeId } from '../../raft/entry.js';
import type { Message } from '../../raft/messages.js';

interface Outgoing {
  readonly to: NodeId;
  readonly message: Message;
}

interface Promised extends Outgoing {
  /** The write that must be durable before the message may leave. */
  readonly sequence: number;
}

/**
 * What a turn wants to say to peers, in lanes; the lane is the safety argument.
 *
 *     turn:  events stepped ──┬─ now ────────────────────────────► leave at once
 *                             ├─ write + sync ──► durable
 *                             └─ promises ─────────────┴─────────► leave when durable
 *
 * Now: what promises nothing about this server's disk (appends, heartbeats, refusals, questions).
 * Promises: votes, requests for votes (they announce a term and a vote for oneself), acknowledgements of entries.
 */
export class Outbox {
  readonly #now: Outgoing[] = [];
  readonly #promises: Promised[] = [];

  send(to: NodeId, message: Message): void {
    this.#now.push({ to, message });
  }

  /** @param sequence the number of the write that covers all the message promises. */
  sendOnceDurable(to: NodeId, message: Message, sequence: number): void {
    this.#promises.push({ to, message, sequence });
  }

  takeNow(): Outgoing[] {
    return this.#now.splice(0);
  }

  /** The promises that write `sequence` and all before it have covered. */
  takeDurable(sequence: number): Outgoing[] {
    let covered = 0;
    while (covered < this.#promises.length && (this.#promises[covered] as Promised).sequence <= sequence)
      covered++;
    return this.#promises.splice(0, covered);
  }

  /** Forgets everything unsaid. */
  clear(): void {
    this.#now.length = 0;
    this.#promises.length = 0;
  }
}
