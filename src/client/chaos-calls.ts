import { ClosedError, NodeDeadError, TimeoutError } from '../ground/errors.js';
import type { ChaosOrder, LinkWords } from '../node/host/chaos-orders.js';
import { errorOf } from '../node/host/error-report.js';
import type { OrderOutcome } from '../node/host/orders.js';
import type { NodeId } from '../raft/entry.js';
import { cleanLink, type LinkPolicy } from '../router/link-policy.js';
import type { NetworkState } from '../router/network-state.js';
import type { RemoteLines } from './remote-lines.js';

export interface ChaosCallsHost {
  /** The members that are known, ascending. */
  ids(): readonly NodeId[];
  /** Has a member carry it out. @throws {NodeDeadError} {TimeoutError} */
  order(to: NodeId, order: ChaosOrder): Promise<OrderOutcome>;
}

/**
 * Chaos among processes, for experiments: where all were started with `chaos: true`, and for operators. Cuts and partitions
 * are kept by every member that can be reached, latency, loss and the like by the one that sends over the link. Clients'
 * lines are no links, so members answer whatever is cut. A process that starts anew knows of none of it.
 *
 * Each call resolves once it is in force, with the members that were told. It throws `ChaosNotAllowedError`,
 * `AccessDeniedError` or `InvalidOptionError` of the first that refuses, though others may have done it, and
 * `NodeDeadError` when none can be reached.
 */
export interface ChaosCalls {
  /** As of `RaftCluster`. */
  partition(groups: readonly (readonly NodeId[])[]): Promise<NodeId[]>;
  /** As of `RaftCluster`. */
  isolate(id: NodeId): Promise<NodeId[]>;
  /** As of `RaftCluster`. */
  cut(from: NodeId, to: NodeId): Promise<NodeId[]>;
  /** As of `RaftCluster`. */
  mend(from: NodeId, to: NodeId): Promise<NodeId[]>;
  /** As of `RaftCluster`. */
  heal(): Promise<NodeId[]>;
  /** As of `RaftCluster`: of all links, of those from a member, of those to one, or of one. */
  setLink(change: Partial<LinkPolicy>, from?: NodeId, to?: NodeId): Promise<NodeId[]>;
  /** Changes the policy of all links from and to a member. */
  setLinksOf(id: NodeId, change: Partial<LinkPolicy>): Promise<NodeId[]>;
  /** Makes a member deaf and mute to the others; it keeps its memory. */
  stop(id: NodeId): Promise<void>;
  /** Lets a stopped member take part again. */
  revive(id: NodeId): Promise<void>;
  /** May the member stand for election, until its process ends? A leader stays in office. */
  setCandidacy(id: NodeId, allowed: boolean): Promise<void>;
  /** How the links are wired, as those members say that can be reached: of each link, who sends over it. */
  network(): Promise<NetworkState>;
}

/** Has members carry it out by orders. */
export class OrderedChaos implements ChaosCalls {
  readonly #host: ChaosCallsHost;

  constructor(host: ChaosCallsHost) {
    this.#host = host;
  }

  partition(groups: readonly (readonly NodeId[])[]): Promise<NodeId[]> {
    return this.#tell({ type: 'partition', groups });
  }

  isolate(id: NodeId): Promise<NodeId[]> {
    return this.#tell({ type: 'isolate', id });
  }

  cut(from: NodeId, to: NodeId): Promise<NodeId[]> {
    return this.#tell({ type: 'cut', from, to });
  }

  mend(from: NodeId, to: NodeId): Promise<NodeId[]> {
    return this.#tell({ type: 'mend', from, to });
  }

  heal(): Promise<NodeId[]> {
    return this.#tell({ type: 'heal' });
  }

