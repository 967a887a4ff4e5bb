import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import type { CipherOptions } from '../../src/wire/cipher.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { LogEntryCodec } from '../../src/wire/log-entry.js';
import { encodeFrame, FrameDecoder, frameFormatVersion } from '../../src/wire/messages.js';

/*
 * Entries live on disks and frames pass between nodes of different releases. The bytes that each format version
 * ever had are kept in `fixtures/`, and must decode for ever; a fixture is added, never changed.
 */

interface Fixture {
  readonly formatVersion: number;
  readonly cipher: CipherOptions['kind'];
  /** Of `aes-256-gcm`. */
  readonly key?: string;
  readonly seed: number;
  readonly frames: readonly { readonly message: unknown; readonly frame: string }[];
  readonly logEntries: readonly { readonly entry: unknown; readonly bytes: string }[];
}

const folder = new URL('../../../test/wire/fixtures/', import.meta.url);
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

/** As the fixtures write it: byte strings in hexadecimal. */
const readable = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, field) => (field instanceof Uint8Array ? hex(field) : field)));

const fixtures = readdirSync(folder)
  .sort()
  .map((file) => ({ file, fixture: JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Fixture }));

function cipherOf(fixture: Fixture) {
  const options =
    fixture.cipher === 'aes-256-gcm'
      ? { kind: fixture.cipher, key: Buffer.from(fixture.key ?? '', 'hex') }
      : { kind: fixture.cipher };
  return createCipher(options, new Random(fixture.seed));
}

describe('wire format', () => {
  it('of every version has a fixture, for every cipher', () => {
    for (let version = 1; version <= frameFormatVersion; version++) {
      const kinds = fixtures
        .filter((it) => it.fixture.formatVersion === version)
        .map((it) => it.fixture.cipher);
      expect(kinds, `version ${version}`).to.have.members(['none', 'pseudo', 'aes-256-gcm']);
    }
  });

  for (const { file, fixture } of fixtures) {
    it(`of ${file} still decodes to the messages it was made from`, () => {
      const decoder = new FrameDecoder(cipherOf(fixture));
      const decoded = fixture.frames.map(({ frame }) => decoder.decode(unhex(frame)));
      expect(decoded.map(readable)).to.deep.equal(fixture.frames.map(({ message }) => message));
      expect(new Set(decoded.map((message) => message?.type)).size).to.equal(10);
    });

    it(`of ${file} still decodes to the log entries it was made from`, () => {
      const codec = new LogEntryCodec(cipherOf(fixture));
      const decoded = fixture.logEntries.map(({ bytes }) => codec.decode(unhex(bytes)));
      expect(decoded.map(readable)).to.deep.equal(fixture.logEntries.map(({ entry }) => entry));
    });

    if (fixture.formatVersion !== frameFormatVersion || fixture.cipher === 'aes-256-gcm') continue;
    it(`of ${file} is still written, byte for byte`, () => {
      const cipher = cipherOf(fixture);
      const decoder = new FrameDecoder(cipherOf(fixture));
      for (const { frame } of fixture.frames) {
        const message = decoder.decode(unhex(frame));
        if (message === null) throw new Error(`${file} holds a frame that does not decode`);
        expect(hex(encodeFrame(message, cipher))).to.equal(frame);
      }
    });
  }
});
