import type { MessagePort } from 'node:worker_threads';
import type { NodeId } from '../raft/entry.js';
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

export interface ControlReply {
  readonly type: 'counters';
  readonly request: number;
  readonly counters: NetworkCounters;
}