  async setLink(change: Partial<LinkPolicy>, from?: NodeId, to?: NodeId): Promise<NodeId[]> {
    const { cut, ...rest } = change;
    const told = new Set<NodeId>();
    if (cut !== undefined) {
      for (const id of await this.#tell({ type: 'setLink', change: { cut }, from, to })) told.add(id);
    }
    if (Object.values(rest).some((word) => word !== undefined)) {
      const senders = from === undefined ? this.#host.ids().filter((id) => id !== to) : [from];
      const order = (sender: NodeId) => ({ type: 'setLink', change: words(rest), from: sender, to }) as const;
      for (const id of await this.#tellEach(senders, order)) told.add(id);
    }
    return [...told];
  }

  async setLinksOf(id: NodeId, change: Partial<LinkPolicy>): Promise<NodeId[]> {
    const told = [await this.setLink(change, id), await this.setLink(change, undefined, id)];
    return [...new Set(told.flat())];
  }

  async stop(id: NodeId): Promise<void> {
    await this.#order(id, { type: 'stop' });
  }

  async revive(id: NodeId): Promise<void> {
    await this.#order(id, { type: 'revive' });
  }

  async setCandidacy(id: NodeId, allowed: boolean): Promise<void> {
    await this.#order(id, { type: 'setCandidacy', allowed });
  }

  async network(): Promise<NetworkState> {
    const states = new Map<NodeId, NetworkState>();
    await this.#tellEach(
      this.#host.ids(),
      () => ({ type: 'wiring' }),
      (id, { wiring }) => {
        if (wiring !== undefined) states.set(id, wiring);
      },
    );
    const ids = this.#host.ids();
    return {
      groups: groupsOf(ids, [...states.values()]),
      link: cleanLink,
      links: ids.flatMap((from) => {
        const state = states.get(from);
        if (state === undefined) return [];
        const named = ids
          .filter((to) => to !== from)
          .map((to) => ({ from, to, policy: policyIn(state, from, to) }));
        return named.filter(({ policy }) => JSON.stringify(policy) !== JSON.stringify(cleanLink));
      }),
    };
  }

  #tell(order: ChaosOrder): Promise<NodeId[]> {
    return this.#tellEach(this.#host.ids(), () => order);
  }

  async #tellEach(
    ids: readonly NodeId[],
    order: (id: NodeId) => ChaosOrder,
    heard: (id: NodeId, outcome: OrderOutcome) => void = () => {},
  ): Promise<NodeId[]> {
    const told: NodeId[] = [];
    const ends = await Promise.allSettled(
      ids.map(async (id) => {
        heard(id, await this.#order(id, order(id)));
        told.push(id);
      }),
    );
    const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    const refusal = reasons.find((reason) => !isUnreachable(reason));
    if (refusal !== undefined) throw refusal;
    if (told.length === 0 && reasons.length > 0) throw reasons[0];
    return told.sort((a, b) => a - b);
  }

  async #order(id: NodeId, order: ChaosOrder): Promise<OrderOutcome> {
    const outcome = await this.#host.order(id, order);
    if (outcome.error !== null) throw errorOf(outcome.error);
    return outcome;
  }
}

/** Has a member in another process carry it out. @throws {NodeDeadError} {TimeoutError} */
export async function orderOver(lines: RemoteLines, to: NodeId, order: ChaosOrder): Promise<OrderOutcome> {
  await lines.tried(to);
  const reply = await lines.ask(to, (request) => ({ type: 'order', request, order }));
  if (reply.type !== 'ordered') throw new NodeDeadError(to);
  return reply.outcome;
}

function isUnreachable(reason: unknown): boolean {
  return reason instanceof NodeDeadError || reason instanceof TimeoutError || reason instanceof ClosedError;
}

/** What is undefined is not said. */
function words(change: Partial<LinkPolicy>): LinkWords {
  return Object.fromEntries(Object.entries(change).filter(([, word]) => word !== undefined));
}

function policyIn({ link, links }: NetworkState, from: NodeId, to: NodeId): LinkPolicy {
  return links.find((one) => one.from === from && one.to === to)?.policy ?? link;
}

/** Two are in one group if nobody who was heard keeps them apart. */
function groupsOf(ids: readonly NodeId[], states: readonly NetworkState[]): NodeId[][] {
  const groups: NodeId[][] = [];
  const together = (a: NodeId, b: NodeId) =>
    states.every(({ groups: told }) => {
      const [ofA, ofB] = [a, b].map((id) => told.find((group) => group.includes(id)));
      return ofA === undefined || ofB === undefined || ofA === ofB;
    });
  for (const id of ids) {
    const group = groups.find(([first = id]) => together(first, id));
    if (group === undefined) groups.push([id]);
    else group.push(id);
  }
  return groups;
}
