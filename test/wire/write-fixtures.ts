import { writeFileSync } from 'node:fs';
import { entriesOf } from '../../src/raft/run.js';
import type { CipherOptions } from '../../src/wire/cipher.js';
import { LogEntryCodec } from '../../src/wire/log-entry.js';
import { FrameEncoder, frameFormatVersion } from '../../src/wire/messages.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { envelope } from './arbitraries.js';
import { cipherOf, type Fixture, fixtureMessages, fixtureRuns, folder, hex, readable } from './fixture.js';

/*
 * Writes the fixtures of the wire format as it is now: `npm run -s build && node dist/test/wire/write-fixtures.js`. For
 * a format that nobody uses yet: once it is out, its fixtures stay as they are for ever.
 */

const seed = 20;
const key = hex(Uint8Array.from({ length: 32 }, (_, at) => at));

for (const cipher of ['none', 'pseudo', 'aes-256-gcm'] as const satisfies readonly CipherOptions['kind'][]) {
  const head = {
    formatVersion: frameFormatVersion,
    cipher,
    ...(cipher === 'aes-256-gcm' ? { key } : {}),
    seed,
  };
  const codec = new LogEntryCodec(cipherOf(head));
  const forFrames = cipherOf(head);
  const encoder = new FrameEncoder(forFrames, new RunSeals(forFrames));
  const fixture: Fixture = {
    ...head,
    frames: fixtureMessages.map((message) => ({
      message: readable(message),
      frame: hex(encoder.encode(message, envelope)),
    })),
    logEntries: fixtureRuns.map((run) => ({
      entries: readable(entriesOf(run)),
      bytes: hex(codec.seal(run)),
    })),
  };
  const file = new URL(`format-${frameFormatVersion}-${cipher}.json`, folder);
  writeFileSync(file, `${JSON.stringify(fixture, null, 2)}\n`);
}
