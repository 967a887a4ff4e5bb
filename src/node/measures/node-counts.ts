import type { Message } from '../../raft/messages.js';
import type { ClientReply } from '../clients/client-requests.js';
import { Distribution } from './distribution.js';

/** How often each name came. */
export type Counts = Readonly<Record<string, number>>;

/** Of something that has happened; the names are few. */
class Counter {
  readonly #counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  get counts(): Counts {
    return Object.fromEntries(this.#counts);
  }
}

/** What one life of a node counts, always: numbers alone, so that it costs next to nothing. */
export class NodeCounts {
  /** Rounds in which it asked whether it could win, elections in which it stood, and those that it won. */
  preElections = 0;
  elections = 0;
  electionsWon = 0;
  /** How often it heard of another leader, or of the same in another term. */
  leaders = 0;
  commandsTaken = 0;
  commandsApplied = 0;
  readonly commandsRefused = new Counter();
  readsTaken = 0;
  readsAnswered = 0;
  readonly readsRefused = new Counter();
  readonly sent = new Counter();
  readonly received = new Counter();
  /** Written to the log on disk, and what of it was commands as they are sealed. */
  entriesWritten = 0;
  bytesWritten = 0;
  /** From the hand-over of a batch to its being durable. */
  readonly writes = new Distribution();
  /** A leader's entries from its log to their commit: one at a time is timed. */
  readonly commits = new Distribution();

  sentMessage({ type }: Message): void {
    this.sent.add(type);
  }

  receivedMessage({ type }: Message): void {
    this.received.add(type);
  }

  /** A client is told what became of commands or of a query. */
  answered(reply: ClientReply): void {
    switch (reply.type) {
      case 'applied':
        this.commandsApplied += reply.count;
        return;
      case 'refused':
        this.commandsRefused.add(reply.error.code, reply.count);
        return;
      case 'answer':
        this.readsAnswered++;
        return;
      case 'readRefused':
        this.readsRefused.add(reply.error.code);
    }
  }
}
