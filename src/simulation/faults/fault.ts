import type { Random } from '../../ground/random.js';
import type { FaultKind } from '../options.js';
import type { World } from '../world/world.js';
import type { Operator } from './operator.js';

/** How strong the faults of one run are: drawn once from its seed. */
export interface Strength {
  /** Between the beginnings of two episodes, on average, in milliseconds. */
  readonly everyMsMean: number;
  /** An episode lasts so long at most, in milliseconds. */
  readonly lastsMsMax: number;
  /** From 0, hardly to be felt, to 1. */
  readonly degree: number;
}

/** Where an episode strikes. */
export interface Scene {
  readonly world: World;
  /** Who has members come and go. */
  readonly operator: Operator;
  readonly random: Random;
  readonly degree: number;
  /** Every episode says whom it strikes before it acts, as in `node 3`. One that does not has found nobody to strike. */
  readonly strikes: (whom: string) => void;
}

/** An episode that says itself how long it may last, in milliseconds. */
export interface Timed {
  end(): void;
  readonly lastsMs: number;
}

/** Begins an episode. Returns how to end it, or nothing where it ends by itself. */
export type Episode = (scene: Scene) => (() => void) | Timed | undefined;

export type Episodes = Readonly<Partial<Record<FaultKind, Episode>>>;
