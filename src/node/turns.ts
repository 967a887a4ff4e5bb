import type { Clock } from '../ground/clock.js';
import type { Message } from '../raft/messages.js';
import type { ClientRead } from './clients/client-requests.js';
import type { Happening } from './parts.js';

/** Events waiting for the next turn; what a network brings beyond that is dropped, what clients ask is refused. */
export const mailboxEventsMax = 65_536;
/** Reads in one event: they are bounded by their bytes, and these may be few. */
export const readsTogetherMax = 256;

/** What waits for its turn: a peer's message is judged only then. */
export type Mail = Happening | { readonly type: 'peer.message'; readonly message: Message };

type ReadMail = Extract<Happening, { type: 'client.read' | 'client.readStale' }>;

/** Who does the work of a turn. */
export interface TurnsHost {
  step(mail: Mail): void;
  /** What came in the turn has been stepped through. */
  flush(): void;
}

/** A timer of the node, on one of its clock. */
interface TurnTimer {
  readonly callback: () => void;
  underlying: unknown;
}

/**
 * A node's mailbox, and the turns in which it is drained: what has arrived is stepped through one by one, then the timers
 * that are due, and then all that came of it is flushed.
 */
export class Turns {
  /**
   * The node's clock, but a timer waits for its turn, behind what has arrived: on a thread that was starved, the
   * heartbeats that came in time are heard before the silence is judged.
   */
  readonly clock: Clock;
  readonly #clock: Clock;
  readonly #host: TurnsHost;
  #mailbox: Mail[] = [];
  /** The reads of the event that was put in last: others may join them while nothing comes behind. */
  #lastReads: { readonly mail: ReadMail; readonly reads: ClientRead[] } | null = null;
  /** What of the mailbox this turn has not come to yet, the next one last. If the node dies, nobody else will. */
  #inHand: Mail[] = [];
  /** Timers that are due in this turn; one that an event of the turn cancels is taken out again. */
  readonly #due = new Set<TurnTimer>();
  #isRequested = false;
  #hasEnded = false;

  constructor(clock: Clock, host: TurnsHost) {
    this.#clock = clock;
    this.#host = host;
    this.clock = {
      now: () => clock.now(),
      setTimeout: (callback, delayMs) => this.#setTimeout(callback, delayMs),
      clearTimeout: (timer) => {
        this.#due.delete(timer as TurnTimer);
        clock.clearTimeout((timer as TurnTimer).underlying);
      },
      soon: (turn) => clock.soon(turn),
    };
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Is there no room for another event? */
  get isFull(): boolean {
    return this.#mailbox.length >= mailboxEventsMax;
  }

  /** Puts an event into the mailbox. */
  put(mail: Mail): void {
    this.#mailbox.push(mail);
    this.request();
  }

  /** As `put`; reads that are alike and come one behind the other are one event: the chart takes its time for each. */
  putRead(type: ReadMail['type'], read: ClientRead): void {
    const last = this.#lastReads;
    if (
      last !== null &&
      last.mail === this.#mailbox.at(-1) &&
      last.mail.type === type &&
      last.reads[0]?.mayUseLease === read.mayUseLease &&
      last.reads.length < readsTogetherMax
    ) {
      last.reads.push(read);
      return;
    }
    const reads = [read];
    const mail = { type, reads } as const;
    this.#lastReads = { mail, reads };
    this.put(mail);
  }

  /** There is something to do, though nothing may have come. */
  request(): void {
    if (this.#isRequested || this.#hasEnded) return;
    this.#isRequested = true;
    this.#clock.soon(() => this.#turn());
  }

  /** Ends it: no turn is taken from now on. Returns what was not come to, in its order. */
  end(): Mail[] {
    this.#hasEnded = true;
    this.#due.clear();
    return [...this.#inHand.splice(0).reverse(), ...this.#mailbox.splice(0)];
  }

  #turn(): void {
    this.#isRequested = false;
    this.#inHand = this.#mailbox.reverse();
    this.#mailbox = [];
    for (let mail = this.#inHand.pop(); mail !== undefined; mail = this.#inHand.pop()) this.#host.step(mail);
    for (const timer of this.#due) {
      this.#due.delete(timer);
      if (!this.#hasEnded) timer.callback();
    }
    if (!this.#hasEnded) this.#host.flush();
  }

  #setTimeout(callback: () => void, delayMs: number): TurnTimer {
    const timer: TurnTimer = { callback, underlying: null };
    timer.underlying = this.#clock.setTimeout(() => {
      this.#due.add(timer);
      this.request();
    }, delayMs);
    return timer;
  }
}
