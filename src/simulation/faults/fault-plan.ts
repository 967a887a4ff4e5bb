import type { Random } from '../../ground/random.js';
import { type FaultKind, faultKinds } from '../options.js';
import type { World } from '../world/world.js';
import { absences } from './absences.js';
import { diskFaults } from './disk-faults.js';
import type { Episode, Episodes, Strength } from './fault.js';
import { figureEight } from './figure-eight.js';
import { halfRuns } from './half-runs.js';
import { networkFaults } from './network-faults.js';
import { nodeFaults } from './node-faults.js';
import { operations } from './operations.js';
import { Operator } from './operator.js';

const episodes: Episodes = {
  ...networkFaults,
  ...nodeFaults,
  ...diskFaults,
  figure8: figureEight,
  halfRuns,
  absences,
  ...operations,
};

/** How likely a kind that may exist does, in a run that has faults. */
const existence = 0.4;
/** Some runs have none at all. */
const calm = 0.03;

/** Draws which of the faults there are, and how strong (swarm testing). */
export function drawStrengths(kinds: readonly FaultKind[], random: Random): Map<FaultKind, Strength> {
  const strengths = new Map<FaultKind, Strength>();
  const isCalm = random.chance(calm);
  // All are drawn, so that leaving one out does not change the others.
  for (const kind of faultKinds) {
    const exists = random.chance(existence);
    const everyMsMean = 150 * 100 ** random.next();
    const lastsMsMax = 50 * 100 ** random.next();
    const degree = random.next();
    if (exists && !isCalm && kinds.includes(kind)) strengths.set(kind, { everyMsMean, lastsMsMax, degree });
  }
  return strengths;
}

/** Strikes a world with episodes of its faults, each kind by itself, until told to cease. */
export class FaultPlan {
  readonly #world: World;
  readonly #random: Random;
  readonly #strengths: ReadonlyMap<FaultKind, Strength>;
  readonly #open = new Set<() => void>();
  #hasCeased = false;
  readonly operator: Operator;

  constructor(world: World, strengths: ReadonlyMap<FaultKind, Strength>, random: Random, apart: Random) {
    this.#world = world;
    this.#strengths = strengths;
    this.#random = random;
    this.operator = new Operator(world, apart);
  }

  start(): void {
    if (this.#strengths.has('tears')) for (const host of this.#world.hosts) host.disk.faults.tears = true;
    for (const kind of faultKinds) {
      const random = this.#random.fork();
      const episode = episodes[kind];
      const strength = this.#strengths.get(kind);
      if (episode !== undefined && strength !== undefined) this.#await(kind, episode, strength, random);
    }
  }

  /** Ends all episodes and begins no more. */
  cease(): void {
    this.#hasCeased = true;
    for (const end of [...this.#open]) end();
  }

  #await(kind: FaultKind, episode: Episode, strength: Strength, random: Random): void {
    const delayMs = -Math.log(1 - random.next()) * strength.everyMsMean;
    this.#world.time.after(delayMs, () => {
      if (this.#hasCeased) return;
      this.#strike(kind, episode, strength, random);
      this.#await(kind, episode, strength, random);
    });
  }

  #strike(kind: FaultKind, episode: Episode, { degree, lastsMsMax }: Strength, random: Random): void {
    const world = this.#world;
    let struck = '';
    const strikes = (whom: string) => {
      struck = whom;
      world.trace.event(null, 'fault', 0, 0, 0, `${kind} begins: ${whom}`);
    };
    const begun = episode({ world, operator: this.operator, random, degree, strikes });
    if (begun === undefined) return;
    const { end, lastsMs } =
      typeof begun === 'function' ? { end: begun, lastsMs: random.next() * lastsMsMax } : begun;
    const endOnce = () => {
      if (!this.#open.delete(endOnce)) return;
      world.trace.event(null, 'fault', 1, 0, 0, `${kind} ends: ${struck}`);
      end();
    };
    this.#open.add(endOnce);
    world.time.after(lastsMs, endOnce);
  }
}
