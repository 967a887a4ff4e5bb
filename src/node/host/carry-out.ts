import type { ConclaveError } from '../../ground/errors.js';
import type { StoredSnapshot } from '../../storage/storage.js';
import type { NodeActor } from '../node-actor.js';
import { reportOf } from './error-report.js';
import type { Order, OrderOutcome, SnapshotTaken } from './orders.js';

export function takenOf({ mark, bytes }: StoredSnapshot): SnapshotTaken {
  return { index: mark.index, term: mark.term, bytes };
}

/** Has the node do it. `done` is called once, unless the node's thread dies. */
export function carryOut(actor: NodeActor, order: Order, done: (outcome: OrderOutcome) => void): void {
  const reply = (error: ConclaveError | null) => done(outcomeOf(error));
  if (order.type === 'change') actor.tell({ type: 'host.change', asked: { change: order.change, reply } });
  else if (order.type === 'transfer') actor.tell({ type: 'host.transfer', asked: { to: order.to, reply } });
  else {
    actor.takeSnapshot((outcome) => {
      done(outcome instanceof Error ? outcomeOf(outcome) : { error: null, snapshot: takenOf(outcome) });
    });
  }
}

export function outcomeOf(error: Error | null): OrderOutcome {
  return { error: error === null ? null : reportOf(error), snapshot: null };
}
