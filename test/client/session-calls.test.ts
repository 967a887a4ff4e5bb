import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { type SessionLimits, sessionLimits } from '../../src/client/session-host.js';
import type { AbortedError } from '../../src/ground/errors.js';
import { notLeader, outcomeOf, retryPauseMs, SessionWorld, text } from './session-world.js';

function limited(limits: Partial<SessionLimits>): SessionWorld {
  return new SessionWorld(1000, { ...sessionLimits, ...limits });
}

const propose = (world: SessionWorld, options?: object) =>
  outcomeOf(world.session.propose(text('x'), options));
const read = (world: SessionWorld, options?: object) => outcomeOf(world.session.read(text('?'), options));
const nothing = { commands: 0, commandBytes: 0, reads: 0, queryBytes: 0 };

describe('a call whose deadline passes while its own thread is busy', () => {
  let world: SessionWorld;
  beforeEach(() => {
    world = new SessionWorld();
    world.lead(0);
  });

  for (const options of [{}, { node: 0 }]) {
    it(`is not sent any more (${'node' in options ? 'to its node' : 'to the leader'})`, async () => {
      const outcomes = [
        propose(world, { ...options, timeoutMs: 100 }),
        read(world, { ...options, timeoutMs: 100 }),
      ];
      const patient = propose(world, { ...options, timeoutMs: 500 });
      world.clock.stall(200);
      world.turn();
      expect(await Promise.all(outcomes)).to.deep.equal(['QUORUM_UNAVAILABLE', 'QUORUM_UNAVAILABLE']);
      const sent = world.posted.splice(0).map(({ request }) => request);
      expect(
        sent.map(({ type }) => type),
        'the patient one',
      ).to.deep.equal(['propose']);
      world.apply(0, (sent[0] as { first: number }).first, ['done']);
      expect(await patient).to.include({ index: 1 });
      expect(world.session.pending).to.deep.equal(nothing);
    });
  }

  it('is not sent again to a leader that is found after it', async () => {
    const outcome = propose(world, { timeoutMs: 100 });
    world.turn();
    world.refuse(0, world.proposals()[0]!.first, 1, notLeader(null));
    world.clock.stall(200);
    world.lead(1);
    expect(world.proposals()).to.deep.equal([]);
    expect(await outcome).to.equal('QUORUM_UNAVAILABLE');
  });

  it('is not sent between the firing of the timer and the rejection', async () => {
    world.lead(null);
    const outcome = propose(world, { timeoutMs: 100 });
    world.clock.pass(50);
    world.clock.stall(50);
    world.clock.setTimeout(() => world.lead(1), 0);
    world.clock.pass(10);
    expect(world.proposals()).to.deep.equal([]);
    expect(await outcome).to.equal('QUORUM_UNAVAILABLE');
  });

  it('is counted from the call itself, not from the turn that it was made in', async () => {
    const early = propose(world, { timeoutMs: 100 });
    world.clock.stall(150);
    void propose(world, { timeoutMs: 100 });
    world.turn();
    expect(await early).to.equal('QUORUM_UNAVAILABLE');
    expect(world.proposals().map(({ commands }) => commands)).to.deep.equal([['x']]);
  });
});

