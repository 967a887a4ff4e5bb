import { expect } from 'chai';
import { earlyAfter } from '../../src/client/session.js';
import { sessionLimits } from '../../src/client/session-host.js';
import { notLeader, outcomeOf, plain, retryPauseMs, SessionWorld, text } from './session-world.js';

describe('session', () => {
  let world: SessionWorld;
  beforeEach(() => {
    world = new SessionWorld();
  });

  const propose = (command: string, options?: object) => world.session.propose(text(command), options);

  it('sends the commands of one turn in one message, and gives each its own outcome', async () => {
    world.lead(1);
    const outcomes = ['a', 'b', 'c'].map((command) => propose(command));
    world.turn();
    const [sent] = world.proposals();
    expect(sent).to.include({ to: 1 });
    expect(sent!.commands).to.deep.equal(['a', 'b', 'c']);
    world.apply(1, sent!.first, ['A', 'B'], 7, 3);
    world.apply(1, sent!.first + 2, ['C'], 9, 3);
    const results = await Promise.all(outcomes);
    expect(results.map(({ index, term, result }) => [index, term, plain(result)])).to.deep.equal([
      [7, 3, 'A'],
      [8, 3, 'B'],
      [9, 3, 'C'],
    ]);
  });

  it('does not let hundreds of one turn wait for its end, and sends each once, in order', () => {
    world.lead(1);
    const commands = Array.from({ length: 2 * earlyAfter + 3 }, (_, at) => String(at));
    for (const command of commands) void propose(command);
    const early = world.proposals();
    expect(early.map(({ commands: { length } }) => length)).to.deep.equal([earlyAfter, earlyAfter]);
    world.turn();
    const last = world.proposals();
    expect(last.map(({ commands: { length } }) => length)).to.deep.equal([3]);
    expect([...early, ...last].flatMap((sent) => sent.commands)).to.deep.equal(commands);
    expect([...early, ...last].map(({ first }) => first)).to.deep.equal([0, earlyAfter, 2 * earlyAfter]);
  });

  it('keeps commands until a leader is reported', () => {
    void propose('a');
    world.turn();
    expect(world.proposals()).to.deep.equal([]);
    world.lead(2);
    expect(world.proposals()).to.deep.equal([{ to: 2, first: 0, commands: ['a'] }]);
  });

  it('follows the hint of a node that does not lead any more', async () => {
    world.lead(0);
    const outcome = propose('a');
    world.turn();
    const [first] = world.proposals();
    world.refuse(0, first!.first, 1, notLeader(2));
    const [second] = world.proposals();
    expect(second).to.include({ to: 2 });
    world.apply(2, second!.first, ['A']);
    expect(plain((await outcome).result)).to.equal('A');
  });

  it('does not let two nodes that name each other play ball with a command', () => {
    world.lead(0);
    void propose('a');
    world.turn();
    world.refuse(0, world.proposals()[0]!.first, 1, notLeader(1));
    world.refuse(1, world.proposals()[0]!.first, 1, notLeader(0));
    expect(world.proposals(), 'it waits').to.deep.equal([]);
    world.clock.pass(retryPauseMs);
    expect(world.proposals().map(({ to }) => to)).to.deep.equal([0]);
  });

  it('tries again through an election, and sends a refused command once only', () => {
    world.lead(0);
    void propose('a');
    world.turn();
    const [sent] = world.proposals();
    world.refuse(0, sent!.first, 1, notLeader(null));
    world.lead(null);
    world.clock.pass(10 * retryPauseMs);
    expect(world.proposals()).to.deep.equal([]);
    world.lead(1);
    world.lead(1);
    expect(world.proposals().map(({ to, commands }) => [to, commands])).to.deep.equal([[1, ['a']]]);
  });

  it('keeps a command from a leader that is not ready, and tries again until its deadline', async () => {
    world.lead(0);
    const call = propose('a', { timeoutMs: 200 });
    world.turn();
    for (let sent = 0; sent < 3; sent++) {
      world.refuse(0, world.proposals()[0]!.first, 1, { code: 'NOT_READY', message: 'not ready' });
      world.turn();
      expect(world.proposals()).to.deep.equal([]);
      world.clock.pass(retryPauseMs);
    }
    world.refuse(0, world.proposals()[0]!.first, 1, { code: 'NOT_READY', message: 'not ready' });
    const outcome = outcomeOf(call);
    world.clock.pass(200);
    expect(await outcome).to.equal('QUORUM_UNAVAILABLE');
  });

  it('says that nothing was appended when no leader took a command by its deadline', async () => {
    const outcome = outcomeOf(propose('a', { timeoutMs: 200 }));
    world.clock.pass(199);
    world.clock.pass(2);
    expect(await outcome).to.equal('QUORUM_UNAVAILABLE');
    world.lead(0);
    world.turn();
    expect(world.proposals(), 'it must not be sent after that').to.deep.equal([]);
  });

  it('says that the outcome is unknown when the deadline passes after a command was sent', async () => {
    world.lead(0);
    const outcome = outcomeOf(propose('a', { timeoutMs: 200 }));
    const patient = propose('b', { timeoutMs: 5000 });
    world.turn();
    const [sent] = world.proposals();
    world.clock.pass(201);
    expect(await outcome).to.equal('OUTCOME_UNKNOWN');
    world.apply(0, sent!.first, ['A', 'B']);
    expect(plain((await patient).result)).to.equal('B');
  });

  it('hears an outcome that came in time, though its own thread was busy until the deadline', async () => {
    world.lead(1);
    const outcome = propose('a', { timeoutMs: 200 });
    world.turn();
    // A busy thread runs its timers first, and then hears its messages.
    world.clock.setTimeout(() => world.apply(1, 0, ['A']), 200);
    world.clock.pass(200);
    expect(plain((await outcome).result)).to.equal('A');
  });

  it('never sends again what a node had that went down', async () => {
    world.lead(0);
    const outcome = outcomeOf(propose('a'));
    world.turn();
    world.proposals();
    const waiting = propose('b');
    world.gone.add(0);
    world.lead(null);
    world.session.nodeEnded(0);
    expect(await outcome).to.equal('OUTCOME_UNKNOWN');
    world.lead(1);
    world.turn();
    const [sent] = world.proposals();
    expect(sent!.commands, 'only what had not been sent').to.deep.equal(['b']);
    world.apply(1, sent!.first, ['B']);
    expect(plain((await waiting).result)).to.equal('B');
  });

  it('sends a command for one node there, once, and passes on its refusal', async () => {
    world.lead(0);
    const outcome = outcomeOf(propose('a', { node: 2 }));
    world.turn();
    const [sent] = world.proposals();
    expect(sent).to.include({ to: 2 });
    world.refuse(2, sent!.first, 1, notLeader(0));
    world.clock.pass(1000);
    expect(await outcome).to.equal('NOT_LEADER');
    expect(world.proposals()).to.deep.equal([]);
    world.gone.add(2);
    const second = outcomeOf(propose('a', { node: 2 }));
    world.turn();
    expect(await second).to.equal('NODE_DEAD');
  });

  it('passes over the number of a late command when numbers come round again', async () => {
    world.lead(0);
    const late = propose('late');
    world.turn();
    const lateNumber = world.proposals()[0]!.first;
    const command = text('x');
    for (let round = 0; round < 17; round++) {
      const outcomes = Array.from({ length: 4096 }, () => world.session.propose(command));
      world.turn();
      for (const { first, commands } of world.proposals()) {
        expect(lateNumber < first || lateNumber >= first + commands.length).to.equal(true);
        world.apply(0, first, commands);
      }
      await Promise.all(outcomes);
    }
    world.apply(0, lateNumber, ['at last']);
    expect(plain((await late).result)).to.equal('at last');
  });

  it('takes no answer for another’s that comes after its own command was given up, however many were sent since', async () => {
    world = new SessionWorld(1000, { ...sessionLimits, commandsMax: 2 });
    const { session, clock } = world;
    world.lead(0);
    const given = outcomeOf(propose('given up', { timeoutMs: 100 }));
    world.turn();
    const { first: late } = world.proposals()[0]!;
    clock.pass(100);
    expect(await given).to.equal('OUTCOME_UNKNOWN');
    for (let sent = 0; sent < 100; sent++) {
      const outcome = session.propose(text('x'));
      world.turn();
      const { first } = world.proposals()[0]!;
      world.apply(0, late, ['too late']);
      world.apply(0, first, ['done']);
      expect(plain((await outcome).result), `after ${sent}`).to.equal('done');
    }
  });

  it('refuses a command that is too large, is no bytes, or has an impossible deadline', async () => {
    expect(await world.ends(world.session.propose(new Uint8Array(1001)))).to.equal('COMMAND_TOO_LARGE');
    expect(await world.ends(world.session.propose('text' as never))).to.equal('INVALID_OPTION');
    expect(await world.ends(propose('a', { timeoutMs: 0 }))).to.equal('INVALID_OPTION');
    expect(await world.ends(propose('a', { timeoutMs: Number.NaN }))).to.equal('INVALID_OPTION');
  });

  it('asks again when a read was refused for want of a leader, or the node went down', async () => {
    world.lead(0);
    const answer = world.session.read(text('?'));
    world.turn();
    const [first] = world.reads();
    world.session.hear(0, { type: 'readRefused', request: first!.request, error: notLeader(null) });
    world.lead(1);
    const [second] = world.reads();
    expect(second).to.include({ to: 1 });
    world.gone.add(1);
    world.lead(null);
    world.session.nodeEnded(1);
    world.lead(2);
    const [third] = world.reads();
    expect(third).to.include({ to: 2 });
    world.session.hear(2, { type: 'answer', request: third!.request, result: text('!'), index: 4 });
    expect(plain((await answer).result)).to.equal('!');
  });

  it('asks one node again after a pause while it knows no leader, until the deadline', async () => {
    const answer = outcomeOf(world.session.read(text('?'), { node: 3, timeoutMs: 4 * retryPauseMs }));
    world.turn();
    for (let round = 0; round < 4; round++) {
      const asked = world.reads();
      expect(asked.map(({ to }) => to)).to.deep.equal([3]);
      world.session.hear(3, { type: 'readRefused', request: asked[0]!.request, error: notLeader(null) });
      expect(world.reads()).to.deep.equal([]);
      world.clock.pass(retryPauseMs);
    }
    expect(await answer).to.equal('QUORUM_UNAVAILABLE');
  });

  it('ends each of those that wait for a leader by a deadline of its own', async () => {
    for (const what of ['propose', 'read'] as const) {
      const world = new SessionWorld();
      const ended: unknown[] = [];
      for (const timeoutMs of [100, 500]) {
        outcomeOf(world.session[what](text('x'), { timeoutMs })).then((outcome) => ended.push(outcome));
      }
      world.clock.pass(500);
      await new Promise(setImmediate);
      expect(ended, what).to.deep.equal(['QUORUM_UNAVAILABLE', 'QUORUM_UNAVAILABLE']);
    }
  });

  it('leaves no timer when it is closed', async () => {
    world.lead(0);
    const read = outcomeOf(world.session.read(text('?')));
    const command = outcomeOf(propose('a'));
    world.session.close(Object.assign(new Error('closed'), { code: 'CLOSED' }) as never);
    expect(await read).to.equal('CLOSED');
    expect(await command, 'it was never sent').to.equal('CLOSED');
    world.clock.pass(1);
    expect(world.clock.timersWaiting).to.equal(0);
  });
});
