import type { NodeId } from '../../../ground/ids.js';
import type { Random } from '../../../ground/random.js';
import type { CarrierTally } from '../counters.js';
import type { Peer } from '../handshake.js';
import { type Lane, lanes } from '../lane.js';
import { Assembly, type Part } from './parts.js';

/** Senders that are known at a time, and sessions of each: its process's, and those of who say they follow it. */
const nodesMax = 1024;
const sessionsMax = 8;

/** What one process of a node sends us, since we last made its acquaintance. */
export interface Session {
  /** As it said last who it is. */
  peer: Peer;
  /** Has it shown that it heard its welcome? */
  isConfirmed: boolean;
  readonly token: number;
  readonly assemblies: Readonly<Record<Lane, Assembly>>;
}

/** Those who may send, each with the token that it was welcomed with. */
export class NatsSessions {
  readonly #random: Random;
  readonly #frameBytesMax: number;
  readonly #tally: CarrierTally;
  readonly #sessions = new Map<NodeId, Session[]>();

  constructor(random: Random, frameBytesMax: number, tally: CarrierTally) {
    this.#random = random;
    this.#frameBytesMax = frameBytesMax;
    this.#tally = tally;
  }

  /**
   * The session of a process that has said hello: as before if it repeats its token, or has not used it yet (two
   * hellos may be under way), otherwise a new one. What it sent in the one before may come after its hello, for each
   * lane comes on a connection of its own.
   */
  welcome(node: NodeId, peer: Peer, token: number | null): Session {
    const ofNode = this.#sessions.get(node) ?? [];
    const known = ofNode.findLast((each) => each.peer.incarnation === peer.incarnation);
    if (known !== undefined && (known.token === token || isUnused(known))) return known;
    const assembly = () => new Assembly(this.#frameBytesMax);
    const session: Session = {
      peer,
      isConfirmed: false,
      token: this.#random.uint32(),
      assemblies: { control: assembly(), bulk: assembly() },
    };
    this.#sessions.delete(node);
    this.#sessions.set(node, [...ofNode.slice(1 - sessionsMax), session]);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= nodesMax) break;
      this.#sessions.delete(oldest);
    }
    return session;
  }

  /** It has shown that it heard its welcome. True if that, or the cluster that it is of, is news. */
  confirm(session: Session, peer: Peer): boolean {
    const isNews = !session.isConfirmed || session.peer.clusterId !== peer.clusterId;
    session.isConfirmed = true;
    session.peer = peer;
    return isNews;
  }

  /** Who was welcomed and has shown that it heard so. */
  confirmed(): Peer[] {
    return [...this.#sessions.keys()].flatMap((node) => this.confirmedOf(node));
  }

  confirmedOf(node: NodeId): Peer[] {
    return (this.#sessions.get(node) ?? []).filter(({ isConfirmed }) => isConfirmed).map(({ peer }) => peer);
  }

  /** The session that a part belongs to, if its sender was welcomed. */
  find(node: NodeId, token: number): Session | undefined {
    return this.#sessions.get(node)?.find((each) => each.token === token);
  }

  /** Only this process is the node from now on. */
  keepOnly(node: NodeId, incarnation: number): void {
    const ofNode = this.#sessions.get(node) ?? [];
    this.#sessions.set(
      node,
      ofNode.filter((each) => each.peer.incarnation === incarnation),
    );
  }

  forget(node: NodeId): void {
    this.#sessions.delete(node);
  }

  /** Forgets those whose cluster has another id. */
  keepCluster(clusterId: string): void {
    for (const [node, ofNode] of this.#sessions) {
      this.#sessions.set(
        node,
        ofNode.filter(({ peer }) => peer.clusterId === null || peer.clusterId === clusterId),
      );
    }
  }

  /** The frame that a part completes, if it does. */
  take(session: Session, lane: Lane, part: Part): Uint8Array | null {
    const assembly = session.assemblies[lane];
    const lostBefore = assembly.lost;
    const frame = assembly.take(part);
    this.#tally.partsLost += assembly.lost - lostBefore;
    return frame;
  }
}

function isUnused({ assemblies }: Session): boolean {
  return lanes.every((lane) => assemblies[lane].isUnused);
}
