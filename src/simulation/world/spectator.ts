import type { World } from './world.js';

/** Looks on. It may read anything and must change nothing: a run is the same with it and without. */
export interface Spectator {
  /** The world is about to start. */
  begins(world: World): void;
  /** Something happened in it, and is over. */
  stepped(): void;
}
