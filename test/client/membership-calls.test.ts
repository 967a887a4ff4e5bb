import { expect } from 'chai';
import { MembershipCalls, type MembershipHost } from '../../src/client/membership-calls.js';
import {
  ClosedError,
  ConclaveError,
  NodeDeadError,
  NotLeaderError,
  OutcomeUnknownError,
  TimeoutError,
  TransferFailedError,
} from '../../src/ground/errors.js';
import type { Order } from '../../src/node/host/orders.js';
import type { Leader } from '../../src/node/when-ready.js';
import { VirtualClock } from '../router/virtual-clock.js';
import { outcomeOf } from './session-world.js';

type Answer = Error | null | 'never';

/** A cluster that is there in words alone: who leads, and what who leads answers to each order. */
class Told {
  readonly clock = new VirtualClock();
  readonly ordered: { readonly to: number; readonly order: Order; readonly timeoutMs: number }[] = [];
  readonly came: number[] = [];
  readonly went: number[] = [];
  /** How long was waited for a leader that is none of these, and for how long. */
  readonly awaited: { readonly others: readonly number[]; readonly timeoutMs: number | undefined }[] = [];
  readonly learners = new Set<number>();
  leader: Leader | null = { id: 0, term: 1 };
  next: Leader | Error = { id: 1, term: 2 };
  closed: ConclaveError | null = null;
  /** To each order the next of these; the last one stands for all that follow. */
  answers: Answer[] = [null];
  readonly calls: MembershipCalls;

  constructor(hooks = true) {
    const host: MembershipHost = {
      clock: this.clock,
      idMax: 99,
      leader: () => this.leader,
      nextLeader: async (others, { timeoutMs }) => {
        this.awaited.push({ others: [...others], timeoutMs });
        if (this.next instanceof Error) throw this.next;
        this.leader = this.next;
        return this.next;
      },
      isLearner: (id) => this.learners.has(id),
      closed: () => this.closed,
      order: (to, order, timeoutMs) => {
        this.ordered.push({ to, order, timeoutMs });
        const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
        if (answer === 'never') return new Promise(() => {});
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(null);
      },
    };
    const own = {
      comes: async (id: number) => this.came.push(id),
      goes: async (id: number) => void this.went.push(id),
    };
    this.calls = new MembershipCalls(hooks ? { ...host, ...own } : host);
  }

  get changes() {
    return this.ordered.map(({ to, order }) => ({
      to,
      change: order.type === 'change' ? order.change : order.type,
    }));
  }

