import type { AnyActor } from 'xstate';
import type { Clock } from '../ground/clock.js';
import { activeStates, ChartWatch } from '../node/watch/chart-watch.js';
import {
  bundleIntervalMs,
  type Observation,
  type ObservedState,
  type OuterChart,
} from '../node/watch/observation.js';
import type { NodeId } from '../raft/entry.js';
import type { ClusterObservation } from './cluster-observation.js';

/** What a watch needs of a node's supervisor. */
export interface WatchedMember {
  readonly id: NodeId;
  readonly chart: AnyActor;
  /** How the node stood when its thread ended; null while it can tell for itself, and if it never said anything. */
  readonly remains: ObservedState | null;
}

type Heard = (observed: ClusterObservation) => void;

/** Whoever watches a cluster, and what they see. Nodes are told to send while there is somebody, and only then. */
export class ClusterWatch {
  readonly #charts: Map<OuterChart, AnyActor>;
  readonly #members: Map<NodeId, WatchedMember>;
  readonly #clock: Clock;
  readonly #tellNodes: (on: boolean) => void;
  readonly #watchers = new Set<Heard>();
  #watchedCharts = new Map<OuterChart, WatchedChart>();

  constructor(
    charts: Readonly<Partial<Record<'cluster' | 'session', AnyActor>>>,
    members: readonly WatchedMember[],
    clock: Clock,
    tellNodes: (on: boolean) => void,
  ) {
    this.#charts = new Map<OuterChart, AnyActor>([
      ...(Object.entries(charts) as [OuterChart, AnyActor][]),
      ...members.map(({ id, chart }): [OuterChart, AnyActor] => [`thread ${id}`, chart]),
    ]);
    this.#members = new Map(members.map((member) => [member.id, member]));
    this.#clock = clock;
    this.#tellNodes = tellNodes;
  }

  get isOn(): boolean {
    return this.#watchers.size > 0;
  }

  /** Returns how to stop. A newcomer has everybody hear anew how every node and chart stands. */
  add(heard: Heard): () => void {
    if (!this.isOn) for (const [chart, actor] of this.#charts) this.#follow(chart, actor);
    this.#watchers.add(heard);
    this.#tellNodes(true);
    for (const { note } of this.#watchedCharts.values()) note();
    for (const { id, remains } of this.#members.values()) {
      if (remains !== null) this.#tell({ source: 'remains', id, state: remains });
    }
    return () => {
      if (!this.#watchers.delete(heard) || this.isOn) return;
      this.#tellNodes(false);
      for (const { end } of this.#watchedCharts.values()) end();
      this.#watchedCharts.clear();
    };
  }

  /** A node is added to those that are watched. */
  include(member: WatchedMember): void {
    const chart = `thread ${member.id}` as OuterChart;
    this.#members.set(member.id, member);
    this.#charts.set(chart, member.chart);
    if (this.isOn) this.#follow(chart, member.chart);
  }

  /** A node is no more. */
  exclude(id: NodeId): void {
    const chart = `thread ${id}` as OuterChart;
    this.#members.delete(id);
    this.#charts.delete(chart);
    this.#watchedCharts.get(chart)?.end();
    this.#watchedCharts.delete(chart);
  }

  #follow(chart: OuterChart, actor: AnyActor): void {
    this.#watchedCharts.set(chart, this.#watchChart(chart, actor));
  }

  nodeTold(id: NodeId, observation: Observation): void {
    this.#tell({ source: 'node', id, observation });
  }

  /** A node of another process is not heard any more. */
  nodeLost(id: NodeId): void {
    this.#tell({ source: 'unreachable', id });
  }

  #watchChart(chart: OuterChart, actor: AnyActor): WatchedChart {
    let timer: unknown = null;
    const note = () => {
      timer ??= this.#clock.setTimeout(() => {
        timer = null;
        const active = activeStates(actor.getSnapshot().value);
        this.#tell({ source: 'chart', chart, active, steps: watch.take() });
      }, bundleIntervalMs);
    };
    const watch = new ChartWatch(note);
    const subscription = watch.watch(actor);
    const end = () => {
      subscription.unsubscribe();
      if (timer !== null) this.#clock.clearTimeout(timer);
    };
    return { note, end };
  }

  /** A watcher that throws does so in a turn of its own: neither the others nor the cluster may suffer. */
  #tell(observed: ClusterObservation): void {
    for (const heard of this.#watchers) {
      try {
        heard(observed);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

interface WatchedChart {
  /** Has the chart told of when the interval that begins now is over. */
  readonly note: () => void;
  readonly end: () => void;
}
