import type { Worker } from 'node:worker_threads';
import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import { ClusterEvents, type NodeFailure } from '../../src/client/events.js';
import { ClusterFailedError, StartFailedError } from '../../src/cluster/errors.js';
import { type ClusterStorage, resolveOptions } from '../../src/cluster/options.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { Supervisor } from '../../src/cluster/supervisor.js';
import { ClosedError, ConclaveError } from '../../src/ground/errors.js';
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
async function favouring(storage?: ClusterStorage) {
  const world = starting(storage);
  for (const life of world.lives.values()) await life.recover();
  await world.started;
  return world;
}

/** The same, before any of them has recovered. */
function starting(storage: ClusterStorage = { kind: 'memory' }) {
  const clock = new VirtualClock();
  const lives = new Map<NodeId, ScriptedLife>();
  const candidacies: Record<number, boolean> = {};
  const joinsAfter: Record<number, number | undefined> = {};
  const told = (id: NodeId) => (lives.get(id) as ScriptedLife).posted;
  const campaigns = () => told(1).filter(({ type }) => type === 'campaign').length;
  const mayStand = () =>
    [0, 1, 2].map((id) => {
      const last = told(id).findLast((request) => request.type === 'setCandidacy');
      return last?.type === 'setCandidacy' ? last.allowed : candidacies[id];
    });
  const settings = resolveOptions({
    nodes: 3,
    leader: 1,
    candidates: [0, 1],
    storage,
    timings: { electionTimeoutMsMin: 150, electionTimeoutMsMax, heartbeatMs: 50 },
  });
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
      joinsAfter[task.options.id] = task.options.joinsAfter;
      lives.set(task.options.id, life);
      return life;
    },
    members: { hadLog: () => false, haveLogs: () => {}, forget: () => {}, joined: [] },
    joined: () => {},
    parted: () => {},
    isWatched: () => false,
    observed: () => {},
    leaderChanged: () => {},
    closing: () => {},
  });
  const started = supervisor.start();
  return { started, lives, supervisor, clock, events, network, campaigns, mayStand, joinsAfter };
}

function outermost(state: unknown): unknown {
  return typeof state === 'string' ? state : Object.keys(state as object)[0];
}