  /** Lets what waits go on, and time pass. */
  async pass(ms: number): Promise<void> {
    await settled();
    this.clock.pass(ms);
    await settled();
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The whole error that a promise is rejected with. */
function errorOf(promise: Promise<unknown>): Promise<ConclaveError> {
  return promise.then(
    () => expect.fail('It was not rejected.'),
    (error: ConclaveError) => error,
  );
}

describe('A call about members', () => {
  it('is ordered of who leads, as one change, and is done when that is', async () => {
    const told = new Told();
    const { calls } = told;
    await calls.add(4, { address: 'there:1' });
    await calls.add(5, { learner: true });
    await calls.promote(5);
    await calls.update(4, 'here:1');
    await calls.prioritize(4, 7);
    await calls.remove(5);
    await calls.replace(3, 6, { address: 'six:1' });
    await calls.abort();
    expect(told.changes).to.deep.equal([
      { to: 0, change: [{ kind: 'add', id: 4, address: 'there:1', learner: false }] },
      { to: 0, change: [{ kind: 'add', id: 5, address: '', learner: true }] },
      { to: 0, change: [{ kind: 'promote', id: 5 }] },
      { to: 0, change: [{ kind: 'update', id: 4, address: 'here:1' }] },
      { to: 0, change: [{ kind: 'prioritize', id: 4, priority: 7 }] },
      { to: 0, change: [{ kind: 'remove', id: 5 }] },
      {
        to: 0,
        change: [
          { kind: 'remove', id: 3 },
          { kind: 'add', id: 6, address: 'six:1', learner: false },
        ],
      },
      { to: 0, change: 'abort' },
    ]);
    expect(told.came).to.deep.equal([4, 5, 6]);
    expect(told.went).to.deep.equal([5, 3]);
  });

  it('starts and ends no node where those live elsewhere', async () => {
    const told = new Told(false);
    await told.calls.add(4);
    await told.calls.replace(4, 5);
    await told.calls.remove(5);
    expect(told.changes).to.have.length(3);
  });

  it('has a learner take a learner’s place, and a voter a voter’s', async () => {
    const told = new Told();
    told.learners.add(3);
    await told.calls.replace(3, 4);
    await told.calls.replace(2, 5);
    const added = told.changes.map(({ change }) => (Array.isArray(change) ? change[1] : null));
    expect(added).to.deep.equal([
      { kind: 'add', id: 4, address: '', learner: true },
      { kind: 'add', id: 5, address: '', learner: false },
    ]);
  });

  it('refuses what makes no sense, and orders and starts nothing for it', async () => {
    const told = new Told();
    const { calls } = told;
    const wrong: [call: () => Promise<unknown>, says: RegExp][] = [
      [() => calls.add(-1), /^id is -1/],
      [() => calls.add(100), /^id is 100/],
      [() => calls.add(1.5), /^id is 1\.5/],
      [() => calls.add(4, { learner: 'yes' as never }), /^learner is yes/],
      [() => calls.add(4, { address: 5 as never }), /^An address is a text of at most \d+ bytes/],
      [() => calls.add(4, { address: 'x'.repeat(70_000) }), /^An address is a text/],
      [() => calls.add(4, { adress: 'x' } as never), /adress/],
      [() => calls.add(4, { timeoutMs: 0 }), /^timeoutMs is 0/],
      [() => calls.replace(4, 5, { timeoutMs: 0 }), /^timeoutMs is 0/],
      [() => calls.remove(4, { learner: true } as never), /learner/],
      [() => calls.remove(-4), /^id is -4/],
      [() => calls.replace(4, 4), /^Node 4 cannot take its own place/],
      [() => calls.replace(-1, 4), /^id is -1/],
      [() => calls.replace(4, -1), /^by is -1/],
      [() => calls.replace(4, 5, { address: null as never }), /^An address is a text/],
      [() => calls.replace(4, 5, { learner: true } as never), /learner/],
      [() => calls.promote(-1), /^id is -1/],
      [() => calls.promote(1, { address: '' } as never), /address/],
      [() => calls.update(-1, ''), /^id is -1/],
      [() => calls.update(1, undefined as never), /^An address is a text/],
      [() => calls.update(1, '', { learner: true } as never), /learner/],
      [() => calls.prioritize(-1, 1), /^id is -1/],
      [() => calls.prioritize(1, -1), /^priority is -1/],
      [() => calls.prioritize(1, 1e9), /^priority is 1000000000/],
      [() => calls.prioritize(1, 1, { x: 1 } as never), /x/],
      [() => calls.abort({ x: 1 } as never), /x/],
      [() => calls.abort({ timeoutMs: -1 }), /^timeoutMs is -1/],
      [() => calls.transfer(-1), /^to is -1/],
      [() => calls.transfer(1, { x: 1 } as never), /x/],
      [() => calls.transfer(1, { timeoutMs: Number.NaN }), /^timeoutMs is NaN/],
    ];
    for (const [call, says] of wrong) {
      const error = await errorOf(call());
      expect(error.code, String(says)).to.equal('INVALID_OPTION');
      expect(error.message).to.match(says);
    }
    expect(told.ordered).to.deep.equal([]);
    expect(told.came).to.deep.equal([]);
  });

  it('takes the greatest id and the longest address there may be', async () => {
    const told = new Told();
    await told.calls.add(99);
    await told.calls.add(0, { address: '' });
    expect(told.came).to.deep.equal([99, 0]);
  });

  it('is asked again of the next leader as long as it is not known to be done', async () => {
    for (const refusal of [
      new NotLeaderError(0, 1, 2),
      new NodeDeadError(0),
      new OutcomeUnknownError('It was deposed.'),
    ]) {
      const told = new Told();
      told.answers = [refusal, null];
      const call = told.calls.promote(2);
      await settled();
      told.leader = { id: 1, term: 2 };
      expect(
        told.ordered.map(({ to }) => to),
        refusal.code,
      ).to.deep.equal([0]);
      await told.pass(49);
      expect(told.ordered.map(({ to }) => to)).to.deep.equal([0]);
      await told.pass(1);
      await call;
      expect(told.ordered.map(({ to }) => to)).to.deep.equal([0, 1]);
    }
  });

  it('fails with what the leader says of it, at once', async () => {
    const told = new Told();
    told.answers = [new ConclaveError('CHANGE_IN_PROGRESS', 'Another change is under way.')];
    expect(await outcomeOf(told.calls.promote(2))).to.equal('CHANGE_IN_PROGRESS');
    told.answers = [new ConclaveError('NOT_A_MEMBER', 'There is no such member.')];
    expect(await outcomeOf(told.calls.promote(2))).to.equal('NOT_A_MEMBER');
    told.answers = [new Error('of another kind')];
    expect((await errorOf(told.calls.promote(2))).message).to.equal('of another kind');
    expect(told.ordered).to.have.length(3);
    expect(told.went).to.deep.equal([]);
  });

  it('waits for a change of its own that is under way, and takes a member that is gone for removed by it', async () => {
    const told = new Told();
    told.answers = [
      new OutcomeUnknownError('It was deposed.'),
      new ConclaveError('CHANGE_IN_PROGRESS', 'A change is under way.'),
      new ConclaveError('NOT_A_MEMBER', 'There is no such member.'),
    ];
    const call = told.calls.remove(2);
    await told.pass(50);
    await told.pass(50);
    await call;
    expect(told.ordered).to.have.length(3);
    expect(told.went).to.deep.equal([2]);
  });

  it('does not take a change for its own that it asked of nobody but who refused', async () => {
    const told = new Told();
    told.answers = [
      new NotLeaderError(0, 1, 2),
      new ConclaveError('CHANGE_IN_PROGRESS', 'Another is under way.'),
    ];
    const call = outcomeOf(told.calls.remove(2));
    await told.pass(50);
    expect(await call).to.equal('CHANGE_IN_PROGRESS');
  });

  it('is given up when its time is over, with what was last said', async () => {
    const told = new Told();
    told.answers = [new NotLeaderError(0, null, 1)];
    const call = outcomeOf(told.calls.promote(2, { timeoutMs: 200 }));
    for (let passed = 0; passed < 200; passed += 50) await told.pass(50);
    expect(await call).to.equal('NOT_LEADER');
    // There is no time left for a fifth.
    expect(told.ordered.map(({ timeoutMs }) => timeoutMs)).to.deep.equal([200, 150, 100, 50]);
  });

  it('does not wait longer than it may for an answer, a minute unless told', async () => {
    const told = new Told();
    told.answers = ['never'];
    const call = errorOf(told.calls.promote(2));
    await told.pass(59_999);
    expect(told.clock.timersWaiting).to.equal(1);
    await told.pass(1);
    const error = await call;
    expect(error).to.be.instanceOf(TimeoutError);
    expect(error.message).to.match(/node 0 to have carried out the change/);
    expect(told.clock.timersWaiting).to.equal(0);
  });

  it('hears an answer that has come in time though its thread was busy', async () => {
    const told = new Told();
    let answer = () => {};
    const late = new MembershipCalls({
      clock: told.clock,
      idMax: 99,
      leader: () => told.leader,
      nextLeader: () => Promise.reject(new Error('not asked')),
      isLearner: () => false,
      closed: () => null,
      order: () => new Promise((resolve) => (answer = () => resolve(null))),
    });
    const call = late.promote(2, { timeoutMs: 100 });
    await settled();
    // The timer comes first; what came meanwhile is heard before the turn that it asks for.
    told.clock.setTimeout(() => answer(), 100);
    told.clock.stall(150);
    answer();
    await settled();
    told.clock.pass(0);
    await call;
    expect(told.clock.timersWaiting).to.be.at.most(1);
  });

  it('ends when its caller aborts it, and before anything is asked where that was before', async () => {
    const told = new Told();
    told.answers = ['never'];
    const controller = new AbortController();
    const call = errorOf(told.calls.promote(2, { signal: controller.signal }));
    await settled();
    controller.abort(new Error('enough'));
    const error = await call;
    expect(error.code).to.equal('ABORTED');
    expect(error.message).to.equal('The wait was aborted: enough');
    expect(told.clock.timersWaiting).to.equal(0);
    expect(await outcomeOf(told.calls.promote(2, { signal: controller.signal }))).to.equal('ABORTED');
    expect(told.ordered).to.have.length(1);
  });

  it('asks nobody once all is closed', async () => {
    const told = new Told();
    told.closed = new ClosedError('The cluster');
    expect(await outcomeOf(told.calls.promote(2))).to.equal('CLOSED');
    expect(told.ordered).to.deep.equal([]);
  });

  it('waits for a leader where there is none, for as long as it has', async () => {
    const told = new Told();
    told.leader = null;
    await told.calls.promote(2, { timeoutMs: 300 });
    expect(told.awaited).to.deep.equal([{ others: [], timeoutMs: 300 }]);
    expect(told.ordered.map(({ to }) => to)).to.deep.equal([1]);
  });
});

describe('The removal of a member that leads', () => {
  it('has it hand over first, where another can lead', async () => {
    const told = new Told();
    await told.calls.remove(0);
    expect(told.changes).to.deep.equal([
      { to: 0, change: 'transfer' },
      { to: 1, change: [{ kind: 'remove', id: 0 }] },
    ]);
    expect(told.went).to.deep.equal([0]);
  });

  it('goes on where nobody takes over, or it is not known', async () => {
    for (const refusal of [
      new TransferFailedError(0, 'found nobody'),
      new TimeoutError('another leader', 100),
      new NotLeaderError(0, 1, 2),
    ]) {
      const told = new Told();
      told.answers = [refusal, null];
      await told.calls.remove(0);
      expect(told.changes.at(-1), refusal.code).to.deep.equal({ to: 0, change: [{ kind: 'remove', id: 0 }] });
    }
  });

  it('is not begun where its caller has had enough', async () => {
    const told = new Told();
    told.answers = [new ConclaveError('ABORTED', 'The wait was aborted.')];
    expect(await outcomeOf(told.calls.replace(0, 4))).to.equal('ABORTED');
    expect(told.changes).to.deep.equal([{ to: 0, change: 'transfer' }]);
    expect(told.went).to.deep.equal([]);
    told.answers = [new Error('of another kind')];
    expect((await errorOf(told.calls.remove(0))).message).to.equal('of another kind');
  });
});

describe('A transfer of leadership', () => {
  it('resolves with who leads then', async () => {
    const told = new Told();
    expect(await told.calls.transfer(1)).to.deep.equal({ id: 1, term: 2 });
    expect(told.ordered).to.deep.equal([{ to: 0, order: { type: 'transfer', to: 1 }, timeoutMs: 5000 }]);
    expect(told.awaited).to.deep.equal([{ others: [0], timeoutMs: 5000 }]);
  });

  it('does not wait for news of a leader that it knows already', async () => {
    const told = new Told();
    const { calls } = told;
    const wait = calls.transfer(null, { timeoutMs: 100 });
    told.leader = { id: 0, term: 1 };
    await settled();
    expect(await wait).to.deep.equal({ id: 1, term: 2 });
    const again = calls.transfer(null);
    // It was elected again meanwhile, in another term.
    told.leader = { id: 0, term: 3 };
    expect(await again).to.deep.equal({ id: 0, term: 3 });
    expect(told.awaited).to.have.length(1);
  });

  it('to who leads already asks nothing', async () => {
    const told = new Told();
    expect(await told.calls.transfer(0)).to.deep.equal({ id: 0, term: 1 });
    expect(told.ordered).to.deep.equal([]);
  });

  it('fails where another was elected than was meant', async () => {
    const told = new Told();
    const error = await errorOf(told.calls.transfer(2));
    expect(error).to.be.instanceOf(TransferFailedError);
    expect(error.message).to.match(/node 1 was elected/);
  });

  it('fails with what the leader says, or when nobody is heard to lead', async () => {
    const told = new Told();
    told.answers = [new TransferFailedError(0, 'found node 2 behind')];
    expect(await outcomeOf(told.calls.transfer(2))).to.equal('TRANSFER_FAILED');
    told.answers = [null];
    told.next = new TimeoutError('a leader', 5000);
    expect(await outcomeOf(told.calls.transfer(2))).to.equal('TIMEOUT');
  });
});
