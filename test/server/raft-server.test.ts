import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { RaftClient } from '../../src/client/raft-client.js';
import type { Logger } from '../../src/cluster/logger.js';
import {
  AccessDeniedError,
  ClosedError,
  InvalidOptionError,
  NotReadyError,
  OutcomeUnknownError,
  TimeoutError,
} from '../../src/ground/errors.js';
import { certificateFiles } from '../../src/server/development-certificates.js';
import { DataLostError, WrongServerError } from '../../src/server/errors.js';
import { RaftServer } from '../../src/server/raft-server.js';
import { sharedCertificates } from '../router/carriers/stream-world.js';
import { freePorts, ServerWorld } from './server-world.js';

describe('RaftServer', function () {
  this.timeout(60_000);
  let world: ServerWorld;
  beforeEach(async () => {
    world = await ServerWorld.of([1, 2, 3]);
  });
  afterEach(() => world.end());

  const server = (id: number) => world.servers.get(id)!;

  it('is one cluster of three, in which every process writes and reads', async () => {
    await world.startAll();
    for (const id of [1, 2, 3]) {
      const store = new KeyValueClient(server(id));
      await store.put(`from ${id}`, 'here');
      expect(await store.get(`from ${id}`)).to.equal('here');
    }
    const seen = await new KeyValueClient(server(1)).list('from ', {});
    expect(seen.entries.map(([key]) => key)).to.deep.equal(['from 1', 'from 2', 'from 3']);
    const infos = await server(2).infos();
    expect(infos.map(({ id }) => id)).to.deep.equal([1, 2, 3]);
    expect(infos.filter(({ role }) => role === 'leader').map(({ id }) => id)).to.deep.equal([
      server(3).leader()?.id,
    ]);
    const ids = [1, 2, 3].map((id) => server(id).clusterId);
    expect(new Set(ids).size).to.equal(1);
    expect(ids[0]).to.be.a('string');
  });

  it('goes on without any one, which comes back to what it had, without being told the members', async () => {
    await world.startAll();
    const store = () => new KeyValueClient([...world.servers.values()][0]!);
    for (const id of [1, 2, 3]) {
      const clusterId = server(id).clusterId;
      await world.stop(id);
      await store().put(`without ${id}`, 'yes', { timeoutMs: 20_000 });
      const { members: _, ...options } = world.options(id);
      const again = await RaftServer.start(options);
      world.servers.set(id, again);
      await again.ready({ timeoutMs: 20_000 });
      expect(again.clusterId).to.equal(clusterId);
      expect(await new KeyValueClient(again).get(`without ${id}`, { timeoutMs: 20_000 })).to.equal('yes');
    }
  });

  it('waits at its first start for all other members', async () => {
    await Promise.all([2, 3].map((id) => world.start(id)));
    expect([2, 3].map((id) => server(id).clusterId)).to.deep.equal([null, null]);
    const early = await server(2)
      .ready({ timeoutMs: 300 })
      .catch((error: unknown) => error);
    expect(early).to.be.instanceOf(NotReadyError);
    expect(String(early)).to.match(/no majority runs: node 1 is down/);
    await world.start(1);
    await world.ready();
    expect(server(3).clusterId).to.equal(server(1).clusterId);
  });

  it('does not start as another than its data is of', async () => {
    await world.startAll();
    await world.stop(3);
    const start = (changes: object) =>
      RaftServer.start({ ...world.options(3), ...changes }).catch((error: unknown) => error);
    expect(await start({ id: 2 })).to.be.instanceOf(WrongServerError);
    expect(await start({ cluster: 'bank' })).to.be.instanceOf(WrongServerError);
    const { 1: first } = world.members;
    expect(await start({ members: { 1: first } })).to.be.instanceOf(InvalidOptionError);
    expect(await start({ listen: '10.1.2.3:7001' })).to.be.instanceOf(InvalidOptionError);
    expect(await start({ data: join(world.directory, 'new'), members: undefined })).to.be.instanceOf(
      InvalidOptionError,
    );
  });

  it('does not start without the data that it had, though the directory is as new', async () => {
    await world.startAll();
    // With one of the others down, the promises of this one count, and whoever counts them remembers it.
    await world.stop(2);
    await new KeyValueClient(server(1)).put('colour', 'red', { timeoutMs: 20_000 });
    await world.start(2);
    await world.stop(3);
    const data = join(world.directory, 'data-3');
    rmSync(join(data, 'node-3'), { recursive: true });
    const partly = await RaftServer.start(world.options(3)).catch((error: unknown) => error);
    expect(partly).to.be.instanceOf(DataLostError);
    rmSync(data, { recursive: true });
    const bare = await world.start(3);
    const reason = await bare.ready({ timeoutMs: 20_000 }).catch((error: unknown) => error);
    expect(reason).to.be.instanceOf(DataLostError);
    expect(existsSync(join(data, 'node-3'))).to.equal(false);
    await new KeyValueClient(server(1)).put('colour', 'blue', { timeoutMs: 20_000 });
  });

  it('finds the others where they are now, all at once', async () => {
    await world.startAll();
    await new KeyValueClient(server(1)).put('colour', 'blue');
    await Promise.all([1, 2, 3].map((id) => world.stop(id)));
    const moved = await ServerWorld.of([1, 2, 3]);
    Object.assign(world.members, moved.members);
    await moved.end();
    await world.startAll();
    expect(await new KeyValueClient(server(2)).get('colour')).to.equal('blue');
  });

  it('takes nothing once it is closed, and ends what was under way', async () => {
    await world.startAll();
    const one = server(1);
    const late = one.propose(new Uint8Array(3)).catch((error: unknown) => error);
    await world.stop(1);
    const outcome = await late;
    expect(outcome instanceof OutcomeUnknownError || !(outcome instanceof Error)).to.equal(true);
    expect(await one.propose(new Uint8Array(1)).catch((error: unknown) => error)).to.be.instanceOf(
      ClosedError,
    );
    expect(await one.ready().catch((error: unknown) => error)).to.be.instanceOf(ClosedError);
  });

  it('tells a logger of pino’s form what happens', async () => {
    const lines: { level: string; event?: unknown; message: string }[] = [];
    const at = (level: string) => (fields: object, message: string) =>
      lines.push({ level, ...fields, message });
    const logger: Logger = { info: at('info'), warn: at('warn'), error: at('error') };
    await world.startAll({ logger });
    const events = lines.map(({ event }) => event);
    expect(events).to.include.members([
      'nodeStarted',
      'leaderElected',
      'network.listening',
      'network.connected',
    ]);
    expect(() => JSON.stringify(lines)).not.to.throw();
  });

  it('lets each process be whom its certificate names, and no reader write', async () => {
    const certificates = join(await sharedCertificates(), 'shop');
    const files = (node: number) => certificateFiles(certificates, { kind: 'node', cluster: 'shop', node });
    await Promise.all([1, 2, 3].map((id) => world.start(id, { tls: files(id) })));
    await world.ready();
    const connect = async (role: 'reader' | 'writer') => {
      const tls = certificateFiles(certificates, { kind: 'client', cluster: 'shop', role, name: 'web' });
      return new KeyValueClient(await RaftClient.connect(world.members[2]!, { tls, timeoutMs: 20_000 }));
    };
    const [writer, reader] = await Promise.all([connect('writer'), connect('reader')]);
    await writer.put('colour', 'blue');
    expect(await reader.get('colour')).to.equal('blue');
    expect(await reader.put('colour', 'red').catch((error: unknown) => error)).to.be.instanceOf(
      AccessDeniedError,
    );
    expect(await reader.get('colour')).to.equal('blue');
    const plain = await RaftClient.connect(world.members[1]!, { cluster: 'shop', timeoutMs: 500 }).catch(
      (error: unknown) => error,
    );
    expect(plain).to.be.instanceOf(TimeoutError);
  });

  it('says to a client in vain why nobody let it in', async () => {
    await world.start(1);
    const [free] = await freePorts(1);
    const addresses = [world.members[1]!, `127.0.0.1:${free}`];
    const options = { cluster: 'other', timeoutMs: 1500 };
    const error = await RaftClient.connect(addresses, options).catch((each: unknown) => each as Error);
    expect(error).to.be.instanceOf(TimeoutError);
    expect((error as Error).message).to.match(/of cluster other, and this is cluster shop/);
    expect((error as Error).message).to.match(new RegExp(`127.0.0.1:${free}: connect ECONNREFUSED`));
  });

  it('has a leader’s work done by one process, with all applied before, and by the next in a higher term', async () => {
    await world.startAll();
    const begun: { id: number; term: number; signal: AbortSignal; height: number }[] = [];
    let heard = () => {};
    const watch = (id: number) =>
      server(id).whileLeader(async ({ term, signal }) => {
        const { height } = await server(id).info();
        begun.push({ id, term, signal, height });
        heard();
      });
    const until = async (count: number) => {
      while (begun.length < count) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    };
    for (const id of [1, 2, 3]) watch(id);
    await until(1);
    const [first] = begun;
    expect({ id: first!.id, term: first!.term }).to.deep.equal(server(1).leader());
    expect(first!.signal.aborted).to.equal(false);
    await world.stop(first!.id);
    expect(first!.signal.aborted).to.equal(true);
    await until(2);
    expect(begun[1]!.id).not.to.equal(first!.id);
    expect(begun[1]!.term).to.be.above(first!.term);
    expect(begun[1]!.height).to.be.above(first!.height - 1);
  });

  it('writes down who it is for its own user alone', async () => {
    await world.startAll();
    const written = JSON.parse(readFileSync(join(world.directory, 'data-2', 'server.json'), 'utf8'));
    expect(written).to.deep.include({ version: 2, id: 2, cluster: 'shop', clusterId: server(1).clusterId });
  });
});

