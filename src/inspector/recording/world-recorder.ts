import type { NodeActor } from '../../node/node-actor.js';
import { bundleIntervalMs } from '../../node/watch/observation.js';
import type { NodeId, Term } from '../../raft/entry.js';
import type { SimulationOptions } from '../../simulation/options.js';
import type { Finding } from '../../simulation/simulation.js';
import type { SimulatedHost } from '../../simulation/world/simulated-host.js';
import type { TraceEvent } from '../../simulation/world/trace.js';
import type { Spectator, World } from '../../simulation/world/world.js';
import { type Frame, type MarkFrame, type Recording, recordingFormat, recordingVersion } from './format.js';
import { SpectatorClock } from './spectator-clock.js';
import { Timeline } from './timeline.js';
import { standingOf } from './world-standing.js';

type Mark = Pick<MarkFrame, 'mark' | 'node' | 'text'>;

/** Faults that the nodes they strike tell of themselves, when they do. */
const toldByNodes: readonly string[] = ['crashes', 'powerLosses', 'pauses', 'stops'];

/**
 * Records a simulated run in virtual time, as `ClusterRecorder` does a real one: the nodes in bundles, faults and
 * elections as marks. A run that is longer than a recording may be keeps its end.
 */
export class WorldRecorder implements Spectator {
  readonly #timeline: Timeline;
  readonly #watched = new Map<NodeId, { readonly actor: NodeActor | null; readonly clock: SpectatorClock }>();
  readonly #electedTerms = new Map<NodeId, Term>();
  #world: World | null = null;
  /** A partition that is told once it is seen who is apart. */
  #partition: 'begins' | 'ends' | null = null;
  #lastStanding = '';
  #lookNextMs = 0;

  constructor({ seed, nodes }: SimulationOptions) {
    this.#timeline = new Timeline({
      format: recordingFormat,
      version: recordingVersion,
      run: `seed ${seed}`,
      startedAt: null,
      nodes: Array.from({ length: nodes }, (_, id) => ({ id, votes: true })),
    });
  }

  begins(world: World): void {
    this.#world = world;
  }

  /** Takes an event of the world's trace. */
  heard(event: TraceEvent): void {
    const mark = this.#markOf(event);
    if (mark !== null) this.#add({ kind: 'mark', at: this.#now(), ...mark });
    // What the event tells of may yet have to happen.
    if (mark !== null || this.#partition !== null) this.#lookNextMs = 0;
  }

  stepped(): void {
    const { hosts, time } = this.#world as World;
    for (const host of hosts) this.#watch(host);
    for (const { clock } of this.#watched.values()) clock.fire(time.now());
    if (time.now() >= this.#lookNextMs) this.#look();
  }

  /** Ends the recording, with what broke. */
  finish(finding: Finding | null): Recording {
    if (this.#world !== null) {
      this.#look();
      for (const { clock } of this.#watched.values()) clock.fire(Number.POSITIVE_INFINITY);
    }
    if (finding !== null) {
      const text = `${finding.invariant} is broken`;
      this.#add({ kind: 'mark', at: this.#now(), mark: 'fault', text, node: null });
    }
    return this.#timeline.recording;
  }

  /** Watches each life of a node anew. Its first bundle is told at once: what the life before did is over. */
  #watch({ id, actor }: SimulatedHost): void {
    if (this.#watched.get(id)?.actor === actor) return;
    const clock = new SpectatorClock(() => this.#now());
    this.#watched.set(id, { actor, clock });
    actor?.watch((observation) => {
      this.#add({ kind: 'node', at: this.#now(), id, observation });
    }, clock);
    clock.fire(Number.POSITIVE_INFINITY);
  }

  /** Records how things stand outside the nodes, if they stand otherwise than before. */
  #look(): void {
    const world = this.#world as World;
    this.#lookNextMs = world.time.now() + bundleIntervalMs;
    const standing = standingOf(world);
    if (this.#partition !== null) this.#tellPartition(this.#partition, standing.groups);
    const text = JSON.stringify(standing);
    if (text === this.#lastStanding) return;
    this.#lastStanding = text;
    this.#add({ kind: 'world', at: this.#now(), ...standing });
  }

  #markOf({ node, kind, numbers, text }: TraceEvent): Mark | null {
    const fault = (words: string): Mark => ({ mark: 'fault', node, text: words });
    const repair = (words: string): Mark => ({ mark: 'repair', node, text: words });
    switch (kind) {
      case 'crash':
        return fault(numbers.power === 1 ? `node ${node} lost power` : `node ${node} crashed`);
      case 'died':
      case 'refused':
        return fault(`node ${node} ${kind === 'died' ? 'died' : 'would not start'}: ${text.split('\n')[0]}`);
      case 'pause':
        return fault(`node ${node} paused`);
      case 'stop':
        return fault(`node ${node} stopped`);
      case 'wake':
        return repair(`node ${node} woke`);
      case 'revive':
        return repair(`node ${node} revived`);
      case 'start':
        return numbers.life === 1 ? null : repair(`node ${node} restarted`);
      case 'fault':
        return this.#episode(text, fault, repair);
      case 'role':
        return this.#election(node, numbers);
      default:
        return null;
    }
  }

  #episode(text: string, fault: (text: string) => Mark, repair: (text: string) => Mark): Mark | null {
    const [, kind = '', change, struck] = /^(\w+) (begins|ends): (.*)$/.exec(text) ?? [];
    if (toldByNodes.includes(kind)) return null;
    if (kind === 'partitions') {
      this.#partition = change === 'begins' ? 'begins' : 'ends';
      return null;
    }
    const words = kind.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    return change === 'begins' ? fault(`fault: ${words} (${struck})`) : repair(`over: ${words} (${struck})`);
  }

  #tellPartition(change: 'begins' | 'ends', groups: readonly (readonly NodeId[])[]): void {
    this.#partition = null;
    const apart =
      groups.length === 1
        ? 'fault: links cut'
        : `cut apart: ${groups.map((group) => `{${group.join(' ')}}`).join(' ')}`;
    const mark: Mark =
      change === 'begins'
        ? { mark: 'fault', node: null, text: apart }
        : { mark: 'repair', node: null, text: 'partition over' };
    this.#add({ kind: 'mark', at: this.#now(), ...mark });
  }

  #election(node: NodeId | null, { term = 0, leader }: TraceEvent['numbers']): Mark | null {
    if (node === null || leader !== node || this.#electedTerms.get(node) === term) return null;
    this.#electedTerms.set(node, term);
    return { mark: 'election' as const, node, text: `node ${node} leads term ${term}` };
  }

  #add(frame: Frame): void {
    this.#timeline.add([frame]);
  }

  /** To the microsecond. */
  #now(): number {
    return Math.round((this.#world?.time.now() ?? 0) * 1000) / 1000;
  }
}
