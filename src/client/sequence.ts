import type { ProposedPlace } from '../node/clients/client-requests.js';
import type { LogIndex } from '../raft/entry.js';
import type { Command } from './command.js';

/**
 * The numbers of a session's commands: each gets one when it is first sent and keeps it until it is over, so that the
 * cluster knows it again. Commands end in any order; the lowest number that is open says from where on results are asked
 * for.
 */
export class Sequence {
  readonly #openMax: number;
  #id: LogIndex | null = null;
  #next = 1;
  /** Those that have numbers, ascending; what is over is passed over. */
  #open: Command[] = [];
  #head = 0;

  /** @param openMax the numbers from the lowest that is open on: the cluster keeps no more results of one session. */
  constructor(openMax: number) {
    this.#openMax = openMax;
  }

  /** The session, or null while there is none. */
  get id(): LogIndex | null {
    return this.#id;
  }

  begin(id: LogIndex): void {
    this.#id = id;
    this.#next = 1;
    this.#open = [];
    this.#head = 0;
  }

  end(): void {
    this.#id = null;
  }

  /** How many commands more may have a number now. */
  get room(): number {
    return this.#openMax - (this.#next - this.#acknowledged());
  }

  /** Gives a command that has none a number. */
  number(command: Command): void {
    command.session = this.#id;
    command.sequence = this.#next++;
    this.#open.push(command);
  }

  /** The place of a command that has a number, or of the session itself. */
  placeOf(command: Pick<Command, 'sequence'>): ProposedPlace {
    return { id: this.#id ?? 0, sequence: command.sequence, acknowledged: this.#acknowledged() };
  }

  #acknowledged(): number {
    const open = this.#open;
    while (this.#head < open.length && this.#isOver(open[this.#head] as Command)) this.#head++;
    if (this.#head > open.length / 2) {
      this.#open = open.slice(this.#head);
      this.#head = 0;
    }
    return this.#open[this.#head]?.sequence ?? this.#next;
  }

  #isOver({ isOver, session }: Command): boolean {
    return isOver || session !== this.#id;
  }
}