describe('RaftClient', function () {
  this.timeout(60_000);
  let world: ServerWorld;
  before(async () => {
    world = await ServerWorld.of([1, 2, 3]);
    await world.startAll();
  });
  after(() => world.end());

  it('gets to know all members from one, and finds the leader', async () => {
    const client = await world.connect(world.members[3]!);
    const store = new KeyValueClient(client);
    await store.put('colour', 'blue');
    expect(client.ids).to.deep.equal([1, 2, 3]);
    expect(await client.leader()).to.deep.equal(world.servers.get(1)!.leader());
    const log = await client.log(2, 1);
    expect(log[0]).to.include({ index: 1, kind: 'noop' });
    expect(await store.get('colour', { consistency: 'stale', node: 2 })).to.equal('blue');
  });

  it('has many commands under way, each with its own answer', async () => {
    const store = new KeyValueClient(await world.connect());
    const sums = await Promise.all(Array.from({ length: 500 }, () => store.increment('count')));
    expect(sums.map(({ value }) => value).sort((a, b) => a - b)).to.deep.equal(
      Array.from({ length: 500 }, (_, at) => at + 1),
    );
  });

  it('goes on with the next leader, and tells what it cannot know of the last one', async () => {
    const store = new KeyValueClient(await world.connect());
    await store.put('colour', 'blue');
    const { id } = (await world.servers.get(1)!.ready())!;
    await world.stop(id);
    await store.put('colour', 'green', { timeoutMs: 20_000 });
    await world.start(id);
    await world.ready();
    expect(await store.get('colour')).to.equal('green');
  });

  it('says when nobody answers', async () => {
    const taken = await RaftClient.connect('127.0.0.1:1', { timeoutMs: 200 }).catch(
      (error: unknown) => error,
    );
    expect(taken).to.be.instanceOf(TimeoutError);
    expect(await RaftClient.connect('nowhere').catch((error: unknown) => error)).to.be.instanceOf(
      InvalidOptionError,
    );
    expect(await RaftClient.connect('db.example:7001').catch((error: unknown) => error)).to.match(
      /insecurePlainText/,
    );
  });
});
