import { expect } from 'chai';
import { sessionLimits } from '../../src/client/session-host.js';
import { outcomeOf, plain, SessionWorld, text } from './session-world.js';

const { bytesAtNodeMax, commandsAtNodeMax, commandsMax, readsAtNodeMax } = sessionLimits;

/*
 * A program may hand a session more than a leader can do within an election timeout. What a session sends on at once
 * is therefore bounded: a leader that is given seconds of work in one turn is deposed in it, the next one is given
 * the same, and nothing is ever committed.
 */
describe('the limits of a session', () => {
  let world: SessionWorld;
  beforeEach(() => {
    world = new SessionWorld();
  });

  const closed = () => world.session.close(Object.assign(new Error('closed'), { code: 'CLOSED' }) as never);

  it('bounds what is under way, and takes more when outcomes come in', async () => {
    world.lead(0);
    const command = text('x');
    const outcomes = Array.from({ length: commandsMax }, () => outcomeOf(world.session.propose(command)));
    expect(await world.ends(world.session.propose(command))).to.equal('OVERLOADED');
    world.turn();
    world.apply(0, world.proposals()[0]!.first, ['done']);
    await outcomes[0];
    const accepted = outcomeOf(world.session.propose(command));
    closed();
    expect(await accepted, 'it was not sent').to.equal('CLOSED');
    expect(await outcomes[1], 'it was').to.equal('OUTCOME_UNKNOWN');
  });

  it('gives a node so many commands at a time, and one more for each it answers', async () => {
    world.lead(0);
    const outcomes = Array.from({ length: commandsAtNodeMax + 10 }, (_, at) =>
      outcomeOf(world.session.propose(text(`${at}`))),
    );
    world.turn();
    const sent = world.proposals();
    expect(sent.reduce((sum, { commands }) => sum + commands.length, 0)).to.equal(commandsAtNodeMax);
    world.apply(0, sent[0]!.first, ['a', 'b', 'c']);
    world.turn();
    expect(world.proposals().flatMap(({ commands }) => commands)).to.deep.equal([
      `${commandsAtNodeMax}`,
      `${commandsAtNodeMax + 1}`,
      `${commandsAtNodeMax + 2}`,
    ]);
    closed();
    await Promise.all(outcomes);
  });

  it('gives a node so many bytes at a time, but always one command', () => {
    world = new SessionWorld(4 * bytesAtNodeMax);
    world.lead(0);
    const sizes = [3 * bytesAtNodeMax, bytesAtNodeMax / 2, bytesAtNodeMax / 2, 1];
    for (const size of sizes) void outcomeOf(world.session.propose(new Uint8Array(size)));
    const sentSizes = () =>
      world.proposals().flatMap(({ first, commands }) => {
        world.apply(
          0,
          first,
          commands.map(() => ''),
        );
        return commands.map(({ length }) => length);
      });
    world.turn();
    expect(sentSizes(), 'larger than all that it may have').to.deep.equal([sizes[0]]);
    world.turn();
    expect(sentSizes()).to.deep.equal([sizes[1], sizes[2]]);
    world.turn();
    expect(sentSizes()).to.deep.equal([1]);
    closed();
  });

  it('does not let what a lost leader never answered stand in the way of the next', () => {
    world.lead(0);
    for (let at = 0; at < commandsAtNodeMax + 1; at++) void outcomeOf(world.session.propose(text('x')));
    world.turn();
    world.proposals();
    world.lead(1);
    expect(world.proposals().map(({ to, commands }) => [to, commands.length])).to.deep.equal([[1, 1]]);
    closed();
  });

  it('sends on when commands whose outcome was unknown at their deadline make room', async () => {
    world.lead(0);
    const late = Array.from({ length: commandsAtNodeMax }, () =>
      outcomeOf(world.session.propose(text('x'), { timeoutMs: 100 })),
    );
    void outcomeOf(world.session.propose(text('next')));
    world.turn();
    world.proposals();
    world.clock.pass(120);
    expect(await late[0]).to.equal('OUTCOME_UNKNOWN');
    expect(world.proposals().flatMap(({ commands }) => commands)).to.deep.equal(['next']);
    closed();
  });

  for (const options of [{}, { node: 0 }]) {
    it(`asks a node so much at a time (${'node' in options ? 'that node' : 'the leader'})`, async () => {
      world.lead(0);
      const answers = Array.from({ length: readsAtNodeMax + 2 }, () =>
        outcomeOf(world.session.read(text('?'), options)),
      );
      world.turn();
      const asked = world.reads();
      expect(asked).to.have.length(readsAtNodeMax);
      world.session.hear(0, { type: 'answer', request: asked[0]!.request, result: text('!'), index: 4 });
      world.turn();
      expect(world.reads()).to.have.length(1);
      world.session.nodeEnded(0);
      world.turn();
      expect(world.reads(), 'its thread ended, and another began').to.have.length(readsAtNodeMax);
      closed();
      await Promise.all(answers);
    });
  }

  it('keeps a copy of what it was given: a buffer may be used again, or handed on, at once', async () => {
    world.lead(0);
    const reused = text('first');
    const transferred = text('second');
    const outcomes = [reused, transferred].map((bytes) => world.session.propose(bytes));
    const read = outcomeOf(world.session.read(transferred));
    reused.fill(0);
    structuredClone(transferred, { transfer: [transferred.buffer] });
    world.turn();
    const [sent] = world.proposals();
    expect(sent!.commands).to.deep.equal(['first', 'second']);
    world.apply(0, sent!.first, ['1', '2']);
    expect(plain((await outcomes[1])!.result)).to.equal('2');
    closed();
    expect(await read).to.equal('CLOSED');
  });

  it('refuses bytes that were handed on before, and a consistency that there is not', async () => {
    const gone = text('gone');
    structuredClone(gone, { transfer: [gone.buffer] });
    expect(await world.ends(world.session.propose(gone))).to.equal('INVALID_OPTION');
    expect(await world.ends(world.session.read(gone))).to.equal('INVALID_OPTION');
    const wrong = { consistency: 'strong' as never };
    expect(await world.ends(world.session.read(text('?'), wrong))).to.equal('INVALID_OPTION');
  });
});
