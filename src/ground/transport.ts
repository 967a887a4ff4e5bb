import type { NodeId } from './ids.js';

/** Carries frames between nodes. May delay, lose, duplicate and reorder them; must not alter them unnoticed. */
export interface Transport {
  /** Sends a frame. The bytes belong to the transport from then on. Never throws for an unreachable peer. */
  send(to: NodeId, frame: Uint8Array): void;
  /** Called when a turn has sent what it has to: what was gathered leaves now. One that sends at once needs it not. */
  flush?(): void;
  /** Says who takes arriving frames. The bytes belong to the handler. Called once. */
  receive(handler: (from: NodeId, frame: Uint8Array) => void): void;
}
