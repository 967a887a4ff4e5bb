import { randomUUID } from 'node:crypto';
import type { ClusterEventMap } from '../../client/events.js';
import type { ClusterObservation } from '../../cluster/cluster-observation.js';
import { membersInWords } from '../../console/members.js';
import { type MembersInformation, type NodeInformation, noMembers } from '../../node/information.js';
import type { NodeId } from '../../raft/entry.js';
import type { InspectedCluster } from '../inspected-cluster.js';
import { CausalOrder } from '../recording/causal-order.js';
import { ClusterState } from '../recording/cluster-state.js';
import {
  type Happening,
  type Life,
  type Members,
  type RecordingHeader,
  recordingFormat,
  recordingVersion,
  type Step,
} from '../recording/format.js';
import { describeChange, linkMarkText } from '../recording/link-marks.js';
import { beforeMax, openingSteps } from '../recording/timeline.js';
import { ClockShift } from './clock-shift.js';

const hasMembers = ({ configuration }: NodeInformation) => configuration.voters.length > 0;
const noOne = { configuration: noMembers };

/** How often steps are looked for that can be ordered by now, in milliseconds, while somebody watches. */
const settleEveryMs = 50;

/**
 * Turns what a cluster does into the steps of a recording, in causal order. What is done to the cluster is always
 * followed, for it is rare; its nodes are watched only while somebody looks.
 */
export class ClusterRecorder {
  readonly #cluster: InspectedCluster;
  readonly #push: (step: Step) => void;
  readonly #run = randomUUID();
  readonly #startedAt = new Date();
  readonly #zeroMs = performance.now();
  readonly #lives = new Map<NodeId, Life>();
  /** As the leader told last. */
  #members: MembersInformation = noMembers;
  readonly #forgets: (() => void)[] = [];
  readonly #happened: Happening[] = [];
  readonly #shifts = new Map<NodeId, ClockShift>();
  /** While somebody watches. */
  #watch: Watch | null = null;

  private constructor(cluster: InspectedCluster, push: (step: Step) => void) {
    this.#cluster = cluster;
    this.#push = push;
  }

