import { expect } from 'chai';
import fc from 'fast-check';
import { Member } from '../../src/cluster/nodes/member.js';
import type { HostRequest, NodeTask } from '../../src/node/host/protocol.js';
import { noMembers } from '../../src/node/information.js';
import { outcomeOf } from '../client/session-world.js';
import { VirtualClock } from '../router/virtual-clock.js';
import { deaf, ScriptedLife, settled } from './scripted-life.js';

const steps = [
  'info',
  'log',
  'stop',
  'revive',
  'crash',
  'restart',
  'recovers',
  'dies',
  'dies when asked',
  'time passes',
] as const;
type Step = (typeof steps)[number];

/** A thread that answers everything once it has recovered, as a healthy node does. */
class HealthyLife extends ScriptedLife {
  #isReady = false;

  override post(request: HostRequest): void {
    super.post(request);
    if (this.#isReady && !this.isOver && !this.wasKilled) this.#answer(request);
  }

  override async recover(): Promise<void> {
    if (this.#isReady || this.isOver || this.wasKilled) return;
    this.#isReady = true;
    await super.recover();
    for (const request of this.posted.slice()) this.#answer(request);
    await settled();
  }

  #answer(request: HostRequest): void {
    queueMicrotask(() => {
      if (this.isOver) return;
      const standing = { term: 1, leaderId: null } as const;
      if (request.type === 'describe') {
        const known = {
          id: 2,
          role: 'follower',
          state: 'follower',
          votedFor: null,
          candidacy: true,
          configuration: noMembers,
        } as const;
        const log = { ...noSnapshot, commitIndex: 0, height: 0, peers: [], digest: '', recovery: null };
        const information = { ...standing, ...known, ...log };
        this.says({ type: 'description', request: request.request, information });
      }
      if (request.type === 'log')
        this.says({ type: 'records', request: request.request, records: [], lastLogIndex: 0 });
      if (request.type === 'stop')
        this.says({ type: 'roleChanged', ...standing, role: 'dead', state: 'dead' });
      if (request.type === 'revive')
        this.says({ type: 'roleChanged', ...standing, role: 'follower', state: 'follower' });
    });
  }
}

const noSnapshot = { lastLogIndex: 0, firstIndex: 1, lastIndex: 0, snapshotIndex: 0, snapshotTerm: 0 };

/** A node that is asked things, and meets its fate, in any order. */
class Fate {
  readonly clock = new VirtualClock();
  readonly outcomes: Promise<unknown>[] = [];
  readonly #lives: HealthyLife[] = [];
  readonly member = new Member(2, 'follower', {
    ...deaf,
    clock: this.clock,
    task: () => ({}) as NodeTask,
    launch: (_, listener) => {
      const life = new HealthyLife(listener);
      this.#lives.push(life);
      return life;
    },
  });

  async meets(step: Step): Promise<void> {
    const life = this.#lives.at(-1);
    if (step === 'recovers') await life?.recover();
    else if (step === 'dies' && life?.isOver === false) await life.end(new Error('out of luck'));
    else if (step === 'dies when asked' && life?.isOver === false) {
      this.#ask('log');
      this.#ask('info');
      await life.end(new Error('out of luck'));
    } else if (step === 'time passes') this.clock.pass(6000);
    else this.#ask(step);
    await settled();
    // A thread that is killed is gone a little later.
    for (const killed of this.#lives) if (killed.wasKilled && !killed.isOver) await killed.end(null);
  }

  #ask(step: Step): void {
    const { member } = this;
    if (step === 'info') this.#note(member.describe());
    if (step === 'log') this.#note(member.log(1, 9));
    if (step === 'stop') this.#note(member.tell({ type: 'stop' }, ({ role }) => role === 'dead'));
    if (step === 'revive') this.#note(member.tell({ type: 'revive' }, ({ role }) => role !== 'dead'));
    if (step === 'crash') this.#note(member.crash());
    if (step === 'restart') this.#note(member.restart());
  }

  #note(call: Promise<unknown>): void {
    this.outcomes.push(outcomeOf(call).then((outcome) => (typeof outcome === 'string' ? outcome : 'done')));
  }

  /** All threads have recovered and gone; whatever waits for one more has it. */
  async end(): Promise<void> {
    for (let round = 0; round < 2 * this.outcomes.length + 2; round++) {
      await this.meets('time passes');
      await this.meets('recovers');
    }
  }
}

describe('calls to a node, whatever befalls it', () => {
  it('all end: done, or because the node died, and never for want of time', async () => {
    const fates = fc.array(fc.constantFrom(...steps), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fates, async (fate) => {
        const node = new Fate();
        void outcomeOf(node.member.start());
        await node.meets('recovers');
        for (const step of fate) await node.meets(step);
        await node.end();
        const nothing = Symbol('no end');
        for (const outcome of node.outcomes) {
          // A restart is rejected with what the thread died of, which has no code.
          expect(await Promise.race([outcome, settled().then(() => nothing)])).to.be.oneOf([
            'done',
            'NODE_DEAD',
          ]);
        }
      }),
      { numRuns: 150 },
    );
  });
});
