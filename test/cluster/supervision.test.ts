import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { LockLeftError, StartFailedError } from '../../src/cluster/errors.js';
import type { ClusterOptions } from '../../src/cluster/options.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import type { ConclaveError } from '../../src/ground/errors.js';
import { outcomeOf, plain, text } from '../client/session-world.js';
import { filesOf, removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';
import { nextEvent } from './events-of.js';

/** A user with no rights, on most systems. */
const nobody = 65_534;
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

  it('is refused the directory of a cluster with another cipher or key, before a byte is written', async () => {
    const keyed = (byte: number) => ({ kind: 'aes-256-gcm', key: new Uint8Array(32).fill(byte) }) as const;
    const cluster = await start({ cipher: keyed(1) });
    await new KeyValueClient(cluster).put('colour', 'blue');
    await cluster.close();
    const nodes = [0, 1, 2].map((id) => join(directory, `node-${id}`));
    const before = nodes.map(filesOf);
    for (const options of [{}, { cipher: keyed(2) }, { cipher: { kind: 'none' } as const }]) {
      expect(await outcomeOf(start(options))).to.equal('WRONG_KEY');
      expect(nodes.map(filesOf)).to.deep.equal(before);
    }
    const again = await start({ cipher: keyed(1) });
    expect(await new KeyValueClient(again).get('colour')).to.equal('blue');
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

  it('does not start a voter whose log was lost, for it would vote as if it had promised nothing', async () => {
    const cluster = await start({ learners: 1 });
    await new KeyValueClient(cluster).put('colour', 'blue');
    await cluster.close();
    const lost = join(directory, 'node-1');
    const kept = join(directory, 'kept');
    renameSync(lost, kept);
    const without = await start({ learners: 1 });
    expect(failuresOf(without)).to.deep.equal(['1 LOG_LOST']);
    expect(await new KeyValueClient(without).get('colour')).to.equal('blue');
    await without.close();
    expect(existsSync(lost)).to.equal(false);
    mkdirSync(lost);
    const emptied = await start({ learners: 1 });
    expect(failuresOf(emptied), 'with an empty directory').to.deep.equal(['1 LOG_LOST']);
    removeDirectory(lost);
    renameSync(kept, lost);
    await emptied.restart(1);
    expect(failuresOf(emptied)).to.deep.equal([]);
    expect(await new KeyValueClient(emptied).get('colour', { node: 1 })).to.equal('blue');
    await emptied.close();
    removeDirectory(join(directory, 'node-3'));
    const again = await start({ learners: 1 });
    expect(failuresOf(again), 'a learner has promised nothing').to.deep.equal([]);
  });

  it('keeps to its voters when the file that lists them is gone, for their logs are there', async () => {
    const cluster = await start({ nodes: 5 });
    await new KeyValueClient(cluster).put('colour', 'blue');
    await cluster.close();
    const file = join(directory, 'members.json');
    const listed = readFileSync(file, 'utf8');
    rmSync(file);
    const refusal = await start({ nodes: 3 }).catch((error: Error) => error);
    expect(refusal)
      .to.include({ code: 'WRONG_MEMBERS' })
      .and.deep.include({ voters: [0, 1, 2, 3, 4] });
    expect(await outcomeOf(start({ nodes: 7 }))).to.equal('WRONG_MEMBERS');
    // With the directories of the others as well: each log says who voted.
    for (const id of [3, 4]) renameSync(join(directory, `node-${id}`), join(directory, `kept-${id}`));
    expect(await outcomeOf(start({ nodes: 3 }))).to.equal('WRONG_MEMBERS');
    for (const id of [3, 4]) renameSync(join(directory, `kept-${id}`), join(directory, `node-${id}`));
    for (const make of [() => {}, () => mkdirSync(join(directory, 'node-1'))]) {
      renameSync(join(directory, 'node-1'), join(directory, 'kept'));
      make();
      const lost = await start({ nodes: 5 }).catch((error: Error) => error);
      expect(lost).to.include({ code: 'LOG_LOST' });
      expect((lost as Error).message).to.match(/node 1 .*members\.json/);
      removeDirectory(join(directory, 'node-1'));
      renameSync(join(directory, 'kept'), join(directory, 'node-1'));
    }
    expect(existsSync(file), 'nothing was changed').to.equal(false);
    expect(await new KeyValueClient(await start({ nodes: 5 })).get('colour')).to.equal('blue');
    expect(readFileSync(file, 'utf8')).to.equal(listed);
  });

  it('tells a learner’s log from a voter’s when that file is gone', async () => {
    const cluster = await start({ learners: 1 });
    await new KeyValueClient(cluster).put('colour', 'blue');
    await cluster.close();
    rmSync(join(directory, 'members.json'));
    expect(await outcomeOf(start({ nodes: 4 }))).to.equal('WRONG_MEMBERS');
    expect(await new KeyValueClient(await start({ learners: 1 })).get('colour')).to.equal('blue');
  });

  it('knows a log that lies in another node’s place, and one of another cluster', async () => {
    await (await start({ clusterId: 'one' })).close();
    rmSync(join(directory, 'members.json'));
    renameSync(join(directory, 'node-2'), join(directory, 'node-7'));
    const moved = await start({ clusterId: 'one' });
    expect(failuresOf(moved)).to.deep.equal(['2 LOG_LOST']);
    await moved.close();
    // Not a word of these three is about the cluster `two`, whose nodes find them in their way.
    rmSync(join(directory, 'members.json'));
    renameSync(join(directory, 'node-7'), join(directory, 'node-2'));
    expect(await outcomeOf(start({ clusterId: 'two' }))).to.equal('WRONG_CLUSTER');
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
    const file = join(directory, 'members.json');
    for (const members of [
      { version: 1, voters: [0, 1, 2], hadLogs: false },
      { version: 2, voters: [0, 1, 2], logs: [0, 1] },
    ]) {
      writeFileSync(file, JSON.stringify(members));
      removeDirectory(join(directory, 'node-2'));
      const cluster = await start();
      expect(failuresOf(cluster)).to.deep.equal([]);
      await new KeyValueClient(cluster).put('colour', 'blue');
      await cluster.close();
      expect(JSON.parse(readFileSync(file, 'utf8'))).to.deep.equal({
        version: 2,
        voters: [0, 1, 2],
        logs: [0, 1, 2],
      });
    }
  });

  it('knows each voter that has had a log, though not all have', async () => {
    writeFileSync(join(directory, 'node-2'), 'in the way');
    const cluster = await start();
    expect(failuresOf(cluster)).to.deep.equal(['2 DIRECTORY_UNUSABLE']);
    await new KeyValueClient(cluster).put('colour', 'blue');
    await cluster.close();
    rmSync(join(directory, 'node-2'));
    const whole = await start();
    expect(failuresOf(whole)).to.deep.equal([]);
    await whole.close();
    removeDirectory(join(directory, 'node-0'));
    expect(failuresOf(await start())).to.deep.equal(['0 LOG_LOST']);
  });

  it('reads the list of voters of an earlier version, and refuses that of a later one', async () => {
    await (await start()).close();
    const file = join(directory, 'members.json');
    writeFileSync(file, '{"version":1,"voters":[0,1,2],"hadLogs":true}\n');
    removeDirectory(join(directory, 'node-0'));
    const cluster = await start();
    expect(failuresOf(cluster)).to.deep.equal(['0 LOG_LOST']);
    await cluster.close();
    writeFileSync(file, '{"version":3,"voters":[0,1,2],"logs":[]}\n');
    expect(await outcomeOf(start())).to.equal('UNKNOWN_FORMAT');
  });

  it('is refused a directory whose list of voters cannot be read', async () => {
    await (await start()).close();
    for (const text of ['', '{"voters":', '[]', '{"version":1,"voters":["0"]}']) {
      writeFileSync(join(directory, 'members.json'), text);
      expect(await outcomeOf(start()), text).to.equal('STORAGE_FAILED');
    }
  });

  it('says at once that a directory cannot be made, and what is in the way', async () => {
    writeFileSync(join(directory, 'file'), '');
    const file = join(directory, 'file');
    for (const [path, code, reason] of [
      [file, 'DIRECTORY_UNUSABLE', `${file} is a file`],
      [join(file, 'below'), 'DIRECTORY_UNUSABLE', `${file} is a file`],
      ['/proc/conclave', 'DIRECTORY_UNUSABLE', '/proc/conclave'],
      ['/proc', 'STORAGE_FAILED', '/proc/members.json'],
    ] as const) {
      const storage = { kind: 'disk', directory: path } as const;
      const refusal = await start({ storage }).catch((error: Error) => error);
      expect(refusal, path).to.include({ code });
      expect((refusal as Error).message).to.include(reason);
    }
  });

  it('starts without a node whose log is damaged, says which and why, and takes it back once it is mended', async () => {
    const cluster = await start({ nodes: 5 });
    const store = new KeyValueClient(cluster);
    for (let round = 0; round < 3; round++) await store.put('colour', 'blue');
    await cluster.close();
    const mend = damage(join(directory, 'node-1'));
    const reduced = await start({ nodes: 5 });
    expect(failuresOf(reduced)).to.deep.equal(['1 WAL_DAMAGED']);
    const [failure] = reduced.failures();
    expect(await reduced.info(1)).to.include({ role: 'dead', failure: failure?.error.message });
    expect((await reduced.infos()).map((node) => node.failure === null)).to.deep.equal([
      true,
      false,
      true,
      true,
      true,
    ]);
    expect(await new KeyValueClient(reduced).get('colour')).to.equal('blue');
    await new KeyValueClient(reduced).put('colour', 'red');
    expect(await outcomeOf(reduced.restart(1))).to.equal('WAL_DAMAGED');
    mend();
    const started = nextEvent(reduced, 'nodeStarted');
    await reduced.restart(1);
    expect(await started).to.deep.include({ id: 1 });
    expect(reduced.failures()).to.deep.equal([]);
    expect(await new KeyValueClient(reduced).get('colour', { node: 1 })).to.equal('red');
  });

  it('does not start when no majority can, tells of each node, and lets go of the others', async () => {
    const cluster = await start();
    const store = new KeyValueClient(cluster);
    for (let round = 0; round < 3; round++) await store.put('colour', 'blue');
    await cluster.close();
    damage(join(directory, 'node-1'));
    removeDirectory(join(directory, 'node-2'));
    const refusal = await start().catch((error: unknown) => error);
    expect(refusal).to.be.instanceOf(StartFailedError).and.include({ code: 'START_FAILED' });
    const { message, failures } = refusal as StartFailedError;
    expect(failures.map(({ id, error }) => `${id} ${(error as ConclaveError).code}`)).to.deep.equal([
      '1 WAL_DAMAGED',
      '2 LOG_LOST',
    ]);
    expect(message).to.match(/\n +node 1: .*node-1.* is damaged.*\n +node 2: The log of node 2 was in/);
    for (const id of [0, 1]) expect(existsSync(join(directory, `node-${id}`, 'LOCK'))).to.equal(false);
  });

  it('is closed, and says what is left, when it may not remove the lock of a node that crashed', async function () {
    if (process.geteuid === undefined) return this.skip();
    const cluster = await start({ nodes: 1 });
    await cluster.crash(0);
    chmodSync(directory, 0o755);
    const closed = await asNobody(join(directory, 'node-0'), () =>
      cluster.close().then(
        () => null,
        (error: Error) => error,
      ),
    );
    expect(closed).to.be.instanceOf(LockLeftError).and.include({ code: 'LOCK_LEFT' });
    expect((closed as Error).message).to.match(
      /node-0 cannot be removed: .* no right to remove it \(EACCES\)/,
    );
    clusters.splice(0);
  });

  it('gives up restarting a node whose log is damaged', async () => {
    const cluster = await start();
    const store = new KeyValueClient(cluster);
    for (let round = 0; round < 3; round++) await store.put('colour', 'blue');
    await cluster.crash(1);
    damage(join(directory, 'node-1'));
    const gaveUp = nextEvent(cluster, 'nodeFailed', ({ restartInMs }) => restartInMs === null);
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

/** Has something done while this process has no right to write in a directory; root would have it otherwise. */
async function asNobody<Result>(place: string, act: () => Promise<Result>): Promise<Result> {
  const isRoot = process.geteuid?.() === 0;
  chmodSync(place, 0o555);
  if (isRoot) process.seteuid?.(nobody);
  try {
    return await act();
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(place, 0o755);
  }
}

/** Who is down of itself, and why. */
function failuresOf(cluster: RaftCluster): string[] {
  return cluster.failures().map(({ id, error }) => `${id} ${(error as ConclaveError).code}`);
}

/** Flips a bit in the first record of a log, with good records behind it. Returns how to flip it back. */
function damage(nodeDirectory: string): () => void {
  const [name] = readdirSync(nodeDirectory).filter((file) => !file.startsWith('LOCK'));
  const path = join(nodeDirectory, name as string);
  const bytes = readFileSync(path);
  const good = Buffer.from(bytes);
  const lastByte = bytes.findLastIndex((byte) => byte !== 0);
  const at = bytes.findIndex((byte, position) => position >= 512 && position < lastByte && byte !== 0);
  bytes[at + 8] = (bytes[at + 8] as number) ^ 1;
  writeFileSync(path, bytes);
  return () => writeFileSync(path, good);
}
