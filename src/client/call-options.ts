import type { Consistency } from '../node/clients/client-requests.js';
import type { NodeId } from '../raft/entry.js';

/** How a command is to be proposed. */
export interface ProposeOptions {
  /** How long to try, and to wait for the outcome (5000). */
  readonly timeoutMs?: number;
  /** Propose at this node and nowhere else. */
  readonly node?: NodeId;
}

/** How a query is to be answered. */
export interface ReadOptions {
  /** `linearizable` (default) sees every command that was answered before; `stale` sees what one node has applied. */
  readonly consistency?: Consistency;
  /** Ask this node and no other. */
  readonly node?: NodeId;
  /** How long to try (5000). */
  readonly timeoutMs?: number;
}

export const timeoutMsMax = 2 ** 31 - 1;

export const proposeOptions: Record<keyof ProposeOptions, true> = { timeoutMs: true, node: true };
export const readOptions: Record<keyof ReadOptions, true> = { ...proposeOptions, consistency: true };

export function isTimeout(timeoutMs: number): boolean {
  return Number.isFinite(timeoutMs) && timeoutMs > 0 && timeoutMs <= timeoutMsMax;
}

export function isConsistency(consistency: unknown): boolean {
  return consistency === undefined || consistency === 'linearizable' || consistency === 'stale';
}

/** The same bytes in a buffer of their own, or null if the caller's was transferred to another thread. */
export function copyOf(bytes: Uint8Array): Uint8Array | null {
  try {
    return new Uint8Array(bytes);
  } catch {
    return null;
  }
}
