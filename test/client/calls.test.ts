import { expect } from 'chai';
import {
  abortedTooLate,
  copyToPack,
  detached,
  noAnswer,
  noQuorum,
  proposeOptions,
  readOptions,
  wrongOptions,
} from '../../src/client/calls.js';
import { type Command, newCommand, unheard, unknownOf } from '../../src/client/command.js';
import { Deadlines } from '../../src/client/deadlines.js';
import { Sequence } from '../../src/client/sequence.js';
import { ConclaveError } from '../../src/ground/errors.js';
import { VirtualClock } from '../router/virtual-clock.js';

function command(fields: Partial<Command> = {}): Command {
  const settle = { resolve: () => {}, reject: () => {} };
  const given = { bytes: new Uint8Array(1), only: null, timeoutMs: 300, deadlineMs: 300, signal: undefined };
  return { ...newCommand({ ...given, settle, verify: false, what: null }), ...fields };
}

describe('What is asked of a session', () => {
  it('is refused where it makes no sense, with what would', () => {
    const says = (options: object) => wrongOptions(options)?.message ?? null;
    expect(says({ verify: 'yes' })).to.equal('verify is yes. Give true or false.');
    expect([says({ verify: true }), says({ verify: false }), says({})]).to.deep.equal([null, null, null]);
    for (const maxStaleMs of [0, 0.5, 2 ** 48 - 1]) {
      expect(says({ maxStaleMs, consistency: 'stale' }), String(maxStaleMs)).to.equal(null);
    }
    for (const maxStaleMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 48]) {
      expect(says({ maxStaleMs, consistency: 'stale' })).to.equal(
        `maxStaleMs is ${maxStaleMs} for a stale read. Give milliseconds from 0 on, for a stale one.`,
      );
    }
    expect(says({ maxStaleMs: 5 }), 'a linearizable read is never stale').to.match(
      /^maxStaleMs is 5 for a linearizable read\./,
    );
  });

  it('is named by options, of which those that are unknown can be told', () => {
    expect(Object.keys(proposeOptions)).to.have.members(['timeoutMs', 'signal', 'node', 'verify']);
    const ofReads = ['timeoutMs', 'signal', 'node', 'consistency', 'maxStaleMs'];
    expect(Object.keys(readOptions)).to.have.members(ofReads);
  });

  it('is copied, in memory of its own only where that costs nothing', () => {
    const small = new Uint8Array(64).fill(7);
    expect(copyToPack(small)?.buffer.byteLength).to.equal(64);
    const large = new Uint8Array(65).fill(7);
    const copy = copyToPack(large) as Uint8Array;
    expect(copy).to.be.instanceOf(Buffer);
    large.fill(0);
    expect([...copy]).to.deep.equal(new Array(65).fill(7));
  });
});

describe('How a call ends that comes to nothing', () => {
  it('is told in words that say what happened and what to do', () => {
    expect(detached('query').message).to.equal(
      "The query's bytes are gone: their ArrayBuffer was transferred to another thread. Hand it over before you transfer it.",
    );
    expect(noQuorum(70)).to.include({ code: 'QUORUM_UNAVAILABLE' });
    expect(noQuorum(70).message).to.match(
      /^No leader took the request within 70 ms, and nothing was appended\./,
    );
    expect(noAnswer(70, null).message).to.match(/^The query had no answer from any node within 70 ms\. See /);
    expect(noAnswer(70, 0).message).to.match(/^The query had no answer from node 0 within 70 ms\. See /);
  });

  it('names the node that has the command, or had it last, and warns of applying it twice', () => {
    const warns = '. It may or may not take effect; propose it again only if applying it twice does no harm.';
    expect(unheard(command({ sentTo: 0, mayBeAt: 2 })).message).to.equal(
      `No outcome was heard from node 0 within 300 ms${warns}`,
    );
    expect(unheard(command({ mayBeAt: 2 })).message).to.match(/^No outcome was heard from node 2 within/);
    expect(abortedTooLate(command(), 4).message).to.match(
      /^The command was aborted after it had been sent to node 4: .*\. It may or may not/,
    );
    const aborting = new AbortController();
    const reason = new Error('the shop is closed');
    aborting.abort(reason);
    const aborted = abortedTooLate(command({ signal: aborting.signal }), 4);
    expect(aborted).to.include({ code: 'OUTCOME_UNKNOWN', cause: reason });
    expect(aborted.message).to.include('sent to node 4: the shop is closed');
  });

  it('gives the refusal as the cause where the command may have been applied before', () => {
    const refusal = new ConclaveError('COMMAND_REJECTED', 'It is against v1.2 of the rules.');
    const error = unknownOf(command({ mayBeAt: 3 }), refusal);
    expect(error).to.include({ code: 'OUTCOME_UNKNOWN', cause: refusal });
    expect(error.message).to.match(
      /^The command was refused after it had been sent to node 3: It is against v1\.2 of the rules\. It may /,
    );
  });
});

