import type { Random } from '../../ground/random.js';
import type { Strength } from '../faults/fault.js';
import type { ClientsCharacter } from '../options.js';
import type { World } from '../world/world.js';
import { Bulk } from './bulk.js';
import { Caller } from './caller.js';
import { Calls } from './calls.js';
import { Program } from './program.js';
import type { Recorder } from './recorder.js';

/** How clients behave, besides their character. */
export interface CrowdOptions {
  readonly timeoutMs: number;
  /** A program ends on average after so long, in milliseconds, in the midst of calls or not. Null: never. */
  readonly lifeMsMean: number | null;
  /** How often and how long a program hangs. Null: never. */
  readonly hangs: Pick<Strength, 'everyMsMean' | 'lastsMsMax'> | null;
}

/** Callers that hold on to a busy process of theirs, where programs hang. */
const keepsBusy = 0.02;

/** All programs and who calls in them. For each that ends another one comes, until they cease to end. */
export class Crowd {
  readonly #character: ClientsCharacter;
  readonly #options: CrowdOptions;
  readonly #world: World;
  readonly #recorder: Recorder;
  readonly #random: Random;
  readonly #calls: Calls;
  readonly #bulk: Bulk;
  readonly #programs = new Map<Program, readonly Caller[]>();
  #numbers = 0;
  #hasCeased = false;

  constructor(
    character: ClientsCharacter,
    options: CrowdOptions,
    world: World,
    recorder: Recorder,
    random: Random,
  ) {
    this.#character = character;
    this.#options = options;
    this.#world = world;
    this.#recorder = recorder;
    this.#random = random;
    this.#calls = new Calls(random.fork());
    this.#bulk = new Bulk(options.timeoutMs, world, () => this.programs, random.fork());
  }

  /** Those that live. */
  get programs(): Program[] {
    return [...this.#programs.keys()];
  }

  /** Whoever calls in one of them. */
  get callers(): Caller[] {
    return [...this.#programs.values()].flat();
  }

  start(): void {
    const { callers, programs, bulk } = this.#character;
    for (let number = 0; number < programs; number++) {
      const share = Math.floor((callers - number + programs - 1) / programs);
      if (share > 0) this.#add(share);
    }
    if (bulk !== null) this.#bulk.start(bulk);
  }

  /** Nobody hangs or ends any more, nor proposes much at a time: who comes and goes before it asks is never served. */
  cease(): void {
    this.#hasCeased = true;
    this.#bulk.close();
    for (const program of this.#programs.keys()) program.stayAwake();
  }

  /** Somebody proposes so many commands, one every so many milliseconds. */
  burst(count: number, everyMs: number): void {
    this.#bulk.burst(count, everyMs);
  }

  /** Nobody begins another call. */
  close(): void {
    for (const caller of this.callers) caller.close();
  }

  /** Every program closes its session and ends. */
  leave(): void {
    for (const program of this.#programs.keys()) program.close();
    this.#programs.clear();
  }

  /** Is anything open that should have ended by now? */
  checkDeadlines(): void {
    for (const program of this.#programs.keys()) program.checkDeadlines();
  }

  #add(callers: number): void {
    const { limits, lineMsMax, sessions, thinkMsMean } = this.#character;
    const { timeoutMs, lifeMsMean, hangs } = this.#options;
    const world = this.#world;
    const number = ++this.#numbers;
    const program = new Program({ number, limits, lineMsMax, sessions }, world, this.#random.fork());
    const options = { thinkMsMean, timeoutMs, keepsBusy: hangs === null ? 0 : keepsBusy };
    const all = Array.from({ length: callers }, (_, at) => {
      const own = { ...options, number: program.number * 100 + at };
      return new Caller(own, program, world, this.#calls, this.#recorder, this.#random.fork());
    });
    this.#programs.set(program, all);
    for (const caller of all) caller.start();
    if (hangs !== null) this.#hangNowAndThen(program, hangs, this.#random.fork());
    if (lifeMsMean === null) return;
    const lifeMs = -Math.log(1 - this.#random.next()) * lifeMsMean;
    world.time.after(lifeMs, () => {
      if (this.#hasCeased) return;
      this.#programs.delete(program);
      if (this.#random.chance(0.5)) program.die();
      else program.close();
      this.#add(callers);
    });
  }

  #hangNowAndThen(program: Program, hangs: NonNullable<CrowdOptions['hangs']>, random: Random): void {
    const awakeMs = -Math.log(1 - random.next()) * hangs.everyMsMean;
    this.#world.time.after(awakeMs, () => {
      if (this.#hasCeased || program.isOver) return;
      program.hang();
      this.#world.time.after(random.next() * hangs.lastsMsMax, () => {
        program.wake();
        this.#hangNowAndThen(program, hangs, random);
      });
    });
  }
}
