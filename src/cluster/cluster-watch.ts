import type { AnyActor, Subscription } from 'xstate';
import type { Clock } from '../node/ports.js';
import { activeStates, ChartWatch } from '../node/watch/chart-watch.js';
import { bundleIntervalMs, type Observation, type ObservedTransition } from '../node/watch/observation.js';
import type { NodeId } from '../raft/entry.js';

/** What is told of a watched cluster: bundles of its nodes, and of the two charts outside them. */
export type ClusterObservation =
  | { readonly source: 'node'; readonly id: NodeId; readonly observation: Observation }
  | {
      readonly source: 'chart';
      readonly chart: 'cluster' | 'session';
      readonly active: readonly string[];
      readonly transitions: readonly ObservedTransition[];
    };

type Heard = (observed: ClusterObservation) => void;

/** Whoever watches a cluster, and what they see. Nodes are told to send while there is somebody, and only then. */
export class ClusterWatch {
  readonly #charts: Readonly<Record<'cluster' | 'session', AnyActor>>;
  readonly #clock: Clock;
  readonly #tellNodes: (on: boolean) => void;
  readonly #watchers = new Set<Heard>();
  #chartSubscriptions: Subscription[] = [];

  constructor(
    charts: Readonly<Record<'cluster' | 'session', AnyActor>>,
    clock: Clock,
    tellNodes: (on: boolean) => void,
  ) {
    this.#charts = charts;
    this.#clock = clock;
    this.#tellNodes = tellNodes;
  }

  get isOn(): boolean {
    return this.#watchers.size > 0;
  }

  /** Returns how to stop. A newcomer has everybody hear every node anew. */
  add(heard: Heard): () => void {
    this.#watchers.add(heard);
    this.#tellNodes(true);
    this.#unwatchCharts();
    this.#chartSubscriptions = [this.#watchChart('cluster'), this.#watchChart('session')];
    return () => {
      if (!this.#watchers.delete(heard) || this.isOn) return;
      this.#tellNodes(false);
      this.#unwatchCharts();
    };
  }

  nodeTold(id: NodeId, observation: Observation): void {
    this.#tell({ source: 'node', id, observation });
  }

  #watchChart(chart: 'cluster' | 'session'): Subscription {
    const actor = this.#charts[chart];
    let timer: unknown = null;
    const noted = () => {
      timer ??= this.#clock.setTimeout(() => {
        timer = null;
        const active = activeStates(actor.getSnapshot().value);
        this.#tell({ source: 'chart', chart, active, transitions: watch.take() });
      }, bundleIntervalMs);
    };
    const watch = new ChartWatch(noted);
    const subscription = watch.watch(actor, chart, null);
    noted();
    return {
      unsubscribe: () => {
        subscription.unsubscribe();
        if (timer !== null) this.#clock.clearTimeout(timer);
      },
    };
  }

  #unwatchCharts(): void {
    for (const subscription of this.#chartSubscriptions) subscription.unsubscribe();
    this.#chartSubscriptions = [];
  }

  #tell(observed: ClusterObservation): void {
    for (const heard of this.#watchers) heard(observed);
  }
}
