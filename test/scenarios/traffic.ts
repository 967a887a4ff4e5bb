import type { Traffic, World } from './world.js';

const heartbeatMs = 50;

/** The network's counters at a moment. */
export interface Look extends Traffic {
  readonly ms: number;
}

export async function look(world: World): Promise<Look> {
  const traffic = await world.traffic();
  return { ...traffic, ms: world.now() };
}

/** The frames of the heartbeats between two looks, and half as many again for timers that run late and catch up. */
export function heartbeatFrames(from: Look, to: Look, followers: number): number {
  return ((to.ms - from.ms) / heartbeatMs) * 2 * followers * 1.5;
}
