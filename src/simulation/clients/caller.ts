import type { Random } from '../../ground/random.js';
import type { Ending } from '../invariants/request.js';
import { contentOf } from '../world/marks.js';
import type { World } from '../world/world.js';
import { type Calls, decodeAnswer, encodeCall } from './calls.js';
import type { CallOptions, Program } from './program.js';
import type { OpenCall, Recorder } from './recorder.js';

/** What decides how a caller behaves. */
export interface CallerOptions {
  readonly number: number;
  readonly thinkMsMean: number;
  /** How long it waits for an answer, as a rule. */
  readonly timeoutMs: number;
  /** How likely it is to keep its process busy, just when it has called, for longer than it would wait. */
  readonly keepsBusy: number;
}

/** Somebody in a program, with one call at a time. What came of a command is never asked twice: that is the session's work. */
export class Caller {
  readonly #options: CallerOptions;
  readonly #program: Program;
  readonly #world: World;
  readonly #calls: Calls;
  readonly #recorder: Recorder;
  readonly #random: Random;
  #isBusy = false;
  #isClosing = false;
  #served = { commands: 0, reads: 0 };

  constructor(
    options: CallerOptions,
    program: Program,
    world: World,
    calls: Calls,
    recorder: Recorder,
    random: Random,
  ) {
    this.#options = options;
    this.#program = program;
    this.#world = world;
    this.#calls = calls;
    this.#recorder = recorder;
    this.#random = random;
  }

  get number(): number {
    return this.#options.number;
  }

  /** How many calls were answered since `countFromHere`. */
  get served(): { readonly commands: number; readonly reads: number } {
    return this.#served;
  }

  countFromHere(): void {
    this.#served = { commands: 0, reads: 0 };
  }

  /** Has it called, and not heard? */
  get isBusy(): boolean {
    return this.#isBusy && !this.#program.isOver;
  }

  /** Thinks, calls, waits, and begins anew. */
  start(): void {
    const thinkMs = -Math.log(1 - this.#random.next()) * this.#options.thinkMsMean;
    this.#program.clock.setTimeout(() => this.#begin(), thinkMs);
  }

  /** Begins no other call. */
  close(): void {
    this.#isClosing = true;
  }

  #begin(): void {
    if (this.#isClosing) return;
    this.#isBusy = true;
    const input = this.#calls.draw();
    const options = this.#drawOptions(input.type === 'get');
    const bytes = encodeCall(input);
    const isRead = input.type === 'get';
    const isStale = options.consistency === 'stale';
    // A stale read has no place in the order of the others.
    const call = isStale ? null : this.#recorder.invoke(this.number, input);
    this.#world.trace.event(null, 'call', this.number, call?.invokedAt);
    const ended = (ending: Ending) => {
      if (ending.type === 'done') this.#served[isRead ? 'reads' : 'commands']++;
      this.#ended(call, ending);
    };
    if (isRead) this.#program.read(bytes, options, ended);
    else this.#program.propose(bytes, options, ended);
    if (this.#random.chance(this.#options.keepsBusy)) {
      this.#program.beBusy(options.timeoutMs * this.#random.between(0.5, 1.5));
    }
  }

  #drawOptions(isRead: boolean): CallOptions {
    const random = this.#random;
    const voters = this.#world.hosts.length;
    const timeoutMs = random.chance(0.1)
      ? 1 + random.next() * 0.1 * this.#options.timeoutMs
      : this.#options.timeoutMs;
    const isStale = isRead && random.chance(0.15);
    const isDirected = random.chance(isRead ? 0.4 : 0.05);
    return {
      timeoutMs,
      ...(isStale
        ? { consistency: 'stale' }
        : isRead && this.#world.hasLeases
          ? { consistency: 'lease' }
          : {}),
      ...(isDirected ? { node: random.below(voters) } : {}),
      ...(random.chance(0.05) ? { signal: this.#abortSoon(timeoutMs) } : {}),
      ...(!isRead && this.#world.verifies && random.chance(0.4) ? { verify: true } : {}),
    };
  }

  #abortSoon(timeoutMs: number): AbortSignal {
    const controller = new AbortController();
    const afterMs = this.#random.next() ** 3 * timeoutMs;
    this.#program.clock.setTimeout(
      () => controller.abort(new Error('Its caller has no use for it.')),
      afterMs,
    );
    return controller.signal;
  }

  #ended(call: OpenCall | null, ending: Ending): void {
    this.#isBusy = false;
    const isDone = ending.type === 'done';
    this.#world.trace.event(null, 'answer', this.number, call?.invokedAt, isDone ? 1 : 0);
    if (call !== null) {
      if (isDone) this.#recorder.answer(call, decodeAnswer(call.input, contentOf(ending.result)));
      // Of others it stays open, for ever, what they came to.
      else if (call.input.type === 'get' || ending.code !== 'OUTCOME_UNKNOWN') this.#recorder.leaveOut(call);
    }
    const isOverloaded = !isDone && ending.code === 'OVERLOADED';
    if (!isDone) this.#count(ending.code);
    if (isOverloaded && this.#random.chance(0.7)) {
      this.#world.rare.count('a caller that waited for room');
      this.#program.awaitRoom(this.#options.timeoutMs, () => this.start());
    } else this.start();
  }

  #count(code: string): void {
    const { rare } = this.#world;
    if (code === 'OVERLOADED') rare.count('a session that refused more than it can hold');
    if (code === 'QUORUM_UNAVAILABLE') rare.count('a call that no leader took in time');
    if (code === 'COMMAND_REJECTED') rare.count('a command that the voters found not to be valid');
    if (code === 'ABORTED') rare.count('a call aborted before it had an effect');
  }
}
