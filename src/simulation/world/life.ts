import type { Application } from '../../application/application.js';
import type { NodeActor } from '../../node/node-actor.js';
import type { NodeClock } from './node-clock.js';

/** What a crash ends: the process with everything in its memory. */
export interface Life {
  /** Counted from 1. */
  readonly number: number;
  readonly clock: NodeClock;
  readonly application: Application;
  /** Null until the node has recovered. */
  actor: NodeActor | null;
  /** Nothing that it does has an effect any more. */
  isOver: boolean;
}

/** Thrown into a process whose life has just ended, to keep it from going on. Nobody else sees it. */
export class LifeOver extends Error {
  constructor() {
    super('The simulated process has ended.');
  }
}
