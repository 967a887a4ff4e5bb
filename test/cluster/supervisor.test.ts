import type { Worker } from 'node:worker_threads';
import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import { ClusterEvents } from '../../src/client/events.js';
import { ClusterFailedError } from '../../src/cluster/errors.js';
import { type ClusterStorage, resolveOptions } from '../../src/cluster/options.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { Supervisor } from '../../src/cluster/supervisor.js';
import { ClosedError } from '../../src/ground/errors.js';
import { Random } from '../../src/ground/random.js';
import type { NodeId } from '../../src/raft/entry.js';
import { Gauge } from '../../src/router/gauge.js';
import { outcomeOf, text } from '../client/session-world.js';
import { VirtualClock } from '../router/virtual-clock.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';
import { nextEvent } from './events-of.js';
import { ScriptedLife, settled } from './scripted-life.js';

const electionTimeoutMsMax = 300;

/** Three nodes that do nothing of themselves, in virtual time; node 1 is wished for as the first leader. */
async function favouring() {
  const { started, lives, supervisor, clock, candidacies } = starting();
  for (const life of lives.values()) await life.recover();
  await started;
  const told = (id: NodeId) => (lives.get(id) as ScriptedLife).posted;
  const campaigns = () => told(1).filter(({ type }) => type === 'campaign').length;
  const mayStand = () =>
    [0, 1, 2].map((id) => {
      const last = told(id).findLast((request) => request.type === 'setCandidacy');
      return last?.type === 'setCandidacy' ? last.allowed : candidacies[id];
    });
  return { clock, lives, supervisor, campaigns, mayStand };
}

/** The same, before any of them has recovered. */
function starting(storage: ClusterStorage = { kind: 'memory' }) {
  const clock = new VirtualClock();
  const lives = new Map<NodeId, ScriptedLife>();
  const settings = resolveOptions({
    nodes: 3,
    leader: 1,
    candidates: [0, 1],
    storage,
    timings: { electionTimeoutMsMin: 150, electionTimeoutMsMax, heartbeatMs: 50 },
  });
  const candidacies: Record<number, boolean> = {};
  const events = new ClusterEvents();
  const network = new MortalNetwork();
  const supervisor = new Supervisor(settings, {
    clock,
    events,
    random: new Random(1),
    network,
    clients: { attach: () => new MessageChannel().port1 },
    launch: (task, listener) => {
      task.networkPort.close();
      task.clientPort.close();
      const life = new ScriptedLife(listener);
      candidacies[task.options.id] = task.options.candidacy;
      lives.set(task.options.id, life);
      return life;
    },
    hadLogs: false,
    isWatched: () => false,
    observed: () => {},
    leaderChanged: () => {},
    closing: () => {},
  });
  return { started: supervisor.start(), lives, supervisor, clock, candidacies, events, network };
}

/** A network that can die as the real one does: it takes nobody any more, and a little later its end is known. */
class MortalNetwork {
  isClosed = false;
  becomeEnded: (error: Error) => void = () => {};
  readonly ended = new Promise<Error | null>((resolve) => {
    this.becomeEnded = resolve;
  });

  attach() {
    if (this.isClosed) throw new ClosedError('The router');
    return { networkPort: new MessageChannel().port1, gauge: Gauge.allocate() };
  }

  async close(): Promise<void> {}
}

describe('supervisor', () => {
  it('asks the wished-for leader to stand once an election timeout, while nobody else may', async () => {
    const { clock, campaigns, mayStand } = await favouring();
    expect(campaigns()).to.equal(1);
    clock.pass(electionTimeoutMsMax * 5);
    expect(campaigns()).to.equal(6);
    expect(mayStand()).to.deep.equal([false, true, false]);
  });

  it('lets all candidates stand when the wish has not come true within ten election timeouts', async () => {
    const { clock, campaigns, mayStand } = await favouring();
    clock.pass(electionTimeoutMsMax * 10 - 1);
    expect(mayStand()).to.deep.equal([false, true, false]);
    clock.pass(1);
    expect(mayStand()).to.deep.equal([true, true, false]);
    const asked = campaigns();
    clock.pass(electionTimeoutMsMax * 10);
    expect(campaigns()).to.equal(asked);
  });

  it('lets all candidates stand as soon as the wish has come true', async () => {
    const { lives, supervisor, mayStand } = await favouring();
    const standing = { role: 'leader', state: 'leader', term: 1, leaderId: 1 } as const;
    lives.get(1)?.says({ type: 'roleChanged', ...standing });
    await settled();
    expect(supervisor.leader).to.deep.equal({ id: 1, term: 1 });
    expect(mayStand()).to.deep.equal([true, true, false]);
  });

  it('does not wait for nodes that hang when one cannot start, but kills them', async () => {
    const { started, lives } = starting();
    const outcome = outcomeOf(started);
    const [refused, ...hanging] = [...lives.values()] as [ScriptedLife, ...ScriptedLife[]];
    await refused.end(Object.assign(new Error('the directory is in use'), { code: 'DIRECTORY_LOCKED' }));
    expect(hanging.map(({ wasKilled }) => wasKilled)).to.deep.equal([true, true]);
    for (const life of hanging) await life.end(null);
    expect(await outcome).to.equal('DIRECTORY_LOCKED');
  });

  it('closes itself when the network dies while a node restarts, which finds no line any more', async () => {
    const directory = temporaryDirectory();
    const { started, lives, supervisor, clock, events, network } = starting({ kind: 'disk', directory });
    for (const life of lives.values()) await life.recover();
    await started;
    const failures: string[] = [];
    events.on('failed', ({ error }) => failures.push(error.message));
    await lives.get(0)?.end(new Error('out of luck'));
    network.isClosed = true;
    clock.pass(100);
    const restarted = outcomeOf(supervisor.members.get(0)?.restart() as Promise<boolean>);
    await settled();
    network.becomeEnded(new Error('out of memory'));
    await settled();
    for (const life of lives.values()) await life.end(null);
    await supervisor.close();
    expect(failures).to.deep.equal(['The network ended unexpectedly: out of memory.']);
    expect(supervisor.closed).to.be.instanceOf(ClusterFailedError);
    expect(await restarted).to.equal('CLOSED');
    removeDirectory(directory);
  });

  it('fails loudly when the thread of its network dies: with an event, and with the reason for every call', async () => {
    const threads: Worker[] = [];
    const note = (worker: Worker) => threads.push(worker);
    process.on('worker', note);
    const cluster = await RaftCluster.start({ nodes: 3 });
    process.off('worker', note);
    await cluster.waitForLeader();
    const failed = nextEvent(cluster, 'failed');
    const stopped = nextEvent(cluster, 'stateChanged', ({ state }) => state === 'stopped');
    const waiting = outcomeOf(cluster.waitForLeader({ otherThan: cluster.ids }));
    // The network is there before any node.
    void threads[0]?.terminate();
    const counted = outcomeOf(cluster.networkCounters());
    expect((await failed).error).to.include({ code: 'THREAD_ENDED' });
    expect(await Promise.all([waiting, counted])).to.deep.equal(['CLOSED', 'CLOSED']);
    await stopped;
    const refusal = await cluster.propose(text('x')).catch((error: Error) => error);
    expect(refusal).to.include({ code: 'CLOSED' });
    expect((refusal as Error).message).to.match(/failed and closed itself: The network ended/);
    expect(() => cluster.heal()).to.throw(/The network ended/);
    await cluster.close();
  });
});
