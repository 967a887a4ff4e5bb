import { expect } from 'chai';
import { sessionLimits } from '../../src/client/session-host.js';
import { packBytes } from '../../src/ground/byte-strings.js';
import type { ClientRequest } from '../../src/node/clients/client-requests.js';
import { OnceWorld, registered } from './once-world.js';
import { notLeader, outcomeOf, retryPauseMs, SessionWorld, text } from './session-world.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const nothing = { commands: 0, commandBytes: 0, reads: 0, queryBytes: 0 };
const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('It was not rejected.'),
    (error: Error) => error.message,
  );

describe('A session whose commands are applied once, when nodes fail', () => {
  it('sends first what has a number, in the order of the numbers, then what has none', async () => {
    const world = registered({ ...sessionLimits, commandsAtNodeMax: 2 });
    const calls = world.propose('a', 'b', 'c');
    expect(world.asked(), 'the third waits for room at the node').to.deep.equal(['1: 7.2 from 2 on: a b']);
    world.session.nodeEnded(1);
    world.lead(2);
    const first = world.latest;
    expect(world.asked()).to.deep.equal(['2: 7.2 from 2 on: a b']);
    world.apply(2, first, ['A', 'B']);
    world.turn();
    expect(world.asked()).to.deep.equal(['2: 7.4 from 4 on: c']);
    await settled();
    expect(calls.outcomes).to.deep.equal(['A', 'B']);
  });

  it('sends in separate messages what is not numbered on end: the first number stands for all', () => {
    const world = registered();
    world.propose('a', 'b', 'c');
    world.apply(1, world.latest + 1, ['B']);
    world.asked();
    world.session.nodeEnded(1);
    world.lead(2);
    expect(world.asked()).to.deep.equal(['2: 7.2 from 2 on: a', '2: 7.4 from 2 on: c']);
  });

  it('gives out no number beyond those that the cluster keeps results of', () => {
    const world = registered({ ...sessionLimits, commandsMax: 4 });
    world.propose('a', 'b', 'c');
    const first = world.latest;
    world.asked();
    world.apply(1, first + 1, ['B', 'C']);
    world.propose('d', 'e');
    expect(world.asked(), 'while the first is open').to.deep.equal(['1: 7.5 from 2 on: d']);
    world.apply(1, first, ['A']);
    world.turn();
    expect(world.asked()).to.deep.equal(['1: 7.6 from 5 on: e']);
  });

  it('does not lose or double what it hands to a node that is gone', async () => {
    const world = registered();
    world.gone.add(1);
    const calls = world.propose('a', 'b');
    expect(world.asked()).to.deep.equal([]);
    world.lead(2);
    world.turn();
    expect(world.asked()).to.deep.equal(['2: 7.2 from 2 on: a b']);
    world.propose('c');
    world.apply(2, world.latest - 2, ['A', 'B', 'C']);
    await settled();
    expect(calls.outcomes).to.deep.equal(['A', 'B']);
    expect(world.session.pending).to.deep.equal(nothing);
  });

  it('asks the next leader for a session when the first is gone before it is asked, and then sends its commands alone', () => {
    const world = new OnceWorld();
    world.gone.add(1);
    world.lead(1);
    world.propose('a');
    world.turn();
    expect(world.asked()).to.deep.equal([]);
    world.lead(2);
    world.turn();
    expect(world.posted).to.have.length(1);
    world.grant(2, 50);
    world.turn();
    expect(world.asked()).to.deep.equal(['2: open 0', '2: 50.1 from 1 on: a']);
  });

  it('asks again for a session when nobody knows whether it was opened', () => {
    const world = new OnceWorld();
    world.lead(1);
    world.propose('a');
    world.turn();
    world.refuseLatest(1, 1, 'OUTCOME_UNKNOWN');
    world.asked();
    world.clock.pass(retryPauseMs);
    expect(world.asked()).to.deep.equal(['1: open 0']);
  });

  it('refuses its commands when what a node says of the session makes no sense', async () => {
    const world = new OnceWorld();
    world.lead(1);
    const { outcomes } = world.propose('a');
    world.turn();
    world.session.hear(1, {
      ...{ type: 'applied', first: world.latest, count: 1, index: 50, term: 1 },
      results: packBytes([new Uint8Array(0)]),
    });
    await settled();
    expect(outcomes).to.deep.equal(['MALFORMED']);
    expect(world.session.pending).to.deep.equal(nothing);
  });

  it('does not send in another session what may have been applied in the one that expired, nor ever again', async () => {
    const world = registered({ ...sessionLimits, commandsAtNodeMax: 1 });
    const atOne = world.propose('a');
    const second = world.propose('b');
    world.apply(1, world.latest, ['A']);
    world.turn();
    // `b` is with node 1 when that goes, and `c` is what the next leader gets first.
    world.session.nodeEnded(1);
    world.lead(2);
    world.refuseLatest(2, 1, 'SESSION_EXPIRED');
    await settled();
    expect([atOne.outcomes, second.outcomes]).to.deep.equal([['A'], ['OUTCOME_UNKNOWN']]);
    world.asked();
    world.propose('c');
    world.turn();
    world.grant(2, 50);
    world.turn();
    expect(world.asked()).to.deep.equal(['2: open 0', '2: 50.1 from 1 on: c']);
    expect(world.session.pending.commands).to.equal(1);
  });

  it('stays in its session when it hears late that one before it has expired', () => {
    const world = registered();
    world.propose('a');
    const first = world.latest;
    world.propose('b');
    world.refuse(1, first + 1, 1, { code: 'SESSION_EXPIRED', message: '' });
    world.turn();
    world.turn();
    world.grant(1, 50);
    world.turn();
    world.asked();
    world.refuse(1, first, 1, { code: 'SESSION_EXPIRED', message: '' });
    world.turn();
    expect(world.asked(), 'which the command then joins').to.deep.equal(['1: 50.2 from 1 on: a']);
    world.propose('c');
    world.turn();
    expect(world.asked()).to.deep.equal(['1: 50.3 from 1 on: c']);
  });

  it('does not send again to a leader that was lost from view for a moment what that has', () => {
    const world = registered();
    world.propose('a');
    world.asked();
    world.lead(null);
    world.lead(1);
    world.turn();
    expect(world.asked()).to.deep.equal([]);
  });

  it('knows that a command may have been applied whose outcome a node did not know, when it is refused then', async () => {
    const world = registered();
    const { outcomes } = world.propose('a');
    world.refuseLatest(1, 1, 'OUTCOME_UNKNOWN');
    world.clock.pass(retryPauseMs);
    world.refuseLatest(1, 1, 'COMMAND_REJECTED');
    await settled();
    expect(outcomes).to.deep.equal(['OUTCOME_UNKNOWN']);
  });
});

