import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { RaftClient, type RaftClientOptions } from '../../src/client/raft-client.js';
import { AccessDeniedError } from '../../src/ground/errors.js';
import type { ServerOptions } from '../../src/server/options.js';
import { RaftServer } from '../../src/server/raft-server.js';
import { briskLimits } from '../router/carriers/carrier-peer.js';
import { NatsServer, needNatsServer } from '../router/carriers/nats-server.js';
import { killRounds } from '../soak/kill-rounds.js';
import { timings } from './server-world.js';

const patience = { timeoutMs: 30_000 };

describe('RaftServer over NATS', function () {
  this.timeout(120_000);
  let bus: NatsServer;
  let directory: string;
  const servers = new Map<number, RaftServer>();
  const clients: RaftClient[] = [];

  before(function () {
    needNatsServer(this);
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await Promise.all([...servers.values()].map((server) => server.close({ drainMs: 0 })));
    servers.clear();
    await bus.end();
    rmSync(directory, { recursive: true, force: true });
  });

  async function begin(settings?: string): Promise<void> {
    bus = await NatsServer.start(settings);
    directory = await mkdtemp(join(tmpdir(), 'conclave-nats-server-'));
  }

  async function start(id: number, more: Partial<ServerOptions> = {}): Promise<RaftServer> {
    const server = await RaftServer.start({
      id,
      cluster: 'shop',
      data: join(directory, String(id)),
      nats: { servers: bus.address },
      timings,
      carrierLimits: briskLimits,
      ...more,
    });
    servers.set(id, server);
    return server;
  }

  async function startAll(more: (id: number) => Partial<ServerOptions> = () => ({})): Promise<void> {
    await Promise.all([1, 2, 3].map((id) => start(id, { members: [1, 2, 3], ...more(id) })));
    await Promise.all([...servers.values()].map((server) => server.ready(patience)));
  }

  async function connect(options: RaftClientOptions = {}): Promise<RaftClient> {
    const given = { cluster: 'shop', limits: briskLimits, timeoutMs: 20_000, ...options };
    const client = await RaftClient.connect(`nats://${bus.address}`, given);
    clients.push(client);
    return client;
  }

  it('is one cluster, whose members programs find on the bus, and goes on without any one', async () => {
    await begin();
    await startAll();
    for (const [id, server] of servers) await new KeyValueClient(server).put(`from ${id}`, 'here', patience);
    const client = await connect();
    const store = new KeyValueClient(client);
    expect((await store.list('from ', {})).entries.map(([key]) => key)).to.deep.equal([
      'from 1',
      'from 2',
      'from 3',
    ]);
    expect((await client.infos()).map(({ id }) => id)).to.deep.equal([1, 2, 3]);
    const leader = (await client.ready(patience)).id;
    await servers.get(leader)?.close();
    await store.put('after', 'it left', patience);
    // It needs no members any more: they are in its log.
    await start(leader);
    await servers.get(leader)?.ready(patience);
    expect(await new KeyValueClient(servers.get(leader)!).get('after', patience)).to.equal('it left');
  });

  it('lets others join, lets them take the place of others, and tells clients of them', async () => {
    await begin();
    await startAll();
    const client = await connect({ role: 'operator' });
    const joined = await start(4, { join: true, replaces: 3 });
    await joined.ready(patience);
    for (let voters = ''; voters !== '1,2,4'; ) {
      voters = String([...((await client.infos())[0]?.configuration.voters ?? [])]);
    }
    expect(client.ids).to.include(4);
    await client.transferLeadership(4, patience);
    await new KeyValueClient(client).put('colour', 'blue', patience);
    expect((await client.ready(patience)).id).to.equal(4);
  });

  it('survives the loss of the bus, with what was under way done once', async () => {
    await begin();
    await startAll();
    const store = new KeyValueClient(await connect());
    await store.increment('count', 1, patience);
    const own = new KeyValueClient([...servers.values()][0]!);
    await bus.kill();
    const asked = [...Array(20).keys()].map((at) =>
      (at % 2 === 0 ? store : own).increment('count', 1, patience),
    );
    await bus.start();
    await Promise.all(asked);
    expect(await store.get('count', patience)).to.equal('21');
  });

  it('lets in whom the NATS server does, as what it says they are', async () => {
    const page = readFileSync(new URL('../../../docs/network.md', import.meta.url), 'utf8');
    const [, settings] = /<!-- used by [^>]* -->\s+```\n([^`]*)```/.exec(page) ?? [];
    await begin(settings);
    const words = ['first', 'second', 'third'];
    await startAll((id) => ({
      nats: { servers: bus.address, user: `node${id}`, pass: words[id - 1]! },
    }));
    const nats = { user: 'till', pass: 'money' };
    const store = new KeyValueClient(await connect({ name: 'till', nats }));
    await store.put('colour', 'blue', patience);
    const till = await connect({ name: 'till', nats });
    const refused = await till.removeMember(3).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(AccessDeniedError);
    // It may not be called so: nobody hears it, and it is told who does not allow it.
    const failure = await connect({ name: 'till', role: 'operator', nats, timeoutMs: 1500 }).catch(
      (error: unknown) => (error as Error).message,
    );
    expect(failure).to.match(/a member to answer .*permissions violation/i);
    const stranger = await connect({
      name: 'till',
      nats: { user: 'till', pass: 'wrong' },
      timeoutMs: 1500,
    }).catch((error: unknown) => (error as Error).message);
    expect(stranger).to.match(/authorization violation/i);
  });

  it('says when nobody is on the bus, or there is no bus', async () => {
    await begin();
    const alone = await connect({ timeoutMs: 1000 }).catch((error: unknown) => (error as Error).message);
    expect(alone).to.match(/No member of cluster shop is on the bus/);
    await bus.kill();
    const nowhere = await connect({ timeoutMs: 1000 }).catch((error: unknown) => (error as Error).message);
    expect(nowhere).to.match(/a member to answer .*NATS: .*refused/i);
  });

  it('refuses options that do not go with it', async () => {
    await begin();
    const wrong = (more: Partial<ServerOptions>) =>
      start(1, more).then(
        () => 'nothing',
        (error: unknown) => (error as Error).message,
      );
    expect(await wrong({ listen: '127.0.0.1:0', members: [1] })).to.match(/listen and nats are both given/);
    expect(await wrong({ members: { 1: '127.0.0.1:1' } })).to.match(/give their numbers, \[1, 2, 3\]/);
    expect(await wrong({ join: ['127.0.0.1:1'] })).to.match(/join is .* Give true/);
    expect(await wrong({ members: [2, 3] })).to.match(/not node 1 itself/);
    expect(await wrong({ members: [1], nats: { servers: [] } })).to.match(
      /Give the addresses of NATS servers/,
    );
    expect(await wrong({ members: [1], nats: { servers: 'nats://me:secret@host' } })).to.match(
      /say with user and pass/,
    );
    const odd = { servers: bus.address, password: 'x' } as ServerOptions['nats'];
    expect(await wrong({ members: [1], nats: odd! })).to.match(/no NATS option password/);
    const refused = await RaftClient.connect(['nats://127.0.0.1:1', '127.0.0.1:2']).catch(
      (error: unknown) => (error as Error).message,
    );
    expect(refused).to.match(/no NATS servers/);
  });

  it('loses nothing that was acknowledged while its processes are killed', async () => {
    await begin();
    const { acknowledged } = await killRounds(3, 5, { isOverNats: true });
    expect(acknowledged).to.be.above(10);
  });
});
