import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { pack } from 'msgpackr';
import { packBytes } from '../../src/ground/byte-strings.js';
import type { Message } from '../../src/raft/messages.js';
import { messageTypes } from '../../src/raft/messages.js';
import type { Run } from '../../src/raft/run.js';
import { LogEntryCodec } from '../../src/wire/log-entry.js';
import { frameFormatVersion } from '../../src/wire/messages.js';
import { packedSize, packRunsInto, type SealedRun } from '../../src/wire/packed-runs.js';
import { bytes, ciphers, decoderFor, frameOf as encoded } from './arbitraries.js';

/*
 * A checksum keeps out accidents, not people. Here the checksum is always right and the rest is made up, so that
 * every byte of it reaches the parser.
 */

const [none, , aes] = ciphers();

function withChecksum(body: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(body.length + 4);
  frame.set(body);
  frame.writeUInt32LE(crc32(body), body.length);
  return frame;
}

function frameOf(
  header: Uint8Array,
  body: Uint8Array = new Uint8Array(0),
  declared = header.length,
): Uint8Array {
  const start = Buffer.alloc(5);
  start[0] = frameFormatVersion;
  start.writeUInt32LE(declared, 1);
  return withChecksum(Buffer.concat([start, header, body]));
}

/** Decodes what must be refused, and proves that it was counted as malformed. */
function refuse(frame: Uint8Array, what: string, cipher = none!): void {
  const decoder = decoderFor(cipher);
  expect(decoder.decode(frame), what).to.equal(null);
  expect(decoder.counters, what).to.deep.equal({ accepted: 0, badChecksum: 0, malformed: 1 });
}

const run: Run = {
  firstIndex: 8,
  count: 2,
  term: 2,
  kind: 'command',
  leaderId: 1,
  body: packBytes([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]),
};

/** The runs as they lie in a frame, without a cipher, said to be what is given instead of what they are. */
function batchOf(said: Partial<SealedRun> = {}, ...runs: readonly Run[]): Uint8Array {
  const codec = new LogEntryCodec(none!);
  const sealed = (runs.length > 0 ? runs : [run]).map((each) => ({
    ...each,
    sealed: codec.seal(each),
    ...said,
  }));
  const batch = new Uint8Array(packedSize(sealed));
  packRunsInto(batch, 0, sealed);
  return batch;
}

/** Receiver, cluster, and the lives of both. */
const address = [2, 9, 5, 6];

const append = (fields: Partial<Record<number, unknown>> = {}): Uint8Array =>
  pack(Object.assign([0, 3, 1, ...address, 7, 2, 5, 9, [0, 1], 0], fields));

