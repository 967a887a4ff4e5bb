import type { NodeInformation } from '../../src/node/information.js';
import type { World } from './world.js';

/** How long anything may take before it counts as not happening. Nothing waits so long unless it is broken. */
export const patienceMs = 20_000;
/** How often a condition is looked at. */
const glanceMs = 10;

/** What was waited for did not come about. */
export class InVain extends Error {
  override readonly name = 'InVain';
}

/**
 * Looks until `found` gives something other than null or undefined or false, and returns that.
 * @throws {InVain} after `timeoutMs`, with the state of all nodes.
 */
export async function until<Found>(
  world: World,
  what: string,
  found: () => Promise<Found | null | undefined | false>,
  timeoutMs = patienceMs,
): Promise<Found> {
  const deadline = world.now() + timeoutMs;
  for (;;) {
    const result = await found();
    if (result !== null && result !== undefined && result !== false) return result;
    if (world.now() >= deadline) {
      throw new InVain(`Waited ${timeoutMs} ms for ${what}, in vain.\n${await picture(world)}`);
    }
    await world.sleep(glanceMs);
  }
}

/** Holds that `holds` stays true for a while: for what must not happen, and nothing announces. */
export async function throughout(
  world: World,
  durationMs: number,
  holds: () => Promise<void>,
): Promise<void> {
  const end = world.now() + durationMs;
  do {
    await holds();
    await world.sleep(glanceMs);
  } while (world.now() < end);
  await holds();
}

/** The term changed where the scenario needs a calm one: a machine that pauses can cost a leader its office. */
export class Unsettled extends Error {
  override readonly name = 'Unsettled';
}

/**
 * Plays `act` until it ends without an `Unsettled`, three times at most. For what only holds within one term: a
 * chance election of a loaded machine is forgiven twice, one that the scenario itself causes comes every time.
 */
export async function inCalm<Result>(act: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (attempt === 3 || !(error instanceof Unsettled)) throw error;
    }
  }
}

async function picture(world: World): Promise<string> {
  return (await world.infos()).map(line).join('\n');
}

function line(node: NodeInformation): string {
  const { id, state, term, leaderId, lastLogIndex, commitIndex, height, peers, digest } = node;
  return (
    `  node ${id}: ${state}, term ${term}, leader ${leaderId ?? 'unknown'}, log ${lastLogIndex}, ` +
    `commit ${commitIndex}, height ${height}, peers ${peers.join(',')}, digest ${digest}`
  );
}
