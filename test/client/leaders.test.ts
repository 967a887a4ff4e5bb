import { expect } from 'chai';
import { ClusterEvents } from '../../src/client/events.js';
import { lookForLeader, nextLeader } from '../../src/client/leader-wait.js';
import { readinessOf, type Seen } from '../../src/client/readiness.js';
import { ReportedLeader } from '../../src/client/reported-leader.js';
import { ClosedError } from '../../src/ground/errors.js';
import type { Leader } from '../../src/node/when-ready.js';
import { VirtualClock } from '../router/virtual-clock.js';
import { outcomeOf } from './session-world.js';

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('Who waits for the next leader', () => {
  const nobody: ReadonlySet<number> = new Set();
  let clock: VirtualClock;
  let events: ClusterEvents;
  let closed: ClosedError | null;

  beforeEach(() => {
    clock = new VirtualClock();
    events = new ClusterEvents();
    closed = null;
  });

  const wait = (others: ReadonlySet<number>, options: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
    nextLeader(events, clock, others, options, () => closed);
  /** Nothing listens, and no timer runs, for a wait that is over. */
  function leavesNothing(): void {
    expect(events.hears('leaderElected')).to.equal(false);
    expect(events.hears('stateChanged')).to.equal(false);
    expect(clock.timersWaiting).to.equal(0);
  }

  it('is told of the first that is none of those it does not mean', async () => {
    const waiting = wait(new Set([1, 2]));
    events.emit('leaderElected', { id: 1, term: 5 });
    events.emit('leaderElected', { id: 2, term: 6 });
    events.emit('leaderElected', { id: 3, term: 7 });
    events.emit('leaderElected', { id: 4, term: 8 });
    expect(await waiting).to.deep.equal({ id: 3, term: 7 });
    leavesNothing();
  });

  it('has enough after five seconds unless told, and says whom it waited for', async () => {
    const waiting = wait(nobody).catch((error: Error) => error.message);
    clock.pass(4999);
    await settled();
    expect(clock.timersWaiting).to.equal(1);
    clock.pass(1);
    expect(await waiting).to.match(/^Waited 5000 ms for a leader\b(?! other)/);
    leavesNothing();
    const other = wait(new Set([1, 2]), { timeoutMs: 10 }).catch((error: Error) => error.message);
    clock.pass(10);
    expect(await other).to.match(/^Waited 10 ms for a leader other than node 1, 2/);
  });

  it('hears news that came in time though its thread was busy', async () => {
    const waiting = wait(nobody, { timeoutMs: 100 });
    clock.setTimeout(() => events.emit('leaderElected', { id: 1, term: 2 }), 100);
    clock.pass(100);
    expect(await waiting).to.deep.equal({ id: 1, term: 2 });
  });

  it('ends with its cluster, and not before', async () => {
    const waiting = outcomeOf(wait(nobody));
    events.emit('stateChanged', { state: 'electing' });
    await settled();
    expect(events.hears('leaderElected')).to.equal(true);
    closed = new ClosedError('The cluster');
    events.emit('stateChanged', { state: 'stopped' });
    expect(await waiting).to.equal('CLOSED');
    leavesNothing();
  });

  it('ends when its caller aborts it', async () => {
    const controller = new AbortController();
    const waiting = outcomeOf(wait(nobody, { signal: controller.signal }));
    controller.abort();
    expect(await waiting).to.equal('ABORTED');
    leavesNothing();
  });

  describe('where nobody tells of elections', () => {
    const look = (
      seen: () => Leader | null,
      others: ReadonlySet<number>,
      options: { timeoutMs?: number; signal?: AbortSignal } = {},
    ) =>
      lookForLeader(
        async () => seen(),
        clock,
        others,
        options,
        () => closed,
      );
    async function pass(ms: number): Promise<void> {
      for (let left = ms; left > 0; left -= 50) {
        await settled();
        clock.pass(50);
      }
      await settled();
    }

    it('looks until there is one', async () => {
      let leader: Leader | null = null;
      let looks = 0;
      const waiting = look(
        () => {
          looks++;
          return leader;
        },
        new Set([1]),
      );
      await pass(100);
      leader = { id: 1, term: 2 };
      await pass(100);
      leader = { id: 2, term: 3 };
      await pass(50);
      expect(await waiting).to.deep.equal({ id: 2, term: 3 });
      expect(looks).to.equal(6);
    });

    it('has enough when its time is over', async () => {
      const waiting = look(() => null, new Set([4]), { timeoutMs: 100 }).catch(
        (error: Error) => error.message,
      );
      await pass(100);
      expect(await waiting).to.match(/^Waited 100 ms for a leader other than node 4/);
      const patient = outcomeOf(look(() => null, nobody));
      await pass(4950);
      let isOver = false;
      void patient.then(() => (isOver = true));
      await settled();
      expect(isOver).to.equal(false);
      await pass(50);
      expect(await patient).to.equal('TIMEOUT');
    });

    it('ends when all is closed or its caller aborts it', async () => {
      const controller = new AbortController();
      const aborted = outcomeOf(look(() => null, nobody, { signal: controller.signal }));
      await pass(50);
      controller.abort();
      await pass(50);
      expect(await aborted).to.equal('ABORTED');
      closed = new ClosedError('The client');
      expect(await outcomeOf(look(() => ({ id: 1, term: 1 }), nobody))).to.equal('CLOSED');
    });
  });
});

describe('Whether a cluster serves', () => {
  const seen = (id: number, what: Partial<Seen> = {}): Seen => ({
    id,
    ...{ role: 'follower', state: 'following', term: 3, commitIndex: 5, height: 5, failure: null },
    ...what,
  });
  const leading = (state: string, what: Partial<Seen> = {}) => seen(0, { role: 'leader', state, ...what });
  const leader = { id: 0, term: 3 };
  const serving = 'leader.serving';
  const missing = (all: readonly Seen[], who: Leader | null = leader) => {
    const readiness = readinessOf(all, who);
    return readiness.leader === null ? readiness.missing : readiness.leader;
  };

  it('is said by the state of its leader', () => {
    expect(missing([leading(serving), seen(1), seen(2)])).to.deep.equal(leader);
    expect(missing([leading('leader.confirming'), seen(1), seen(2)])).to.equal(
      'node 0 is elected, and no majority has confirmed it yet',
    );
    const catchesUp = leading('leader.catchingUp', { height: 340_000, commitIndex: 910_000 });
    expect(missing([catchesUp, seen(1), seen(2)])).to.equal(
      'node 0 leads and has applied 340,000 of 910,000 entries',
    );
    expect(missing([seen(0), seen(1)], null)).to.equal('nobody is elected');
    expect(missing([], null)).to.equal('nobody is elected');
  });

  it('is not known where who was elected does not answer as the leader of that term', () => {
    const silent = 'node 0 was elected and does not answer';
    expect(missing([seen(0), seen(1)])).to.equal(silent);
    expect(missing([seen(1), seen(2)])).to.equal(silent);
    expect(missing([leading(serving, { term: 2 }), seen(1)])).to.equal(silent);
  });

  it('is denied where no majority of its voters runs, with what is wrong with those that do not', () => {
    const down = { role: 'dead', state: 'crashed' } as const;
    expect(missing([leading(serving), seen(1, down), seen(2)])).to.deep.equal(leader);
    expect(
      missing([leading(serving), seen(1, down), seen(2, { ...down, failure: 'Its disk is full.' })]),
    ).to.equal('no majority runs: node 1 is down, node 2 is down (Its disk is full)');
    expect(missing([leading(serving), seen(1, { role: 'dead', state: 'starting' }), seen(2, down)])).to.equal(
      'no majority runs: node 1 recovers, node 2 is down',
    );
    const neither = [seen(1, { role: 'learner' }), seen(2, { role: 'removed' as never }), seen(3, down)];
    expect(missing([leading(serving), ...neither])).to.equal('no majority runs: node 3 is down');
    expect(missing([leading(serving), seen(1, { role: 'learner' })])).to.deep.equal(leader);
  });
});

describe('The leader that nodes report', () => {
  const node = (
    id: number,
    term: number,
    role: 'leader' | 'follower',
    state: string = role,
    isAlive = true,
  ) => ({
    isAlive,
    known: { id, role, state, term },
  });
  const serving = 'leader.serving';

  it('is the one of the highest term, and who is asked is that one', () => {
    const reported = new ReportedLeader();
    expect(reported.changesWith([node(0, 1, 'follower')])).to.deep.equal({ leader: false, addressee: false });
    expect(reported.current).to.equal(null);
    const two = [node(0, 4, 'leader', serving), node(1, 5, 'leader', serving)];
    expect(reported.changesWith(two)).to.deep.equal({ leader: true, addressee: true });
    expect([reported.current, reported.addressee]).to.deep.equal([{ id: 1, term: 5 }, 1]);
    expect(reported.changesWith(two)).to.deep.equal({ leader: false, addressee: false });
  });

  it('is nobody of a term before one that was led, also when the later leader is gone', () => {
    const reported = new ReportedLeader();
    reported.changesWith([node(1, 5, 'leader', serving)]);
    const changes = reported.changesWith([
      node(0, 4, 'leader', serving),
      node(1, 5, 'leader', serving, false),
    ]);
    expect(changes).to.deep.equal({ leader: true, addressee: true });
    expect([reported.current, reported.addressee]).to.deep.equal([null, null]);
  });

  it('is another when the same node leads in another term', () => {
    const reported = new ReportedLeader();
    reported.changesWith([node(0, 4, 'leader', serving)]);
    expect(reported.changesWith([node(0, 6, 'leader', serving)])).to.deep.equal({
      leader: true,
      addressee: true,
    });
    expect(reported.current).to.deep.equal({ id: 0, term: 6 });
  });

  it('is asked nothing while it has yet to apply what is committed', () => {
    const reported = new ReportedLeader();
    reported.changesWith([node(0, 4, 'leader', 'leader.catchingUp')]);
    expect([reported.current, reported.addressee]).to.deep.equal([{ id: 0, term: 4 }, null]);
    expect(reported.changesWith([node(0, 4, 'leader', serving)])).to.deep.equal({
      leader: false,
      addressee: true,
    });
    expect(reported.addressee).to.equal(0);
  });
});
