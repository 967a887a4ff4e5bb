import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { Random } from '../../src/ground/random.js';
import { type Identity, Lives } from '../../src/node/peers/lives.js';
import type { Message } from '../../src/raft/messages.js';
import { createCiphers } from '../../src/wire/create-cipher.js';
import { clusterTag, FrameDecoder, FrameEncoder, type Letter } from '../../src/wire/messages.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { VirtualClock } from '../router/virtual-clock.js';

const cluster = clusterTag('shop');
const heartbeatMs = 50;
const vote: Message = { type: 'requestVoteResponse', term: 3, from: 1, granted: true };

/** Two nodes that say hello as production does, over a line that the test holds. */
class Pair {
  readonly clock = new VirtualClock();
  readonly lives = new Map<number, Lives>();
  /** The lives they live, as they stand on envelopes. */
  readonly own = new Map<number, number>();
  readonly said: Letter[] = [];
  lastLife = 100;

  start(id: number, life: number): Lives {
    const lives = new Lives({ id, cluster, life }, this.clock, heartbeatMs);
    this.lives.set(id, lives);
    this.own.set(id, life);
    return lives;
  }

  /** The node hears the letter; what it owes for it is said, and returned. */
  hear(letter: Letter): { readonly refusal: ReturnType<Lives['judge']>; readonly answer: Letter | null } {
    const lives = this.lives.get(letter.envelope.to) as Lives;
    const refusal = lives.judge(letter);
    return { refusal, answer: lives.answerTo(letter, refusal) };
  }

  /** Hears letter after letter until nobody owes an answer. */
  converse(first: Letter | null): void {
    for (let letter = first; letter !== null; letter = this.hear(letter).answer) this.said.push(letter);
  }

  letter(from: number, message: Message = { ...vote, from }): Letter | null {
    const envelope = (this.lives.get(from) as Lives).envelopeFor(1 - from);
    return envelope === null ? null : { message, envelope };
  }

  isOver({ message: { from }, envelope: { to, life, receiverLife } }: Letter): boolean {
    return life !== this.own.get(from) || receiverLife !== this.own.get(to);
  }

  /** A restart, a message, or a letter of the tape said again. True if a letter was heard whose lives are over. */
  take([kind, id, at]: Step): boolean {
    if (kind === 0) this.converse(this.start(id, ++this.lastLife).helloFor(1 - id));
    const present = kind === 1 ? this.letter(id) : null;
    if (present !== null) this.said.push(present);
    if (kind !== 2) return false;
    const letter = this.said[at % this.said.length] as Letter;
    const { refusal, answer } = this.hear(letter);
    // What it provokes reaches who lives now.
    this.converse(answer);
    return refusal === null && this.isOver(letter);
  }

  /** As `take`, over a line that loses what it does not bring late. */
  takeLate([kind, id, at]: Step): void {
    const started = kind === 0 ? this.start(id, ++this.lastLife).helloFor(1 - id) : null;
    const said = started ?? (kind === 1 ? (this.letter(id) ?? this.lives.get(id)?.helloFor(1 - id)) : null);
    const letter = kind === 2 ? this.said[at % this.said.length] : undefined;
    const answer = letter === undefined ? null : this.hear(letter).answer;
    for (const each of [said, answer]) if (each) this.said.push(each);
  }
}

type Step = readonly [kind: number, id: number, at: number];
const tapes = fc.array(fc.tuple(fc.nat(2), fc.nat(1), fc.nat(40)), { maxLength: 40 });

function acquainted(): Pair {
  const pair = new Pair();
  pair.start(0, 10);
  pair.converse(pair.start(1, 20).helloFor(0));
  return pair;
}

