import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import { SystemClock } from '../../src/clock/system-clock.js';
import { Member } from '../../src/cluster/nodes/member.js';
import { NodeLife } from '../../src/cluster/nodes/node-life.js';
import { nodeTask } from '../../src/cluster/nodes/node-task.js';
import { resolveOptions } from '../../src/cluster/options.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import type { NodeTask } from '../../src/node/host/protocol.js';
import { Gauge } from '../../src/router/gauge.js';
import { VirtualClock } from '../router/virtual-clock.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';
import { ScriptedLife, settled } from './scripted-life.js';
import { outcomeOf, text } from './session-world.js';

const mortal = { module: new URL('./mortal-application.js', import.meta.url) };
const deaf = {
  isDurable: true,
  firstRequests: () => [],
  replied: () => {},
  standingChanged: () => {},
  progressed: () => {},
  ready: () => {},
  ended: () => {},
  died: () => {},
  crashed: () => {},
};

/** A node whose threads live and die by script, in virtual time. */
class MemberWorld {
  readonly clock = new VirtualClock();
  readonly lives: ScriptedLife[] = [];
  readonly pausesMs: (number | null)[] = [];
  readonly member = new Member(2, 'follower', {
    ...deaf,
    clock: this.clock,
    task: () => ({}) as NodeTask,
    launch: (_, heard) => {
      const life = new ScriptedLife(heard);
      this.lives.push(life);
      return life;
    },
    died: (_, restartInMs) => this.pausesMs.push(restartInMs),
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
    const member = new Member(0, 'follower', {
      ...deaf,
      clock: new SystemClock(),
      task: () => {
        const line = { networkPort: new MessageChannel().port1, gauge: Gauge.allocate() };
        return nodeTask(0, settings, { candidacy: true, seed: 1, owner: 'test', line });
      },
      launch: (task, heard) => new NodeLife(task, heard, heap),
      died: ({ message }, restartInMs) => deaths.push(`${message} ${restartInMs}`),
      ready: (_, isFirst) => {
        if (!isFirst) restarted();
      },
    });
    await member.start();
    member.post({ type: 'read', request: 0, query: text('exhaust'), consistency: 'stale' });
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
