import type { NodeActor } from '../../node/node-actor.js';
import type { NodeClock } from './node-clock.js';
import type { SessionLine } from './session-line.js';
import type { WatchedApplication } from './watched-application.js';

/** What a crash ends: the process with everything in its memory. */
export interface Life {
  /** Counted from 1. */
  readonly number: number;
  readonly clock: NodeClock;
  readonly application: WatchedApplication;
  /** Null until the node has recovered. */
  actor: NodeActor | null;
  /** To the sessions that it serves. */
  readonly lines: Set<SessionLine>;
  /** Nothing that it does has an effect any more. */
  isOver: boolean;
}

/** What sessions have asked of a life and were not answered: as their lines count, and as the node does. */
export function openRequestsOf({ lines, actor }: Life): { readonly asked: number; readonly known: number } {
  let asked = 0;
  for (const { wire } of lines) asked += wire.openAtNode;
  return { asked, known: actor?.requestsOpen ?? asked };
}

/** Thrown into a process whose life has just ended, to keep it from going on. Nobody else sees it. */
export class LifeOver extends Error {
  constructor() {
    super('The simulated process has ended.');
  }
}
