import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import { ClockShift } from '../../src/inspector/recorders/clock-shift.js';
import { SpectatorClock } from '../../src/inspector/recorders/spectator-clock.js';
import { WorldRecorder } from '../../src/inspector/recorders/world-recorder.js';
import { CausalOrder } from '../../src/inspector/recording/causal-order.js';
import type { Life, Recording, RecordingHeader, Step } from '../../src/inspector/recording/format.js';
import { type NodeSeen, nodeAfter, unseen } from '../../src/inspector/recording/node-seen.js';
import type { NodeActor } from '../../src/node/node-actor.js';
import type { Observation } from '../../src/node/watch/observation.js';
import { defaultSimulation, type SimulationOptions } from '../../src/simulation/options.js';
import { simulate } from '../../src/simulation/simulation.js';
import type { TraceEvent } from '../../src/simulation/world/trace.js';
import type { Spectator, World } from '../../src/simulation/world/world.js';
import { impossibilities } from './possible-raft.js';

/*
 * Whoever steps through a recording sees Raft, and must never see what Raft forbids: an entry applied before it is
 * committed, a leader without its votes, two leaders in a term, an entry received before it was sent, a follower that
 * leads without standing. So every step of many recordings is judged: of simulated worlds with all their faults, told
 * exactly, and told as threads tell, on clocks that differ, in bundles that overtake each other, with the last words of
 * whoever is killed lost.
 */

const virtualMs = 4000;
const seeds = Array.from({ length: Number(process.env.SEEDS ?? 24) }, (_, nth) => nth + 1);

function optionsOf(seed: number): SimulationOptions {
  return { ...defaultSimulation, seed, virtualMs };
}

/** Who comes later has no clock here. */
function withoutChanges(options: SimulationOptions): SimulationOptions {
  return { ...options, faults: options.faults.filter((kind) => kind !== 'memberChanges') };
}

function recordingOf(options: SimulationOptions): Recording {
  const recorder = new WorldRecorder(options);
  const { finding } = simulate(options, (event) => recorder.heard(event), recorder);
  return recorder.finish(finding);
}

/** Something that was told of a world, and when, in virtual time. */
type Telling =
  | { readonly at: number; readonly node: number; readonly observation: Observation }
  | { readonly at: number; readonly node: number; readonly life: Life };

/** Takes down what the nodes of a world tell, as they tell it. */
class Listener implements Spectator {
  readonly tellings: Telling[] = [];
  readonly #watched = new Map<number, { actor: NodeActor | null; clock: SpectatorClock }>();
  #world: World | null = null;

  begins(world: World): void {
    this.#world = world;
  }

