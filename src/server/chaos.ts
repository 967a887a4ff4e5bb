import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Member } from '../cluster/nodes/member.js';
import { InvalidOptionError } from '../ground/errors.js';
import { outcomeOf } from '../node/host/carry-out.js';
import type { ChaosOrder } from '../node/host/chaos-orders.js';
import type { OrderOutcome } from '../node/host/orders.js';
import type { ChaosAnswered, ChaosAsked } from '../node/host/protocol.js';
import type { NodeId } from '../raft/entry.js';
import { networkState } from '../router/network-state.js';
import type { Router } from '../router/router.js';

export interface ChaosHost {
  readonly router: Router;
  readonly member: Member;
  /** All members, as far as they are known here. */
  ids(): readonly NodeId[];
}

/** Carries out what operators order for experiments, in a process that allows it: on its own router and its own node. */
export class Chaos {
  readonly #host: ChaosHost;

  constructor(host: ChaosHost) {
    this.#host = host;
  }

  /** The far end of a line over which an operator's orders come. */
  open(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    port1.on('message', ({ request, order }: ChaosAsked) => {
      void this.carryOut(order).then((outcome) =>
        port1.postMessage({ request, outcome } satisfies ChaosAnswered),
      );
    });
    return port2;
  }

  /** Resolves once it is in force, or with why it is not. */
  async carryOut(order: ChaosOrder): Promise<OrderOutcome> {
    try {
      if (order.type === 'wiring') {
        return { ...outcomeOf(null), wiring: networkState(this.#host.ids(), this.#host.router.wiring) };
      }
      await this.#do(order);
      return outcomeOf(null);
    } catch (error) {
      return outcomeOf(error as Error);
    }
  }

  #do(order: Exclude<ChaosOrder, { type: 'wiring' }>): Promise<unknown> {
    const { router, member } = this.#host;
    switch (order.type) {
      case 'stop':
        return member.tell({ type: 'stop' }, ({ role }) => role === 'dead');
      case 'revive':
        return member.tell({ type: 'revive' }, ({ role }) => role !== 'dead');
      case 'setCandidacy':
        member.post({ type: 'setCandidacy', allowed: order.allowed });
        return member.settled();
      case 'partition':
        router.partition(order.groups);
        break;
      case 'isolate':
        this.#requireMembers(order.id);
        router.isolate(order.id);
        break;
      case 'cut':
      case 'mend':
        this.#requireMembers(order.from, order.to);
        router[order.type](order.from, order.to);
        break;
      case 'heal':
        router.heal();
        break;
      case 'setLink':
        this.#requireMembers(order.from, order.to);
        router.setLink(order.change, order.from, order.to);
    }
    return router.settled();
  }

  /** What is remembered of links is bounded by the members that there are. @throws {InvalidOptionError} */
  #requireMembers(...named: readonly (NodeId | undefined)[]): void {
    const ids = this.#host.ids();
    const unknown = named.find((id) => id !== undefined && !ids.includes(id));
    if (unknown === undefined) return;
    throw new InvalidOptionError(`There is no member ${unknown}. Members are ${ids.join(', ')}.`);
  }
}
