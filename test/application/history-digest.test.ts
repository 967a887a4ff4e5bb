import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { HistoryDigest } from '../../src/application/history-digest.js';
import { ApplicationError } from '../../src/ground/errors.js';

describe('HistoryDigest', () => {
  /** The definition, word for word: one stream, hashed in blocks of 64 KiB. */
  function defined(commands: readonly Uint8Array[]): string {
    const stream = Buffer.concat(
      commands.map((command, i) => {
        const prefix = Buffer.alloc(12);
        prefix.writeUInt32LE(command.length, 0);
        prefix.writeBigUInt64LE(BigInt(i + 1), 4);
        return Buffer.concat([prefix, command]);
      }),
    );
    const hash = (state: Buffer, block: Buffer) => createHash('sha256').update(state).update(block).digest();
    let state: Buffer = Buffer.alloc(32);
    let at = 0;
    for (; stream.length - at >= 65536; at += 65536) state = hash(state, stream.subarray(at, at + 65536));
    return hash(state, stream.subarray(at)).toString('hex').slice(0, 16);
  }

  function digestOf(commands: readonly Uint8Array[]): HistoryDigest {
    const digest = new HistoryDigest();
    for (const [i, command] of commands.entries()) digest.add(i + 1, command);
    return digest;
  }

  // Lengths around the block size, so that every part of a command falls on a boundary in some run.
  const lengths = fc.oneof(
    fc.integer({ min: 0, max: 100 }),
    fc.integer({ min: 65500, max: 65560 }),
    fc.constant(200_000),
  );
  const histories = fc.array(
    lengths.map((length) => Buffer.alloc(length, length)),
    { maxLength: 12 },
  );

  it('is the hash of the stream, wherever the boundaries fall', () => {
    fc.assert(
      fc.property(histories, (commands) => {
        expect(digestOf(commands).text()).to.equal(defined(commands));
      }),
    );
  });

  it('goes on from its bytes, and asking for it changes nothing', () => {
    fc.assert(
      fc.property(histories, fc.nat({ max: 12 }), (commands, cut) => {
        let digest = new HistoryDigest();
        for (const [i, command] of commands.entries()) {
          if (i === cut) digest = HistoryDigest.fromBytes(digest.toBytes());
          digest.add(i + 1, command);
          digest.text();
        }
        expect(digest.text()).to.equal(defined(commands));
      }),
    );
  });

  it('tells one command from the same bytes as two, and one index from another', () => {
    const whole = new HistoryDigest();
    whole.add(1, Buffer.from('ab'));
    const shifted = new HistoryDigest();
    shifted.add(2, Buffer.from('ab'));
    const far = new HistoryDigest();
    far.add(2 ** 32 + 1, Buffer.from('ab'));
    const texts = [whole, shifted, far, digestOf([Buffer.from('a'), Buffer.from('b')])].map((digest) =>
      digest.text(),
    );
    expect(new Set(texts).size).to.equal(4);
  });

  it('refuses bytes of a length that it never gives', () => {
    for (const length of [0, 31, 32 + 65536]) {
      expect(() => HistoryDigest.fromBytes(new Uint8Array(length))).to.throw(ApplicationError);
    }
  });
});
