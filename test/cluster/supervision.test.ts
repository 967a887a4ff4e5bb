import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import type { ClusterOptions } from '../../src/cluster/options.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { outcomeOf, plain, text } from '../client/session-world.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';
import { nextEvent } from './events-of.js';

const mortal = { module: new URL('./mortal-application.js', import.meta.url) };
const clusterModule = new URL('../../src/index.js', import.meta.url).href;

describe('cluster on disk', () => {
  let directory: string;
  const clusters: RaftCluster[] = [];
  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(async () => {
    for (const cluster of clusters.splice(0)) await cluster.close();
    removeDirectory(directory);
  });

  async function start(options: ClusterOptions = {}): Promise<RaftCluster> {
    const storage = { kind: 'disk', directory, segmentBytes: 64 * 1024 } as const;
    const cluster = await RaftCluster.start({ nodes: 3, storage, ...options });
    clusters.push(cluster);
    return cluster;
  }

  it('recovers a node that crashed, and then all of them in another cluster', async () => {
    const cluster = await start({ leader: 0 });
    const store = new KeyValueClient(cluster);
    await store.put('colour', 'blue');
    const crashes: number[] = [];
    cluster.events.on('nodeCrashed', ({ id }) => crashes.push(id));
    expect(await cluster.restart(0), 'it runs').to.equal(false);
    expect(await cluster.crash(0)).to.equal(true);
    expect(await cluster.crash(0), 'it has crashed').to.equal(false);
    expect(crashes).to.deep.equal([0]);
    await store.put('colour', 'red');
    const restarted = nextEvent(cluster, 'nodeRestarted');
    expect(await Promise.all([cluster.restart(0), cluster.restart(0)])).to.deep.equal([true, false]);
    expect(await restarted).to.include({ id: 0 });
    expect(await store.get('colour', { node: 0 })).to.equal('red');
    await cluster.close();
    const next = new KeyValueClient(await start());
    expect(await next.get('colour')).to.equal('red');
  });

  it('keeps all that it makes for its own user', async () => {
    const umask = process.umask(0);
    try {
      const made = join(directory, 'a', 'b');
      const cluster = await start({ storage: { kind: 'disk', directory: made, segmentBytes: 64 * 1024 } });
      const store = new KeyValueClient(cluster);
      for (let round = 0; round < 3; round++) await store.put('colour', 'x'.repeat(30_000));
      const modes = new Map<string, string>();
      for (const entry of readdirSync(join(directory, 'a'), { recursive: true, withFileTypes: true })) {
        const { mode } = statSync(join(entry.parentPath, entry.name));
        modes.set(entry.name, `${entry.isDirectory() ? 'd' : '-'}${(mode & 0o777).toString(8)}`);
      }
      expect(modes).to.include.keys('b', 'members.json', 'node-2', 'LOCK', '0000000000000002.wal');
      expect([...new Set(modes.values())].sort()).to.deep.equal(['-600', 'd700']);
      expect(statSync(join(directory, 'a')).mode & 0o777).to.equal(0o700);
    } finally {
      process.umask(umask);
    }
  });

  it('ends what its own end cuts short with the reason, and not as if it had been done', async () => {
    const cluster = await start();
    await cluster.crash(0);
    const outcomes = [cluster.restart(0), cluster.restart(1)].map(outcomeOf);
    await cluster.close();
    expect(await Promise.all(outcomes)).to.deep.equal(['CLOSED', 'CLOSED']);
  });

  it('restarts a thread that dies of itself, and says why', async () => {
    const cluster = await start({ application: mortal, leader: 0, candidates: [0, 1] });
    await cluster.propose(text('one'));
    const died = nextEvent(cluster, 'nodeDied');
    const restarted = nextEvent(cluster, 'nodeRestarted');
    const asked = outcomeOf(cluster.read(text('exit'), { node: 2, consistency: 'stale' }));
    const { id, error, restartInMs } = await died;
    expect({ id, restartInMs }).to.deep.equal({ id: 2, restartInMs: 100 });
    expect(error.message).to.match(/node 2 .*exit/i);
    expect(await asked).to.equal('NODE_DEAD');
    expect((await cluster.info(2)).role).to.equal('dead');
    await restarted;
    expect(plain((await cluster.read(text('?'), { node: 2 })).result)).to.equal('1');
    expect((await cluster.info(2)).candidacy).to.equal(false);
  });

  it('ends threads by force whose application never comes back', async () => {
    const cluster = await start({ application: mortal, nodes: 1 });
    expect(await outcomeOf(cluster.propose(text('loop'), { timeoutMs: 1000 }))).to.equal('OUTCOME_UNKNOWN');
    await cluster.close();
    // The log is there, and free: the next life meets the same command.
    const next = await start({ nodes: 1 });
    expect((await next.log(0)).map(({ command }) => plain(command))).to.include('loop');
  });

  it('does not restart a thread that dies of itself with its memory', async () => {
    const cluster = await start({ application: mortal, storage: { kind: 'memory' } });
    const died = nextEvent(cluster, 'nodeDied');
    void outcomeOf(cluster.read(text('exit'), { node: 2, consistency: 'stale' }));
    expect(await died).to.include({ id: 2, restartInMs: null });
    expect(await outcomeOf(cluster.restart(2))).to.equal('MEMORY_LOST');
  });

  it('is refused a directory that another one holds, and leaves that one alone', async () => {
    const cluster = await start();
    expect(await outcomeOf(start())).to.equal('DIRECTORY_LOCKED');
    await new KeyValueClient(cluster).put('colour', 'blue');
  });

  it('is refused the directory of a cluster of another name', async () => {
    await (await start({ clusterId: 'one' })).close();
    expect(await outcomeOf(start({ clusterId: 'two' }))).to.equal('WRONG_CLUSTER');
  });

  it('is refused the directory of a cluster of other voters, which could undo what is committed', async () => {
    const cluster = await start();
    const store = new KeyValueClient(cluster);
    // Nodes 0 and 1 are a majority of three; of five, 2, 3 and 4 are one that has never heard of it.
    await cluster.stop(2);
    await store.put('colour', 'blue');
    await cluster.close();
    for (const others of [{ nodes: 5 }, { nodes: 1 }, { nodes: 2, learners: 1 }]) {
      expect(await outcomeOf(start(others)), JSON.stringify(others)).to.equal('WRONG_MEMBERS');
    }
    expect(readdirSync(directory)).to.deep.equal(['members.json', 'node-0', 'node-1', 'node-2']);
    expect(await new KeyValueClient(await start({ learners: 1 })).get('colour')).to.equal('blue');
  });

  it('is refused a directory in which a voter’s log was lost, for that voter would vote as if it had promised nothing', async () => {
    const cluster = await start({ learners: 1 });
    await new KeyValueClient(cluster).put('colour', 'blue');
    await cluster.close();
    const lost = join(directory, 'node-1');
    const kept = join(directory, 'kept');
    renameSync(lost, kept);
    expect(await outcomeOf(start({ learners: 1 }))).to.equal('LOG_LOST');
    expect(existsSync(lost)).to.equal(false);
    mkdirSync(lost);
    expect(await outcomeOf(start({ learners: 1 })), 'with an empty directory').to.equal('LOG_LOST');
    removeDirectory(lost);
    renameSync(kept, lost);
    removeDirectory(join(directory, 'node-3'));
    const again = await start({ learners: 1 });
    expect(await new KeyValueClient(again).get('colour', { node: 1 })).to.equal('blue');
  });

  it('does not restart a voter whose log was lost while it was down', async () => {
    const cluster = await start();
    await cluster.crash(1);
    removeDirectory(join(directory, 'node-1'));
    expect(await outcomeOf(cluster.restart(1))).to.equal('LOG_LOST');
    await new KeyValueClient(cluster).put('colour', 'blue');
  });

  it('starts again when it was killed before every node had a log', async () => {
    await (await start()).close();
    const members = { version: 1, voters: [0, 1, 2], hadLogs: false };
    writeFileSync(join(directory, 'members.json'), JSON.stringify(members));
    removeDirectory(join(directory, 'node-2'));
    await new KeyValueClient(await start()).put('colour', 'blue');
    expect(readFileSync(join(directory, 'members.json'), 'utf8')).to.include('"hadLogs":true');
  });

  it('is refused a directory whose list of voters cannot be read', async () => {
    await (await start()).close();
    for (const text of ['', '{"voters":', '[]', '{"version":1,"voters":["0"]}']) {
      writeFileSync(join(directory, 'members.json'), text);
      expect(await outcomeOf(start()), text).to.equal('STORAGE_FAILED');
    }
  });

  it('says at once that a directory cannot be made', async () => {
    writeFileSync(join(directory, 'file'), '');
    for (const path of [
      join(directory, 'file'),
      join(directory, 'file', 'below'),
      '/proc/conclave',
      '/proc',
    ]) {
      const outcome = await outcomeOf(start({ storage: { kind: 'disk', directory: path } }));
      expect(outcome, path).to.equal('STORAGE_FAILED');
    }
  });

  it('does not start on a damaged log, says so, and lets go of the others', async () => {
    const cluster = await start();
    const store = new KeyValueClient(cluster);
    for (let round = 0; round < 3; round++) await store.put('colour', 'blue');
    await cluster.close();
    damage(join(directory, 'node-1'));
    expect(await outcomeOf(start())).to.equal('WAL_DAMAGED');
    for (const id of [0, 1, 2]) expect(existsSync(join(directory, `node-${id}`, 'LOCK'))).to.equal(false);
  });

  it('gives up restarting a node whose log is damaged', async () => {
    const cluster = await start();
    const store = new KeyValueClient(cluster);
    for (let round = 0; round < 3; round++) await store.put('colour', 'blue');
    await cluster.crash(1);
    damage(join(directory, 'node-1'));
    const gaveUp = nextEvent(cluster, 'nodeDied', ({ restartInMs }) => restartInMs === null);
    expect(await outcomeOf(cluster.restart(1))).to.equal('WAL_DAMAGED');
    expect((await gaveUp).error).to.include({ code: 'WAL_DAMAGED' });
  });

  it('does not start with an application that cannot be loaded', async () => {
    const module = new URL('./no-such-application.js', import.meta.url);
    const error = await start({ application: { module } }).catch((refusal: Error) => refusal);
    expect((error as Error).message).to.contain('no-such-application.js');
  });

  it('keeps no process alive once it is closed', async () => {
    const program = `
      const { RaftCluster } = await import(${JSON.stringify(clusterModule)});
      const cluster = await RaftCluster.start({ nodes: 3 });
      await cluster.waitForLeader();
      await cluster.close();
      console.log('closed');
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 15_000,
    });
    expect(stdout).to.equal('closed\n');
  });
});

/** Flips a bit in the first record of a log, with good records behind it. */
function damage(nodeDirectory: string): void {
  const [name] = readdirSync(nodeDirectory).filter((file) => !file.startsWith('LOCK'));
  const path = join(nodeDirectory, name as string);
  const bytes = readFileSync(path);
  const lastByte = bytes.findLastIndex((byte) => byte !== 0);
  const at = bytes.findIndex((byte, position) => position >= 512 && position < lastByte && byte !== 0);
  bytes[at + 8] = (bytes[at + 8] as number) ^ 1;
  writeFileSync(path, bytes);
}
