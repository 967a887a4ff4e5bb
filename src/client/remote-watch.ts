import type { Clock } from '../ground/clock.js';
import type { WatchReply, WatchRequest } from '../node/clients/client-frames.js';
import type { Observation } from '../node/watch/observation.js';
import type { NodeId } from '../raft/entry.js';

/** Bundles that a node may have told of and this side not have heard. */
const bundlesAhead = 16;
/** So many are asked for at once, when as many have been heard. */
const bundlesAgain = 8;
/** A node that refuses to be watched is asked again after so long, in milliseconds. */
const askAgainMs = 2000;

/** Who hears of nodes in other processes, and the lines to them. */
export interface RemoteWatchHost {
  readonly clock: Clock;
  /** The nodes to which there are lines, open or not. */
  readonly ids: () => readonly NodeId[];
  /** False if the line is not open. */
  readonly post: (id: NodeId, request: WatchRequest) => boolean;
  readonly told: (id: NodeId, observation: Observation) => void;
  /** Nothing is heard of the node until it tells again. */
  readonly lost: (id: NodeId) => void;
}

/**
 * Watches the nodes of other processes, as long as somebody here looks: each is asked for bundles as those that it sent
 * are heard (see `LineWatch`), and anew whenever it is reached again.
 */
export class RemoteWatch {
  readonly #host: RemoteWatchHost;
  #isOn = false;
  /** Bundles of a node since it was last asked for more. */
  readonly #heard = new Map<NodeId, number>();
  readonly #timers = new Map<NodeId, unknown>();

  constructor(host: RemoteWatchHost) {
    this.#host = host;
  }

  /** Has all tell from now on how they stand and what they do; also where they do already. */
  begin(): void {
    this.end();
    this.#isOn = true;
    for (const id of this.#host.ids()) if (!this.#ask(id)) this.#host.lost(id);
  }

  end(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    for (const timer of this.#timers.values()) this.#host.clock.clearTimeout(timer);
    this.#timers.clear();
    for (const id of this.#host.ids()) this.#host.post(id, { type: 'watch', bundles: 0 });
    this.#heard.clear();
  }

  /** The line to a node is open. */
  reached(id: NodeId): void {
    if (this.#isOn) this.#ask(id);
  }

  /** The line to a node is gone. */
  ended(id: NodeId): void {
    if (!this.#isOn) return;
    this.#host.clock.clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#heard.delete(id);
    this.#host.lost(id);
  }

  hear(id: NodeId, reply: WatchReply): void {
    if (!this.#isOn) return;
    if (reply.type === 'watchRefused') this.#askLater(id);
    else {
      this.#count(id);
      this.#host.told(id, reply.observation);
    }
  }

  #ask(id: NodeId): boolean {
    this.#heard.set(id, 0);
    return this.#host.post(id, { type: 'watch', bundles: bundlesAhead });
  }

  #count(id: NodeId): void {
    const heard = (this.#heard.get(id) ?? 0) + 1;
    this.#heard.set(id, heard % bundlesAgain);
    if (heard >= bundlesAgain) this.#host.post(id, { type: 'watch', bundles: bundlesAgain });
  }

  #askLater(id: NodeId): void {
    this.#host.lost(id);
    this.#host.clock.clearTimeout(this.#timers.get(id));
    this.#timers.set(
      id,
      this.#host.clock.setTimeout(() => this.reached(id), askAgainMs),
    );
  }
}
