import type { NodeId } from '../../ground/ids.js';
import type { EndReason, RefusalReason } from './counters.js';
import type { Way } from './lane.js';

/** What happens to a carrier's connections, for the log: plain data. Texts are for people. */
export type CarrierEvent =
  | { readonly type: 'listening'; readonly address: string }
  /** A connection is open. `dialed` ones are those this side sends on. */
  | {
      readonly type: 'connected';
      readonly peer: string;
      readonly lane: Way;
      readonly dialed: boolean;
      readonly address: string;
      readonly incarnation: number;
      readonly version: number;
      /** What it says its cluster's id is; null while it does not know. */
      readonly clusterId: string | null;
    }
  | {
      readonly type: 'disconnected';
      readonly peer: string;
      readonly lane: Way;
      readonly dialed: boolean;
      readonly address: string;
      readonly reason: EndReason;
      readonly detail: string;
    }
  /** A handshake failed, `byUs` or by the other side, whose words then `detail` is. */
  | {
      readonly type: 'refused';
      readonly byUs: boolean;
      readonly reason: RefusalReason;
      readonly detail: string;
      readonly address: string;
      /** Whom the other side said to be, if it came to that. */
      readonly peer: string | null;
    }
  /** Nobody could be reached there; the next try comes after the pause. */
  | { readonly type: 'unreachable'; readonly peer: string; readonly address: string; readonly detail: string }
  /** A remote node said where it is to be found, and has been heard on an authenticated connection. */
  | { readonly type: 'advertised'; readonly node: NodeId; readonly address: string }
  /** While this side does not know its cluster's id: it and a remote node have found nothing against each other. */
  | { readonly type: 'met'; readonly node: NodeId; readonly clusterId: string | null }
  /** A remote node has shown for the first time that it knows this cluster's id. */
  | { readonly type: 'belongs'; readonly node: NodeId }
  /** A node answered at an address that was given to `introduce`. */
  | { readonly type: 'introduced'; readonly node: NodeId; readonly address: string }
  /** A remote node lives anew: its process was started again. */
  | { readonly type: 'restarted'; readonly node: NodeId; readonly incarnation: number }
  | { readonly type: 'reloaded'; readonly validTo: string }
  /** New certificates were not good; the old ones stay in force. */
  | { readonly type: 'reloadFailed'; readonly detail: string }
  | { readonly type: 'busLost'; readonly detail: string }
  | { readonly type: 'busFound'; readonly address: string }
  /** The bus does not allow something, or something is wrong with it. */
  | { readonly type: 'busError'; readonly detail: string }
  /** Events that were kept from the log because there were too many. */
  | { readonly type: 'suppressed'; readonly events: number };