describe('The numbers of a session’s commands', () => {
  function numbered(sequence: Sequence, count: number): Command[] {
    const commands = Array.from({ length: count }, () => command());
    for (const each of commands) sequence.number(each);
    return commands;
  }

  it('run on from one, and tell from where on results are asked for', () => {
    const sequence = new Sequence(4);
    expect(sequence.id).to.equal(null);
    expect(sequence.placeOf({ sequence: 0 })).to.deep.equal({ id: 0, sequence: 0, acknowledged: 1 });
    sequence.begin(9);
    const [one, two, three] = numbered(sequence, 3) as [Command, Command, Command];
    expect([one, two, three].map((each) => [each.session, each.sequence])).to.deep.equal([
      [9, 1],
      [9, 2],
      [9, 3],
    ]);
    expect([sequence.room, sequence.placeOf(three)]).to.deep.equal([
      1,
      { id: 9, sequence: 3, acknowledged: 1 },
    ]);
    two.isOver = true;
    expect([sequence.room, sequence.placeOf(three).acknowledged], 'one is open').to.deep.equal([1, 1]);
    one.isOver = true;
    expect([sequence.room, sequence.placeOf(three).acknowledged]).to.deep.equal([3, 3]);
    three.isOver = true;
    expect([sequence.room, sequence.placeOf(three).acknowledged], 'none is open').to.deep.equal([4, 4]);
  });

  it('begin anew in another session, where what has a number of the one before does not count', () => {
    const sequence = new Sequence(4);
    sequence.begin(9);
    numbered(sequence, 3);
    sequence.end();
    expect(sequence.id).to.equal(null);
    sequence.begin(20);
    expect([sequence.id, sequence.room]).to.deep.equal([20, 4]);
    const [first, second] = numbered(sequence, 2) as [Command, Command];
    expect([first.session, first.sequence]).to.deep.equal([20, 1]);
    // It was left behind, as one of an expired session is.
    first.session = null;
    expect(sequence.placeOf(second).acknowledged).to.equal(2);
  });

  it('stay right over any number of commands that end in any order', () => {
    const sequence = new Sequence(1000);
    sequence.begin(1);
    const open: Command[] = [];
    for (let round = 0; round < 300; round++) {
      open.push(...numbered(sequence, 3));
      const over = open.splice((round * 7) % open.length, 1 + (round % 4));
      for (const each of over) each.isOver = true;
      const lowest = Math.min(...open.map((each) => each.sequence), 3 * (round + 1) + 1);
      expect(sequence.placeOf({ sequence: 0 }).acknowledged).to.equal(lowest);
      expect(sequence.room).to.equal(1000 - (3 * (round + 1) + 1 - lowest));
    }
  });
});

describe('The deadlines of a session', () => {
  it('may have passed from the earliest on, and are swept together', () => {
    const clock = new VirtualClock();
    const swept: number[] = [];
    const deadlines = new Deadlines(clock, (nowMs) => {
      swept.push(nowMs);
      return nowMs < 200 ? 200 : Number.POSITIVE_INFINITY;
    });
    expect(deadlines.mayHavePassed(1e9)).to.equal(false);
    deadlines.add(200);
    deadlines.add(100);
    expect([99, 100].map((nowMs) => deadlines.mayHavePassed(nowMs))).to.deep.equal([false, true]);
    clock.pass(99);
    expect(swept).to.deep.equal([]);
    clock.pass(1);
    clock.pass(100);
    clock.pass(1000);
    expect(swept).to.deep.equal([100, 200]);
  });

  it('are over when it is closed, also between a timer and its sweep', () => {
    const clock = new VirtualClock();
    const swept: number[] = [];
    const deadlines = new Deadlines(clock, (nowMs) => {
      swept.push(nowMs);
      return Number.POSITIVE_INFINITY;
    });
    deadlines.add(100);
    // Set after the session's own timer, for the same moment: it fires before what that leaves for the turn to come.
    clock.setTimeout(() => deadlines.stop(), 100);
    clock.pass(100);
    clock.pass(100);
    expect(swept).to.deep.equal([]);
  });
});
