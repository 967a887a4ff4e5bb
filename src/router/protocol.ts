import type { MessagePort } from 'node:worker_threads';
import type { NodeId } from '../raft/entry.js';
import type { CarrierEvent } from './carriers/events.js';
import type { CarrierOptions } from './carriers/options.js';
import type { Party } from './carriers/party.js';
import type { NetworkCounters } from './counters.js';
import type { LinkPolicy } from './link-policy.js';

/** What the router's worker is given to run. */
export interface RouterTask {
  /** To and from the router's side in the cluster. When it closes, the router ends. */
  readonly controlPort: MessagePort;
  readonly seed: number;
  /** The policy of all links at first. */
  readonly link: Partial<LinkPolicy>;
  readonly queueMax: number;
}

export type ControlMessage =
  /** A node appears, or appears anew with another port. */
  | {
      readonly type: 'attach';
      readonly id: NodeId;
      readonly port: MessagePort;
      readonly gauge: SharedArrayBuffer;
    }
  | { readonly type: 'detach'; readonly id: NodeId }
  /** A node gets a carrier to other processes. Answered with the address at which it listens. */
  | {
      readonly type: 'carry';
      readonly request: number;
      readonly id: NodeId;
      readonly options: CarrierOptions;
    }
  /** A node in another process appears, or is to be found elsewhere. */
  | { readonly type: 'remote'; readonly id: NodeId; readonly addresses: readonly string[] }
  | { readonly type: 'introduce'; readonly address: string }
  | { readonly type: 'adopt'; readonly clusterId: string }
  /** The carriers' certificates are to be read again. */
  | { readonly type: 'reload'; readonly request: number }
  | { readonly type: 'partition'; readonly groups: readonly (readonly NodeId[])[] }
  | { readonly type: 'isolate'; readonly id: NodeId }
  | { readonly type: 'cut'; readonly from: NodeId; readonly to: NodeId }
  | { readonly type: 'mend'; readonly from: NodeId; readonly to: NodeId }
  | { readonly type: 'heal' }
  | {
      readonly type: 'setLink';
      readonly change: Partial<LinkPolicy>;
      readonly from: NodeId | undefined;
      readonly to: NodeId | undefined;
    }
  /** Answered with the same request number, once all commands before it are in force. */
  | { readonly type: 'count'; readonly request: number }
  | { readonly type: 'close' };

export type ControlReply =
  | { readonly type: 'counters'; readonly request: number; readonly counters: NetworkCounters }
  | { readonly type: 'carried'; readonly request: number; readonly address: string | null }
  | { readonly type: 'reloaded'; readonly request: number }
  | { readonly type: 'failed'; readonly request: number; readonly code: string; readonly message: string }
  /**
   * A client was let in at the carrier of a node. Its frames come out of the port, and answers go in; so do the sizes
   * of what was taken, for no more than a bound is under way.
   */
  | { readonly type: 'client'; readonly of: NodeId; readonly party: Party; readonly port: MessagePort }
  /** Something happened at the carrier of a node. */
  | { readonly type: 'event'; readonly of: NodeId; readonly event: CarrierEvent };