describe('hostile frames', () => {
  it('are told from a good one by nothing but their content', () => {
    const decoder = decoderFor(none!);
    expect(decoder.decode(frameOf(append(), batchOf()))).to.deep.equal({
      type: 'appendEntries',
      incarnation: 0,
      term: 3,
      from: 1,
      prevLogIndex: 7,
      prevLogTerm: 2,
      runs: [run],
      leaderCommit: 5,
      round: 9,
      alive: [0, 1],
    });
  });

  it('do not throw, whatever the header and the runs', () => {
    const decoder = decoderFor(none!);
    fc.assert(fc.property(bytes, bytes, (header, body) => void decoder.decode(frameOf(header, body))));
    fc.assert(fc.property(bytes, (body) => void decoder.decode(withChecksum(body))));
  });

  it('do not throw when a bit of a good one is flipped and the checksum made to fit', () => {
    const decoder = decoderFor(none!);
    const good = frameOf(append({ 7: 4 }), batchOf({}, run, { ...run, firstIndex: 10 }));
    const body = good.slice(0, -4);
    for (let bit = 0; bit < body.length * 8; bit++) {
      body[bit >> 3]! ^= 1 << (bit & 7);
      decoder.decode(withChecksum(body));
      body[bit >> 3]! ^= 1 << (bit & 7);
    }
    const { accepted, malformed, badChecksum } = decoder.counters;
    expect([accepted + malformed, badChecksum]).to.deep.equal([body.length * 8, 0]);
  });

  it('are refused in another format version', () => {
    for (const [what, version] of [
      ['the next version', frameFormatVersion + 1],
      ['the version before', frameFormatVersion - 1],
    ] as const) {
      const body = frameOf(append(), batchOf()).slice(0, -4);
      body[0] = version;
      refuse(withChecksum(body), what);
    }
  });

  it('are refused when a field is missing, superfluous, of another type or out of range', () => {
    const batch = batchOf();
    const wrong = [-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, 'text', null, true, [1], { a: 1 }];
    for (let field = 0; field < 11; field++) {
      for (const value of wrong)
        refuse(frameOf(append({ [field]: value }), batch), `field ${field}: ${value}`);
    }
    for (const alive of [1, [[1]], [-1], ['a'], [true], null, { length: 1 }]) {
      refuse(frameOf(append({ 11: alive }), batch), `alive: ${JSON.stringify(alive)}`);
    }
    refuse(frameOf(pack([0, 3, 1, ...address, 7, 2, 5, 9]), batch), 'a field too few');
    for (const value of wrong) refuse(frameOf(append({ 12: value }), batch), `incarnation: ${value}`);
    refuse(frameOf(append({ 13: 0 }), batch), 'a field too many');
    refuse(frameOf(append({ 1: 2 ** 48 }), batch), 'a term of 49 bits');
    refuse(frameOf(append({ 7: 8 }), batch), 'entries that do not follow');
    refuse(frameOf(append({ 7: Number.MAX_SAFE_INTEGER }), batch), 'an index beyond the integers');
    refuse(frameOf(pack([messageTypes.length, 1, 1, ...address])), 'an unknown type');
    refuse(frameOf(pack([3, 1, 1, ...address, true]), batch), 'runs on a vote');
    refuse(frameOf(pack([3, 1, 1, ...address, 1])), 'a number for a verdict');
    refuse(frameOf(pack([8, 1, 1, ...address, 1, [1]])), 'a number for a command');
    refuse(frameOf(pack([9, 1, 1, ...address, 1, [1]])), 'a number among verdicts');
    refuse(frameOf(pack([])), 'nothing at all');
    refuse(frameOf(new Uint8Array(0)), 'an empty header');
  });

  it('are refused when a run is not what it is said to be in the clear', () => {
    const good = frameOf(append(), batchOf());
    expect(decoderFor(none!).decode(good)).not.to.equal(null);
    for (const said of [{ count: 1 }, { count: 3 }, { term: 3 }, { kind: 'noop' as const }]) {
      refuse(frameOf(append(), batchOf(said)), JSON.stringify(said));
    }
    refuse(frameOf(append(), batchOf({}, { ...run, firstIndex: 9 })), 'sealed for another index');
    refuse(frameOf(append(), batchOf({ sealed: new Uint8Array(0) })), 'nothing sealed');
    refuse(frameOf(append(), batchOf({ sealed: Uint8Array.of(1, 2, 3) })), 'rubbish sealed');
  });

  it('are refused when the body of a run is not its commands: that is no death, whatever it claims', () => {
    const { body } = run;
    const bodies = {
      'cut short': body.subarray(0, -1),
      'one byte more': Uint8Array.of(...body, 0),
      'a command of 4 GiB': Uint8Array.of(0xff, 0xff, 0xff, 0xff, ...body.subarray(4)),
      'a command too few': body.subarray(0, 7),
      'a command too many': Uint8Array.of(...body, 0, 0, 0, 0),
      empty: new Uint8Array(0),
    };
    for (const [what, wrong] of Object.entries(bodies)) {
      refuse(frameOf(append(), batchOf({}, { ...run, body: wrong })), what);
    }
    const many = 2 ** 32 - 1;
    refuse(frameOf(append(), batchOf({}, { ...run, count: many })), 'four thousand million commands');
  });

  it('cannot declare more than they hold', () => {
    const huge = [0xff, 0xff, 0xff, 0xff];
    refuse(frameOf(append(), batchOf(), 0xffff_ffff), 'header length');
    const untilChecksum = Uint8Array.of(0x99, 8, 1, 1, ...address, 1, 0x91, 0xc4, 4);
    refuse(frameOf(untilChecksum, new Uint8Array(0), untilChecksum.length + 4), 'the checksum as a command');
    refuse(frameOf(Uint8Array.of(0xdd, ...huge)), 'a tuple of 4 Gi fields');
    refuse(frameOf(Uint8Array.of(0x99, 8, 1, 1, ...address, 1, 0xdd, ...huge)), 'a list of 4 Gi commands');
    refuse(
      frameOf(Uint8Array.of(0x99, 8, 1, 1, ...address, 1, 0xdd, 0x01, 0, 0, 0)),
      'a list of 16 Mi commands',
    );
    refuse(frameOf(Uint8Array.of(0x99, 8, 1, 1, ...address, 1, 0x91, 0xc6, ...huge)), 'a command of 4 GiB');
    refuse(frameOf(append(), Uint8Array.of(...huge, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0)), 'a run of 4 GiB');
  });

  it('cannot have a list of more items than a turn has commands, whatever room they take', () => {
    const list = (count: number) => pack([8, 1, 1, ...address, 1, new Array(count).fill(new Uint8Array(0))]);
    expect(decoderFor(none!).decode(frameOf(list(8192)))).not.to.equal(null);
    refuse(frameOf(list(8193)), 'a command too many');
  });

  it('cannot nest deeply enough to overflow the stack', () => {
    for (const depth of [3, 1000, 1_000_000]) {
      refuse(frameOf(new Uint8Array(depth).fill(0x91)), `${depth} arrays`);
      refuse(
        frameOf(Buffer.concat([new Uint8Array(depth).fill(0x91), Uint8Array.of(1)])),
        `${depth} closed arrays`,
      );
      refuse(frameOf(new Uint8Array(depth).fill(0x81)), `${depth} maps`);
    }
  });

  it('cannot name a prototype, define a record, or make an object of an extension', () => {
    const text = (value: string) => [0xa0 + value.length, ...Buffer.from(value)];
    const headers = {
      'a map': [0x81, ...text('__proto__'), 0x81, ...text('polluted'), 1],
      'a map within': [0x95, 8, 1, 1, 1, 0x81, ...text('__proto__'), 0x81, ...text('polluted'), 1],
      'a constructor': [0x95, 8, 1, 1, 1, 0x81, ...text('constructor'), 0x81, ...text('prototype'), 0xc0],
      'a record': [0xd4, 0x72, 0x40, 0x91, ...text('__proto__'), 1],
      'a record within': [0x95, 8, 1, 1, 1, 0xd4, 0x72, 0x40, 0x91, ...text('__proto__'), 1],
      'a date': [0x94, 6, 1, 1, 0xd6, 0xff, 0, 0, 0, 1],
      'an error': [0x94, 6, 1, 1, 0xc7, 2, 0x65, 0x90, 0x90],
      'a big integer': [0x94, 6, 1, 1, 0xcf, 0, 0, 0, 0, 0, 0, 0, 1],
      'a reserved byte': [0x94, 6, 1, 1, 0xc1],
    };
    for (const [what, header] of Object.entries(headers)) refuse(frameOf(Uint8Array.from(header)), what);
    expect(({} as { polluted?: number }).polluted).to.equal(undefined);
  });

  it('leave the decoder able to read the next good frame', () => {
    const decoder = decoderFor(none!);
    const vote: Message = { type: 'requestVoteResponse', term: 4, from: 2, granted: true };
    fc.assert(
      fc.property(bytes, (header) => {
        decoder.decode(frameOf(header));
        expect(decoder.decode(encoded(vote, none!))).to.deep.equal(vote);
      }),
    );
  });

  it('are refused with aes-256-gcm when a byte of the header or the runs was changed and the checksum made to fit', () => {
    const message: Message = {
      type: 'appendEntries',
      incarnation: 0,
      term: 3,
      from: 1,
      prevLogIndex: 7,
      prevLogTerm: 2,
      runs: [run],
      leaderCommit: 5,
      round: 9,
      alive: [0, 1],
    };
    const body = encoded(message, aes!).slice(0, -4);
    for (let bit = 0; bit < body.length * 8; bit++) {
      body[bit >> 3]! ^= 1 << (bit & 7);
      refuse(withChecksum(body), `bit ${bit}`, aes!);
      body[bit >> 3]! ^= 1 << (bit & 7);
    }
  });
});
