import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { put } from '../../src/application/key-value/commands.js';
import { sessionLimits } from '../../src/client/session-host.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { outcomeOf } from '../client/session-world.js';

const codeOf = (error: unknown) => (error as { code?: unknown }).code;

describe('a cluster that is asked for more than it can take', function () {
  this.timeout(60_000);
  const clients = sessionLimits.commandsMax + 1000;
  const command = put('colour', 'blue');
  let cluster: RaftCluster;
  before(async () => {
    cluster = await RaftCluster.start({ nodes: 1 });
    await cluster.waitForLeader();
  });
  after(() => cluster.close());

  it('answers clients that ask again at once whenever they are refused', async () => {
    let refusals = 0;
    const client = async () => {
      for (;;) {
        try {
          return await cluster.propose(command, { timeoutMs: 50_000 });
        } catch (error) {
          if (codeOf(error) !== 'OVERLOADED') throw error;
          refusals++;
        }
      }
    };
    const answers = await Promise.all(Array.from({ length: clients }, client));
    expect(answers).to.have.length(clients);
    expect(refusals).to.be.greaterThan(0);
  });

  it('has room for them in turn', async () => {
    let refusals = 0;
    const client = async () => {
      for (;;) {
        await cluster.room({ timeoutMs: 50_000 });
        try {
          return await cluster.propose(command, { timeoutMs: 50_000 });
        } catch (error) {
          if (codeOf(error) !== 'OVERLOADED') throw error;
          refusals++;
        }
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
    expect(refusals, 'all found room at first').to.be.lessThan(clients);
  });

  it('refuses what would fill the memory', async () => {
    await cluster.stop(0);
    const large = new Uint8Array(1024 * 1024);
    const outcomes = Array.from({ length: 3000 }, () =>
      outcomeOf(cluster.propose(large, { timeoutMs: 200 })),
    );
    const counts = new Map<unknown, number>();
    for (const outcome of await Promise.all(outcomes)) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    const fitting = sessionLimits.commandsBytesMax / large.length;
    expect([...counts]).to.deep.equal([
      ['QUORUM_UNAVAILABLE', fitting],
      ['OVERLOADED', 3000 - fitting],
    ]);
    const query = new Uint8Array(300 * 1024 * 1024);
    expect(await outcomeOf(cluster.read(query))).to.equal('QUERY_TOO_LARGE');
    await cluster.revive(0);
  });

  it('lets the process live when clients ask for ever after it is closed', async () => {
    await cluster.close();
    let isOver = false;
    const insist = async (ask: () => Promise<unknown>) => {
      let refusals = 0;
      for (; !isOver; refusals++) expect(await outcomeOf(ask())).to.equal('CLOSED');
      return refusals;
    };
    const loops = [
      insist(() => cluster.propose(command)),
      insist(() => cluster.read(command)),
      insist(() => cluster.room()),
      insist(() => cluster.info(0)),
      insist(() => cluster.waitForLeader()),
      insist(() => cluster.networkCounters()),
    ];
    await sleep(20);
    isOver = true;
    for (const refusals of await Promise.all(loops)) expect(refusals).to.be.greaterThan(0);
  });
});
