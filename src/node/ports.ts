import type { NodeId } from '../raft/entry.js';
import type { WriteBatch } from '../storage/storage.js';

/*
 * A node's world: four ports (the fourth, the application, is `Application`). Worker threads provide one set,
 * the simulation another, a program that embeds a node its own.
 */

/** Carries frames between nodes. May delay, lose, duplicate and reorder them; must not alter them unnoticed. */
export interface Transport {
  /** Sends a frame. The bytes belong to the transport from then on. Never throws for an unreachable peer. */
  send(to: NodeId, frame: Uint8Array): void;
  /** Called when a turn has sent what it has to: what was gathered leaves now. One that sends at once needs it not. */
  flush?(): void;
  /** Says who takes arriving frames. The bytes belong to the handler. Called once. */
  receive(handler: (from: NodeId, frame: Uint8Array) => void): void;
}

/** Makes batches durable, in order. One batch is under way at a time; the node gathers the next meanwhile. */
export interface Disk {
  /**
   * Starts writing. Exactly one of the two is called, once, possibly before `write` returns. After `failed` the
   * disk takes no more.
   */
  write(batch: WriteBatch, durable: () => void, failed: (error: unknown) => void): void;
}

/** Time in milliseconds from an arbitrary start, never going back, and timers on the same scale. */
export interface Clock {
  now(): number;
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Runs `turn` soon, after what has already arrived has been delivered: how a mailbox fills before it is drained. */
  soon(turn: () => void): void;
}