describe('A session whose commands may be applied twice, when nodes fail', () => {
  let world: SessionWorld;
  beforeEach(() => {
    world = new SessionWorld();
    world.lead(1);
  });

  it('never sends again what a node may have appended', async () => {
    const outcome = outcomeOf(world.session.propose(text('x')));
    world.turn();
    const [sent] = world.proposals();
    world.refuse(1, sent!.first, 1, { code: 'OUTCOME_UNKNOWN', message: 'deposed' });
    world.clock.pass(retryPauseMs);
    expect(await outcome).to.equal('OUTCOME_UNKNOWN');
    expect(world.proposals()).to.deep.equal([]);
  });

  it('gives up what the node had that went down, and nothing that others have', async () => {
    const ofLeader = outcomeOf(world.session.propose(text('x')));
    const ofTwo = messageOf(world.session.propose(text('y'), { node: 2 }));
    world.turn();
    const [toTwo, toLeader] = world.proposals();
    expect([toTwo?.to, toLeader?.to]).to.deep.equal([2, 1]);
    world.session.nodeEnded(3);
    world.session.nodeEnded(2);
    expect(await ofTwo).to.match(/^Node 2 went down after the command was sent to it\. It may or may not/);
    world.apply(1, toLeader!.first, ['done']);
    expect(await ofLeader).to.include({ index: 1 });
  });

  it('ends each by its own deadline, whenever others end', async () => {
    const outcomes = [100, 300, 200].map((timeoutMs) => {
      const seen = { outcome: null as unknown };
      void outcomeOf(world.session.propose(text('x'), { timeoutMs })).then((outcome) => {
        seen.outcome = outcome;
      });
      void outcomeOf(world.session.read(text('?'), { timeoutMs })).then((outcome) => {
        seen.outcome = `${outcome} ${seen.outcome}`;
      });
      return seen;
    });
    world.turn();
    expect(world.posted.map(({ request }) => request.type)).to.include.members(['propose', 'read']);
    const over = 'QUORUM_UNAVAILABLE OUTCOME_UNKNOWN';
    for (const expected of [
      [over, null, null],
      [over, null, over],
      [over, over, over],
    ]) {
      world.clock.pass(100);
      await settled();
      expect(outcomes.map(({ outcome }) => outcome)).to.deep.equal(expected);
    }
    expect(world.session.pending).to.deep.equal(nothing);
  });

  it('counts a call once that is answered and aborted in one turn', async () => {
    const aborting = new AbortController();
    const outcome = outcomeOf(world.session.propose(text('x'), { signal: aborting.signal }));
    world.turn();
    aborting.abort();
    world.apply(1, world.proposals()[0]!.first, ['done']);
    world.turn();
    expect(await outcome).to.include({ index: 1 });
    expect(world.session.pending).to.deep.equal(nothing);
  });

  it('sends nothing to one node that was aborted before', async () => {
    const aborting = new AbortController();
    const options = { node: 2, signal: aborting.signal };
    const outcomes = [world.session.propose(text('x'), options), world.session.read(text('?'), options)].map(
      outcomeOf,
    );
    aborting.abort();
    world.turn();
    expect(await Promise.all(outcomes)).to.deep.equal(['ABORTED', 'ABORTED']);
    expect(world.posted).to.deep.equal([]);
  });

  it('says of one node that is gone that it is, and of a command that was sent when it was closed', async () => {
    world.gone.add(2);
    const calls = [
      world.session.propose(text('x'), { node: 2 }),
      world.session.read(text('?'), { node: 2 }),
    ].map(messageOf);
    const sent = messageOf(world.session.propose(text('y')));
    world.turn();
    for (const message of await Promise.all(calls)) expect(message).to.match(/^Node 2 has crashed/);
    world.session.close(Object.assign(new Error('closed'), { code: 'CLOSED' }) as never);
    expect(await sent).to.match(/^The cluster was closed after the command was sent\. It may/);
  });
});

