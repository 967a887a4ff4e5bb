import type { Random } from '../../ground/random.js';
import type { Strength } from '../faults/fault.js';
import type { World } from '../world/world.js';
import { Calls } from './calls.js';
import { Client } from './client.js';
import type { Recorder } from './recorder.js';

/** How many clients there are and how they behave. */
export interface CrowdOptions {
  readonly clients: number;
  readonly thinkMsMean: number;
  readonly timeoutMs: number;
  /** A client dies on average after so long, in milliseconds, in the midst of a call or not. Null: never. */
  readonly lifeMsMean: number | null;
  /** How often and how long a client hangs. Null: never. */
  readonly hangs: Pick<Strength, 'everyMsMean' | 'lastsMsMax'> | null;
}

/** All clients. For each that dies another one comes, until they cease to die. */
export class Crowd {
  readonly #options: CrowdOptions;
  readonly #world: World;
  readonly #recorder: Recorder;
  readonly #random: Random;
  readonly #calls: Calls;
  readonly #clients: Client[] = [];
  #numbers = 0;
  #hasCeased = false;

  constructor(options: CrowdOptions, world: World, recorder: Recorder, random: Random) {
    this.#options = options;
    this.#world = world;
    this.#recorder = recorder;
    this.#random = random;
    this.#calls = new Calls(random.fork());
  }

  /** Those that live. */
  get clients(): readonly Client[] {
    return this.#clients;
  }

  start(): void {
    for (let count = 0; count < this.#options.clients; count++) this.#add();
  }

  /** Nobody hangs or dies any more: who comes and goes before it asks anything is never served. */
  cease(): void {
    this.#hasCeased = true;
    for (const client of this.#clients) client.wake();
  }

  #add(): void {
    const { thinkMsMean, timeoutMs, lifeMsMean, hangs } = this.#options;
    const number = ++this.#numbers;
    const client = new Client(
      { number, thinkMsMean, timeoutMs },
      this.#world,
      this.#calls,
      this.#recorder,
      this.#random.fork(),
    );
    this.#clients.push(client);
    client.start();
    if (hangs !== null) this.#hangNowAndThen(client, hangs, this.#random.fork());
    if (lifeMsMean === null) return;
    const lifeMs = -Math.log(1 - this.#random.next()) * lifeMsMean;
    this.#world.time.after(lifeMs, () => {
      if (client.isClosing || this.#hasCeased) return;
      client.die();
      this.#clients.splice(this.#clients.indexOf(client), 1);
      this.#add();
    });
  }

  #hangNowAndThen(client: Client, hangs: NonNullable<CrowdOptions['hangs']>, random: Random): void {
    const awakeMs = -Math.log(1 - random.next()) * hangs.everyMsMean;
    this.#world.time.after(awakeMs, () => {
      if (this.#hasCeased || client.isDead) return;
      client.hang();
      this.#world.time.after(random.next() * hangs.lastsMsMax, () => {
        client.wake();
        this.#hangNowAndThen(client, hangs, random);
      });
    });
  }
}