  heard({ node, kind, numbers }: TraceEvent): void {
    if (node === null) return;
    if (kind === 'crash') this.tellings.push({ at: this.#now(), node, life: 'crashed' });
    if (kind === 'start' && numbers.life !== 1)
      this.tellings.push({ at: this.#now(), node, life: 'running' });
  }

  stepped(): void {
    for (const { id, actor } of this.#world?.hosts ?? []) {
      if (this.#watched.get(id)?.actor === actor) continue;
      const clock = new SpectatorClock(() => this.#now());
      this.#watched.set(id, { actor, clock });
      actor?.watch((observation) => this.tellings.push({ at: this.#now(), node: id, observation }), clock);
    }
    for (const { clock } of this.#watched.values()) clock.fire(this.#now());
  }

  /** Has everybody tell what is left. */
  end(): void {
    for (const { clock } of this.#watched.values()) clock.fire(Number.POSITIVE_INFINITY);
  }

  #now(): number {
    return this.#world?.time.now() ?? 0;
  }
}

function tellingsOf(options: SimulationOptions): Telling[] {
  const listener = new Listener();
  simulate(options, (event) => listener.heard(event), listener);
  listener.end();
  return listener.tellings;
}

/** As threads would have told the same: each on its own clock, arriving late, and killed with their last words. */
function toldLive(options: SimulationOptions): Recording {
  const random = new Random(options.seed);
  const nodes = Array.from({ length: options.nodes }, (_, id) => ({ id, votes: true }));
  const clocks = nodes.map(() => ({
    aheadMs: random.between(-50_000, 50_000),
    drift: random.between(-2e-5, 2e-5),
  }));
  const arrived = nodes.map(() => 0);
  const shifts = new Map<number, ClockShift>();
  const steps: Step[] = [];
  const order = new CausalOrder((step) => steps.push(step), 0);
  const arrivals = tellingsOf(options)
    .filter((telling, nth, all) => {
      // What is flushed in the moment of a crash a killed thread never tells.
      const next = all[nth + 1];
      return !(
        'observation' in telling &&
        next !== undefined &&
        'life' in next &&
        next.node === telling.node &&
        next.life === 'crashed' &&
        next.at === telling.at
      );
    })
    .map((telling) => {
      const late = telling.at + random.between(0.2, random.chance(0.05) ? 120 : 25);
      // A port keeps the order of what goes through it.
      arrived[telling.node] = Math.max(arrived[telling.node] ?? 0, 'life' in telling ? telling.at : late);
      return { telling, at: arrived[telling.node] ?? 0 };
    })
    .sort((a, b) => a.at - b.at);
  let settledMs = 0;
  for (const { telling, at } of arrivals) {
    for (; settledMs + 50 < at; settledMs += 50) order.settle(settledMs);
    const { node } = telling;
    if ('life' in telling) {
      order.lives(node, telling.life, at);
      continue;
    }
    const { aheadMs, drift } = clocks[node] ?? { aheadMs: 0, drift: 0 };
    const onItsClock = (ms: number) => ms * (1 + drift) + aheadMs;
    const { observation } = telling;
    const told: Observation = {
      ...observation,
      at: onItsClock(observation.at),
      events: observation.events.map((event) => ({
        ...event,
        at: onItsClock(event.at),
        ...(event.kind === 'tally' ? { since: onItsClock(event.since) } : {}),
      })),
    };
    if (observation.isFirst || !shifts.has(node)) shifts.set(node, new ClockShift());
    order.told(node, told, shifts.get(node)?.from(told.at, at) ?? 0);
  }
  order.finish();
  const header: RecordingHeader = {
    format: 'conclave-recording',
    version: 2,
    run: 'live',
    startedAt: null,
    nodes,
  };
  return { header, steps };
}

describe('every step of a recording', function () {
  this.timeout(240_000);

  it('is possible Raft, of simulated worlds with all their faults', () => {
    const turns = new Map<string, number>();
    for (const seed of seeds) {
      const recording = recordingOf(optionsOf(seed));
      expect(impossibilities(recording, { isComplete: true, preVote: false }), `seed ${seed}`).to.deep.equal(
        [],
      );
      for (const step of recording.steps) {
        const what = step.kind === 'chart' ? (step.change?.role ?? 'chart') : step.kind;
        turns.set(what, (turns.get(what) ?? 0) + 1);
      }
    }
    // There was something to judge.
    for (const what of [
      'preCandidate',
      'candidate',
      'leader',
      'dead',
      'send',
      'apply',
      'tally',
      'life',
      'network',
    ]) {
      expect(turns.get(what) ?? 0, what).to.be.above(seeds.length / 4);
    }
  });

  it('is possible Raft where nodes tell on clocks of their own, late, and are killed with their last words', () => {
    for (const seed of seeds) {
      const found = impossibilities(toldLive(withoutChanges(optionsOf(seed))), {
        isComplete: false,
        preVote: false,
      });
      expect(found, `seed ${seed}`).to.deep.equal([]);
    }
  });

  it('comes to what each node tells of itself as a whole at the end of each bundle', () => {
    for (const seed of seeds.slice(0, 8)) {
      const seen = new Map<number, NodeSeen>();
      for (const telling of tellingsOf(optionsOf(seed))) {
        if (!('observation' in telling)) continue;
        const { node, observation } = telling;
        const { state, events, at, isFirst, isCut } = observation;
        let known = seen.get(node) ?? unseen(node, true);
        for (const { at: eventAt, ...event } of events) {
          known = nodeAfter(known, { ...event, nr: 1, at: eventAt, node } as Step as never);
        }
        if (isFirst || isCut) known = nodeAfter(known, { kind: 'stand', nr: 1, at, node, state });
        const { timer, log, ...standing } = state;
        expect(known.state, `seed ${seed}, node ${node}`).to.deep.include(standing);
        expect(known.state?.log.last).to.equal(log.last);
        expect(known.state?.log.runs.slice(-log.runs.length)).to.deep.equal(log.runs);
        seen.set(node, known);
      }
    }
  });
});