function stateOf(supervisor: Supervisor): unknown {
  return supervisor.chart.getSnapshot().value;
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
    const standing = {
      role: 'leader',
      state: 'alive.leader.authority.serving',
      term: 1,
      leaderId: 1,
    } as const;
    lives.get(1)?.says({ type: 'roleChanged', ...standing });
    await settled();
    expect(supervisor.leader).to.deep.equal({ id: 1, term: 1 });
    expect(mayStand()).to.deep.equal([true, true, false]);
  });

  it('lets all candidates stand when the wish came true before the last node had recovered', async () => {
    for (const state of ['serving', 'catchingUp']) {
      const { started, lives, supervisor, mayStand } = starting();
      await lives.get(1)?.recover();
      await lives.get(2)?.recover();
      const standing = { role: 'leader', term: 1, leaderId: 1 } as const;
      lives.get(1)?.says({ type: 'roleChanged', ...standing, state: `alive.leader.authority.${state}` });
      expect(stateOf(supervisor)).to.deep.equal({ starting: 'completing' });
      await lives.get(0)?.recover();
      await started;
      expect(supervisor.leader).to.deep.equal({ id: 1, term: 1 });
      expect(mayStand()).to.deep.equal([true, true, false]);
    }
  });

  it('serves when the leader does, and sends a leader nothing that has its log to apply', async () => {
    const { lives, supervisor } = await favouring();
    const stands = (state: string) => {
      const standing = { role: 'leader', term: 1, leaderId: 1 } as const;
      lives.get(1)?.says({ type: 'roleChanged', ...standing, state: `alive.leader.authority.${state}` });
      return { state: outermost(stateOf(supervisor)), addressee: supervisor.addressee };
    };
    expect(stands('establishing')).to.deep.equal({ state: 'electing', addressee: 1 });
    expect(stands('catchingUp')).to.deep.equal({ state: 'recovering', addressee: null });
    const progress = { commitIndex: 910_000, height: 340_000 };
    const recovery = { applied: 340_000, total: 910_000 };
    lives.get(1)?.says({ type: 'progress', ...progress, recovery });
    expect(supervisor.leader).to.deep.equal({ id: 1, term: 1 });
    expect(supervisor.readiness).to.deep.equal({
      leader: null,
      missing: 'node 1 leads and has applied 340,000 of 910,000 entries',
    });
    expect(stands('serving')).to.deep.equal({ state: 'serving', addressee: 1 });
    expect(supervisor.readiness).to.deep.equal({ leader: { id: 1, term: 1 } });
    expect(stands('catchingUp').state).to.equal('recovering');
    expect(stands('establishing').state).to.equal('electing');
  });

  it('tells about once a second how far a long recovery has come, and that it is done', async () => {
    const { lives, clock, events } = await favouring();
    const told: string[] = [];
    events.on('recovering', ({ id, applied, total }) => told.push(`${id}: ${applied}/${total}`));
    const says = (applied: number | null) => {
      const recovery = applied === null ? null : { applied, total: 900 };
      const height = applied ?? 900;
      lives.get(2)?.says({ type: 'progress', commitIndex: 900, height, recovery });
    };
    for (let applied = 100; applied <= 800; applied += 100) {
      clock.pass(300);
      says(applied);
    }
    says(null);
    says(null);
    expect(told).to.deep.equal(['2: 400/900', '2: 800/900', '2: 900/900']);
  });

  const reason = (code: string) => new ConclaveError(code, `It is ${code}.`);

  it('starts without the nodes that fail, when a majority is there and nobody is waited for', async () => {
    const { started, lives, supervisor, events } = starting();
    const told: NodeFailure[] = [];
    events.on('nodeFailed', (failure) => told.push(failure));
    await lives.get(0)?.recover();
    await lives.get(2)?.end(reason('WAL_DAMAGED'));
    expect(stateOf(supervisor)).to.deep.equal({ starting: 'gathering' });
    await lives.get(1)?.recover();
    await started;
    expect(supervisor.failures.map(({ id, error }) => [id, error.message])).to.deep.equal([
      [2, 'It is WAL_DAMAGED.'],
    ]);
    expect(told).to.deep.equal(supervisor.failures);
  });

  it('waits two seconds for the nodes that a majority can do without, and hears of them when they come', async () => {
    const { started, lives, supervisor, clock, events } = starting();
    const late: NodeId[] = [];
    events.on('nodeStarted', ({ id }) => late.push(id));
    let isStarted = false;
    void started.then(() => {
      isStarted = true;
    });
    for (const id of [0, 2]) await lives.get(id)?.recover();
    clock.pass(1999);
    await settled();
    expect({ state: stateOf(supervisor), isStarted }).to.deep.equal({
      state: { starting: 'completing' },
      isStarted: false,
    });
    clock.pass(1);
    await started;
    expect(supervisor.failures).to.deep.equal([]);
    expect(supervisor.members.get(1)?.known).to.include({ role: 'dead', state: 'starting' });
    await lives.get(1)?.recover();
    expect(late).to.deep.equal([0, 2, 1]);
  });

  it('is refused when no majority can recover, with the reason of each node that gave one', async () => {
    const { started, lives, clock } = starting();
    const refused = started.catch((error: unknown) => error);
    await lives.get(0)?.end(reason('WAL_DAMAGED'));
    await lives.get(2)?.end(reason('LOG_LOST'));
    clock.pass(1999);
    const hanging = lives.get(1) as ScriptedLife;
    expect(hanging.wasKilled).to.equal(false);
    clock.pass(1);
    expect(hanging.wasKilled).to.equal(true);
    for (const life of lives.values()) await life.end(null);
    const error = (await refused) as StartFailedError;
    expect(error).to.be.instanceOf(StartFailedError).and.include({ code: 'START_FAILED' });
    expect(error.message.split('\n    ').slice(1)).to.deep.equal([
      'node 0: It is WAL_DAMAGED.',
      'node 2: It is LOG_LOST.',
      'node 1 is still at it.',
    ]);
  });

  it('is refused at once when every node was, and for what they all were', async () => {
    for (const [codes, expected] of [
      [['DIRECTORY_LOCKED', 'DIRECTORY_LOCKED', 'DIRECTORY_LOCKED'], 'DIRECTORY_LOCKED'],
      [['DIRECTORY_LOCKED', 'DIRECTORY_LOCKED', 'WRONG_CLUSTER'], 'START_FAILED'],
      [['WAL_DAMAGED', 'WAL_DAMAGED', 'WAL_DAMAGED'], 'START_FAILED'],
    ] as const) {
      const { started, lives } = starting();
      const outcome = outcomeOf(started);
      for (const id of [0, 1, 2]) await lives.get(id)?.end(reason(codes[id] as string));
      expect(await outcome).to.equal(expected);
    }
  });

  it('starts after all when one that failed recovers at its second try, while the others are heard', async () => {
    const { started, lives, clock } = starting();
    for (const id of [0, 2]) await lives.get(id)?.end(reason('DIRECTORY_LOCKED'));
    clock.pass(100);
    await settled();
    await lives.get(0)?.recover();
    await lives.get(1)?.recover();
    await started;
  });

  it('shows whether every voter runs while a majority serves', async () => {
    const { lives, supervisor, clock } = await favouring({ kind: 'disk', directory: temporaryDirectory() });
    lives.get(1)?.says({
      type: 'roleChanged',
      role: 'leader',
      state: 'alive.leader.authority.serving',
      term: 1,
      leaderId: 1,
    });
    expect(stateOf(supervisor)).to.deep.equal({ serving: 'whole' });
    await lives.get(2)?.end(reason('THREAD_ENDED'));
    expect(stateOf(supervisor)).to.deep.equal({ serving: 'reduced' });
    clock.pass(100);
    await settled();
    expect(stateOf(supervisor), 'it has not recovered').to.deep.equal({ serving: 'reduced' });
    await lives.get(2)?.recover();
    expect(stateOf(supervisor)).to.deep.equal({ serving: 'whole' });
    await lives.get(0)?.end(reason('THREAD_ENDED'));
    await lives.get(2)?.end(reason('THREAD_ENDED'));
    expect(stateOf(supervisor)).to.equal('quorumLost');
  });

  it('knows no leader again whom a later term has deposed', async () => {
    const { lives, supervisor } = await favouring();
    const leads = (id: NodeId, term: number) =>
      lives.get(id)?.says({
        type: 'roleChanged',
        role: 'leader',
        state: 'alive.leader.authority.serving',
        term,
        leaderId: id,
      });
    leads(0, 4);
    leads(1, 5);
    expect(supervisor.leader).to.deep.equal({ id: 1, term: 5 });
    await lives.get(1)?.end(reason('THREAD_ENDED'));
    expect(supervisor.leader, 'node 0 is cut off and has not heard').to.equal(null);
    leads(2, 6);
    expect(supervisor.leader).to.deep.equal({ id: 2, term: 6 });
  });

  it('tells a node that is added how far the log had come by then, each time that it is', async () => {
    const { lives, supervisor, joinsAfter } = await favouring();
    for (const commitIndex of [10, 20]) {
      lives.get(0)?.says({ type: 'progress', commitIndex, height: commitIndex, recovery: null });
      const joined = supervisor.join(3);
      await lives.get(3)?.recover();
      await joined;
      expect(joinsAfter[3]).to.equal(commitIndex);
      const left = supervisor.part(3);
      await lives.get(3)?.end(null);
      await left;
    }
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
