import { membersInWords } from '../../console/members.js';
import { membersOf } from '../../node/describe.js';
import type { NodeActor } from '../../node/node-actor.js';
import { bundleIntervalMs } from '../../node/watch/observation.js';
import type { Configuration } from '../../raft/configuration.js';
import type { NodeId } from '../../raft/entry.js';
import type { Replica } from '../../raft/replica.js';
import type { SimulationOptions } from '../../simulation/options.js';
import type { Finding } from '../../simulation/simulation.js';
import type { SimulatedHost } from '../../simulation/world/simulated-host.js';
import type { TraceEvent } from '../../simulation/world/trace.js';
import type { Spectator, World } from '../../simulation/world/world.js';
import { CausalOrder } from '../recording/causal-order.js';
import {
  type Life,
  type Network,
  type Recording,
  recordingFormat,
  recordingVersion,
  type Words,
} from '../recording/format.js';
import { Timeline } from '../recording/timeline.js';
import { SpectatorClock } from './spectator-clock.js';
import { networkOf } from './world-network.js';

/** Faults that the nodes they strike tell of themselves, when they do. */
const toldByNodes: readonly string[] = ['crashes', 'powerLosses', 'pauses', 'stops'];

/**
 * Records a simulated run in virtual time, as `ClusterRecorder` does a real one. A run that is longer than a recording
 * may be keeps its end.
 */
export class WorldRecorder implements Spectator {
  readonly #timeline: Timeline;
  readonly #order: CausalOrder;
  readonly #watched = new Map<NodeId, { readonly actor: NodeActor | null; readonly clock: SpectatorClock }>();
  readonly #lives = new Map<NodeId, Life>();
  readonly #pauses = new Map<NodeId, number>();
  /** Why a life ends whose end is yet to come. */
  readonly #causes = new Map<NodeId, string>();
  #world: World | null = null;
  /** A partition that is told once it is seen who is apart. */
  #partition: 'begins' | 'ends' | null = null;
  #lastNetwork = '';
  /** As whoever led last had it. */
  #configuration: Configuration | null = null;
  #hosts = 0;
  #lookNextMs = 0;

