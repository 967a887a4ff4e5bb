import { expect } from 'chai';
import { sessionLimits } from '../../src/client/session-host.js';
import { OnceWorld, registered, timeoutMs } from './once-world.js';
import { notLeader, outcomeOf, retryPauseMs, text } from './session-world.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('A session whose commands are applied once', () => {
  it('is opened when the first command is there, not for reads, and numbers its commands', () => {
    const world = new OnceWorld();
    world.lead(1);
    outcomeOf(world.session.read(text('?')));
    world.turn();
    expect(world.asked()).to.deep.equal(['1: read']);
    world.propose('a', 'b');
    world.turn();
    expect(world.session.chart.getSnapshot().matches({ registration: 'registering' })).to.equal(true);
    world.propose('c');
    expect(world.posted.length).to.equal(1);
    world.grant(1, 7);
    world.turn();
    expect(world.asked()).to.deep.equal(['1: open 0', '1: 7.1 from 1 on: a b c']);
  });

  it('says from where on it asks for results: from its first open command on', () => {
    const world = registered();
    world.propose('a', 'b', 'c');
    const first = world.latest;
    expect(world.asked()).to.deep.equal(['1: 7.2 from 2 on: a b c']);
    world.apply(1, first + 1, ['B']);
    world.propose('d');
    expect(world.asked()).to.deep.equal(['1: 7.5 from 2 on: d']);
    world.apply(1, first, ['A']);
    world.propose('e');
    expect(world.asked()).to.deep.equal(['1: 7.6 from 4 on: e']);
  });

  it('sends what a dead leader had to the next one, in order, under the same numbers', async () => {
    const world = registered();
    const calls = world.propose('a', 'b');
    const more = world.propose('c');
    world.apply(1, world.latest - 2, ['A']);
    world.asked();
    world.session.nodeEnded(1);
    world.gone.add(1);
    world.lead(null);
    const late = world.propose('d');
    expect(world.asked()).to.deep.equal([]);
    world.lead(2);
    expect(world.asked()).to.deep.equal(['2: 7.3 from 3 on: b c d']);
    world.propose('e');
    world.apply(2, world.latest - 3, ['B', 'C', 'D', 'E']);
    await settled();
    expect([calls, more, late].map(({ outcomes }) => outcomes)).to.deep.equal([['A', 'B'], ['C'], ['D']]);
  });

  it('sends to a new leader what the old one, cut off, has not answered, and hears the old one no more', async () => {
    const world = registered();
    const calls = world.propose('a', 'b');
    const atOld = world.latest;
    world.lead(2);
    expect(world.asked()).to.deep.equal(['1: 7.2 from 2 on: a b', '2: 7.2 from 2 on: a b']);
    world.refuse(1, atOld, 2, notLeader(2));
    world.apply(1, atOld, ['old', 'old']);
    await settled();
    expect(calls.outcomes).to.deep.equal([]);
    world.propose('c');
    world.apply(2, world.latest - 2, ['A', 'B']);
    await settled();
    expect(calls.outcomes).to.deep.equal(['A', 'B']);
  });

  it('asks again what became of a command whose outcome its node does not know', async () => {
    const world = registered();
    const calls = world.propose('a');
    world.refuseLatest(1, 1, 'OUTCOME_UNKNOWN');
    world.asked();
    world.clock.pass(retryPauseMs);
    expect(world.asked()).to.deep.equal(['1: 7.2 from 2 on: a']);
    world.propose('b');
    world.apply(1, world.latest - 1, ['A']);
    await settled();
    expect(calls.outcomes).to.deep.equal(['A']);
  });

  it('goes on in another session when its own has expired, with what was sent but once', async () => {
    const world = registered();
    const calls = world.propose('a', 'b');
    world.refuseLatest(1, 2, 'SESSION_EXPIRED');
    world.turn();
    world.grant(1, 50);
    world.turn();
    expect(world.asked()).to.deep.equal(['1: 7.2 from 2 on: a b', '1: open 0', '1: 50.1 from 1 on: a b']);
    world.propose('c');
    world.apply(1, world.latest - 2, ['A', 'B']);
    await settled();
    expect(calls.outcomes).to.deep.equal(['A', 'B']);
  });

  it('does not know what became of a command that was sent before in the session that has expired', async () => {
    const world = registered();
    const calls = world.propose('a');
    world.session.nodeEnded(1);
    world.lead(2);
    world.refuseLatest(2, 1, 'SESSION_EXPIRED');
    await settled();
    expect(calls.outcomes).to.deep.equal(['OUTCOME_UNKNOWN']);
    world.propose('b');
    world.turn();
    expect(world.asked().at(-1)).to.equal('2: open 0');
  });

  it('does not take into another session what may have been applied in the last, wherever it was', async () => {
    const world = registered();
    const [atOne, both] = [world.propose('a'), world.propose('b')];
    const first = world.latest - 1;
    world.refuse(1, first + 1, 1, { code: 'SESSION_EXPIRED', message: '' });
    world.turn();
    world.turn();
    world.grant(1, 50);
    // Node 1 has `a` still, in the session that is over.
    world.session.nodeEnded(1);
    world.lead(2);
    world.turn();
    await settled();
    expect([atOne.outcomes, both.outcomes]).to.deep.equal([['OUTCOME_UNKNOWN'], []]);
    expect(world.asked().at(-1)).to.equal('2: 50.1 from 1 on: b');
  });

  it('does not forget that a command may have been applied for the word of one that does not lead', async () => {
    const world = registered();
    const calls = world.propose('a');
    world.session.nodeEnded(1);
    world.lead(2);
    world.refuseLatest(2, 1, 'NOT_LEADER', 3);
    world.refuseLatest(3, 1, 'SESSION_EXPIRED');
    await settled();
    expect(calls.outcomes).to.deep.equal(['OUTCOME_UNKNOWN']);
  });

  it('tells a refusal as it is where nothing was sent before, and as unknown where something was', async () => {
    const world = registered();
    const first = world.propose('a');
    world.refuseLatest(1, 1, 'COMMAND_REJECTED');
    const second = world.propose('b');
    world.session.nodeEnded(1);
    world.lead(2);
    world.refuseLatest(2, 1, 'COMMAND_REJECTED');
    const third = world.propose('c');
    world.refuseLatest(2, 1, 'RESULT_FORGOTTEN');
    await settled();
    expect([first, second, third].map(({ outcomes }) => outcomes[0])).to.deep.equal([
      'COMMAND_REJECTED',
      'OUTCOME_UNKNOWN',
      'RESULT_FORGOTTEN',
    ]);
  });

  it('asks for a verification of those commands alone that are to be verified', () => {
    const world = registered();
    const options = [{}, { verify: true }, { verify: true }, {}];
    for (const [at, each] of options.entries()) outcomeOf(world.session.propose(text(`${at}`), each));
    world.turn();
    const sent = world.posted.map(({ request }) =>
      request.type === 'propose'
        ? `${request.session?.sequence}+${request.count} ${request.verify ?? false}`
        : '',
    );
    expect(sent).to.deep.equal(['2+1 false', '3+2 true', '5+1 false']);
  });

  it('does not have one node after the other killed by a command that the application cannot apply', async () => {
    const world = registered();
    const calls = world.propose('poison');
    const cause = { code: 'APPLICATION_FAILED', message: 'poison' };
    world.refuse(1, world.latest, 1, { code: 'OUTCOME_UNKNOWN', message: 'died', cause });
    await settled();
    expect(calls.outcomes).to.deep.equal(['OUTCOME_UNKNOWN']);
  });

  it('waits and sends again what a full node refuses and another may have applied', async () => {
    const world = registered();
    const fresh = world.propose('a');
    world.refuseLatest(1, 1, 'OVERLOADED');
    const sent = world.propose('b');
    world.session.nodeEnded(1);
    world.lead(2);
    world.refuseLatest(2, 1, 'OVERLOADED');
    await settled();
    expect([fresh.outcomes, sent.outcomes]).to.deep.equal([['OVERLOADED'], []]);
    world.asked();
    world.clock.pass(retryPauseMs);
    expect(world.asked()).to.deep.equal(['2: 7.3 from 3 on: b']);
  });

  it('says that a command may take effect that waits again when its time is over, is aborted or closed', async () => {
    const world = registered();
    const abort = new AbortController();
    const outcomes = [
      world.session.propose(text('a'), { timeoutMs: 500 }),
      world.session.propose(text('b'), { signal: abort.signal, timeoutMs: 9000 }),
      world.session.propose(text('c'), { timeoutMs: 9000 }),
    ].map(outcomeOf);
    world.turn();
    world.session.nodeEnded(1);
    world.lead(null);
    world.turn();
    outcomes.push(outcomeOf(world.session.propose(text('d'), { timeoutMs: 400 })));
    world.clock.pass(600);
    abort.abort();
    world.clock.pass(1);
    world.session.close({ code: 'CLOSED' } as never);
    expect(await Promise.all(outcomes)).to.deep.equal([
      'OUTCOME_UNKNOWN',
      'OUTCOME_UNKNOWN',
      'OUTCOME_UNKNOWN',
      'QUORUM_UNAVAILABLE',
    ]);
  });

  it('asks the next leader for a session when the one that was asked is gone or full', () => {
    const world = new OnceWorld();
    world.lead(1);
    world.propose('a');
    world.turn();
    world.session.nodeEnded(1);
    world.lead(2);
    expect(world.asked()).to.deep.equal(['1: open 0', '2: open 0']);
    world.session.chart.getSnapshot();
    outcomeOf(world.session.propose(text('b')));
    world.turn();
    world.session.nodeEnded(2);
    world.lead(3);
    world.refuseLatest(3, 1, 'OVERLOADED');
    world.clock.pass(retryPauseMs);
    expect(world.asked()).to.deep.equal(['3: open 0', '3: open 0']);
  });

  it('refuses its commands when no session is to be had, and asks anew for the next', async () => {
    const world = new OnceWorld();
    world.lead(1);
    const calls = world.propose('a', 'b');
    world.turn();
    world.refuseLatest(1, 1, 'ACCESS_DENIED');
    await settled();
    expect(calls.outcomes).to.deep.equal(['ACCESS_DENIED', 'ACCESS_DENIED']);
    world.propose('c');
    world.turn();
    expect(world.asked()).to.deep.equal(['1: open 0', '1: open 0']);
  });

  it('is kept alive while it is silent, and not while commands are sent', () => {
    const world = registered();
    world.clock.pass(timeoutMs / 3);
    expect(world.asked()).to.deep.equal([]);
    world.clock.pass(timeoutMs / 3);
    world.apply(1, world.latest, ['']);
    expect(world.asked()).to.deep.equal(['1: keepAlive 7']);
    world.propose('a');
    world.clock.pass(timeoutMs / 3);
    expect(world.asked()).to.deep.equal(['1: 7.2 from 2 on: a']);
    world.clock.pass(timeoutMs / 3);
    world.refuseLatest(1, 1, 'SESSION_EXPIRED');
    expect(world.session.chart.getSnapshot().matches({ registration: 'unregistered' })).to.equal(true);
  });

  it('asks once to be kept alive while nobody answers, however long that takes and however little it may send', () => {
    const world = registered({ ...sessionLimits, commandsMax: 2 });
    world.clock.pass(10 * timeoutMs);
    expect(world.asked()).to.deep.equal(['1: keepAlive 7']);
    world.lead(2);
    world.clock.pass(timeoutMs);
    expect(world.asked(), 'the one that another has is given up').to.deep.equal(['2: keepAlive 7']);
    world.session.close({ code: 'CLOSED' } as never);
    expect(world.asked()).to.deep.equal(['2: end 7']);
  });

  it('is ended where the leader is known when its client closes', () => {
    const world = registered();
    world.session.close({ code: 'CLOSED' } as never);
    expect(world.asked()).to.deep.equal(['1: end 7']);
    const unopened = new OnceWorld();
    unopened.lead(1);
    unopened.session.close({ code: 'CLOSED' } as never);
    expect(unopened.asked()).to.deep.equal([]);
  });

  it('sends a command for one node there, once, without a number', () => {
    const world = registered();
    outcomeOf(world.session.propose(text('a'), { node: 3 }));
    world.turn();
    world.session.nodeEnded(3);
    world.turn();
    expect(world.asked()).to.deep.equal(['3: a']);
  });

  it('gives no number that is further from the first open one than the cluster keeps results', () => {
    const world = registered({ ...sessionLimits, commandsMax: 4 });
    world.propose('a', 'b', 'c', 'd');
    const first = world.latest;
    world.apply(1, first + 1, ['B', 'C', 'D']);
    world.asked();
    world.propose('e');
    expect(world.asked()).to.deep.equal([]);
    world.apply(1, first, ['A']);
    world.turn();
    expect(world.asked()).to.deep.equal(['1: 7.6 from 6 on: e']);
  });
});
