import type { Clock } from '../../ground/clock.js';
import type { NodeId } from '../../raft/entry.js';
import type { Envelope, Hello, Letter } from '../../wire/messages.js';

/** Why a letter is not for this node to hear. */
export type Refusal = 'otherCluster' | 'otherReceiver' | 'unprovenLife' | 'formerBearer';

/** Which node this is, in which cluster, and in which of its lives. */
export interface Identity {
  readonly id: NodeId;
  /** `clusterTag` of the cluster's id. */
  readonly cluster: number;
  /** A random number, another each time the node is started; never 0. Its host draws it. */
  readonly life: number;
}

interface Peer {
  /** Who has shown last that it lives and knows this node's life; 0 while nobody has. */
  present: number;
  /** Who said to be there, and has not shown it. What is sent to one who is not is lost, no more. */
  claimed: number;
  /** What the peer is asked to repeat: another number as soon as somebody has. */
  challenge: number;
  helloAtMs: number;
}

/**
 * Whose frames are heard. A frame may come late: from a life of the sender that is over, or for one of the receiver's;
 * it may be a copy of one that was for somebody else; and who can read and repeat what is on the wire, but not seal,
 * can do no more than that. So a frame names the cluster, its receiver, and the lives of both, under the seal; and it
 * is heard only if it names the life that this node lives now, a random number that nobody knew before, and comes from
 * the life of the peer that was the last to repeat a number that this node had just asked for:
 *
 *     A starts        hello, asks 1, A's life, 0                    ──►  B: names no life of mine. Answers
 *     A: names mine,  ◄──  hello, answers 1, asks 7, B's life, A's life
 *     and my number:       A hears this life of B
 *                     hello, answers 7, A's life, B's life          ──►  B: names mine, and my number:
 *                                                                        B hears this life of A, and no other
 *
 * A number is good for one answer, and whoever gives it lived after it was asked for. So a hello that is said again
 * proves nothing, however late, and a life that is over is not heard once the next has shown itself. (The first that
 * names this node's life is heard without: nobody was there before it.) An answer may come so late that who gave it is
 * over by then, and the next has shown itself to nobody yet: that one is asked as soon as anything of it arrives.
 * Messages for a peer of whom nothing is known are not sent: a hello is, instead.
 */
export class Lives {
  readonly #own: Identity;
  readonly #clock: Clock;
  readonly #helloEveryMs: number;
  readonly #peers = new Map<NodeId, Peer>();

  /** @param helloEveryMs a peer is said hello of this node's own accord at most so often */
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
    return this.#hello(to, peer.claimed === 0 ? peer.present : peer.claimed, peer.challenge, 0);
  }

  /** May the letter be heard? What it proves is noted. */
  judge({ message, envelope }: Letter): Refusal | null {
    const { cluster, to, life, receiverLife } = envelope;
    if (cluster !== this.#own.cluster) return 'otherCluster';
    if (to !== this.#own.id) return 'otherReceiver';
    if (life === 0) return 'unprovenLife';
    const peer = this.#peer(message.from);
    if (receiverLife !== this.#own.life) {
      if (life !== peer.present) peer.claimed = life;
      return 'unprovenLife';
    }
    // At first nobody but one that lives, or lived just now, can know this node's life.
    if (peer.present === 0) peer.present = life;
    if (message.type === 'hello' && message.answers === peer.challenge) {
      peer.challenge++;
      peer.present = life;
    }
    if (life !== peer.present) {
      peer.claimed = life;
      return 'unprovenLife';
    }
    peer.claimed = 0;
    return null;
  }

  /** What is owed to who sent a letter that was judged so. */
  answerTo({ message, envelope: { life } }: Letter, refusal: Refusal | null): Letter | null {
    if (refusal !== null && refusal !== 'unprovenLife') return null;
    const { from } = message;
    if (message.type === 'hello' && message.asks !== 0) {
      const { present, challenge } = this.#peer(from);
      return this.#hello(from, life, life === present ? 0 : challenge, message.asks);
    }
    return refusal === null ? null : this.helloFor(from);
  }

  #hello(to: NodeId, receiverLife: number, asks: number, answers: number): Letter {
    const message: Hello = { type: 'hello', term: 0, from: this.#own.id, asks, answers };
    return { message, envelope: this.#envelope(to, receiverLife) };
  }

  #envelope(to: NodeId, receiverLife: number): Envelope {
    const { cluster, life } = this.#own;
    return { to, cluster, life, receiverLife };
  }

  #peer(id: NodeId): Peer {
    let peer = this.#peers.get(id);
    if (peer === undefined) {
      peer = { present: 0, claimed: 0, challenge: 1, helloAtMs: Number.NEGATIVE_INFINITY };
      this.#peers.set(id, peer);
    }
    return peer;
  }
}
