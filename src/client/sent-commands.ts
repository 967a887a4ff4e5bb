import type { NodeId } from '../raft/entry.js';
import type { Command } from './command.js';

/** How many commands may be with nodes. */
export interface SentLimits {
  /** With all nodes together. A power of two: numbers become slots by a mask. */
  readonly commandsMax: number;
  /** In one message: enough to make a message cheap, few enough to keep the node's turns short. */
  readonly commandsPerMessageMax: number;
  /**
   * With one node. A leader that is handed seconds of work in one turn misses its heartbeats and is deposed, and what
   * it had has an unknown outcome then.
   */
  readonly commandsAtNodeMax: number;
  readonly bytesAtNodeMax: number;
}

/** What a node has been sent and has not answered. */
interface Load {
  commands: number;
  bytes: number;
}

/** As many as a session has of its own at most: one to open it, one to keep it alive. And one slot stays free. */
const ownMax = 2;

/**
 * The commands that are with nodes, by number: a ring, for numbers are given in order and most come back in order.
 * One that is late keeps its slot and is passed over. There is always a free slot, for the caller keeps no more
 * than `commandsMax` commands, and one of each kind of the session's own.
 */
export class SentCommands {
  readonly #limits: SentLimits;
  readonly #mask: number;
  readonly #slots: (Command | null)[];
  readonly #loads = new Map<NodeId, Load>();
  #next = 0;

  constructor(limits: SentLimits) {
    const slots = 2 * Math.max(limits.commandsMax, 2 ** Math.ceil(Math.log2(ownMax + 1)));
    this.#limits = limits;
    this.#mask = slots - 1;
    this.#slots = new Array<Command | null>(slots).fill(null);
  }

  /**
   * Those of the commands from `from` on that the node may have now, as many as go into one message. A node that has
   * nothing may have one of any size.
   */
  fitting(node: NodeId, commands: readonly Command[], from: number): readonly Command[] {
    const { commandsPerMessageMax, commandsAtNodeMax, bytesAtNodeMax } = this.#limits;
    let { commands: count, bytes } = this.#loadOf(node);
    const endMax = Math.min(commands.length, from + commandsPerMessageMax, from + commandsAtNodeMax - count);
    let end = from;
    for (; end < endMax; end++, count++) {
      bytes += (commands[end] as Command).bytes.length;
      if (count > 0 && bytes > bytesAtNodeMax) break;
    }
    return from === 0 && end === commands.length ? commands : commands.slice(from, end);
  }

  /** The number that the next command would get. */
  nextNumber(): number {
    for (const endOfRing = this.#next + this.#slots.length; this.#next < endOfRing; this.#next++) {
      if (this.#slots[this.#next & this.#mask] === null) return this.#next;
    }
    throw new Error(
      `All ${this.#slots.length} slots for commands are taken; a session keeps within its limits.`,
    );
  }

  /** Gives the command the next number and the node. */
  add(command: Command, node: NodeId): void {
    command.number = this.nextNumber();
    command.sentTo = node;
    this.#slots[command.number & this.#mask] = command;
    this.#next = command.number + 1;
    const load = this.#loadOf(node);
    load.commands++;
    load.bytes += command.bytes.length;
  }

  /** Takes out the command of this number; null if its outcome is known already. */
  take(number: number): Command | null {
    const slot = number & this.#mask;
    const command = this.#slots[slot] ?? null;
    if (command === null || command.number !== number) return null;
    this.#slots[slot] = null;
    this.#unload(command);
    command.sentTo = null;
    return command;
  }

  /** Takes out all that match. Looks at every slot, so it is for rare occasions. */
  takeWhere(matches: (command: Command) => boolean): Command[] {
    const taken: Command[] = [];
    for (const command of this.#slots) {
      if (command === null || !matches(command)) continue;
      this.#slots[command.number & this.#mask] = null;
      this.#unload(command);
      taken.push(command);
    }
    return taken;
  }

  #loadOf(node: NodeId): Load {
    let load = this.#loads.get(node);
    if (load === undefined) {
      load = { commands: 0, bytes: 0 };
      this.#loads.set(node, load);
    }
    return load;
  }

  #unload({ sentTo, bytes }: Command): void {
    if (sentTo === null) return;
    const load = this.#loadOf(sentTo);
    load.commands--;
    load.bytes -= bytes.length;
  }
}
