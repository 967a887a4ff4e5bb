import type { NodeId } from '../raft/entry.js';
import type { CarrierCounters, RemoteCounters } from './carriers/counters.js';

/**
 * What became of frames. At any moment
 * `sent + duplicated = delivered + lost + cut + dropped + unreachable + inFlight`.
 */
export interface LinkCounters {
  /** Handed in by the sender. */
  readonly sent: number;
  /** Passed on to the receiver, copies included. */
  readonly delivered: number;
  /** Lost by chance. */
  readonly lost: number;
  /** Sent into a cut or a partition, or under way when it came. */
  readonly cut: number;
  /** Copies made by chance. */
  readonly duplicated: number;
  /** Delivered after a frame that was sent later. */
  readonly reordered: number;
  /** Did not fit into a bounded queue: the link's, or the one before the receiver. */
  readonly dropped: number;
  /** The receiver has crashed, has left, or never was. */
  readonly unreachable: number;
  /** Under way at the moment. */
  readonly inFlight: number;
  readonly bytesSent: number;
  readonly bytesDelivered: number;
}

/** One link. What goes to a node in another process is delivered here once a carrier has taken it. */
export interface LinkReport extends LinkCounters {
  readonly from: NodeId;
  readonly to: NodeId;
  /** Beyond this process: what the carrier at the one end did for the node at the other, both ways. */
  readonly carried?: RemoteCounters;
}

export interface NetworkCounters {
  readonly total: LinkCounters;
  /** The links that were used, in the order of their first frame. */
  readonly links: readonly LinkReport[];
  /** Frames that nodes could not hand in, for their own queue to the router was full. Not part of `sent`. */
  readonly overflowed: number;
  /** The carriers of this process's nodes, if it has any. */
  readonly carriers?: readonly ({ readonly of: NodeId } & CarrierCounters)[];
}

/** Counters as the switchboard keeps them. */
export type LinkTally = { -readonly [Name in keyof LinkCounters]: number };

export function emptyTally(): LinkTally {
  return {
    sent: 0,
    delivered: 0,
    lost: 0,
    cut: 0,
    duplicated: 0,
    reordered: 0,
    dropped: 0,
    unreachable: 0,
    inFlight: 0,
    bytesSent: 0,
    bytesDelivered: 0,
  };
}

const tallyNames = Object.keys(emptyTally()) as (keyof LinkCounters)[];

export function addTally(sum: LinkTally, tally: LinkCounters): void {
  for (const name of tallyNames) sum[name] += tally[name];
}

/** The counters of a network with those of lines beside it, each a part of its link. */
export function withTallies(
  counters: NetworkCounters,
  tallies: Iterable<readonly [from: NodeId, to: NodeId, LinkTally]>,
): NetworkCounters {
  const total = { ...counters.total };
  const links = new Map(counters.links.map((link) => [`${link.from} ${link.to}`, { ...link }]));
  for (const [from, to, tally] of tallies) {
    if (tally.sent === 0) continue;
    addTally(total, tally);
    const key = `${from} ${to}`;
    const link = links.get(key) ?? { from, to, ...emptyTally() };
    addTally(link, tally);
    links.set(key, link);
  }
  return { ...counters, total, links: [...links.values()] };
}
