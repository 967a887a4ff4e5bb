import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { DirectoryLock } from '../../src/storage/directory-lock.js';
import { ServerWorld } from '../server/server-world.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';
import { program, run as runCluster } from './program.js';

/* A quorum is lost for good: what a survivor has becomes another cluster, and nothing else is touched. */

/** Long enough for a machine that has much else to do. */
const timings = { electionTimeoutMsMin: 400, electionTimeoutMsMax: 800, heartbeatMs: 100 };
const patient = { timeoutMs: 30_000 };
const keys = Array.from({ length: 30 }, (_, at) => `key ${at}`);
const key = new Uint8Array(32).fill(5);

/** All files below a directory, with what is in them. */
function treeOf(directory: string): Record<string, string> {
  const files = readdirSync(directory, { withFileTypes: true, recursive: true }).filter((each) =>
    each.isFile(),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name),
      readFileSync(join(parentPath, name), 'hex'),
    ]),
  );
}

describe('npm run recover', function () {
  this.timeout(120_000);
  let directory: string;

  /** Four members, one of them added later, with logs and snapshots; a sealed one of its own. */
  before(async () => {
    directory = temporaryDirectory();
    const storage = { kind: 'disk', directory: join(directory, 'whole') } as const;
    const cluster = await RaftCluster.start({ nodes: 3, storage, timings, snapshotEvery: 20 });
    try {
      const store = new KeyValueClient(cluster);
      await cluster.ready(patient);
      for (const each of keys.slice(0, 25)) await store.put(each, `of ${each}`, patient);
      await cluster.addMember(3, patient);
      for (const each of keys.slice(25)) await store.put(each, `of ${each}`, patient);
      // Whoever has applied the last one has all of them.
      for (const node of cluster.ids) await store.get('key 29', { ...patient, node });
    } finally {
      await cluster.close();
    }
    const cipher = { kind: 'aes-256-gcm', key } as const;
    const sealed = { kind: 'disk', directory: join(directory, 'sealed') } as const;
    const other = await RaftCluster.start({
      nodes: 1,
      storage: sealed,
      timings,
      cipher,
      clusterId: 'sealed',
    });
    await other.ready(patient);
    await other.close();
    writeFileSync(join(directory, 'key'), key);
  });

  after(() => removeDirectory(directory));

  beforeEach(() => {
    cpSync(join(directory, 'whole'), join(directory, 'lost'), { recursive: true });
    for (const id of [0, 1, 3]) rmSync(join(directory, `lost/node-${id}`), { recursive: true });
  });

  afterEach(() => {
    for (const name of ['lost', 'lost-recovered', 'lost-recovered.unfinished', 'new']) {
      removeDirectory(join(directory, name));
    }
  });

  function recover(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      const words = [program, 'recover', ...args];
      const child = execFile(process.execPath, words, { cwd: directory }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
      child.stdin?.end();
    });
  }

  it('makes a cluster that has all that the survivor had, and grows again', async () => {
    const before = treeOf(join(directory, 'lost'));
    const { code, stdout, stderr } = await recover('--data', 'lost', '--force-members', '0', '--yes');
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/^node 2 in .*lost\/node-2: term \d+, last entry \d+ of term \d+\n/);
    expect(stdout).to.match(/no directory of node 0, 1, 3\n/);
    expect(stdout).to.match(/MAY BE LOST: committed entries/);
    expect(treeOf(join(directory, 'lost'))).to.deep.equal(before);

    // Started as it says.
    const [, out, clusterId] = /--data (\S+) --cluster-id (\S+) --nodes 1\n/.exec(stdout) ?? [];
    expect(out).to.equal(join(directory, 'lost-recovered'));
    const storage = { kind: 'disk', directory: out as string } as const;
    const options = { nodes: 1, storage, timings, clusterId: clusterId as string };
    const cluster = await RaftCluster.start(options);
    const store = new KeyValueClient(cluster);
    try {
      await cluster.ready(patient);
      expect((await cluster.info(0)).configuration).to.deep.equal({
        voters: [0],
        votersOutgoing: [],
        learners: [],
      });
      for (const each of keys) expect(await store.get(each, patient), each).to.equal(`of ${each}`);
      await cluster.addMember(1, patient);
      await cluster.addMember(2, patient);
      await store.put('new', 'of new', patient);
      for (const node of [1, 2]) {
        for (const each of [...keys, 'new']) {
          expect(await store.get(each, { ...patient, node }), each).to.equal(`of ${each}`);
        }
      }
      expect((await cluster.info(0)).configuration.voters).to.deep.equal([0, 1, 2]);
    } finally {
      await cluster.close();
    }
    const again = await RaftCluster.start(options);
    try {
      await again.ready(patient);
      expect(await new KeyValueClient(again).get('new', patient)).to.equal('of new');
    } finally {
      await again.close();
    }
  });

  it('gives each of several members a copy, and the program "cluster" runs them', async () => {
    const args = [
      '--data',
      'lost',
      '--force-members',
      '2,0,1',
      '--out',
      'new',
      '--cluster-id',
      'heirs',
      '--yes',
    ];
    const { code, stdout, stderr } = await recover(...args);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/--cluster-id heirs --nodes 3\n/);
    expect(readdirSync(join(directory, 'new'))).to.deep.equal(['node-0', 'node-1', 'node-2']);
    const script = 'wait leader\nexpect value "key 7" "of key 7"\ncrash 0\nwait leader\nput a b\nquit\n';
    const flags = [
      '--data',
      join(directory, 'new'),
      '--cluster-id',
      'heirs',
      '--nodes',
      '3',
      '--script',
      '-',
    ];
    const ended = await runCluster(flags, script);
    expect(ended.code, ended.stdout + ended.stderr).to.equal(0);
  });

  it('makes a process’s cluster anew, which begins with that one, and lets others join', async () => {
    const world = await ServerWorld.of([1, 2, 3]);
    const at = (name: string) => join(world.directory, name);
    try {
      await world.startAll();
      const store = new KeyValueClient(await world.connect());
      for (const each of keys) await store.put(each, `of ${each}`, patient);
      await store.get('key 29', { ...patient, node: 2 });
      for (const id of [1, 2, 3]) await world.stop(id);
      for (const id of [1, 3]) rmSync(at(`data-${id}`), { recursive: true });
      const made = await recover('--data', at('data-2'), '--force-members', '2', '--yes');
      expect(made.code, made.stderr).to.equal(0);
      expect(made.stdout).to.match(/with the one voter 2\..*conclave server --id 2 --cluster shop/s);
      await world.start(2, { data: at('data-2-recovered'), members: undefined });
      await world.start(1, { data: at('data-new'), members: undefined, join: [world.members[2]!] });
      await world.ready();
      const again = new KeyValueClient(await world.connect(world.members[1]!));
      expect(await again.get('key 7', patient)).to.equal('of key 7');
      await again.put('new', 'yes', patient);
      const { clusterId, configuration } = world.servers.get(1)!;
      expect(configuration?.voters).to.deep.equal([1, 2]);
      // Who is found of the old cluster has no part in it.
      expect(readFileSync(at('data-2/server.json'), 'utf8')).not.to.include(clusterId);
    } finally {
      await world.end();
    }
  });

  it('changes nothing and makes nothing in a dry run, or where nobody can be asked', async () => {
    const before = treeOf(directory);
    const dry = await recover('--data', 'lost', '--force-members', '0', '--dry-run');
    expect([dry.code, dry.stderr]).to.deep.equal([0, '']);
    expect(dry.stdout).to.match(/Would be made: cluster/);
    const unasked = await recover('--data', 'lost', '--force-members', '0');
    expect(unasked.code).to.equal(2);
    expect(unasked.stderr).to.match(/no terminal to ask at\. Give --yes/);
    expect(treeOf(directory)).to.deep.equal(before);
    expect(existsSync(join(directory, 'lost-recovered'))).to.equal(false);
  });

  it('asks whose log is meant where there are two clusters’, and says so where no quorum is lost', async () => {
    cpSync(join(directory, 'sealed/node-0'), join(directory, 'lost/node-7'), { recursive: true });
    const strangers = await recover(
      '--data',
      'lost',
      '--force-members',
      '0',
      '--dry-run',
      '--key-file',
      'key',
    );
    expect(strangers.code).to.equal(2);
    expect(strangers.stderr).to.match(/logs of different clusters.*Name the node with --from/s);
    const named = ['--data', 'lost', '--force-members', '0', '--dry-run', '--key-file', 'key', '--from', '2'];
    expect((await recover(...named)).stdout).to.match(/Taken: node 2’s log/);

    const whole = await recover('--data', 'whole', '--force-members', '0', '--dry-run');
    expect(whole.stdout).to.match(/a majority can be read \(0, 1, 2, 3\): the quorum is not lost/);
    expect(whole.stdout).not.to.match(/LOST:/);
  });

  it('refuses what it cannot do, says why, and makes nothing', async () => {
    mkdirSync(join(directory, 'full/x'), { recursive: true });
    const damaged = join(directory, 'damaged');
    cpSync(join(directory, 'lost'), damaged, { recursive: true });
    const segments = readdirSync(join(damaged, 'node-2')).filter((name) => name.endsWith('.wal'));
    const segment = join(damaged, 'node-2', segments[0] as string);
    const bytes = readFileSync(segment);
    bytes[100]! ^= 1;
    writeFileSync(segment, bytes);
    cpSync(join(directory, 'lost'), join(directory, 'server'), { recursive: true });
    const server = { version: 2, id: 2, cluster: 'shop', clusterId: 'x', members: {}, former: [2] };
    writeFileSync(join(directory, 'server/server.json'), JSON.stringify(server));
    const lock = new DirectoryLock(join(directory, 'lost/node-2'), 'the test');
    for (const [args, says] of [
      [['--data', 'nowhere'], /There is no directory nowhere/],
      [['--data', 'full'], /there is no log that can be read/],
      [['--data', 'damaged'], /No new cluster can be made.*(damaged|no log that can be read)/s],
      [['--data', 'server'], /directory of node 2.*begins with it alone. Give --force-members 2/],
      [['--data', 'sealed'], /it is sealed: give its key with --key-file/],
      [['--data', 'lost', '--from', '1'], /there is no log of node 1/],
      [['--data', 'lost', '--out', 'full'], /full is not empty, and nothing is ever overwritten/],
      [['--data', 'lost', '--cluster-id', 'conclave'], /is the old cluster’s id/],
      [['--data', 'lost', '--force-members', '2'], /with the voters 0, 1, 2 and so on, without gaps/],
      [['--data', 'lost', '--force-members', '0,0'], /without gaps/],
    ] as const) {
      const { code, stderr } = await recover('--force-members', '0', ...args, '--yes');
      expect(stderr, args.join(' ')).to.match(says);
      expect(code, args.join(' ')).to.equal(2);
    }
    lock.acquire();
    const held = await recover('--data', 'lost', '--force-members', '0', '--yes');
    lock.release();
    expect([held.code, held.stdout]).to.deep.equal([2, '']);
    expect(held.stderr).to.match(/in use by process \d+ \(the test\)/);
    for (const name of ['full', 'damaged', 'server']) removeDirectory(join(directory, name));
    expect(readdirSync(directory).sort()).to.deep.equal(['key', 'lost', 'sealed', 'whole']);
  });
});
