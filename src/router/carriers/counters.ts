import type { NodeId } from '../../ground/ids.js';

/** Why a handshake was refused. */
export const refusalReasons = [
  /** The bytes are no TLS, or TLS could not agree. */
  'tls',
  /** The certificate is missing, expired, or not signed by our authority. */
  'certificate',
  /** The certificate names nobody, more than one, or another than the other side says it is. */
  'name',
  /** Another cluster, by name or by id. */
  'cluster',
  /** Another node than the one that was dialed, or than the one that is here. */
  'node',
  /** A node that has been of this cluster comes without its data: what it promised is forgotten. */
  'lost',
  /** A client where only nodes are let in, or the other way round. */
  'kind',
  /** No protocol version is spoken by both. */
  'version',
  /** A process that was followed by another life of the same node. */
  'superseded',
  /** What was said is no handshake. */
  'malformed',
  /** The handshake was not completed in time. */
  'timeout',
  /** There were too many connections. */
  'full',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** Why an open connection ended. */
export const endReasons = [
  /** The other side or the network closed it. */
  'closed',
  /** Nothing was heard for too long. */
  'silent',
  /** A message was missing, or came twice. */
  'sequence',
  /** What was said is no message, or too large. */
  'malformed',
  /** The other side has connected anew. */
  'replaced',
  /** Ended to be made anew: certificates or addresses have changed, or it was old. */
  'renewed',
  /** A client asks faster than it is answered, or reads its answers too slowly. */
  'overloaded',
  /** One of the sides ended its work. */
  'shutdown',
] as const;
export type EndReason = (typeof endReasons)[number];

/** What became of frames to and from one remote node. */
export interface RemoteCounters {
  /** Handed to a connection, or to the bus. */
  readonly framesSent: number;
  readonly bytesSent: number;
  readonly framesReceived: number;
  readonly bytesReceived: number;
  /** Dropped as the oldest of a full queue. */
  readonly overflowed: number;
  /** Dropped for having waited too long. */
  readonly stale: number;
  /** Dropped because no frame is that large. */
  readonly tooLarge: number;
  /** Waiting now. */
  readonly framesWaiting: number;
  readonly bytesWaiting: number;
  /** Connections that came to be for sending; all after the first of a lane are reconnections. */
  readonly connections: number;
  readonly reconnections: number;
}

export interface CarrierCounters {
  readonly remotes: readonly ({ readonly node: NodeId } & RemoteCounters)[];
  /** Connections open now, both ways. */
  readonly connectionsOpen: number;
  /** Those that have not yet said who they are. */
  readonly connectionsPending: number;
  /** Handshakes that failed, by who refused and why. */
  readonly refused: Readonly<Record<RefusalReason, number>>;
  readonly refusedByOthers: Readonly<Record<RefusalReason, number>>;
  readonly ended: Readonly<Record<EndReason, number>>;
  /** Messages or parts that came out of turn, twice, or were never completed: a bus may lose them. */
  readonly partsLost: number;
  /** Events that the log was spared. */
  readonly eventsSuppressed: number;
}

type Tally<Counters> = { -readonly [Name in keyof Counters]: number };
export type RemoteTally = Tally<RemoteCounters>;

/** Remote nodes whose frames are counted each for itself: a stranger in plain text may say it is any. */
const remotesMax = 1024;

/** The tallies of remote nodes, made when first asked for. */
export class RemoteTallies {
  readonly #tallies = new Map<NodeId, RemoteTally>();

  of(node: NodeId): RemoteTally {
    const known = this.#tallies.get(node);
    if (known !== undefined) return known;
    const tally = emptyRemoteTally();
    if (this.#tallies.size < remotesMax) this.#tallies.set(node, tally);
    return tally;
  }

  snapshot(): CarrierCounters['remotes'] {
    return [...this.#tallies].map(([node, tally]) => ({ node, ...tally }));
  }
}

export function emptyRemoteTally(): RemoteTally {
  return {
    framesSent: 0,
    bytesSent: 0,
    framesReceived: 0,
    bytesReceived: 0,
    overflowed: 0,
    stale: 0,
    tooLarge: 0,
    framesWaiting: 0,
    bytesWaiting: 0,
    connections: 0,
    reconnections: 0,
  };
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}

/** What a carrier counts beside its remote nodes. */
export class CarrierTally {
  readonly refused = zeros(refusalReasons);
  readonly refusedByOthers = zeros(refusalReasons);
  readonly ended = zeros(endReasons);
  partsLost = 0;
  eventsSuppressed = 0;

  snapshot(): Omit<CarrierCounters, 'remotes' | 'connectionsOpen' | 'connectionsPending'> {
    return {
      refused: { ...this.refused },
      refusedByOthers: { ...this.refusedByOthers },
      ended: { ...this.ended },
      partsLost: this.partsLost,
      eventsSuppressed: this.eventsSuppressed,
    };
  }
}
