import { expect } from 'chai';
import { register } from 'prom-client';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { metricNames } from '../../src/cluster/metrics/metrics-text.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { InvalidOptionError } from '../../src/ground/errors.js';
import { readMetrics } from './read-metrics.js';

describe('The metrics of a cluster', () => {
  let cluster: RaftCluster;
  beforeEach(async () => {
    cluster = await RaftCluster.start({ nodes: 3, leader: 0 });
    await cluster.waitForLeader();
  });
  afterEach(() => cluster.close());

  const metrics = async () => readMetrics(await cluster.metrics());

  it('tell for each node what it does, under conventional names', async () => {
    const { id, term } = await cluster.waitForLeader();
    const store = new KeyValueClient(cluster);
    for (let nr = 0; nr < 20; nr++) await store.put('a', `${nr}`);
    await store.get('a');
    const follower = (id + 1) % 3;
    await cluster.propose(new Uint8Array(1), { node: follower }).catch(() => {});
    const { commitIndex } = await cluster.info(id);
    const text = await cluster.metrics();
    const found = readMetrics(text);
    expect([...found.types.keys()].toSorted()).to.deep.equal([...metricNames].toSorted());
    for (const [name, type] of found.types) {
      expect(name).to.match(/^conclave_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total'), name).to.equal(type === 'counter');
    }
    const node = `node="${id}"`;
    expect(found.value('conclave_role', node, 'role="leader"')).to.equal(1);
    expect(found.values('conclave_role', 'role="leader"').filter((value) => value === 1)).to.have.length(1);
    expect(found.value('conclave_term', node)).to.equal(term);
    expect(found.value('conclave_commit_index', node)).to.be.at.least(commitIndex);
    expect(found.value('conclave_elections_won_total', node)).to.be.at.least(1);
    expect(found.value('conclave_commands_applied_total', node)).to.equal(20);
    expect(found.value('conclave_reads_answered_total', node)).to.equal(1);
    expect(
      found.value('conclave_commands_refused_total', `node="${follower}"`, 'code="NOT_LEADER"'),
    ).to.equal(1);
    expect(found.values('conclave_follower_lag_entries', node)).to.have.length(2);
    expect(found.value('conclave_commit_duration_seconds_count', node)).to.be.at.least(10);
    expect(found.value('conclave_commit_duration_seconds_bucket', node, 'le="+Inf"')).to.equal(
      found.value('conclave_commit_duration_seconds_count', node),
    );
    expect(found.value('conclave_messages_sent_total', node, 'type="appendEntries"')).to.be.at.least(20);
    expect(found.value('conclave_network_frames_total', 'fate="delivered"')).to.be.at.least(40);
  });

  it('count what the network drops by its cause, and what of the buckets is below', async () => {
    cluster.isolate(2);
    await new KeyValueClient(cluster).put('a', 'b');
    const found = await metrics();
    expect(found.value('conclave_network_frames_total', 'fate="cut"')).to.be.at.least(1);
    const buckets = found.values('conclave_log_sync_duration_seconds_bucket', 'node="0"');
    expect(buckets).to.deep.equal(buckets.toSorted((a, b) => a - b));
    expect(buckets.at(-1)).to.be.at.least(1);
  });

  it('say that a node is down, and nothing else of it', async () => {
    await cluster.crash(1);
    const found = await metrics();
    expect(found.value('conclave_node_up', 'node="1"')).to.equal(0);
    expect(found.value('conclave_node_up', 'node="2"')).to.equal(1);
    expect(found.values('conclave_term', 'node="1"')).to.deep.equal([]);
  });

  it('are each cluster’s own, and none of the library’s global registry', async () => {
    const other = await RaftCluster.start({ nodes: 1 });
    try {
      const store = new KeyValueClient(cluster);
      for (let nr = 0; nr < 3; nr++) await store.put('a', `${nr}`);
      const found = readMetrics(await other.metrics());
      expect(found.values('conclave_node_up')).to.deep.equal([1]);
      expect(found.value('conclave_commands_total', 'node="0"')).to.equal(0);
      expect(register.getMetricsAsArray()).to.deep.equal([]);
    } finally {
      await other.close();
    }
    await other.metrics().then(
      () => expect.fail('A closed cluster measures nothing.'),
      (error) => expect(error).to.include({ code: 'CLOSED' }),
    );
  });
});

describe('The logger of a cluster', () => {
  it('is told what happens, as pino takes it', async () => {
    const lines: { level: string; fields: Record<string, unknown>; message: string }[] = [];
    const at = (level: string) => (fields: object, message: string) =>
      lines.push({ level, fields: fields as Record<string, unknown>, message });
    const logger = { info: at('info'), warn: at('warn'), error: at('error') };
    const cluster = await RaftCluster.start({ nodes: 3, logger });
    const { id, term } = await cluster.waitForLeader();
    await cluster.crash(id);
    cluster.isolate(id);
    await cluster.close();
    expect(lines).to.deep.include({
      level: 'info',
      fields: { event: 'leaderElected', id, term },
      message: 'another leader or term',
    });
    const crashed = lines.find(({ fields }) => fields.event === 'nodeCrashed');
    expect(crashed).to.deep.include({ level: 'warn', fields: { event: 'nodeCrashed', id } });
    expect(lines.map(({ fields }) => fields.event)).to.include('partitioned');
    expect(lines.at(-1)?.fields).to.deep.equal({ event: 'stateChanged', state: 'stopped' });
  });

  it('is refused when it is none', async () => {
    const logger = { info: () => {} } as never;
    await RaftCluster.start({ logger }).then(
      () => expect.fail('It is no logger.'),
      (error) => expect(error).to.be.instanceOf(InvalidOptionError),
    );
  });
});
