import { type ClusterEventMap, ClusterEvents } from '../../src/client/events.js';
import type { ClusterObservation } from '../../src/cluster/cluster-observation.js';
import type { InspectedCluster } from '../../src/inspector/inspected-cluster.js';
import type { LogOptions } from '../../src/node/host/protocol.js';
import { cleanLink } from '../../src/router/link-policy.js';

type EventName = keyof ClusterEventMap;

/** Counts who listens. */
class CountedEvents extends ClusterEvents {
  listeners = 0;

  override on<Name extends EventName>(name: Name, listener: (event: ClusterEventMap[Name]) => void): this {
    this.listeners++;
    return super.on(name, listener);
  }

  override off<Name extends EventName>(name: Name, listener: (event: ClusterEventMap[Name]) => void): this {
    this.listeners--;
    return super.off(name, listener);
  }
}

/** A cluster that does nothing and notes whether it is watched. */
export class QuietCluster implements InspectedCluster {
  ids = [0, 1, 2];
  readonly events = new CountedEvents();
  readonly watchers = new Set<(observed: ClusterObservation) => void>();
  leads: { id: number; term: number } | null = { id: 1, term: 3 };
  /** Called before it tells of its nodes. */
  asked: () => void | Promise<void> = () => {};
  /** Resolves when the number of watchers becomes this. */
  watched: (count: number) => void = () => {};

  leader() {
    return this.leads;
  }

  async infos() {
    await this.asked();
    return [];
  }

  /** What the log's only entry holds. */
  command = '<b>\u0007';

  async log(_id: number, _from?: number, _to?: number, { bytesMax = Infinity }: LogOptions = {}) {
    const command = new TextEncoder().encode(this.command);
    const shown = command.slice(0, bytesMax);
    const entry = { index: 1, term: 1, leaderId: 1, kind: 'command' as const };
    return [{ ...entry, command: shown, commandBytes: command.length }];
  }

  network() {
    return { groups: [this.ids], link: cleanLink, links: [] };
  }

  watch(heard: (observed: ClusterObservation) => void): () => void {
    this.watchers.add(heard);
    this.watched(this.watchers.size);
    return () => {
      this.watchers.delete(heard);
      this.watched(this.watchers.size);
    };
  }

  /** Resolves when so many watch. */
  untilWatchedBy(count: number): Promise<void> {
    if (this.watchers.size === count) return Promise.resolve();
    return new Promise((resolve) => {
      this.watched = (now) => {
        if (now === count) resolve();
      };
    });
  }
}
