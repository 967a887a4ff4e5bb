import { record } from '../../application/key-value/commands.js';
import type { Random } from '../../ground/random.js';
import type { BulkOptions } from '../options.js';
import type { World } from '../world/world.js';
import type { Program } from './program.js';

/** What a command takes at most beyond its number. */
const paddingMax = 60;

/**
 * Somebody who proposes many commands in one turn of a program, beside its callers, and never asks again, so that logs
 * have runs of many entries beside those of one. It appends records: the others' history has keys, and need not know of
 * them.
 */
export class Bulk {
  readonly #timeoutMs: number;
  readonly #world: World;
  readonly #programs: () => readonly Program[];
  readonly #random: Random;
  #commands = 0;
  #isClosed = false;

  constructor(timeoutMs: number, world: World, programs: () => readonly Program[], random: Random) {
    this.#timeoutMs = timeoutMs;
    this.#world = world;
    this.#programs = programs;
    this.#random = random;
  }

  start(options: BulkOptions): void {
    const { everyMsMean, commandsMax } = options;
    const waitMs = -Math.log(1 - this.#random.next()) * everyMsMean;
    this.#world.time.after(waitMs, () => {
      if (this.#isClosed) return;
      this.#propose(1 + this.#random.below(commandsMax));
      this.start(options);
    });
  }

  /** One command after another, so shortly that each is sent on by itself. */
  burst(count: number, everyMs: number): void {
    for (let at = 0; at < count; at++) this.#world.time.after(at * everyMs, () => this.#propose(1));
  }

  /** Proposes nothing more. */
  close(): void {
    this.#isClosed = true;
  }

  #propose(count: number): void {
    const programs = this.#programs();
    const program = programs[this.#random.below(programs.length)];
    const timeoutMs = this.#timeoutMs;
    const commands = Array.from({ length: count }, () => this.#command());
    program?.enter(() => {
      for (const command of commands) program.propose(command, { timeoutMs }, () => {});
    });
  }

  /** No two are the same. */
  #command(): Uint8Array {
    return record(Buffer.from(`bulk ${++this.#commands} `.padEnd(this.#random.below(paddingMax), '.')));
  }
}
