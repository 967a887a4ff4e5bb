import { expect } from 'chai';
import fc from 'fast-check';
import { Random } from '../../../src/ground/random.js';
import { CarrierTally } from '../../../src/router/carriers/counters.js';
import { NatsSessions } from '../../../src/router/carriers/nats/nats-sessions.js';
import { Assembly, parsePart, partHeaderBytes, partsOf } from '../../../src/router/carriers/nats/parts.js';

const cut = (frames: readonly Uint8Array[], bytesMax: number): Uint8Array[] => {
  let number = 0;
  return frames.flatMap((frame) => [...partsOf(frame, 7, () => ++number, bytesMax)]);
};

describe('the parts of frames on a bus', () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
  const bytesMax = fc.integer({ min: partHeaderBytes + 1, max: 200 });

  it('come together to the frames they were, each within its bound', () => {
    fc.assert(
      fc.property(frames, bytesMax, (sent, most) => {
        const assembly = new Assembly(300);
        const parts = cut(sent, most);
        expect(parts.every((part) => part.byteLength <= most)).to.equal(true);
        const heard = parts.map((part) => assembly.take(parsePart(part)!)).filter((frame) => frame !== null);
        expect(heard.map((frame) => [...frame])).to.deep.equal(sent.map((frame) => [...frame]));
        expect(assembly.lost).to.equal(0);
      }),
    );
  });

  it('make no frame that was not sent, in no other order and none twice, whatever is lost, repeated or out of turn', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 }),
        bytesMax,
        fc.array(fc.nat(), { maxLength: 60 }),
        (sizes, most, picks) => {
          const sent = sizes.map((size, at) => new Uint8Array(size).fill(at));
          const parts = cut(sent, most);
          const assembly = new Assembly(200);
          const heard: number[] = [];
          for (const pick of picks) {
            const frame = assembly.take(parsePart(parts[pick % parts.length]!)!);
            if (frame === null) continue;
            expect([...frame]).to.deep.equal([...sent[frame[0]!]!]);
            heard.push(frame[0]!);
          }
          expect(heard).to.deep.equal([...new Set(heard)].sort((a, b) => a - b));
        },
      ),
    );
  });

  it('hold nothing larger than a frame may be, and take no bytes for parts that are none', () => {
    const assembly = new Assembly(100);
    const [large] = partsOf(new Uint8Array(101), 1, () => 1, 50);
    expect(assembly.take(parsePart(large!)!)).to.equal(null);
    expect(assembly.lost).to.equal(1);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const part = parsePart(bytes);
        if (part !== null) assembly.take(part);
      }),
    );
  });
});

describe('the sessions of a bus', () => {
  const peerOf = (incarnation: number) => ({
    party: { kind: 'node', cluster: 'shop', node: 1 } as const,
    clusterId: null,
    incarnation,
    version: 1,
  });
  const frameOf = (token: number, number: number) =>
    parsePart([...partsOf(Buffer.from('frame'), token, () => number, 100)][0]!)!;

  it('take what was sent before a hello and comes after it, each once', () => {
    const sessions = new NatsSessions(new Random(1), 100, new CarrierTally());
    const first = sessions.welcome(1, peerOf(11), null);
    expect(sessions.welcome(1, peerOf(11), null), 'two hellos were under way').to.equal(first);
    expect(sessions.take(first, 'bulk', frameOf(first.token, 1))).not.to.equal(null);
    // A third was, and the frame on the other connection has overtaken it.
    const second = sessions.welcome(1, peerOf(11), null);
    expect(second.token).not.to.equal(first.token);
    const late = sessions.find(1, first.token)!;
    expect(sessions.take(late, 'control', frameOf(first.token, 1))).not.to.equal(null);
    expect(sessions.take(late, 'bulk', frameOf(first.token, 1)), 'said again').to.equal(null);
    expect(sessions.welcome(1, peerOf(11), first.token), 'it is to use the newer one').to.equal(second);
    sessions.keepOnly(1, 12);
    expect(sessions.find(1, first.token)).to.equal(undefined);
  });

  it('are bounded', () => {
    const sessions = new NatsSessions(new Random(1), 100, new CarrierTally());
    const tokens = Array.from({ length: 100 }, (_, at) => sessions.welcome(1, peerOf(at), null).token);
    expect(tokens.filter((token) => sessions.find(1, token) !== undefined)).to.have.length.below(10);
  });
});
