import type { Random } from '../../random.js';
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
}

/** All clients. For each that dies another one comes. */
export class Crowd {
  readonly #options: CrowdOptions;
  readonly #world: World;
  readonly #recorder: Recorder;
  readonly #random: Random;
  readonly #calls: Calls;
  readonly #clients: Client[] = [];
  #numbers = 0;

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

  #add(): void {
    const { thinkMsMean, timeoutMs, lifeMsMean } = this.#options;
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
    if (lifeMsMean === null) return;
    const lifeMs = -Math.log(1 - this.#random.next()) * lifeMsMean;
    this.#world.time.after(lifeMs, () => {
      if (client.isClosing) return;
      client.die();
      this.#clients.splice(this.#clients.indexOf(client), 1);
      this.#add();
    });
  }
}
