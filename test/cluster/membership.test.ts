import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { keyValueModule } from '../../src/application/key-value/module.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';

/** Long enough for a machine that has much else to do. */
const timings = { electionTimeoutMsMin: 400, electionTimeoutMsMax: 800, heartbeatMs: 100 };
const application = { module: keyValueModule };
const command = new TextEncoder().encode('anything');

/** Proposes without pause until told to end; gives how many were taken. */
function load(cluster: RaftCluster): () => Promise<number> {
  let isOver = false;
  let taken = 0;
  const work = (async () => {
    while (!isOver) {
      try {
        await cluster.propose(command, { timeoutMs: 30_000 });
        taken++;
      } catch (error) {
        // A leader that is removed may not live to learn what became of its last commands.
        if ((error as { code?: string }).code !== 'OUTCOME_UNKNOWN') throw error;
      }
    }
  })();
  return async () => {
    isOver = true;
    await work;
    return taken;
  };
}

async function membersOf(cluster: RaftCluster) {
  const { id } = await cluster.waitForLeader({ timeoutMs: 30_000 });
  return (await cluster.info(id)).configuration;
}

describe('A cluster whose members come and go', function () {
  this.timeout(120_000);

  it('grows, replaces and shrinks under load, and what was taken is on all that are left', async () => {
    const cluster = await RaftCluster.start({ nodes: 1, application, timings });
    try {
      const changes: unknown[] = [];
      cluster.events.on('membersChanged', (members) => changes.push(members));
      const end = load(cluster);
      await cluster.addMember(1);
      await cluster.addMember(2, { learner: true });
      expect(await membersOf(cluster)).deep.equal({ voters: [0, 1], votersOutgoing: [], learners: [2] });
      await cluster.promote(2);
      await cluster.replaceMember(0, 3);
      expect(cluster.ids).deep.equal([1, 2, 3]);
      expect(await membersOf(cluster)).deep.equal({ voters: [1, 2, 3], votersOutgoing: [], learners: [] });
      await cluster.removeMember(1);
      expect(cluster.ids).deep.equal([2, 3]);
      const taken = await end();
      expect(taken).above(0);
      expect(changes).not.deep.equal([]);
      await cluster.propose(command, { timeoutMs: 30_000 });
      expect((await membersOf(cluster)).voters).deep.equal([2, 3]);
    } finally {
      await cluster.close();
    }
  });

  it('hands leadership over by command and to whom is preferred, and refuses what cannot be', async () => {
    const cluster = await RaftCluster.start({ nodes: 3, learners: 1, application, timings });
    try {
      const before = await cluster.waitForLeader({ timeoutMs: 30_000 });
      await cluster.ready({ timeoutMs: 30_000 });
      const to = [0, 1, 2].find((id) => id !== before.id) as number;
      expect((await cluster.transferLeadership(to, { timeoutMs: 30_000 })).id).equal(to);
      await cluster.ready({ timeoutMs: 30_000 });
      const refused = await cluster.transferLeadership(3).catch((error: { code: string }) => error.code);
      expect(refused).equal('TRANSFER_FAILED');
      const unknown = await cluster.promote(9).catch((error: { code: string }) => error.code);
      expect(unknown).equal('NOT_A_MEMBER');
      await cluster.setPriority(before.id, 1);
      while (cluster.leader()?.id !== before.id) {
        await cluster.waitForLeader({ otherThan: to, timeoutMs: 30_000 });
      }
      await cluster.propose(command, { timeoutMs: 30_000 });
    } finally {
      await cluster.close();
    }
  });

  it('starts again with the members that it had, those that were added among them', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'conclave-members-'));
    const options = { nodes: 1, application, timings, storage: { kind: 'disk', directory } } as const;
    try {
      const first = await RaftCluster.start(options);
      await first.addMember(1);
      await first.propose(command, { timeoutMs: 30_000 });
      await first.close();
      const again = await RaftCluster.start(options);
      try {
        await again.propose(command, { timeoutMs: 60_000 });
        expect(again.ids).deep.equal([0, 1]);
        expect((await membersOf(again)).voters).deep.equal([0, 1]);
      } finally {
        await again.close();
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
