import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { RaftClient } from '../../src/client/raft-client.js';
import { RemoteCluster } from '../../src/console/remote-cluster.js';
import { type ChaosOrder, chaosOrderIn } from '../../src/node/host/chaos-orders.js';
import { orderIn } from '../../src/node/host/orders.js';
import { briskLimits } from '../router/carriers/carrier-peer.js';
import { ServerWorld } from './server-world.js';

const refusal = (call: Promise<unknown>) =>
  call.then(
    () => 'nothing was refused',
    (error: { code?: string }) => error.code,
  );

describe('Orders of chaos', () => {
  it('are taken as they were given, and nothing else is', () => {
    const orders: ChaosOrder[] = [
      { type: 'partition', groups: [[1, 2], [3]] },
      { type: 'isolate', id: 3 },
      { type: 'cut', from: 1, to: 2 },
      { type: 'mend', from: 1, to: 2 },
      { type: 'heal' },
      { type: 'setLink', change: { loss: 0.5, distribution: 'normal' }, from: 1, to: undefined },
      { type: 'stop' },
      { type: 'revive' },
      { type: 'setCandidacy', allowed: false },
      { type: 'wiring' },
    ];
    for (const order of orders) expect(orderIn(order)).to.deep.equal(order);
    for (const wrong of [
      null,
      { type: 'partition', groups: [1] },
      { type: 'partition', groups: [[-1]] },
      { type: 'partition', groups: Array.from({ length: 257 }, () => []) },
      { type: 'isolate' },
      { type: 'cut', from: 1 },
      { type: 'setLink', change: [] },
      { type: 'setLink', change: { loss: {} } },
      { type: 'setLink', change: { loss: 1 }, from: 'a' },
      { type: 'setCandidacy', allowed: 1 },
      { type: 'crash' },
    ]) {
      expect(chaosOrderIn(wrong)).to.equal(null);
    }
  });
});

describe('Chaos among processes', function () {
  this.timeout(120_000);
  let world: ServerWorld;
  const clients: RaftClient[] = [];
  beforeEach(async () => {
    world = await ServerWorld.of([1, 2, 3]);
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await world.end();
  });

  async function connect(role: 'writer' | 'operator'): Promise<RaftClient> {
    const client = await RaftClient.connect(world.addresses, {
      cluster: 'shop',
      role,
      limits: briskLimits,
      timeoutMs: 20_000,
    });
    clients.push(client);
    await client.ready({ timeoutMs: 30_000 });
    return client;
  }

  async function until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  it('cuts off whoever leads, so that another does, and can still be ended by who ordered it', async () => {
    await world.startAll({ chaos: true });
    const client = await connect('operator');
    const store = new KeyValueClient(client);
    await store.put('colour', 'blue', { timeoutMs: 20_000 });
    const first = await client.ready({ timeoutMs: 20_000 });
    const others = [1, 2, 3].filter((id) => id !== first.id);
    expect(await client.chaos.partition([[first.id], others])).to.deep.equal([1, 2, 3]);
    expect((await client.chaos.network()).groups).to.deep.include.members([[first.id], others]);
    await until(async () => others.includes((await client.leader())?.id ?? -1));
    await store.put('colour', 'red', { timeoutMs: 20_000 });
    const cutOff = new KeyValueClient(world.servers.get(first.id)!);
    expect(await cutOff.get('colour', { node: first.id, consistency: 'stale' })).to.equal('blue');
    await client.chaos.heal();
    await until(async () => (await cutOff.get('colour', { node: first.id, consistency: 'stale' })) === 'red');
    expect((await client.chaos.network()).groups).to.deep.equal([[1, 2, 3]]);
  });

  it('is ordered from one of the processes, too, and kept by who sends over a link', async () => {
    await world.startAll({ chaos: true });
    const { chaos } = world.servers.get(1)!;
    await chaos.setLink({ latencyMsMin: 3, latencyMsMax: 5 }, undefined, 2);
    await chaos.cut(3, 1);
    const { links } = await chaos.network();
    const told = links.map(({ from, to, policy }) => [from, to, policy.latencyMsMax, policy.cut]);
    expect(told).to.deep.equal([
      [1, 2, 5, false],
      [3, 1, 0, true],
      [3, 2, 5, false],
    ]);
    await chaos.mend(3, 1);
    await chaos.setLinksOf(2, { latencyMsMin: 0, latencyMsMax: 0 });
    expect((await chaos.network()).links).to.deep.equal([]);
    expect(await refusal(chaos.cut(1, 9))).to.equal('INVALID_OPTION');
    expect(await refusal(chaos.setLink({ loss: 7 }))).to.equal('INVALID_OPTION');
  });

  it('stops a member and lets it take part again, and its candidacy is another matter', async () => {
    await world.startAll({ chaos: true });
    const client = await connect('operator');
    const { id } = await client.ready({ timeoutMs: 20_000 });
    const cluster = await RemoteCluster.over(client);
    try {
      expect([await cluster.stop(id), await cluster.stop(id)]).to.deep.equal([true, false]);
      expect(await client.info(id)).to.include({ role: 'dead', failure: null });
      await until(async () => ![undefined, id].includes((await client.leader())?.id));
      expect([await cluster.revive(id), await cluster.revive(id)]).to.deep.equal([true, false]);
      await until(async () => (await client.info(id)).role === 'follower');
      await cluster.isolate(id);
      expect(cluster.network().groups).to.have.length(2);
      await cluster.heal();
      expect(cluster.network().groups).to.deep.equal([[1, 2, 3]]);
    } finally {
      cluster.close();
    }
    const [barred] = [1, 2, 3].filter((each) => each !== id);
    await client.chaos.setCandidacy(barred!, false);
    expect((await client.info(barred!)).candidacy).to.equal(false);
  });

  it('is for operators, where the processes allow it', async () => {
    await world.startAll({ chaos: true });
    const writer = await connect('writer');
    expect(await refusal(writer.chaos.isolate(1))).to.equal('ACCESS_DENIED');
    await world.stop(3);
    await world.start(3, { chaos: undefined });
    await world.ready();
    const operator = await connect('operator');
    await until(async () => (await operator.info(3)).role !== 'dead');
    const error = await operator.chaos.stop(3).catch((reason: Error) => reason);
    expect(error).to.include({ code: 'CHAOS_NOT_ALLOWED' });
    expect((error as Error).message).to.include('--chaos');
    expect(await refusal(world.servers.get(3)!.chaos.heal())).to.equal('CHAOS_NOT_ALLOWED');
    expect((await operator.info(3)).role).to.not.equal('dead');
  });
});
