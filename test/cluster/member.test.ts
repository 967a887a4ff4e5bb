import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import { waitFor } from 'xstate';
import { ClientLines } from '../../src/client/client-lines.js';
import { Member } from '../../src/cluster/nodes/member.js';
import { NodeLife } from '../../src/cluster/nodes/node-life.js';
import { nodeTask } from '../../src/cluster/nodes/node-task.js';
import { type ClusterSettings, resolveOptions } from '../../src/cluster/options.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { SystemClock } from '../../src/ground/clock.js';
import { ApplicationError } from '../../src/ground/errors.js';
import type { NodeTask } from '../../src/node/host/protocol.js';
import { Gauge } from '../../src/router/gauge.js';
import { outcomeOf, text } from '../client/session-world.js';
import { VirtualClock } from '../router/virtual-clock.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';
import { deaf, ScriptedLife, settled } from './scripted-life.js';

const mortal = { module: new URL('./mortal-application.js', import.meta.url) };
const faulty = new URL('./faulty-application.js', import.meta.url);

/** A node whose threads live and die by script, in virtual time. */
class MemberWorld {
  readonly clock = new VirtualClock();
  readonly lives: ScriptedLife[] = [];
  readonly pausesMs: (number | null)[] = [];
  crashes = 0;
  /** What keeps a thread from being launched. */
  obstacle: Error | null = null;
  readonly member = new Member(2, 'follower', {
    ...deaf,
    clock: this.clock,
    task: () => {
      if (this.obstacle !== null) throw this.obstacle;
      return {} as NodeTask;
    },
    crashed: () => {
      this.crashes++;
    },
    launch: (_, listener) => {
      const life = new ScriptedLife(listener);
      this.lives.push(life);
      return life;
    },
    died: ({ restartInMs }) => void this.pausesMs.push(restartInMs),
    failed: ({ restartInMs }) => void this.pausesMs.push(restartInMs),
  });

  get life(): ScriptedLife {
    return this.lives.at(-1) as ScriptedLife;
  }

  async recover(): Promise<void> {
    await this.life.recover();
  }

  /** The thread dies of itself, and what was announced passes. */
  async die(): Promise<number> {
    await this.life.end(new Error('out of luck'));
    const pauseMs = this.pausesMs.at(-1) as number;
    const lives = this.lives.length;
    this.clock.pass(pauseMs - 1);
    expect(this.lives, 'not before its time').to.have.length(lives);
    this.clock.pass(1);
    expect(this.lives, 'at its time').to.have.length(lives + 1);
    return pauseMs;
  }
}

