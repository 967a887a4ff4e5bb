import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { put } from '../../src/application/key-value/commands.js';
import { KeyValueStore } from '../../src/application/key-value/key-value-store.js';
import { RaftNode } from '../../src/node/raft-node.js';
import { NodeFileSystem } from '../../src/storage/node-file-system.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import type { CipherOptions } from '../../src/wire/cipher.js';
import { cipherOptions } from '../wire/arbitraries.js';

/*
 * The directories in `fixtures/` are a node's, as the last versions left them that wrote formats 1 and 2: thirty `put`s
 * of `value 1` … `value 30` to seven keys, behind a no-op, in segments of 4096 bytes. They stay as they are for ever.
 */

const fixtures = fileURLToPath(new URL('../../../test/node/fixtures/', import.meta.url));
/** What the state machine said of itself when the fixtures were made. */
const digest = '73860b464f6d5027';

async function startOn(directory: string, cipher: CipherOptions): Promise<RaftNode> {
  const node = RaftNode.start({
    id: 0,
    voters: [0],
    clusterId: 'old',
    transport: { send: () => {}, receive: () => {} },
    storage: new WriteAheadLog({
      fileSystem: new NodeFileSystem(),
      directory,
      clusterId: 'old',
      nodeId: 0,
      segmentBytes: 4096,
      lock: null,
    }),
    application: new KeyValueStore(),
    cipher,
  });
  await new Promise<void>((leads) => {
    const stop = node.subscribe(({ role, height, lastLogIndex }) => {
      if (role !== 'leader' || height < lastLogIndex) return;
      stop();
      leads();
    });
  });
  return node;
}

const commandsOf = (node: RaftNode) =>
  node
    .log()
    .filter(({ kind }) => kind === 'command')
    .map(({ command }) => Buffer.from(command));

for (const format of [1, 2]) {
  describe(`A node on a log of format ${format}`, () => {
    for (const cipher of cipherOptions) {
      it(`has all that was in it, goes on from it, and finds both again (${cipher.kind})`, async () => {
        const directory = mkdtempSync(join(tmpdir(), 'conclave-old-log-'));
        const fixture = join(fixtures, `format-${format}-${cipher.kind}`);
        const old = Array.from({ length: 30 }, (_, at) => put(`key ${(at + 1) % 7}`, `value ${at + 1}`));
        try {
          cpSync(fixture, directory, { recursive: true });
          const first = await startOn(directory, cipher);
          expect(commandsOf(first)).to.deep.equal(old.map((command) => Buffer.from(command)));
          expect(first.info().digest).to.equal(digest);
          await first.propose(put('key 1', 'new'));
          const { digest: later } = first.info();
          first.close();
          for (const name of readdirSync(fixture)) {
            // But for the mark of format 2 that another segment follows.
            const [found, before] = [directory, fixture].map((at) =>
              readFileSync(join(at, name)).subarray(0, -32),
            );
            expect(Buffer.compare(found!, before!), name).to.equal(0);
          }
          const again = await startOn(directory, cipher);
          expect(commandsOf(again)).to.deep.equal([...old, put('key 1', 'new')].map((it) => Buffer.from(it)));
          expect(again.info().digest).to.equal(later);
          again.close();
        } finally {
          rmSync(directory, { recursive: true, force: true });
        }
      });
    }
  });
}
