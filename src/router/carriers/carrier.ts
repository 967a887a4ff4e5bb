import type { Clock } from '../../ground/clock.js';
import type { NodeId } from '../../ground/ids.js';
import type { Random } from '../../ground/random.js';
import type { CarrierCounters, EndReason } from './counters.js';
import type { CarrierEvent } from './events.js';
import type { Lane } from './lane.js';
import type { Party } from './party.js';

/** Who sent a frame: as its certificate says (TLS), as the bus allowed (NATS), as it said itself (plain text). */
export interface Sender {
  readonly node: NodeId;
  /** The number of its process's life. */
  readonly incarnation: number;
  readonly lane: Lane;
}

/**
 * Carries frames between this process's node and nodes in other processes, unread. It loses what it cannot carry:
 * its queues are bounded and drop their oldest frames, since Raft says everything again, and later.
 */
export interface Carrier {
  /**
   * What keeps strangers out and the frames from being read under way: the peers' certificates, whoever runs the
   * bus, or nothing.
   */
  readonly protection: 'certificates' | 'bus' | 'nothing';
  /**
   * Listens, or reaches the bus, and returns the address at which it listens (null if it does not). Called once.
   * @throws ListenFailedError, CredentialsError, MissingPackageError, InvalidOptionError
   */
  open(): Promise<string | null>;
  /**
   * Names a remote node, or where it is from now on. Addresses are tried in turn; without any, it is found once it
   * has said itself where it is, or on a bus.
   * @throws InvalidOptionError
   */
  setRemote(node: NodeId, addresses: readonly string[]): void;
  /** Forgets a remote node and what waits for it, and ends its connections. */
  removeRemote(node: NodeId): void;
  /**
   * Asks who is at an address until somebody answers, who then is a remote node there (event `introduced`): how a
   * process that knows addresses only comes to know nodes.
   * @throws InvalidOptionError
   */
  introduce(address: string): void;
  /** Takes a frame, whose bytes are the carrier's from then on. False if no such remote node was named. */
  send(to: NodeId, lane: Lane, frame: Uint8Array): boolean;
  /** Says which cluster this is, once that is known: who belongs to another is refused from then on. */
  adopt(clusterId: string): void;
  /**
   * Reads the certificates again and, if they are good, renews every connection within a bound. Bad ones change
   * nothing.
   * @throws CredentialsError
   */
  reload(): Promise<void>;
  counters(): CarrierCounters;
  /** Ends all connections in good order, within a bound. Harmless if repeated. */
  close(): Promise<void>;
}

/** A client that has been let in. Its host sets what is called when it speaks and when it has gone. */
export interface ClientGuest {
  readonly party: Party;
  heard: (frame: Uint8Array) => void;
  ended: () => void;
  send(frame: Uint8Array): void;
  /** Ends its connection. */
  end(reason: EndReason, detail: string): void;
}

/** What a carrier is handed by its host. */
export interface CarrierHost {
  readonly clock: Clock;
  /** Jitter comes from here. */
  readonly random: Random;
  /** Takes an arriving frame, whose bytes are the host's. */
  readonly receive: (sender: Sender, frame: Uint8Array) => void;
  /** Takes a client that was let in. Without it, none is. */
  readonly client?: (guest: ClientGuest) => void;
  /** Takes what the log should tell. */
  readonly tell: (event: CarrierEvent) => void;
}
