import { expect } from 'chai';
import fc from 'fast-check';
import { FrameDecoder, FrameEncoder } from '../../src/wire/messages.js';
import { packedSize } from '../../src/wire/packed-runs.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { anyMessage, bytes, ciphers, decoderFor, envelope, frameOf, messages } from './arbitraries.js';

describe('frames', () => {
  for (const cipher of ciphers()) {
    it(`carry every type of message (${cipher.kind})`, () => {
      const decoder = decoderFor(cipher);
      let sent = 0;
      for (const message of messages) {
        fc.assert(
          fc.property(message, (original) => {
            const frame = frameOf(original, cipher);
            expect(frame.byteLength).to.equal(frame.buffer.byteLength);
            expect(decoder.decode(frame)).to.deep.equal(original);
            sent++;
          }),
          { numRuns: 60 },
        );
      }
      expect(decoder.counters).to.deep.equal({ accepted: sent, badChecksum: 0, malformed: 0 });
    });
  }

  it('need no copy of commands where no cipher is: they are views into the frame', () => {
    const cipher = ciphers()[0]!;
    fc.assert(
      fc.property(messages[0]!, (original) => {
        const frame = frameOf(original, cipher);
        const message = decoderFor(cipher).decode(frame);
        if (message?.type !== 'appendEntries') throw new Error('the frame did not decode');
        for (const { body } of message.runs) expect(body.buffer).to.equal(frame.buffer);
      }),
      { numRuns: 20 },
    );
  });

  it('carry runs as they came to whoever sends them on, and to the disk', () => {
    for (const cipher of ciphers()) {
      fc.assert(
        fc.property(messages[0]!, (original) => {
          const frame = frameOf(original, cipher);
          const seals = new RunSeals(cipher);
          const arrived = new FrameDecoder(cipher, seals).decode(frame)!;
          if (arrived.type !== 'appendEntries') throw new Error('the frame did not decode');
          for (const run of arrived.runs) expect(seals.of(run).buffer).to.equal(frame.buffer);
          const again = new FrameEncoder(cipher, seals).encode(arrived, envelope);
          const body = packedSize(arrived.runs.map((run) => seals.sealed(run)));
          expect(again.slice(-body - 4, -4)).to.deep.equal(frame.slice(-body - 4, -4));
        }),
        { numRuns: 30 },
      );
    }
  });

  it('to several followers are sealed once, and each has memory of its own', () => {
    const cipher = ciphers()[2]!;
    fc.assert(
      fc.property(messages[0]!, (original) => {
        if (original.type !== 'appendEntries') throw new Error('no appendEntries');
        const encoder = new FrameEncoder(cipher, new RunSeals(cipher));
        // As a leader's log cuts them anew for each follower.
        const cut = () => ({ ...original, runs: original.runs.map((run) => ({ ...run })) });
        const [one, other] = [encoder.encode(cut(), envelope), encoder.encode(cut(), envelope)];
        const body = one.length - 9 - one[1]!;
        expect(other.slice(-body - 4, -4)).to.deep.equal(one.slice(-body - 4, -4));
        expect(other.buffer).not.to.equal(one.buffer);
        encoder.forget();
        const later = encoder.encode(cut(), envelope);
        if (body > 0) expect(later.slice(-body - 4, -4)).not.to.deep.equal(one.slice(-body - 4, -4));
        expect(decoderFor(cipher).decode(later)).to.deep.equal(original);
      }),
      { numRuns: 30 },
    );
  });

  it('are refused with any single bit flipped, and counted', () => {
    for (const cipher of ciphers()) {
      const decoder = decoderFor(cipher);
      let flips = 0;
      for (const frame of fc.sample(anyMessage, { numRuns: 12, seed: 5 }).map((it) => frameOf(it, cipher))) {
        for (let bit = 0; bit < Math.min(frame.length, 300) * 8; bit++, flips++) {
          frame[bit >> 3]! ^= 1 << (bit & 7);
          expect(decoder.decode(frame), `${cipher.kind} bit ${bit}`).to.equal(null);
          frame[bit >> 3]! ^= 1 << (bit & 7);
        }
      }
      expect(decoder.counters).to.deep.equal({ accepted: 0, badChecksum: flips, malformed: 0 });
    }
  });

  it('are refused when cut at any length, and counted', () => {
    for (const cipher of ciphers()) {
      const decoder = decoderFor(cipher);
      let cuts = 0;
      for (const frame of fc.sample(anyMessage, { numRuns: 20, seed: 6 }).map((it) => frameOf(it, cipher))) {
        for (let length = 0; length < frame.length; length++, cuts++) {
          expect(decoder.decode(frame.subarray(0, length)), `${cipher.kind} ${length}`).to.equal(null);
        }
      }
      expect(decoder.counters.badChecksum + decoder.counters.malformed).to.equal(cuts);
    }
  });

  it('are refused when nobody sent them, and counted', () => {
    const decoder = decoderFor(ciphers()[0]!);
    fc.assert(
      fc.property(bytes, (garbage) => decoder.decode(garbage) === null),
      { numRuns: 500 },
    );
    expect(decoder.counters).to.deep.equal({ accepted: 0, badChecksum: 500, malformed: 0 });
  });
});
