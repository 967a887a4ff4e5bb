import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { NodeFileSystem, RaftNode, WriteAheadLog } from '../../src/index.js';
import { createApplication } from '../counter.js';
import type { Pair } from './figure.js';

/*
 * Reads the files of a node's directory, starts a node on them, and says how long each took, in milliseconds.
 */

const directory = String(workerData);
const readBytes = 256 * 1024;

const besideMs = timed(() => {
  const buffer = Buffer.alloc(readBytes);
  for (const name of readdirSync(directory)) {
    if (!name.endsWith('.wal')) continue;
    const file = openSync(join(directory, name), 'r');
    while (readSync(file, buffer) > 0);
    closeSync(file);
  }
});
const application = await createApplication();
const figureMs = timed(() => {
  const storage = new WriteAheadLog({
    fileSystem: new NodeFileSystem(),
    directory,
    clusterId: 'conclave',
    nodeId: 0,
    // Who made it has closed it, and lives on.
    lock: null,
  });
  const transport = { receive() {}, send() {}, flush() {}, close() {} };
  RaftNode.start({ id: 0, voters: [0], transport, storage, application, candidacy: false });
});
parentPort?.postMessage({ figure: figureMs, beside: besideMs } satisfies Pair);

function timed(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}