describe('A read, when nodes fail', () => {
  let world: SessionWorld;
  beforeEach(() => {
    world = new SessionWorld();
    world.lead(1);
  });
  const refused = (from: number, request: number, code: string, leaderId: number | null = null) => {
    world.session.hear(from, {
      type: 'readRefused',
      request,
      error: { code, message: code, leaderId, term: 1 },
    });
    world.turn();
  };
  const requests = () =>
    world.posted.splice(0).map(({ request }) => request as ClientRequest & { type: 'read' });

  it('that anybody may answer is asked again after a pause, of whoever is there then', async () => {
    world.gone.add(1);
    const answer = outcomeOf(world.session.read(text('?'), { consistency: 'stale', maxStaleMs: 70 }));
    world.turn();
    expect(requests()).to.deep.equal([]);
    world.leaderId = 2;
    world.clock.pass(retryPauseMs);
    const [asked] = requests();
    expect(asked).to.include({ consistency: 'stale', maxStaleMs: 70 });
    refused(2, asked!.request, 'TOO_STALE');
    world.clock.pass(retryPauseMs);
    const [again] = requests();
    refused(2, again!.request, 'NODE_DEAD');
    world.clock.pass(retryPauseMs);
    const [third] = requests();
    world.session.hear(2, { type: 'answer', request: third!.request, result: text('!'), index: 9, ageMs: 3 });
    expect(await answer).to.deep.equal({ result: text('!'), index: 9, ageMs: 3 });
    expect(world.session.pending).to.deep.equal(nothing);
  });

  it('that one node is to answer is refused as that node refuses it, but for want of a leader', async () => {
    for (const code of ['TOO_STALE', 'NODE_DEAD', 'QUERY_FAILED']) {
      const answer = outcomeOf(world.session.read(text('?'), { node: 2, consistency: 'stale' }));
      world.turn();
      refused(2, requests()[0]!.request, code);
      expect(await answer).to.equal(code);
    }
    void outcomeOf(world.session.read(text('?'), { node: 2 }));
    world.turn();
    refused(2, requests()[0]!.request, 'NOT_LEADER', 1);
    world.clock.pass(retryPauseMs);
    expect(world.reads().map(({ to }) => to)).to.deep.equal([2]);
  });

  it('follows the hint of who does not lead any more', async () => {
    const answer = outcomeOf(world.session.read(text('?')));
    world.turn();
    const [asked] = world.reads();
    world.session.hear(1, { type: 'readRefused', request: asked!.request, error: notLeader(2) });
    world.turn();
    const [again] = world.reads();
    expect(again?.to).to.equal(2);
    world.session.hear(2, { type: 'answer', request: again!.request, result: text('!'), index: 9 });
    expect(await answer).to.deep.equal({ result: text('!'), index: 9 });
  });

  it('waits for the next leader when this one is gone before it is asked', () => {
    world.gone.add(1);
    void outcomeOf(world.session.read(text('?')));
    world.turn();
    expect(world.reads()).to.deep.equal([]);
    world.lead(2);
    world.turn();
    expect(world.reads().map(({ to }) => to)).to.deep.equal([2]);
  });
});