/** What a node that is alone in the world starts with. */
function taskOf(
  settings: ClusterSettings,
  clientPort = new MessageChannel().port1,
): Omit<NodeTask, 'hostPort'> {
  const line = { networkPort: new MessageChannel().port1, gauge: Gauge.allocate() };
  const life = { candidacy: true, seed: 1, owner: 'test', hadLog: false, line, clientPort };
  return nodeTask(0, settings, life);
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

describe('member: a node over all its lives', () => {
  it('pauses twice as long before each start that fails, up to five seconds', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    const pausesMs: number[] = [];
    for (let failure = 0; failure < 8; failure++) pausesMs.push(await world.die());
    expect(pausesMs).to.deep.equal([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  });

  it('forgives failures to a thread that lived for ten seconds, and not before', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    for (let failure = 0; failure < 3; failure++) await world.die();
    await world.recover();
    world.clock.pass(9_999);
    expect(await world.die()).to.equal(800);
    await world.recover();
    world.clock.pass(10_000);
    expect(await world.die()).to.equal(100);
  });

  it('asks a thread to close, kills it after two seconds, and waits no longer than five', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    await world.recover();
    const closed = outcomeOf(world.member.close());
    expect(world.life.posted.at(-1)).to.deep.equal({ type: 'close' });
    world.clock.pass(1_999);
    expect(world.life.wasKilled).to.equal(false);
    world.clock.pass(1);
    expect(world.life.wasKilled).to.equal(true);
    world.clock.pass(3_000);
    expect(await closed).to.equal('THREAD_STUCK');
  });

  it('keeps nothing of lives that are over, however many there were', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    await world.recover();
    const remains: WeakRef<Error>[] = [];
    const endAsKilled = () => {
      const error = new Error('killed');
      remains.push(new WeakRef(error));
      return world.life.end(error);
    };
    for (let crash = 0; crash < 3; crash++) {
      const crashed = world.member.crash();
      await settled();
      await endAsKilled();
      await crashed;
      world.lives.splice(0);
      const restarted = world.member.restart();
      await settled();
      await world.recover();
      await restarted;
    }
    await settled();
    collectGarbage();
    expect(remains.filter((error) => error.deref() !== undefined)).to.have.length(0);
  });

  it('kills at once a thread that is still recovering, and is closed when it is gone', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    const closed = outcomeOf(world.member.close());
    expect(world.life.wasKilled).to.equal(true);
    await world.life.end(null);
    expect(await closed).to.equal(undefined);
    expect(world.clock.timersWaiting).to.equal(0);
  });

  it('does not wait for ever for a node that does not do what it is told', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    await world.recover();
    const stopped = outcomeOf(world.member.tell({ type: 'stop' }, ({ role }) => role === 'dead'));
    const described = outcomeOf(world.member.describe());
    await world.recover();
    world.clock.pass(5_000);
    expect(await Promise.all([stopped, described])).to.deep.equal(['TIMEOUT', 'TIMEOUT']);
  });

  it('does what it is told next, though it could not do what it was told before', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    await world.recover();
    const crashed = world.member.crash();
    await settled();
    await world.life.end(null);
    await crashed;
    const stopped = world.member.tell({ type: 'stop' }, ({ role }) => role === 'dead');
    expect(await outcomeOf(stopped)).to.equal('NODE_DEAD');
    const restarted = outcomeOf(world.member.restart());
    await settled();
    await world.recover();
    expect(await restarted).to.equal(true);
  });

  it('says that a node crashes when it is killed, and is done when the thread is gone', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    await world.recover();
    let isDone = false;
    const crashed = world.member.crash().then(() => {
      isDone = true;
    });
    await settled();
    expect({ said: world.crashes, wasKilled: world.life.wasKilled, isDone }).to.deep.equal({
      said: 1,
      wasKilled: true,
      isDone: false,
    });
    await world.life.end(null);
    await crashed;
    await world.member.crash();
    expect(world.crashes, 'what is down does not crash').to.equal(1);
  });

  it('takes a thread that cannot be launched for one that died, and tries again', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    await world.recover();
    world.obstacle = new Error('no line');
    await world.life.end(new Error('out of luck'));
    world.clock.pass(100);
    await settled();
    world.obstacle = null;
    world.clock.pass(200);
    expect(world.pausesMs).to.deep.equal([100, 200]);
    await world.recover();
    expect(world.member.isAlive).to.equal(true);
  });

  const endless: [string, NodeTask['application']][] = [
    [
      'whose top-level await never settles',
      { module: new URL('./unsettled-application.js', import.meta.url) },
    ],
    ['that is promised for ever', { module: faulty, options: { never: 'settles' } }],
    ['whose making never returns', { module: faulty, options: { never: 'returns' } }],
  ];
  for (const [what, application] of endless) {
    it(`waits thirty seconds for an application ${what}, names it, and leaves no thread`, async () => {
      const clock = new VirtualClock();
      const settings = resolveOptions({ nodes: 1, application });
      const member = new Member(0, 'follower', {
        ...deaf,
        isDurable: false,
        clock,
        task: () => taskOf(settings),
        launch: (task, listener) => new NodeLife(task, listener),
      });
      const started = member.start().catch((error: unknown) => error);
      await waitFor(member.chart, (state) => state.matches({ active: { starting: 'loading' } }));
      clock.pass(29_999);
      expect(member.chart.getSnapshot().matches('active')).to.equal(true);
      clock.pass(1);
      const error = await started;
      expect(error).to.be.instanceOf(ApplicationError);
      expect((error as Error).message)
        .to.contain(String(application.module))
        .and.match(/within 30000 ms/);
      await waitFor(member.chart, (state) => state.matches('backingOff'));
      await member.close();
    });
  }

  it('answers for a node that still starts as it was last heard of, and asks it the rest once it listens', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    await world.recover();
    const standing = { role: 'learner', state: 'learner', term: 4, leaderId: null } as const;
    world.life.says({ type: 'roleChanged', ...standing });
    await world.die();
    expect(await world.member.describe()).to.include({ role: 'dead', state: 'starting', term: 4 });
    await world.member.settled();
    const log = world.member.log(1, 9);
    const revived = world.member.tell({ type: 'revive' }, ({ role }) => role !== 'dead');
    const stopped = outcomeOf(world.member.tell({ type: 'stop' }, ({ role }) => role === 'dead'));
    world.clock.pass(60_000);
    await settled();
    expect(world.life.posted).to.deep.equal([]);
    await world.recover();
    expect(await revived).to.equal(false);
    const asked = world.life.posted.find((request) => request.type === 'log');
    world.life.says({ type: 'records', request: asked?.request ?? -1, records: [], lastLogIndex: 0 });
    expect(await log).to.deep.equal([]);
    await settled();
    world.life.says({ type: 'roleChanged', ...standing, role: 'dead', state: 'dead' });
    expect(await stopped).to.equal(true);
  });

  it('answers what was asked of a node that dies before it listens', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    await world.recover();
    await world.die();
    const log = outcomeOf(world.member.log(1, 9));
    const stopped = outcomeOf(world.member.tell({ type: 'stop' }, ({ role }) => role === 'dead'));
    await world.life.end(new Error('out of luck'));
    expect(await Promise.all([log, stopped])).to.deep.equal(['NODE_DEAD', 'NODE_DEAD']);
  });

  it('hears an answer that came in time, though its own thread was busy until the time was over', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    await world.recover();
    const log = world.member.log(1, 1);
    await settled();
    const request = world.life.posted.findLast(({ type }) => type === 'log') as { request: number };
    // A busy thread runs its timers first, and then hears its messages.
    world.clock.setTimeout(() => {
      world.life.says({ type: 'records', request: request.request, records: [], lastLogIndex: 0 });
    }, 5000);
    world.clock.pass(5000);
    expect(await log).to.deep.equal([]);
  });

  it('gives up a thread that does not come to its program within thirty seconds', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    world.clock.pass(29_999);
    expect(world.life.gaveUp).to.equal(null);
    world.clock.pass(1);
    expect(world.life.gaveUp).to.equal('launching after 30000');
  });

  for (const part of ['launching', 'loading'] as const) {
    it(`starts a node three times that hangs while ${part}, and then leaves it down until it is restarted`, async () => {
      const world = new MemberWorld();
      void outcomeOf(world.member.start());
      const hang = async () => {
        if (part === 'loading') world.life.begins('loading');
        world.clock.pass(30_000);
        expect(world.life.gaveUp).to.equal(`${part} after 30000`);
        await world.life.end(new ApplicationError('It could not be made within 30000 ms.'));
      };
      for (const pauseMs of [100, 200]) {
        await hang();
        expect(world.pausesMs.at(-1)).to.equal(pauseMs);
        world.clock.pass(pauseMs);
      }
      await hang();
      expect(world.pausesMs).to.deep.equal([100, 200, null]);
      expect(world.member.failure).to.deep.include({ id: 2, restartInMs: null });
      expect(world.member.failure?.error.message).to.match(/could not be made within/);
      world.clock.pass(3_600_000);
      expect(world.lives).to.have.length(3);
      const restarted = world.member.restart();
      await settled();
      expect(world.lives).to.have.length(4);
      await world.recover();
      expect(await restarted).to.equal(true);
      expect(world.member.failure).to.equal(null);
    });
  }

  it('starts a node that hung once as often as any other when it dies of something else', async () => {
    const world = new MemberWorld();
    void outcomeOf(world.member.start());
    world.clock.pass(30_000);
    await world.life.end(new ApplicationError('It was not running after 30000 ms.'));
    world.clock.pass(100);
    const pausesMs: number[] = [];
    for (let failure = 0; failure < 4; failure++) pausesMs.push(await world.die());
    expect(pausesMs).to.deep.equal([200, 400, 800, 1600]);
  });

  it('does not take a long recovery for an application that hangs', async () => {
    const world = new MemberWorld();
    const started = outcomeOf(world.member.start());
    world.life.begins('loading');
    world.clock.pass(29_999);
    world.life.begins('recovering');
    world.clock.pass(3_600_000);
    await world.recover();
    expect(await started).to.equal(undefined);
    expect(world.life.gaveUp).to.equal(null);
  });

  it('restarts a thread that has filled its memory, and says so', async () => {
    const directory = temporaryDirectory();
    const settings = resolveOptions({
      nodes: 1,
      application: mortal,
      storage: { kind: 'disk', directory, segmentBytes: 64 * 1024 },
    });
    const heap = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 };
    let restarted = () => {};
    const isBack = new Promise<void>((resolve) => {
      restarted = resolve;
    });
    const deaths: string[] = [];
    const lines = ClientLines.toThreads({ hear: () => {}, nodeEnded: () => {} });
    const member = new Member(0, 'follower', {
      ...deaf,
      clock: new SystemClock(),
      task: () => taskOf(settings, lines.attach(0)),
      launch: (task, listener) => new NodeLife(task, listener, heap),
      died: ({ error, restartInMs }) => void deaths.push(`${error.message} ${restartInMs}`),
      ready: (_, isFirst) => {
        if (!isFirst) restarted();
      },
    });
    await member.start();
    lines.post(0, { type: 'read', request: 0, query: text('exhaust'), consistency: 'stale' });
    await isBack;
    expect(deaths).to.have.length(1);
    expect(deaths[0]).to.match(/node 0 .*memory.* 100$/);
    await member.close();
    removeDirectory(directory);
  });

  it('gives up on a thread that hangs outside JavaScript, and says what to do', async () => {
    const directory = temporaryDirectory();
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const cluster = await RaftCluster.start({ nodes: 1, application: mortal });
    const outcome = await outcomeOf(cluster.propose(text(`read ${pipe}`), { timeoutMs: 1000 }));
    expect(outcome).to.equal('OUTCOME_UNKNOWN');
    const closed = await cluster.close().catch((error: Error) => error.message);
    // A writer that comes and goes sets the thread free. (Opened for both, a pipe never blocks its opener.)
    closeSync(openSync(pipe, 'r+'));
    expect(closed).to.match(/node 0 hangs .* kill -9/);
    removeDirectory(directory);
  });
});
