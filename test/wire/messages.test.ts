import { expect } from 'chai';
import fc from 'fast-check';
import { encodeFrame, FrameDecoder } from '../../src/wire/messages.js';
import { anyMessage, bytes, ciphers, messages } from './arbitraries.js';

describe('frames', () => {
  for (const cipher of ciphers()) {
    it(`carry every type of message (${cipher.kind})`, () => {
      const decoder = new FrameDecoder(cipher);
      let sent = 0;
      for (const message of messages) {
        fc.assert(
          fc.property(message, (original) => {
            const frame = encodeFrame(original, cipher);
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

  it('give entries as views into the frame', () => {
    const cipher = ciphers()[1]!;
    fc.assert(
      fc.property(messages[0]!, (original) => {
        const frame = encodeFrame(original, cipher);
        const message = new FrameDecoder(cipher).decode(frame);
        if (message?.type !== 'appendEntries') throw new Error('the frame did not decode');
        for (const entry of message.entries) expect(entry.bytes.buffer).to.equal(frame.buffer);
      }),
      { numRuns: 20 },
    );
  });

  it('are the same after their entries were forwarded once more', () => {
    const cipher = () => ciphers()[1]!;
    fc.assert(
      fc.property(messages[0]!, (original) => {
        const frame = encodeFrame(original, cipher());
        const arrived = new FrameDecoder(cipher()).decode(frame)!;
        expect(encodeFrame(arrived, cipher())).to.deep.equal(frame);
      }),
      { numRuns: 40 },
    );
  });

  it('are refused with any single bit flipped, and counted', () => {
    for (const cipher of ciphers()) {
      const decoder = new FrameDecoder(cipher);
      let flips = 0;
      for (const frame of fc
        .sample(anyMessage, { numRuns: 12, seed: 5 })
        .map((it) => encodeFrame(it, cipher))) {
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
      const decoder = new FrameDecoder(cipher);
      let cuts = 0;
      for (const frame of fc
        .sample(anyMessage, { numRuns: 20, seed: 6 })
        .map((it) => encodeFrame(it, cipher))) {
        for (let length = 0; length < frame.length; length++, cuts++) {
          expect(decoder.decode(frame.subarray(0, length)), `${cipher.kind} ${length}`).to.equal(null);
        }
      }
      expect(decoder.counters.badChecksum + decoder.counters.malformed).to.equal(cuts);
    }
  });

  it('are refused when nobody sent them, and counted', () => {
    const decoder = new FrameDecoder(ciphers()[0]!);
    fc.assert(
      fc.property(bytes, (garbage) => decoder.decode(garbage) === null),
      { numRuns: 500 },
    );
    expect(decoder.counters).to.deep.equal({ accepted: 0, badChecksum: 500, malformed: 0 });
  });
});
