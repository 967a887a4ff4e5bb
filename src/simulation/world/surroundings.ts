import type { NodeStanding } from '../../node/information.js';
import type { SnapshotNews } from '../../node/node-observer.js';
import type { NodeOptions } from '../../node/options.js';
import type { LogIndex, NodeId } from '../../raft/entry.js';
import type { Recovered } from '../../storage/storage.js';
import type { Ciphers } from '../../wire/cipher.js';
import type { LogSeal } from '../../wire/log-seal.js';
import type { PowerLoss } from '../disk/simulated-file-system.js';
import type { Trace } from './trace.js';
import type { VirtualTime } from './virtual-time.js';
import type { Applied } from './watched-application.js';

/** All that decides a host besides chance. */
export interface HostOptions {
  readonly node: Omit<NodeOptions, 'seed'>;
  readonly ciphers: () => Ciphers;
  readonly seal: LogSeal;
  readonly segmentBytes: number;
  /** Does the node wait for its syncs, as it does in production, or go on meanwhile? */
  readonly waitsForDisk: boolean;
  /** What a sync takes on average while nothing is wrong, in milliseconds. */
  readonly syncMs: number;
}

/** What a host needs of the world around it, and tells it. */
export interface Surroundings<Host> {
  readonly time: VirtualTime;
  readonly trace: Trace;
  send(from: NodeId, to: NodeId, frame: Uint8Array): void;
  /** The process has begun. */
  launched(host: Host): void;
  /** The node has taken a step. */
  stepped(host: Host): void;
  /** May clients have the voters asked about a command first? */
  readonly verifies: boolean;
  /** The node is asked whether a command is valid. */
  judged(host: Host, command: Uint8Array): boolean;
  applied(host: Host, applied: Applied): void;
  /** The disk is about to replace its entries from `from` on. */
  replacing(host: Host, from: LogIndex): void;
  /** Entries from `changedFrom` on were made durable. */
  stored(host: Host, changedFrom: LogIndex): void;
  recovered(host: Host, recovered: Recovered): void;
  standingChanged(host: Host, standing: NodeStanding): void;
  /** The node's state, as a number, was captured for a snapshot, or restored from one. */
  stateSeen(host: Host, index: LogIndex, state: number, isRestored: boolean): void;
  snapshotNews(host: Host, news: SnapshotNews): void;
  /** A node goes on in a segment that was made while it filled the one before. */
  segmentMadeAhead(): void;
  /** The process has ended; `loss` when the power failed. */
  ended(host: Host, loss: PowerLoss | null): void;
  /** The node gave up by itself, and ends. */
  died(host: Host, error: unknown): void;
  /** The node would not start. */
  refused(host: Host, error: unknown): void;
}
