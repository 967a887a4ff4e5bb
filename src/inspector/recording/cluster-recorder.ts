import { randomUUID } from 'node:crypto';
import type { ClusterEventMap } from '../../client/events.js';
import type { ClusterObservation } from '../../cluster/cluster-observation.js';
import type { NodeId } from '../../raft/entry.js';
import type { InspectedCluster } from '../inspected-cluster.js';
import {
  type Frame,
  type Life,
  type MarkFrame,
  type RecordingHeader,
  recordingFormat,
  recordingVersion,
} from './format.js';
import { describeChange, linkMarkText } from './link-marks.js';

/** Marks kept for pages that come later; beyond that the oldest is forgotten. */
const marksKept = 200;

/**
 * Turns what a cluster does into the frames of a recording. What happens to the cluster is always followed, for it
 * is rare; its nodes are watched only while somebody looks.
 */
export class ClusterRecorder {
  readonly #cluster: InspectedCluster;
  readonly #push: (frame: Frame) => void;
  readonly #run = randomUUID();
  readonly #startedAt = new Date();
  readonly #zeroMs = performance.now();
  readonly #lives = new Map<NodeId, Life>();
  readonly #votes = new Map<NodeId, boolean>();
  readonly #forgets: (() => void)[] = [];
  readonly #marks: MarkFrame[] = [];
  #unwatch: (() => void) | null = null;
  #toldLeader = '';

  private constructor(cluster: InspectedCluster, push: (frame: Frame) => void) {
    this.#cluster = cluster;
    this.#push = push;
  }

  /** Follows the cluster from now on. */
  static async start(cluster: InspectedCluster, push: (frame: Frame) => void): Promise<ClusterRecorder> {
    const recorder = new ClusterRecorder(cluster, push);
    for (const { id, role, state } of await cluster.infos()) {
      recorder.#votes.set(id, role !== 'learner');
      // A node that was stopped says so itself; of one without a thread its cluster does.
      recorder.#lives.set(id, role !== 'dead' ? 'running' : state === 'dead' ? 'stopped' : 'crashed');
    }
    recorder.#follow();
    return recorder;
  }

  get header(): RecordingHeader {
    return {
      format: recordingFormat,
      version: recordingVersion,
      run: this.#run,
      startedAt: this.#startedAt.toISOString(),
      nodes: this.#cluster.ids.map((id) => ({ id, votes: this.#votes.get(id) ?? true })),
      wholeFrom: this.#now(),
    };
  }

  /**
   * What happened before, and how things stand outside the nodes. Each node tells of itself as soon as it is watched.
   */
  standing(): Frame[] {
    return [...this.#marks, this.#world()];
  }

  watch(isWatched: boolean): void {
    this.#unwatch?.();
    this.#unwatch = isWatched ? this.#cluster.watch((observed) => this.#observed(observed)) : null;
  }

  close(): void {
    this.watch(false);
    for (const forget of this.#forgets.splice(0)) forget();
  }

  #observed(observed: ClusterObservation): void {
    const at = this.#now();
    if (observed.source === 'node') {
      this.#push({ kind: 'node', at, id: observed.id, observation: observed.observation });
    } else {
      const { chart, active, transitions } = observed;
      this.#push({ kind: 'chart', at, chart, active, transitions });
    }
  }

  #follow(): void {
    this.#on('leaderElected', ({ id, term }) => this.#mark('election', id, `node ${id} leads term ${term}`));
    this.#on('nodeDied', ({ id, error }) =>
      this.#lived(id, 'crashed', 'fault', `node ${id} died: ${error.message}`),
    );
    this.#on('nodeFailed', ({ id, error }) =>
      this.#lived(id, 'crashed', 'fault', `node ${id} cannot start: ${error.message}`),
    );
    this.#on('nodeStarted', ({ id }) => this.#lived(id, 'running', 'repair', `node ${id} started`));
    this.#on('nodeCrashed', ({ id }) => this.#lived(id, 'crashed', 'fault', `node ${id} crashed`));
    this.#on('nodeStopped', ({ id }) => this.#lived(id, 'stopped', 'fault', `node ${id} stopped`));
    this.#on('nodeRestarted', ({ id }) => this.#lived(id, 'running', 'repair', `node ${id} restarted`));
    this.#on('nodeRevived', ({ id }) => this.#lived(id, 'running', 'repair', `node ${id} revived`));
    for (const name of ['roleChanged', 'stateChanged'] as const) {
      // Who leads is decided once everybody has heard that a role changed.
      this.#on(name, () => queueMicrotask(() => this.#tellLeader()));
    }
    this.#on('partitioned', ({ groups }) => {
      const text = groups.map((group) => `{${group.join(' ')}}`).join(' ');
      this.#mark('fault', null, `cut apart: ${text}`);
    });
    this.#on('healed', () => this.#mark('repair', null, 'network healed'));
    this.#on('linkChanged', ({ change, of, from = null, to = null }) => {
      const isMeant = (link: { readonly from: NodeId; readonly to: NodeId }) =>
        of === undefined ? link.from === from && link.to === to : link.from === of || link.to === of;
      const isAsOthers = !this.#cluster.network().links.some(isMeant);
      const isSome = of !== undefined || (from !== null && to !== null);
      const mark = change.cut === false || change.loss === 0 || (isSome && isAsOthers) ? 'repair' : 'fault';
      const link = { from, to, what: describeChange(change) };
      if (of === undefined) this.#mark(mark, null, linkMarkText(link), { link });
      else this.#mark(mark, of, `links of node ${of}: ${link.what}`);
    });
  }

  #on<Name extends keyof ClusterEventMap>(
    name: Name,
    listener: (event: ClusterEventMap[Name]) => void,
  ): void {
    this.#cluster.events.on(name, listener);
    this.#forgets.push(() => this.#cluster.events.off(name, listener));
  }

  #lived(id: NodeId, life: Life, mark: MarkFrame['mark'], text: string): void {
    this.#lives.set(id, life);
    this.#mark(mark, id, text);
  }

  #mark(
    mark: MarkFrame['mark'],
    node: NodeId | null,
    text: string,
    more: Pick<MarkFrame, 'link'> = {},
  ): void {
    const frame: MarkFrame = { kind: 'mark', at: this.#now(), mark, text, node, ...more };
    this.#marks.push(frame);
    if (this.#marks.length > marksKept) this.#marks.shift();
    this.#push(frame);
    this.#push(this.#world());
  }

  /** That nobody leads any more is no mark, and must yet be told. */
  #tellLeader(): void {
    if (JSON.stringify(this.#cluster.leader()) !== this.#toldLeader) this.#push(this.#world());
  }

  #world(): Frame {
    const leader = this.#cluster.leader();
    this.#toldLeader = JSON.stringify(leader);
    return {
      kind: 'world',
      at: this.#now(),
      lives: [...this.#lives].map(([id, life]) => ({ id, life })),
      leader,
      ...this.#cluster.network(),
    };
  }

  #now(): number {
    return Math.round((performance.now() - this.#zeroMs) * 10) / 10;
  }
}
