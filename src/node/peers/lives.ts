import type { Clock } from '../../ground/clock.js';
import type { NodeId } from '../../raft/entry.js';
import type { Envelope, Hello, Letter } from '../../wire/messages.js';

/** A peer's lives that are over and remembered: more restarts than any service sees while this node runs on. */
const retiredMax = 4096;

/** A life that is heard no more for as long as so many hellos take may be over. */
const silentHellos = 10;

/** Why a letter is not for this node to hear. */
export type Refusal = 'otherCluster' | 'otherReceiver' | 'retiredLife' | 'unprovenLife' | 'formerBearer';

/** Which node this is, in which cluster, and in which of its lives. */
export interface Identity {
  readonly id: NodeId;
  /** `clusterTag` of the cluster's id. */
  readonly cluster: number;
  /** A random number, another each time the node is started; never 0. Its host draws it. */
  readonly life: number;
}

interface Peer {
  /** Of whom it is proven that it knows this node's life; 0 while nobody is. */
  present: number;
  /** Who said to be there, and has not proven it. What is sent to one who is not is lost, no more. */
  claimed: number;
  readonly retired: Set<number>;
  helloAtMs: number;
  /** When a letter of the present life was heard last. */
  heardAtMs: number;
}

/**
 * Whose frames are heard. A frame may come late: from a life of the sender that is over, or for one of the receiver's;
 * it may be a copy of one that was for somebody else; and who can read and repeat what is on the wire, but not seal,
 * can do no more than that. So a frame names the cluster, its receiver, and the lives of both, under the seal; and it
 * is heard only if it names the life that this node lives now, a random number that nobody knew before:
 *
 *     A starts        hello, asks, A's life, 0        ──►  B: names no life of mine: not proven. Says hello
 *     A: names mine,  ◄── hello, asks, B's life, A's life
 *     so B lives it        and knows B
 *                     hello, B's life                 ──►  B: names mine, so A lives the life it names. The one it
 *                                                          had before is over, and not heard while this one is
 *
 * A hello that is repeated later proves nothing, since the life that it names is over; and none but the peer that lives
 * now can name this node's life. Messages for a peer of whom nothing is known are not sent: a hello is, instead.
 */
export class Lives {
  readonly #own: Identity;
  readonly #clock: Clock;
  readonly #helloEveryMs: number;
  readonly #peers = new Map<NodeId, Peer>();

  /** @param helloEveryMs a peer is said hello at most so often */
  constructor(own: Identity, clock: Clock, helloEveryMs: number) {
    this.#own = own;
    this.#clock = clock;
    this.#helloEveryMs = helloEveryMs;
  }

  /** The envelope of a message for the peer; null while nothing is known of it. */
  envelopeFor(to: NodeId): Envelope | null {
    const { present, claimed } = this.#peer(to);
    const receiverLife = present === 0 ? claimed : present;
    return receiverLife === 0 ? null : this.#envelope(to, receiverLife);
  }

  /** A hello for the peer, which asks for its own; null if it was said one just now. */
  helloFor(to: NodeId): Letter | null {
    const peer = this.#peer(to);
    const nowMs = this.#clock.now();
    if (nowMs - peer.helloAtMs < this.#helloEveryMs) return null;
    peer.helloAtMs = nowMs;
    return this.#hello(to, peer.claimed === 0 ? peer.present : peer.claimed, true);
  }

  /** May the letter be heard? What it proves is noted. */
  judge({ message: { from }, envelope }: Letter): Refusal | null {
    const { cluster, to, life, receiverLife } = envelope;
    if (cluster !== this.#own.cluster) return 'otherCluster';
    if (to !== this.#own.id) return 'otherReceiver';
    const peer = this.#peer(from);
    const nowMs = this.#clock.now();
    if (life === 0 || (peer.retired.has(life) && !this.#mayReturn(peer, receiverLife, nowMs)))
      return 'retiredLife';
    if (receiverLife !== this.#own.life) {
      if (life !== peer.present) peer.claimed = life;
      return 'unprovenLife';
    }
    if (peer.present !== life) {
      if (peer.present !== 0) this.#retire(peer, peer.present);
      peer.retired.delete(life);
      peer.present = life;
    }
    peer.claimed = 0;
    peer.heardAtMs = nowMs;
    return null;
  }

  /**
   * A frame may be so late that it comes from a life that was over before its successor was known here, and takes that
   * one's place. The one that lives goes on to say hello, and comes back when nothing of the other was heard for long.
   * This lets a frame of an earlier life be heard, too, if it is repeated while the present one is silent for as long.
   */
  #mayReturn({ heardAtMs }: Peer, receiverLife: number, nowMs: number): boolean {
    return receiverLife === this.#own.life && nowMs - heardAtMs >= silentHellos * this.#helloEveryMs;
  }

  /** What is owed to who said a hello that was heard. */
  answerTo({ from, asks }: Hello): Letter | null {
    return asks ? this.#hello(from, this.#peer(from).present, false) : null;
  }

  #retire(peer: Peer, life: number): void {
    peer.retired.add(life);
    if (peer.retired.size <= retiredMax) return;
    for (const oldest of peer.retired) {
      peer.retired.delete(oldest);
      return;
    }
  }

  #hello(to: NodeId, receiverLife: number, asks: boolean): Letter {
    const message: Hello = { type: 'hello', term: 0, from: this.#own.id, asks };
    return { message, envelope: this.#envelope(to, receiverLife) };
  }

  #envelope(to: NodeId, receiverLife: number): Envelope {
    const { cluster, life } = this.#own;
    return { to, cluster, life, receiverLife };
  }

  #peer(id: NodeId): Peer {
    let peer = this.#peers.get(id);
    if (peer === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      peer = { present: 0, claimed: 0, retired: new Set(), helloAtMs: never, heardAtMs: never };
      this.#peers.set(id, peer);
    }
    return peer;
  }
}