describe('a call that its caller aborts', () => {
  let world: SessionWorld;
  let controller: AbortController;
  let options: { signal: AbortSignal };
  beforeEach(() => {
    world = new SessionWorld();
    controller = new AbortController();
    options = { signal: controller.signal };
  });

  it('is never sent when that was before its turn, and its error gives the reason', async () => {
    world.lead(0);
    const command = world.session.propose(text('x'), options).catch((error: AbortedError) => error);
    const query = world.session.read(text('?'), options).catch((error: AbortedError) => error);
    const reason = new Error('nobody waits for it');
    controller.abort(reason);
    world.turn();
    expect(world.posted).to.deep.equal([]);
    for (const error of await Promise.all([command, query])) {
      expect(error).to.include({ code: 'ABORTED', cause: reason });
      expect((error as Error).message).to.match(/ was aborted before .*: nobody waits for it$/);
    }
    expect(world.session.pending).to.deep.equal(nothing);
  });

  it('is not even begun when the signal was aborted already', async () => {
    controller.abort();
    world.lead(0);
    const outcomes = [propose(world, options), read(world, options), outcomeOf(world.session.room(options))];
    world.turn();
    expect(await Promise.all(outcomes)).to.deep.equal(['ABORTED', 'ABORTED', 'ABORTED']);
    expect(world.posted).to.deep.equal([]);
  });

  it('was certainly not applied while it waited for a leader, be it for the second time', async () => {
    world.lead(0);
    const outcome = propose(world, options);
    world.turn();
    world.refuse(0, world.proposals()[0]!.first, 1, notLeader(null));
    controller.abort();
    world.turn();
    expect(await outcome).to.equal('ABORTED');
    world.lead(1);
    expect(world.proposals()).to.deep.equal([]);
  });

  it('has an unknown outcome once it was sent; a query has none', async () => {
    world.lead(0);
    const outcomes = [propose(world, options), read(world, options)];
    const other = propose(world);
    world.turn();
    const [sent] = world.proposals();
    controller.abort();
    world.turn();
    expect(await Promise.all(outcomes)).to.deep.equal(['OUTCOME_UNKNOWN', 'ABORTED']);
    world.apply(0, sent!.first, ['late', 'done']);
    expect(await other, 'the answer of the aborted is not taken for another’s').to.include({ index: 2 });
    expect(world.session.pending).to.deep.equal(nothing);
  });

  it('may have been answered first', async () => {
    world.lead(0);
    const outcome = propose(world, options);
    world.turn();
    world.apply(0, 0, ['done']);
    controller.abort();
    world.turn();
    expect(await outcome).to.include({ index: 1 });
    expect(world.session.pending).to.deep.equal(nothing);
  });

  it('may share its signal with any number, and leaves nothing with it', async () => {
    const count = 20_000;
    const outcomes = Array.from({ length: count }, () => propose(world, options));
    expect(getEventListeners(options.signal, 'abort')).to.have.length(1);
    controller.abort();
    world.turn();
    expect(new Set(await Promise.all(outcomes))).to.deep.equal(new Set(['ABORTED']));
    expect(world.session.pending).to.deep.equal(nothing);
    world.lead(0);
    expect(world.proposals()).to.deep.equal([]);
  });

  it('is refused a signal that is none', async () => {
    const wrong = { signal: {} as never };
    const outcomes = [propose(world, wrong), read(world, wrong), outcomeOf(world.session.room(wrong))];
    world.turn();
    expect(new Set(await Promise.all(outcomes))).to.deep.equal(new Set(['INVALID_OPTION']));
  });
});

