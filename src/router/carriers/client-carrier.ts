import type { Clock } from '../../ground/clock.js';
import type { NodeId } from '../../ground/ids.js';
import type { Random } from '../../ground/random.js';
import type { CarrierEvent } from './events.js';
import type { Peer } from './handshake.js';

/**
 * A client's line to one node, found again after each loss. What a client asks for is said once, and is awaited until
 * the line ends: of what was given to it nothing is dropped before, and nothing is missing in between.
 */
export interface ClientLine {
  /** Takes a frame, whose bytes are the line's from then on. */
  send(frame: Uint8Array): void;
  /** Where the node may be, the likeliest first. */
  setAddresses(addresses: readonly string[]): void;
  /** Forgets what waits: whoever gave it will say it otherwise. */
  forget(): void;
  /** Ends it in good order, within a bound. */
  close(): Promise<void>;
}

export interface ClientLineHandlers {
  readonly opened: (peer: Peer) => void;
  readonly received: (frame: Uint8Array) => void;
  /** The line is gone, and with it what was not answered. It opens again if it can. */
  readonly ended: () => void;
}

/** What a client's carrier is handed by its host. */
export interface ClientCarrierHost {
  readonly clock: Clock;
  /** Jitter comes from here. */
  readonly random: Random;
  /** A member was found: at an address that was given to `introduce`, or (null) on the bus. */
  readonly found: (node: NodeId, address: string | null) => void;
  readonly tell: (event: CarrierEvent) => void;
}

/** The side of a carrier on which clients are: it makes lines to nodes, and takes none. */
export interface ClientCarrier {
  /** Is a node to be found by its addresses, or by its number alone? */
  readonly isAddressed: boolean;
  /** @throws {CredentialsError} {MissingPackageError} */
  open(): Promise<void>;
  /** Says which cluster this is: members of another are refused from then on. */
  adopt(clusterId: string): void;
  /** Makes sure that this carrier may go there. @throws {InvalidOptionError} */
  requireAddress(address: string): void;
  /** Asks who is at an address until somebody answers. @throws {InvalidOptionError} */
  introduce(address: string): void;
  /** A line to a node, which is looked for at once where it needs no address. */
  line(to: NodeId, handlers: ClientLineHandlers): ClientLine;
  /** Ends everything in good order, within a bound. */
  close(): Promise<void>;
}
