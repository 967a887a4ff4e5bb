import type { NodeStanding } from '../../node/information.js';
import type { LogIndex, NodeId } from '../../raft/entry.js';
import type { Recovered } from '../../storage/storage.js';
import type { PowerLoss } from '../disk/simulated-file-system.js';
import type { SimulatedHost } from './simulated-host.js';
import type { Trace } from './trace.js';
import type { VirtualTime } from './virtual-time.js';
import type { Applied } from './watched-application.js';

/** What a host needs of the world around it, and tells it. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly trace: Trace;
  send(from: NodeId, to: NodeId, frame: Uint8Array): void;
  /** The node has taken a step. */
  stepped(host: SimulatedHost): void;
  applied(host: SimulatedHost, applied: Applied): void;
  /** The disk is about to replace its entries from `from` on. */
  replacing(host: SimulatedHost, from: LogIndex): void;
  /** Entries from `changedFrom` on were made durable. */
  stored(host: SimulatedHost, changedFrom: LogIndex): void;
  recovered(host: SimulatedHost, recovered: Recovered): void;
  standingChanged(host: SimulatedHost, standing: NodeStanding): void;
  /** The process has ended; `loss` when the power failed. */
  ended(host: SimulatedHost, loss: PowerLoss | null): void;
  /** The node gave up by itself, and ends. */
  died(host: SimulatedHost, error: unknown): void;
  /** The node would not start. */
  refused(host: SimulatedHost, error: unknown): void;
}
