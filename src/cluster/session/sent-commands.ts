import type { NodeId } from '../../raft/entry.js';

/** Commands and their outcome, as `propose` promised it. */
export interface Command {
  readonly bytes: Uint8Array;
  readonly deadlineMs: number;
  readonly timeoutMs: number;
  /** The one node it may be sent to, or null. */
  readonly only: NodeId | null;
  readonly resolve: (proposed: Proposed) => void;
  readonly reject: (error: Error) => void;
  /** Its number in the node's replies while it is with one. */
  number: number;
  /** Who has it, or null. */
  sentTo: NodeId | null;
}

/** Where a command ended up, and what applying it gave. */
export interface Proposed {
  readonly index: number;
  readonly term: number;
  readonly result: Uint8Array;
}

/** Commands that clients may have under way, waiting ones included. A power of two: numbers become slots by a mask. */
export const commandsMax = 65_536;
const mask = commandsMax - 1;

/**
 * The commands that are with nodes, by number: a ring, for numbers are given in order and most come back in order.
 * One that is late keeps its slot and is passed over. There is always a free slot, for the caller keeps no more
 * than `commandsMax` commands.
 */
export class SentCommands {
  readonly #slots: (Command | null)[] = new Array<Command | null>(commandsMax).fill(null);
  #next = 0;

  /** The number that the next command would get. */
  nextNumber(): number {
    while (this.#slots[this.#next & mask] !== null) this.#next++;
    return this.#next;
  }

  /** Gives the command the next number and the node. */
  add(command: Command, node: NodeId): void {
    command.number = this.nextNumber();
    command.sentTo = node;
    this.#slots[command.number & mask] = command;
    this.#next = command.number + 1;
  }

  /** Takes out the command of this number; null if its outcome is known already. */
  take(number: number): Command | null {
    const slot = number & mask;
    const command = this.#slots[slot] ?? null;
    if (command === null || command.number !== number) return null;
    this.#slots[slot] = null;
    command.sentTo = null;
    return command;
  }

  /** Takes out all that match. Looks at every slot, so it is for rare occasions. */
  takeWhere(matches: (command: Command) => boolean): Command[] {
    const taken: Command[] = [];
    for (const command of this.#slots) {
      if (command === null || !matches(command)) continue;
      this.#slots[command.number & mask] = null;
      taken.push(command);
    }
    return taken;
  }
}
