import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { messageTypes } from '../../src/raft/messages.js';
import { LogEntryCodec } from '../../src/wire/log-entry.js';
import { FrameEncoder, frameFormatVersion } from '../../src/wire/messages.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { decoderFor, envelope } from './arbitraries.js';
import { cipherOf, type Fixture, fixtureMessages, fixtureRuns, folder, hex, readable } from './fixture.js';

/*
 * Entries live on disks, and must be read for ever. Frames pass between nodes of the same release; those of another are
 * told from damaged ones. The bytes that each format version had are kept in `fixtures/`: one is added, by
 * `write-fixtures.ts`, and never changed.
 */

/** Format 1 had a message for each entry. */
type Format1 = Omit<Fixture, 'logEntries'> & {
  readonly logEntries: readonly { readonly entry: unknown; readonly bytes: string }[];
};

const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

const fixtures = readdirSync(folder)
  .sort()
  .map((file) => ({ file, fixture: JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Fixture }));

describe('wire format', () => {
  it('of every version has a fixture, for every cipher', () => {
    for (let version = 1; version <= frameFormatVersion; version++) {
      const kinds = fixtures
        .filter((it) => it.fixture.formatVersion === version)
        .map((it) => it.fixture.cipher);
      expect(kinds, `version ${version}`).to.have.members(['none', 'pseudo', 'aes-256-gcm']);
    }
  });

  for (const { file, fixture } of fixtures.filter((it) => it.fixture.formatVersion === 1)) {
    it(`of ${file} still decodes to the log entries it was made from`, () => {
      const { logEntries } = fixture as unknown as Format1;
      const codec = new LogEntryCodec(cipherOf(fixture));
      const decoded = logEntries.map(({ bytes }) => codec.decode(unhex(bytes)));
      expect(decoded.map(readable)).to.deep.equal(logEntries.map(({ entry }) => entry));
    });
  }

  for (const { file, fixture } of fixtures.filter((it) => it.fixture.formatVersion < frameFormatVersion)) {
    it(`of ${file} is refused in frames, as another version and not as damage`, () => {
      const decoder = decoderFor(cipherOf(fixture));
      for (const { frame } of fixture.frames) expect(decoder.decode(unhex(frame))).to.equal(null);
      expect(decoder.counters).to.deep.equal({
        accepted: 0,
        badChecksum: 0,
        malformed: fixture.frames.length,
      });
    });
  }

  for (const { file, fixture } of fixtures.filter((it) => it.fixture.formatVersion > 1)) {
    it(`of ${file} still decodes to the log entries it was made from`, () => {
      const codec = new LogEntryCodec(cipherOf(fixture));
      const decoded = fixture.logEntries.map(({ bytes }) => codec.decodeAll(unhex(bytes)));
      expect(decoded.map(readable)).to.deep.equal(fixture.logEntries.map(({ entries }) => entries));
    });

    if (fixture.formatVersion !== frameFormatVersion) continue;
    it(`of ${file} still decodes to the messages it was made from`, () => {
      const decoder = decoderFor(cipherOf(fixture));
      const decoded = fixture.frames.map(({ frame }) => decoder.decode(unhex(frame)));
      expect(decoded.map(readable)).to.deep.equal(fixture.frames.map(({ message }) => message));
      expect(new Set(decoded.map((message) => message?.type)).size).to.equal(messageTypes.length);
    });

    if (fixture.cipher === 'aes-256-gcm') continue;
    it(`of ${file} is still written, byte for byte`, () => {
      const cipher = cipherOf(fixture);
      const encoder = new FrameEncoder(cipher, new RunSeals(cipher));
      const codec = new LogEntryCodec(cipherOf(fixture));
      expect(fixtureMessages.map((message) => hex(encoder.encode(message, envelope)))).to.deep.equal(
        fixture.frames.map(({ frame }) => frame),
      );
      expect(fixtureRuns.map((run) => hex(codec.seal(run)))).to.deep.equal(
        fixture.logEntries.map(({ bytes }) => bytes),
      );
    });
  }
});
