import { record } from '../../application/key-value/commands.js';
import { packBytes, unpackBytes } from '../../ground/byte-strings.js';
import type { Random } from '../../ground/random.js';
import type { ClientReply } from '../../node/clients/client-requests.js';
import type { NodeId } from '../../raft/entry.js';
import { answeredWasApplied } from '../invariants/state-machines.js';
import type { BulkOptions } from '../options.js';
import type { World } from '../world/world.js';

/** What a command takes at most beyond its number. */
const paddingMax = 60;

/**
 * A client that proposes many commands at a time and never asks again, so that logs have runs of many entries beside
 * those of one. It appends records: the others' history has keys, and need not know of them.
 */
export class Bulk {
  readonly #options: BulkOptions;
  readonly #world: World;
  readonly #random: Random;
  #commands = 0;
  #target: NodeId = 0;
  #isClosed = false;

  constructor(options: BulkOptions, world: World, random: Random) {
    this.#options = options;
    this.#world = world;
    this.#random = random;
  }

  start(): void {
    const waitMs = -Math.log(1 - this.#random.next()) * this.#options.everyMsMean;
    this.#world.time.after(waitMs, () => {
      if (this.#isClosed) return;
      this.#propose();
      this.start();
    });
  }

  /** Proposes nothing more. */
  close(): void {
    this.#isClosed = true;
  }

  #propose(): void {
    const node = this.#random.chance(0.2) ? this.#random.below(this.#world.hosts.length) : this.#target;
    const count = 1 + this.#random.below(this.#options.commandsMax);
    const commands = Array.from({ length: count }, () => this.#command());
    this.#world.host(node).ask((actor, guarded) => {
      const reply = guarded((given) => this.#hear(node, commands, given));
      actor.propose({ first: 0, count, body: packBytes(commands), reply });
    });
  }

  /** No two are the same. */
  #command(): Uint8Array {
    return record(Buffer.from(`bulk ${++this.#commands} `.padEnd(this.#random.below(paddingMax), '.')));
  }

  #hear(node: NodeId, commands: readonly Uint8Array[], given: ClientReply): void {
    const { oracle, refusals } = this.#world;
    if (given.type === 'applied') {
      this.#target = node;
      const { first, count, index, term, results } = given;
      for (const [at, result] of (unpackBytes(results, count) ?? []).entries()) {
        const command = commands[first + at] ?? new Uint8Array(0);
        answeredWasApplied(node, { index: index + at, term, command, result }, oracle.cluster);
      }
    } else if (given.type === 'refused') {
      this.#target = given.error.leaderId ?? this.#target;
      if (given.error.code === 'OUTCOME_UNKNOWN') return;
      const { first, count } = given;
      for (const command of commands.slice(first, first + count)) refusals.refused(node, command);
    }
  }
}