  constructor({ seed, nodes }: SimulationOptions) {
    this.#timeline = new Timeline({
      format: recordingFormat,
      version: recordingVersion,
      run: `seed ${seed}`,
      startedAt: null,
      nodes: Array.from({ length: nodes }, (_, id) => ({ id, votes: true })),
    });
    this.#order = new CausalOrder((step) => this.#timeline.add([step]), 0);
  }

  begins(world: World): void {
    this.#world = world;
    this.#configuration = world.configuration;
    this.#hosts = world.hosts.length;
    this.#rewire(networkOf(world));
  }

  /** Takes an event of the world's trace. */
  heard(event: TraceEvent): void {
    const { node, kind } = event;
    if (node !== null) this.#heardOf(node, event);
    else if (kind === 'fault') this.#episode(event.text);
  }

  stepped(): void {
    const { hosts, time } = this.#world as World;
    this.#lookAtMembers();
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
    this.#order.finish();
    if (finding !== null) {
      const text = `${finding.invariant} is broken`;
      this.#order.around({ kind: 'mark', at: this.#now(), mark: 'fault', text, node: null });
      this.#order.finish();
    }
    return this.#timeline.recording;
  }

  /** There are other nodes, or by the log of whoever leads the latest term others of them belong to the cluster. */
  #lookAtMembers(): void {
    const world = this.#world as World;
    let leader: Replica | null = null;
    for (const { id, actor } of world.hosts) {
      const replica = actor?.replica;
      if (replica?.leaderId === id && replica.currentTerm > (leader?.currentTerm ?? 0)) leader = replica;
    }
    const configuration = leader?.configuration ?? this.#configuration ?? world.configuration;
    if (configuration === this.#configuration && world.hosts.length === this.#hosts) return;
    this.#configuration = configuration;
    this.#hosts = world.hosts.length;
    const { voters, votersOutgoing, learners } = membersOf(configuration);
    const members = { voters, votersOutgoing, learners };
    const nodes = world.hosts.map(({ id }) => id);
    const told = { mark: 'standing', text: `members: ${membersInWords(members)}` } as const;
    this.#order.around({ kind: 'members', at: this.#now(), nodes, ...members, told });
    this.#rewire(networkOf(world));
  }

  /** Watches each life of a node anew. */
  #watch({ id, actor }: SimulatedHost): void {
    if (this.#watched.get(id)?.actor === actor) return;
    const clock = new SpectatorClock(() => this.#now());
    this.#watched.set(id, { actor, clock });
    actor?.watch((observation) => this.#order.told(id, observation, 0), clock);
  }

  #look(): void {
    const world = this.#world as World;
    this.#lookNextMs = world.time.now() + bundleIntervalMs;
    const network = networkOf(world);
    const text = JSON.stringify(network);
    if (text !== this.#lastNetwork || this.#partition !== null) this.#rewire(network);
    this.#order.settle(world.time.now());
  }

  #rewire(network: Network): void {
    this.#lastNetwork = JSON.stringify(network);
    const told = this.#partitionWords(network);
    this.#order.around({
      kind: 'network',
      at: this.#now(),
      ...network,
      ...(told === null ? {} : { told }),
    });
  }

  #partitionWords({ groups }: Network): Words | null {
    const change = this.#partition;
    this.#partition = null;
    if (change === null) return null;
    if (change === 'ends') return { mark: 'repair', text: 'partition over' };
    const apart = groups.map((group) => `{${group.join(' ')}}`).join(' ');
    return { mark: 'fault', text: groups.length === 1 ? 'fault: links cut' : `cut apart: ${apart}` };
  }

  #heardOf(node: NodeId, { kind, numbers, text }: TraceEvent): void {
    const words = text.split('\n')[0];
    switch (kind) {
      case 'died':
        this.#causes.set(node, `node ${node} died: ${words}`);
        return;
      case 'refused':
        this.#causes.set(node, `node ${node} would not start: ${words}`);
        return;
      case 'crash': {
        const cause =
          this.#causes.get(node) ?? `node ${node} ${numbers.power === 1 ? 'lost power' : 'crashed'}`;
        this.#causes.delete(node);
        this.#lives.set(node, 'crashed');
        this.#order.lives(node, 'crashed', this.#now(), { mark: 'fault', text: cause });
        return;
      }
      case 'start':
        if (numbers.life !== 1) this.#live(node, 'running', 'repair', 'restarted');
        return;
      case 'pause':
        this.#pauses.set(node, (this.#pauses.get(node) ?? 0) + 1);
        this.#live(node, 'paused', 'fault', 'paused');
        return;
      case 'wake': {
        const left = (this.#pauses.get(node) ?? 0) - 1;
        this.#pauses.set(node, left);
        const isStopped = this.#world?.host(node).isStopped === true;
        if (left === 0) this.#live(node, isStopped ? 'stopped' : 'running', 'repair', 'woke');
        return;
      }
      case 'stop':
        this.#live(node, 'stopped', 'fault', 'stopped');
        return;
      case 'revive':
        this.#live(node, 'running', 'repair', 'revived');
    }
  }

  /** A node that is down has no other life than the next. */
  #live(node: NodeId, life: Life, mark: 'fault' | 'repair', word: string): void {
    if (this.#lives.get(node) === 'crashed' && word !== 'restarted') return;
    this.#lives.set(node, life);
    this.#order.lives(node, life, this.#now(), { mark, text: `node ${node} ${word}` });
  }

  #episode(text: string): void {
    const [, kind = '', change, struck] = /^(\w+) (begins|ends): (.*)$/.exec(text) ?? [];
    if (toldByNodes.includes(kind)) return;
    // What the event tells of may yet have to happen.
    this.#lookNextMs = 0;
    if (kind === 'partitions') {
      this.#partition = change === 'begins' ? 'begins' : 'ends';
      return;
    }
    const words = kind.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    const isFault = change === 'begins';
    this.#order.around({
      kind: 'mark',
      at: this.#now(),
      mark: isFault ? 'fault' : 'repair',
      text: `${isFault ? 'fault' : 'over'}: ${words} (${struck})`,
      node: null,
    });
  }

  /** To the microsecond. */
  #now(): number {
    return Math.round((this.#world?.time.now() ?? 0) * 1000) / 1000;
  }
}
