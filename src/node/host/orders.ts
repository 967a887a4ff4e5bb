import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { Change, ChangeStep } from '../../raft/membership.js';
import type { NetworkState } from '../../router/network-state.js';
import { addressBytesMax, priorityMax } from '../../wire/configuration.js';
import { type ChaosOrder, chaosOrderIn } from './chaos-orders.js';
import type { ErrorReport } from './error-report.js';

/** What a node is told to do by its host, or by an operator elsewhere, and answers when it is done. */
export type Order =
  /** Members are to come, to go or to be different, or the change under way is to be given up. Done when it is committed. */
  | { readonly type: 'change'; readonly change: Change | 'abort' }
  /** Another is to lead, or whoever is best. Done when the node leads no more. */
  | { readonly type: 'transfer'; readonly to: NodeId | null }
  /** Take a snapshot of the state as it is now. Done when it is durable. */
  | { readonly type: 'snapshot' };

/** A snapshot of a node's state on its disk. */
export interface SnapshotTaken {
  /** The entry that it ends with. */
  readonly index: LogIndex;
  readonly term: Term;
  /** How large it is. */
  readonly bytes: number;
}

/** What came of an order. */
export interface OrderOutcome {
  /** Null: it is done. */
  readonly error: ErrorReport | null;
  /** The one that was ordered. */
  readonly snapshot: SnapshotTaken | null;
  /** How the host's links are wired, if that was asked. */
  readonly wiring?: NetworkState;
}

/** As many steps in one change are more than anybody needs. */
const stepsMax = 64;

/** An order of somebody elsewhere, or null if it is none that can be carried out. Never throws. */
export function orderIn(value: unknown): Order | ChaosOrder | null {
  const { type, change, to } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (type === 'snapshot') return { type };
  if (type === 'transfer') return to === null || isId(to) ? { type, to } : null;
  if (type !== 'change') return chaosOrderIn(value);
  if (change === 'abort') return { type, change };
  if (!Array.isArray(change) || change.length === 0 || change.length > stepsMax) return null;
  const steps = change.map(stepIn);
  return steps.every((step) => step !== null) ? { type, change: steps } : null;
}

function stepIn(value: unknown): ChangeStep | null {
  const { kind, id, address, learner, priority } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (!isId(id)) return null;
  switch (kind) {
    case 'add':
      return isAddress(address) && typeof learner === 'boolean' ? { kind, id, address, learner } : null;
    case 'remove':
    case 'promote':
      return { kind, id };
    case 'update':
      return isAddress(address) ? { kind, id, address } : null;
    case 'prioritize':
      return isId(priority) && priority <= priorityMax ? { kind, id, priority } : null;
    default:
      return null;
  }
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) <= addressBytesMax;
}
