import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { outcomeOf, text } from '../client/session-world.js';
import { nextEvent } from './events-of.js';

describe('cluster on threads, in memory', () => {
  let cluster: RaftCluster;
  let store: KeyValueClient;
  before(async () => {
    cluster = await RaftCluster.start({ nodes: 3, learners: 1, leader: 1, seed: 5 });
    store = new KeyValueClient(cluster);
  });
  after(() => cluster.close());

  it('elects the leader it was asked to', async () => {
    expect(await cluster.waitForLeader()).to.deep.include({ id: 1 });
    expect(cluster.leader()).to.deep.include({ id: 1 });
    expect((await cluster.infos()).map(({ role }) => role)).to.deep.equal([
      'follower',
      'leader',
      'follower',
      'learner',
    ]);
  });

  it('replicates a command and reads it from every node, learners too', async () => {
    await store.put('colour', 'blue');
    for (const node of cluster.ids) expect(await store.get('colour', { node })).to.equal('blue');
    expect(await store.get('colour')).to.equal('blue');
    expect(await store.get('colour', { consistency: 'stale', node: 1 })).to.equal('blue');
  });

  it('gives a node that was named the command, and its refusal names the leader', async () => {
    await cluster.waitForLeader();
    const error = await cluster.propose(text('x'), { node: 0 }).catch((refusal: unknown) => refusal);
    expect(error).to.include({ code: 'NOT_LEADER', leaderId: 1 });
  });

  it('gives back the log, opened', async () => {
    const records = await cluster.log(1);
    expect(records.map(({ kind }) => kind).slice(0, 2)).to.deep.equal(['noop', 'session']);
    expect(await cluster.log(1, 2, 2)).to.have.length(1);
  });

  it('finds the next leader for a command when the leader is stopped, and takes the old one back', async () => {
    const { id: first } = await cluster.waitForLeader();
    const stopped = nextEvent(cluster, 'nodeStopped');
    await cluster.stop(first);
    expect(await stopped).to.deep.equal({ id: first });
    expect(cluster.leader()).to.equal(null);
    expect((await cluster.info(first)).role).to.equal('dead');
    await store.put('colour', 'red');
    const { id: second, term } = await cluster.waitForLeader({ otherThan: first });
    await cluster.revive(first);
    expect((await cluster.info(first)).role).to.equal('follower');
    expect(await store.get('colour', { node: first })).to.equal('red');
    expect((await cluster.info(first)).leaderId).to.equal(second);
    expect((await cluster.info(first)).term).to.equal(term);
  });

  it('says that a command was not appended when no leader can be', async () => {
    const { id: leader } = await cluster.waitForLeader();
    const lost = nextEvent(cluster, 'stateChanged', ({ state }) => state === 'quorumLost');
    const others = cluster.ids.filter((id) => id < 3 && id !== leader);
    await cluster.stop(leader);
    await cluster.stop(others[0]!);
    await lost;
    expect(await outcomeOf(store.put('colour', 'grey', { timeoutMs: 200 }))).to.equal('QUORUM_UNAVAILABLE');
    expect(await outcomeOf(store.get('colour', { timeoutMs: 200 }))).to.equal('QUORUM_UNAVAILABLE');
    expect(await outcomeOf(cluster.waitForLeader({ timeoutMs: 50 }))).to.equal('TIMEOUT');
    expect(await outcomeOf(store.get('colour', { node: leader, consistency: 'stale' }))).to.equal(
      'NODE_DEAD',
    );
    await cluster.revive(leader);
    await cluster.revive(others[0]!);
    expect(await store.get('colour')).to.equal('red');
  });

  it('carries a partition: the smaller part has no leader, and learns the truth when it heals', async () => {
    const { id: leader } = await cluster.waitForLeader();
    const partitioned = nextEvent(cluster, 'partitioned');
    cluster.isolate(leader);
    const others = cluster.ids.filter((id) => id !== leader);
    const groups = leader === 0 ? [[leader], others] : [others, [leader]];
    expect(await partitioned).to.deep.equal({ groups });
    await cluster.waitForLeader({ otherThan: leader });
    await store.put('colour', 'green');
    cluster.heal();
    expect(await store.get('colour', { node: leader })).to.equal('green');
    expect((await cluster.networkCounters()).total.cut).to.be.greaterThan(0);
  });

  it('keeps a node from standing that may not, and remembers', async () => {
    const { id: leader } = await cluster.waitForLeader();
    const others = [0, 1, 2].filter((id) => id !== leader);
    await cluster.setCandidacy(others[0]!, false);
    expect((await cluster.info(others[0]!)).candidacy).to.equal(false);
    await cluster.stop(leader);
    expect((await cluster.waitForLeader({ otherThan: leader })).id).to.equal(others[1]);
    await cluster.revive(leader);
    await cluster.setCandidacy(others[0]!, true);
    expect(await outcomeOf(cluster.setCandidacy(3, true))).to.equal('INVALID_OPTION');
  });

  it('produces blocks while it is told to', async () => {
    await cluster.waitForLeader();
    cluster.produceBlocks(5);
    const { height } = await nextEvent(cluster, 'committed');
    await nextEvent(cluster, 'committed', (event) => event.height >= height + 3);
    cluster.produceBlocks('off');
    expect(() => cluster.produceBlocks(-1)).to.throw(/intervalMs is -1/);
  });

  it('refuses nodes that do not exist, and commands that are too large', async () => {
    expect(await outcomeOf(cluster.info(9))).to.equal('INVALID_OPTION');
    expect(await outcomeOf(cluster.propose(text('x'), { node: 9 }))).to.equal('INVALID_OPTION');
    expect(() => cluster.partition([[0, 9]])).to.throw(/no node 9/);
    expect(await outcomeOf(cluster.propose(new Uint8Array(2 ** 20 + 1)))).to.equal('COMMAND_TOO_LARGE');
  });

  it('says what is so of a node that is stopped or revived twice, and tells of no event', async () => {
    const events: string[] = [];
    const stopped = () => events.push('stopped');
    const revived = () => events.push('revived');
    cluster.events.on('nodeStopped', stopped).on('nodeRevived', revived);
    const id = cluster.leader()?.id === 1 ? 2 : 1;
    expect(await cluster.revive(id)).to.equal(false);
    expect(await cluster.stop(id)).to.equal(true);
    expect(await cluster.stop(id)).to.equal(false);
    expect(await cluster.restart(id), 'its thread runs').to.equal(false);
    expect((await cluster.info(id)).role).to.equal('dead');
    expect(await cluster.revive(id)).to.equal(true);
    expect(await cluster.revive(id)).to.equal(false);
    cluster.events.off('nodeStopped', stopped).off('nodeRevived', revived);
    expect(events).to.deep.equal(['stopped', 'revived']);
  });

  it('changes all links of a node at once, and tells of it once', async () => {
    const changes: unknown[] = [];
    const changed = (change: unknown) => changes.push(change);
    cluster.events.on('linkChanged', changed);
    cluster.setLinksOf(2, { loss: 0.5 });
    cluster.events.off('linkChanged', changed);
    expect(changes).to.deep.equal([{ change: { loss: 0.5 }, of: 2, from: undefined, to: undefined }]);
    const lossy = cluster.network().links.filter(({ policy }) => policy.loss === 0.5);
    expect(lossy).to.have.length(2 * (cluster.ids.length - 1));
    expect(lossy.every(({ from, to }) => from === 2 || to === 2)).to.equal(true);
    expect(() => cluster.setLinksOf(9, { loss: 0 })).to.throw(/no node 9/);
    cluster.setLinksOf(2, { loss: 0 });
    expect(cluster.network().links).to.deep.equal([]);
  });

  it('does not bring back empty a node that crashed without a disk', async () => {
    const crashed = nextEvent(cluster, 'nodeCrashed');
    const { lastLogIndex } = await cluster.info(3);
    await cluster.crash(3);
    expect(await crashed).to.deep.equal({ id: 3 });
    expect(await cluster.info(3)).to.include({ role: 'dead', state: 'crashed' });
    expect((await cluster.info(3)).lastLogIndex).to.be.at.least(lastLogIndex);
    expect(await outcomeOf(cluster.restart(3))).to.equal('MEMORY_LOST');
    expect(await outcomeOf(cluster.revive(3))).to.equal('NODE_DEAD');
    expect(await outcomeOf(cluster.log(3))).to.equal('NODE_DEAD');
    expect(await outcomeOf(cluster.propose(text('x'), { node: 3 }))).to.equal('NODE_DEAD');
    await store.put('colour', 'white');
  });

  it('has a command applied once that the leader had when it crashed; one for that node alone is unknown', async () => {
    const { id: leader } = await cluster.waitForLeader();
    // The leader can send and hear nothing, so the commands are appended there and never committed.
    cluster.isolate(leader);
    await cluster.networkCounters();
    const { lastLogIndex } = await cluster.info(leader);
    const outcome = store.increment('crashes');
    const unknown = outcomeOf(store.increment('crashes', 10, { node: leader }));
    while ((await cluster.info(leader)).lastLogIndex < lastLogIndex + 2);
    await cluster.crash(leader);
    expect(await unknown).to.equal('OUTCOME_UNKNOWN');
    expect((await outcome).value).to.equal(1);
    expect(await store.get('crashes')).to.equal('1');
  });

  it('is closed once and for all', async () => {
    const waiting = outcomeOf(cluster.waitForLeader({ otherThan: cluster.ids }));
    await Promise.all([cluster.close(), cluster.close()]);
    expect(await waiting).to.equal('CLOSED');
    expect(await outcomeOf(store.put('colour', 'none'))).to.equal('CLOSED');
    expect(await outcomeOf(store.get('colour'))).to.equal('CLOSED');
    expect(await outcomeOf(cluster.info(0))).to.equal('CLOSED');
    expect(() => cluster.heal()).to.throw(/closed/);
  });
});