describe('Lives', () => {
  it('are known to both after three hellos, and messages are heard both ways', () => {
    const pair = acquainted();
    expect(pair.said.map(({ message }) => message.type)).deep.equal(['hello', 'hello', 'hello']);
    for (const from of [0, 1]) expect(pair.hear(pair.letter(from) as Letter).refusal).equal(null);
  });

  it('that nobody has heard of are sent nothing but hellos, one a heartbeat', () => {
    const pair = new Pair();
    const lives = pair.start(0, 10);
    expect(pair.letter(0)).equal(null);
    expect(lives.helloFor(1)).not.equal(null);
    expect(lives.helloFor(1)).equal(null);
    pair.clock.pass(heartbeatMs);
    expect(lives.helloFor(1)).not.equal(null);
  });

  it('that are over are heard no more, once the next has shown itself', () => {
    const pair = acquainted();
    const late = pair.letter(1) as Letter;
    pair.clock.pass(heartbeatMs);
    pair.converse(pair.start(1, 21).helloFor(0));
    expect(pair.hear(late).refusal).equal('unprovenLife');
    expect(pair.hear(pair.letter(1) as Letter).refusal).equal(null);
  });

  it('of whom nobody has heard are not heard because they know whom they speak to', () => {
    const pair = acquainted();
    const { message, envelope } = pair.letter(1) as Letter;
    // It was over before its peer had ever heard of it, and came through the network last.
    expect(pair.hear({ message, envelope: { ...envelope, life: 19 } }).refusal).equal('unprovenLife');
    expect(pair.hear(pair.letter(1) as Letter).refusal).equal(null);
    pair.clock.pass(heartbeatMs);
    expect(pair.lives.get(0)?.helloFor(1)?.envelope.receiverLife, 'forgotten again').equal(20);
    expect(pair.start(0, 11).judge({ message, envelope: { ...envelope, life: 0, receiverLife: 11 } })).equal(
      'unprovenLife',
    );
  });

  it('that live are asked at once, when an answer of one that is over has come late', () => {
    const pair = acquainted();
    pair.clock.pass(heartbeatMs);
    const question = pair.lives.get(0)?.helloFor(1) as Letter;
    const { answer: late } = pair.hear(question);
    pair.start(1, 21);
    expect(pair.hear(late as Letter).refusal).equal(null);
    pair.converse(pair.lives.get(1)?.helloFor(0) as Letter);
    for (const from of [0, 1]) expect(pair.hear(pair.letter(from) as Letter).refusal).equal(null);
    expect(pair.hear(late as Letter).refusal).equal('unprovenLife');
  });

  it('are told again to who addresses one that is over', () => {
    const pair = acquainted();
    pair.start(1, 21);
    pair.clock.pass(heartbeatMs);
    const { refusal, answer } = pair.hear(pair.letter(0) as Letter);
    expect(refusal).equal('unprovenLife');
    pair.converse(answer);
    for (const from of [0, 1]) expect(pair.hear(pair.letter(from) as Letter).refusal).equal(null);
  });

  it('of another cluster, or for another receiver, are refused', () => {
    const { envelope, message } = acquainted().letter(1) as Letter;
    const pair = acquainted();
    expect(pair.lives.get(0)?.judge({ message, envelope: { ...envelope, cluster: cluster + 1 } })).equal(
      'otherCluster',
    );
    expect(pair.lives.get(0)?.judge({ message, envelope: { ...envelope, to: 2 } })).equal('otherReceiver');
  });

  it('do not give way to a tape of all that was ever said, however long they are silent', () => {
    fc.assert(
      fc.property(tapes, (steps) => {
        const pair = acquainted();
        for (const step of steps) {
          pair.clock.pass(heartbeatMs);
          expect(pair.take(step)).equal(false, 'a life that is over was heard');
        }
        for (const from of [0, 1]) expect(pair.hear(pair.letter(from) as Letter).refusal).equal(null);
      }),
      { numRuns: 1000 },
    );
  });

  it('hear each other, whatever was lost and came late before, once something arrives', () => {
    fc.assert(
      fc.property(tapes, fc.nat(10), (steps, silence) => {
        const pair = acquainted();
        for (const step of steps) {
          pair.clock.pass(silence * heartbeatMs);
          pair.takeLate(step);
        }
        // As a leader and its follower do in any heartbeat.
        for (let round = 0; round < 2; round++) {
          pair.clock.pass(heartbeatMs);
          for (const from of [0, 1]) {
            pair.converse(pair.letter(from) ?? (pair.lives.get(from)?.helloFor(1 - from) as Letter));
          }
        }
        for (const from of [0, 1]) {
          const letter = pair.letter(from) as Letter;
          expect(pair.isOver(letter), 'it is said to who lives').equal(false);
          expect(pair.hear(letter).refusal).equal(null);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('Frames under aes-256-gcm', () => {
  const key = Uint8Array.from({ length: 32 }, (_, at) => at * 3);
  const { frames, entries } = createCiphers({ kind: 'aes-256-gcm', key }, new Random(1));
  const seals = new RunSeals(entries);
  const encoder = new FrameEncoder(frames, seals);
  const tries = 10_000;
  const random = new Random(9);
  const life = () => 1 + random.below(2 ** 48 - 1);

  /** A node that knows peer 1, what it decodes frames with, and how the peer addresses it. */
  function receiver(own: Identity, peerLife: number) {
    const lives = new Lives(own, new VirtualClock(), heartbeatMs);
    const envelope = { to: own.id, cluster: own.cluster, life: peerLife, receiverLife: own.life };
    lives.judge({ message: { type: 'hello', term: 0, from: 1, asks: 0, answers: 1 }, envelope });
    return { lives, envelope, decoder: new FrameDecoder(frames, seals) };
  }

  it(`are refused when they were for another receiver, of an earlier life, or of another cluster: ${tries} of each`, () => {
    const { lives, envelope, decoder } = receiver({ id: 0, cluster, life: 7 }, 8);
    const heard = { good: 0, otherReceiver: 0, otherCluster: 0, unprovenLife: 0 };
    for (let count = 0; count < tries; count++) {
      const wrong = {
        good: envelope,
        otherReceiver: { ...envelope, to: 2 + random.below(50) },
        otherCluster: { ...envelope, cluster: life() },
        unprovenLife: { ...envelope, life: random.chance(0.5) ? 8 : life(), receiverLife: life() },
      };
      for (const [what, each] of Object.entries(wrong)) {
        const letter = decoder.open(encoder.encode(vote, each)) as Letter;
        if (lives.judge(letter) === (what === 'good' ? null : what)) heard[what as keyof typeof heard]++;
      }
    }
    expect(heard).deep.equal({ good: tries, otherReceiver: tries, otherCluster: tries, unprovenLife: tries });
  });

  it(`do not open with a byte changed, whatever the checksum says: ${tries} of them`, () => {
    const { envelope, decoder } = receiver({ id: 0, cluster, life: 7 }, 8);
    const frame = encoder.encode(vote, envelope);
    for (let count = 0; count < tries; count++) {
      const forged = frame.slice();
      const at = 5 + random.below(forged.length - 9);
      forged[at] = (forged[at] as number) ^ (1 + random.below(255));
      sumUp(forged);
      expect(decoder.open(forged)).equal(null);
    }
    expect(decoder.counters).deep.equal({ accepted: 0, badChecksum: 0, malformed: tries });
  });
});

/** Makes the checksum at its end fit. */
function sumUp(frame: Uint8Array): void {
  const end = frame.length - 4;
  Buffer.from(frame.buffer, frame.byteOffset).writeUInt32LE(crc32(frame.subarray(0, end)), end);
}
