import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { RaftClient } from '../../src/client/raft-client.js';
import { AccessDeniedError, InvalidOptionError, TimeoutError } from '../../src/ground/errors.js';
import { MemberExistsError, WrongServerError } from '../../src/server/errors.js';
import { RaftServer } from '../../src/server/raft-server.js';
import { briskLimits } from '../router/carriers/carrier-peer.js';
import { freePorts, ServerWorld } from './server-world.js';

/*
 * Members that come, go and move while the cluster serves. What would be lost if it were wrong: a vote that is given
 * twice under one number, a member that nobody answers, a machine that cannot be replaced.
 */
describe('members of a cluster of processes', function () {
  this.timeout(120_000);
  let world: ServerWorld;
  let operator: RaftClient;

  const server = (id: number) => world.servers.get(id)!;
  const joins = (...by: number[]) => ({ members: undefined, join: by.map((id) => world.members[id]!) });
  const written = (id: number) =>
    JSON.parse(readFileSync(join(world.directory, `data-${id}`, 'server.json'), 'utf8'));
  const failure = (started: RaftServer) =>
    new Promise<Error>((resolve) => started.events.once('failed', ({ error }) => resolve(error)));

  async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  beforeEach(async () => {
    const [first, second, third, ...others] = await freePorts(5);
    world = new ServerWorld({ 1: `127.0.0.1:${first}`, 2: `127.0.0.1:${second}`, 3: `127.0.0.1:${third}` });
    await world.startAll();
    for (const [at, port] of others.entries()) world.members[4 + at] = `127.0.0.1:${port}`;
    operator = await RaftClient.connect(world.members[2]!, {
      cluster: 'shop',
      role: 'operator',
      limits: briskLimits,
      timeoutMs: 20_000,
    });
  });
  afterEach(async () => {
    await operator.close();
    await world.end();
  });

  it('come as learners and get a vote, take the place of others, and may come back with nothing', async () => {
    const store = new KeyValueClient(operator);
    await store.put('colour', 'blue', { timeoutMs: 20_000 });
    const fourth = await world.start(4, joins(3));
    await fourth.ready({ timeoutMs: 30_000 });
    await until(() => fourth.configuration?.voters.includes(4) === true);
    expect(await new KeyValueClient(fourth).get('colour')).to.equal('blue');
    await until(() => written(4).joining === null);
    expect(written(4).voters).to.deep.equal([1, 2, 3]);
    expect(written(4).former).to.include(4);

    // The client was told of one, and follows.
    await operator.removeMember(1, { timeoutMs: 30_000 });
    await until(async () => (await operator.infos()).map(({ id }) => id).join() === '2,3,4');
    expect(operator.ids).to.deep.equal([2, 3, 4]);
    await until(async () => (await server(1).info()).role === 'removed');

    // Its disk is lost, and it comes again under its number: the others forget what the former one promised.
    await world.stop(1);
    rmSync(join(world.directory, 'data-1'), { recursive: true });
    const first = await world.start(1, joins(4, 2));
    await until(() => first.configuration?.voters.includes(1) === true);
    expect(await new KeyValueClient(first).get('colour', { timeoutMs: 20_000 })).to.equal('blue');

    // A restart needs neither members nor join.
    await world.stop(1);
    await world.start(1, { members: undefined });
    await server(1).ready({ timeoutMs: 30_000 });
    expect(await operator.transferLeadership(1, { timeoutMs: 20_000 })).to.include({ id: 1 });
    expect((await server(3).snapshot(1)).index).to.be.above(1);

    // Another takes the place of one, in one change; that one is taken back with what it has.
    const fifth = await world.start(5, { ...joins(2), replaces: 3 });
    await fifth.ready({ timeoutMs: 30_000 });
    await until(() => written(5).joining === null);
    expect(fifth.configuration?.voters).to.deep.equal([1, 2, 4, 5]);
    await until(async () => (await server(3).info()).role === 'removed');
    await operator.addMember(3, { address: world.members[3]!, timeoutMs: 30_000 });
    await until(() => server(3).configuration?.voters.length === 5);
    await server(3).ready({ timeoutMs: 30_000 });
    expect(await new KeyValueClient(server(3)).get('colour')).to.equal('blue');
  });

  it('are asked for in any process, by those who may', async () => {
    const writer = await world.connect([world.members[3]!]);
    const roles = (await writer.infos()).map(({ role }) => role);
    expect(roles, 'members that it was told of just now').to.have.length(3).and.not.include('dead');
    for (const call of [
      () => writer.removeMember(3),
      () => writer.transferLeadership(),
      () => writer.snapshot(1),
    ]) {
      expect(await call().catch((error: unknown) => error)).to.be.instanceOf(AccessDeniedError);
    }
    expect(await operator.promote(1, { timeoutMs: 0 }).catch((error: unknown) => error)).to.be.instanceOf(
      InvalidOptionError,
    );
    const light = await world.start(5, { ...joins(1), learner: true });
    await until(() => light.configuration?.learners.includes(5) === true);
    await until(() => written(5).joining === null);
    const follower = [1, 2, 3].find((id) => server(id).leader()?.id !== id)!;
    await server(follower).promote(5, { timeoutMs: 30_000 });
    // The leader has it committed; the follower learns of it with the next that it hears.
    await until(async () => (await server(follower).info()).configuration.voters.includes(5));
    await server(follower).setPriority(5, 3, { timeoutMs: 20_000 });
    await until(() => server(follower).leader()?.id === 5);
    const silent = light.replaceMember(3, 4, { address: world.members[4]!, timeoutMs: 500 });
    expect(await silent.catch((error: unknown) => error)).to.be.instanceOf(TimeoutError);
    expect((await server(1).info()).configuration.voters, 'one that does not answer').not.to.include(4);
  });

  it('join under no number that another bears, and only where there is a cluster', async () => {
    const other = await RaftServer.start({
      ...world.options(2, joins(1)),
      data: join(world.directory, 'other'),
      listen: world.members[4]!,
    });
    try {
      const error = await failure(other);
      expect(error).to.be.instanceOf(MemberExistsError);
      expect(error.message).to.match(/Node 2 is a member of cluster shop already.*"remove 2"/);
      expect((await operator.infos()).map(({ id }) => id)).to.deep.equal([1, 2, 3]);
    } finally {
      await other.close();
    }
    const started = (options: object) =>
      RaftServer.start({ ...world.options(4), ...options }).catch((error: unknown) => error);
    for (const options of [
      { join: [world.members[1]], members: world.members },
      { join: 'somewhere:1', members: undefined },
      { join: ['nowhere'], members: undefined },
      { learner: true },
      { replaces: 2 },
    ]) {
      expect(await started(options), JSON.stringify(options)).to.be.instanceOf(InvalidOptionError);
    }
    expect(await started({ id: 1, data: join(world.directory, 'data-2') })).to.be.instanceOf(
      WrongServerError,
    );
  });

  it('go on joining when they are started again in the midst of it, and find those who moved', async () => {
    const file = join(world.directory, 'data-4', 'server.json');
    const early = await world.start(4, joins(1, 2, 3));
    await until(() => early.clusterId !== null);
    await world.stop(4);
    // As an interruption leaves it that comes before the cluster has answered.
    writeFileSync(file, JSON.stringify({ ...written(4), joining: 'voter' }));
    await world.start(4, { members: undefined });
    await until(() => server(4).configuration?.voters.includes(4) === true);
    await until(() => written(4).joining === null);

    // One misses that another came, and that one leads: it is answered all the same.
    await operator.transferLeadership(4, { timeoutMs: 20_000 });
    await world.stop(3);
    await server(4).removeMember(1, { timeoutMs: 30_000 });
    await world.stop(1);
    const [port] = await freePorts(1);
    await world.start(3, { members: undefined, listen: `127.0.0.1:${port}` });
    await server(3).ready({ timeoutMs: 30_000 });
    await until(() => server(4).configuration?.addresses?.[3] === `127.0.0.1:${port}`);
    expect(written(4).members[3]).to.equal(`127.0.0.1:${port}`);
    expect(server(3).ids).to.deep.equal([2, 3, 4]);
  });

  it('start from what the format before wrote down', async () => {
    await world.stop(3);
    const { id, cluster, clusterId, members, former } = written(3);
    const file = join(world.directory, 'data-3', 'server.json');
    writeFileSync(file, JSON.stringify({ version: 1, id, cluster, clusterId, members, former }));
    // Whoever is named and is no member is none for that.
    await world.start(3, { members: world.members });
    await server(3).ready({ timeoutMs: 30_000 });
    expect(server(3).ids).to.deep.equal([1, 2, 3]);
    expect(written(3)).to.deep.include({ version: 2, voters: [1, 2, 3], joining: null });
  });
});