describe('a session that is full', () => {
  /** Calls back when the promise is settled. */
  const watched = (promise: Promise<unknown>) => {
    const seen = { outcome: 'waits' as unknown };
    void outcomeOf(promise).then((outcome) => {
      seen.outcome = outcome ?? 'room';
    });
    return seen;
  };
  const microtasks = () => new Promise((resolve) => setImmediate(resolve));

  it('refuses in a turn to come, so that who asks again at once keeps nobody from the loop', async () => {
    const world = limited({ commandsMax: 1, readsMax: 1 });
    const held = [propose(world), read(world)];
    const refused = [watched(world.session.propose(text('x'))), watched(world.session.read(text('?')))];
    await microtasks();
    expect(refused.map(({ outcome }) => outcome)).to.deep.equal(['waits', 'waits']);
    world.turn();
    await microtasks();
    expect(refused.map(({ outcome }) => outcome)).to.deep.equal(['OVERLOADED', 'OVERLOADED']);
    world.session.close(Object.assign(new Error('closed'), { code: 'CLOSED' }) as never);
    const afterwards = watched(world.session.propose(text('x')));
    await microtasks();
    expect(afterwards.outcome).to.equal('waits');
    world.turn();
    await microtasks();
    expect(afterwards.outcome).to.equal('CLOSED');
    expect(await Promise.all(held)).to.deep.equal(['CLOSED', 'CLOSED']);
  });

  it('lets in who waits for room, in order, as many as there is room for', async () => {
    const world = limited({ commandsMax: 2 });
    world.lead(0);
    const outcomes = [propose(world), propose(world)];
    const letIn: number[] = [];
    for (const waiter of [0, 1, 2]) {
      const resolve = () => {
        letIn.push(waiter);
        outcomes.push(propose(world));
      };
      world.session.awaitRoom({ resolve, reject: (error) => letIn.push(error as never) });
    }
    world.turn();
    const [sent] = world.proposals();
    expect(letIn).to.deep.equal([]);
    world.apply(0, sent!.first, ['done']);
    world.turn();
    expect(letIn).to.deep.equal([0]);
    const [next] = world.proposals();
    world.apply(0, sent!.first + 1, ['done']);
    world.apply(0, next!.first, ['done']);
    world.turn();
    expect(letIn).to.deep.equal([0, 1, 2]);
    for (const { first, commands } of world.proposals()) world.apply(0, first, commands);
    expect(await Promise.all(outcomes)).to.have.length(5);
  });

  it('lets in the next when one who was let in thinks better of it', async () => {
    const world = limited({ commandsMax: 1 });
    world.lead(0);
    const held = propose(world);
    const waits = [watched(world.session.room()), watched(world.session.room())];
    world.turn();
    world.apply(0, 0, ['done']);
    world.turn();
    await microtasks();
    world.turn();
    await microtasks();
    expect(waits.map(({ outcome }) => outcome)).to.deep.equal(['room', 'room']);
    await held;
  });

  it('lets in the next in the place of one who has given up', async () => {
    const world = limited({ commandsMax: 1 });
    world.lead(0);
    const controller = new AbortController();
    const held = propose(world);
    const given: string[] = [];
    for (const [name, options] of Object.entries({ first: { signal: controller.signal }, second: {} })) {
      const settle = { resolve: () => given.push(name), reject: () => given.push(`${name} gave up`) };
      world.session.awaitRoom(settle, options);
    }
    controller.abort();
    world.turn();
    world.apply(0, 0, ['done']);
    world.turn();
    expect(given).to.deep.equal(['first gave up', 'second']);
    await held;
  });

  it('has room at once when it is not full, and none for ever once it is closed', async () => {
    const world = limited({ commandsMax: 1 });
    await world.session.room();
    const held = propose(world);
    const waiting = outcomeOf(world.session.room());
    world.session.close(Object.assign(new Error('closed'), { code: 'CLOSED' }) as never);
    expect(await waiting).to.equal('CLOSED');
    expect(await world.ends(world.session.room())).to.equal('CLOSED');
    await held;
  });

  it('keeps nobody waiting for room beyond a deadline or a signal', async () => {
    const world = limited({ commandsMax: 1 });
    const controller = new AbortController();
    void propose(world, { timeoutMs: 1000 });
    const late = outcomeOf(world.session.room({ timeoutMs: 100 }));
    const given = outcomeOf(world.session.room({ signal: controller.signal }));
    world.clock.pass(120);
    expect(await late).to.equal('TIMEOUT');
    controller.abort();
    world.turn();
    expect(await given).to.equal('ABORTED');
  });

  it('is bounded in bytes, but takes one request of any size', async () => {
    const world = limited({ commandsBytesMax: 1500, readsBytesMax: 1500 });
    world.lead(0);
    const size = (bytes: number) => new Uint8Array(bytes);
    const large = outcomeOf(world.session.propose(size(1000)));
    const fitting = outcomeOf(world.session.propose(size(500)));
    const query = outcomeOf(world.session.read(size(1000)));
    const refused = [world.session.propose(size(1)), world.session.read(size(501))].map(outcomeOf);
    const empty = outcomeOf(world.session.propose(size(0)));
    const room = watched(world.session.room());
    world.turn();
    expect(await Promise.all(refused)).to.deep.equal(['OVERLOADED', 'OVERLOADED']);
    expect(world.session.pending).to.deep.equal({
      commands: 3,
      commandBytes: 1500,
      reads: 1,
      queryBytes: 1000,
    });
    const asked = world.posted.find(({ request }) => request.type === 'read')?.request as { request: number };
    world.session.hear(0, { type: 'answer', request: asked.request, result: size(0), index: 1 });
    world.apply(0, 0, ['', '', '']);
    world.turn();
    await Promise.all([large, fitting, query, empty]);
    await microtasks();
    expect(room.outcome).to.equal('room');
    expect(world.session.pending).to.deep.equal(nothing);
  });

  it('refuses a query that is too large for a node', async () => {
    const world = new SessionWorld();
    expect(await world.ends(world.session.read(new Uint8Array(1001)))).to.equal('QUERY_TOO_LARGE');
  });
});

describe('a session that is done', () => {
  it('has nothing pending, and keeps nothing of a read that was postponed when it closes', async () => {
    const world = new SessionWorld();
    const outcome = read(world, { node: 1, timeoutMs: 10 * retryPauseMs });
    world.turn();
    const [asked] = world.reads();
    world.session.hear(1, { type: 'readRefused', request: asked!.request, error: notLeader(null) });
    world.session.close(Object.assign(new Error('closed'), { code: 'CLOSED' }) as never);
    expect(await outcome).to.equal('CLOSED');
    world.turn();
    expect(world.session.pending).to.deep.equal(nothing);
    expect(world.clock.timersWaiting).to.equal(0);
  });

  it('waits for the outcome of commands whose results it was sent and cannot read', async () => {
    const world = new SessionWorld();
    world.lead(0);
    const outcome = propose(world, { timeoutMs: 100 });
    world.turn();
    const results = new Uint8Array([9, 9, 9]);
    world.session.hear(0, { type: 'applied', first: 0, count: 1, index: 1, term: 1, results });
    world.clock.pass(120);
    expect(await outcome).to.equal('OUTCOME_UNKNOWN');
    expect(world.session.pending).to.deep.equal(nothing);
  });
});