  /** Follows the cluster from now on. */
  static async start(cluster: InspectedCluster, push: (step: Step) => void): Promise<ClusterRecorder> {
    const recorder = new ClusterRecorder(cluster, push);
    const infos = await cluster.infos();
    const leader = cluster.leader();
    recorder.#members = (
      infos.find(({ id }) => id === leader?.id) ??
      infos.find(hasMembers) ??
      noOne
    ).configuration;
    for (const { id, role, state } of infos) {
      // A node that was stopped says so itself; of one without a thread its cluster does.
      const down = state === 'dead' ? 'stopped' : state === 'unreachable' ? 'unreachable' : 'crashed';
      recorder.#lives.set(id, role === 'dead' ? down : 'running');
    }
    recorder.#noteLeader(leader, ' already');
    recorder.#follow();
    return recorder;
  }

  /** With what happened until where the steps go on: nobody may have watched then. */
  get header(): RecordingHeader {
    const until = this.#watch?.state.at ?? Number.POSITIVE_INFINITY;
    return {
      format: recordingFormat,
      version: recordingVersion,
      run: this.#run,
      startedAt: this.#startedAt.toISOString(),
      nodes: this.#cluster.ids.map((id) => ({ id, votes: this.#votes(id) })),
      before: this.#happened.filter(({ at }) => at <= until),
    };
  }

  /** How everything stands, for one who begins to watch; what follows goes on from there. */
  opening(): Step[] {
    const now = this.#now();
    if (this.#watch !== null) {
      // What has happened and has no place yet is told with what follows.
      return openingSteps(this.#watch.state, this.#watch.state.at);
    }
    const state = ClusterState.of(this.header);
    if (this.#members.voters.length > 0)
      state.apply({ kind: 'members', nr: 0, at: now, ...this.#membersNow });
    state.apply({ kind: 'network', nr: 0, at: now, ...this.#cluster.network() });
    for (const [node, life] of this.#lives) state.apply({ kind: 'life', nr: 0, at: now, node, life });
    return openingSteps(state, now);
  }

  /** Begins to watch the nodes, or ends it. */
  watch(isWatched: boolean): void {
    this.#watch?.end();
    this.#watch = isWatched ? this.#begin() : null;
  }

  close(): void {
    this.watch(false);
    for (const forget of this.#forgets.splice(0)) forget();
  }

  #begin(): Watch {
    const state = ClusterState.of(this.header);
    for (const step of this.opening()) state.apply(step);
    const order = new CausalOrder((step) => {
      state.apply(step);
      this.#push(step);
    }, this.#now());
    const unwatch = this.#cluster.watch((observed) => this.#observed(order, observed));
    const timer = setInterval(() => order.settle(this.#now()), settleEveryMs);
    const end = () => {
      unwatch();
      clearInterval(timer);
      order.finish();
    };
    return { order, state, end };
  }

  #observed(order: CausalOrder, observed: ClusterObservation): void {
    const at = this.#now();
    switch (observed.source) {
      case 'node': {
        const { id, observation } = observed;
        this.#hasCome(id);
        if (this.#lives.get(id) === 'unreachable')
          this.#lived(id, 'running', 'repair', `node ${id} is heard again`);
        const shift = observation.isFirst ? new ClockShift() : (this.#shifts.get(id) ?? new ClockShift());
        this.#shifts.set(id, shift);
        order.told(id, observation, shift.from(observation.at, at));
        return;
      }
      case 'unreachable':
        this.#lost(observed.id);
        return;
      case 'remains':
        order.remains(observed.id, observed.state, at);
        return;
      case 'chart': {
        const { chart, active, steps } = observed;
        for (const taken of steps) order.around({ kind: 'outer', at, chart, active: taken.to, taken });
        if (steps.length === 0) order.around({ kind: 'outer', at, chart, active });
      }
    }
  }

  #follow(): void {
    this.#on('leaderElected', (leader) => this.#noteLeader(leader));
    this.#on('nodeDied', ({ id, error }) =>
      this.#lived(id, 'crashed', 'fault', `node ${id} died: ${error.message}`),
    );
    this.#on('nodeFailed', ({ id, error }) =>
      this.#lived(id, 'crashed', 'fault', `node ${id} cannot start: ${error.message}`),
    );
    this.#on('membersChanged', (members) => {
      this.#members = members;
      this.#membersChanged(`members: ${membersInWords(members)}`);
    });
    this.#on('nodeRemoved', ({ id }) => {
      this.#lives.delete(id);
      this.#membersChanged(`node ${id} is gone`);
    });
    this.#on('nodeStarted', ({ id }) => this.#started(id));
    this.#on('nodeCrashed', ({ id }) => this.#lived(id, 'crashed', 'fault', `node ${id} crashed`));
    this.#on('nodeStopped', ({ id }) => this.#lived(id, 'stopped', 'fault', `node ${id} stopped`));
    this.#on('nodeRestarted', ({ id }) => this.#lived(id, 'running', 'repair', `node ${id} restarted`));
    this.#on('nodeRevived', ({ id }) => this.#lived(id, 'running', 'repair', `node ${id} revived`));
    this.#on('partitioned', ({ groups }) => {
      const text = groups.map((group) => `{${group.join(' ')}}`).join(' ');
      this.#rewired('fault', `cut apart: ${text}`);
    });
    this.#on('healed', () => this.#rewired('repair', 'network healed'));
    this.#on('linkChanged', (event) => this.#linkChanged(event));
  }

  #started(id: NodeId): void {
    this.#hasCome(id);
    this.#lived(id, 'running', 'repair', `node ${id} started`);
  }

  /** Its process may run: nothing is heard of it here. */
  #lost(id: NodeId): void {
    // To one that is no member there is no line any more, which is no news.
    if (!this.#cluster.ids.includes(id)) this.#lives.delete(id);
    else if (this.#lives.get(id) !== 'unreachable')
      this.#lived(id, 'unreachable', 'fault', `node ${id} cannot be reached`);
  }

  /** One that comes later is to be there before it is told of. */
  #hasCome(id: NodeId): void {
    if (this.#lives.has(id)) return;
    this.#lives.set(id, 'running');
    this.#membersChanged(`node ${id} has come`);
  }

  /** There are other nodes, or others of them belong to the cluster. */
  #membersChanged(text: string): void {
    const at = this.#now();
    const told = { mark: 'standing', text } as const;
    this.#remember({ at, node: null, ...told });
    if (this.#watch === null || this.#members.voters.length === 0) return;
    this.#watch.order.around({ kind: 'members', at, ...this.#membersNow, told });
    this.#watch.order.around({ kind: 'network', at, ...this.#cluster.network() });
  }

  get #membersNow(): Members {
    const { voters, votersOutgoing, learners } = this.#members;
    return { nodes: this.#cluster.ids, voters, votersOutgoing, learners };
  }

  #votes(id: NodeId): boolean {
    const { voters, votersOutgoing } = this.#members;
    return voters.length === 0 || voters.includes(id) || votersOutgoing.includes(id);
  }

  #linkChanged({ change, of, ...ends }: ClusterEventMap['linkChanged']): void {
    const { from = null, to = null } = ends;
    const isMeant = (link: { readonly from: NodeId; readonly to: NodeId }) =>
      of === undefined ? link.from === from && link.to === to : link.from === of || link.to === of;
    const isAsOthers = !this.#cluster.network().links.some(isMeant);
    const isSome = of !== undefined || (from !== null && to !== null);
    const mark = change.cut === false || change.loss === 0 || (isSome && isAsOthers) ? 'repair' : 'fault';
    const link = { from, to, what: describeChange(change) };
    if (of === undefined) this.#rewired(mark, linkMarkText(link), { link });
    else this.#rewired(mark, `links of node ${of}: ${link.what}`);
  }

  #on<Name extends keyof ClusterEventMap>(
    name: Name,
    listener: (event: ClusterEventMap[Name]) => void,
  ): void {
    this.#cluster.events.on(name, listener);
    this.#forgets.push(() => this.#cluster.events.off(name, listener));
  }

  /** Whoever watches the nodes has it from them, and the votes. */
  #noteLeader(leader: { readonly id: NodeId; readonly term: number } | null, already = ''): void {
    if (leader === null) return;
    const { id, term } = leader;
    this.#remember({
      at: this.#now(),
      mark: 'election',
      text: `node ${id} leads term ${term}${already}`,
      node: id,
    });
  }

  #lived(node: NodeId, life: Life, mark: Happening['mark'], text: string): void {
    this.#lives.set(node, life);
    const at = this.#now();
    this.#watch?.order.lives(node, life, at, { mark, text });
    this.#remember({ at, mark, text, node });
  }

  #rewired(mark: Happening['mark'], text: string, more: Pick<Happening, 'link'> = {}): void {
    const at = this.#now();
    const told = { mark, text, ...more };
    this.#watch?.order.around({ kind: 'network', at, ...this.#cluster.network(), told });
    this.#remember({ at, node: null, ...told });
  }

  #remember(happening: Happening): void {
    this.#happened.push(happening);
    if (this.#happened.length > beforeMax) this.#happened.shift();
  }

  #now(): number {
    return Math.round((performance.now() - this.#zeroMs) * 1000) / 1000;
  }
}

interface Watch {
  readonly order: CausalOrder;
  /** How everything stands after the last step that has its place. */
  readonly state: ClusterState;
  readonly end: () => void;
}
