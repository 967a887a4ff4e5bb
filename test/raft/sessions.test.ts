import { expect } from 'chai';
import { packBytes } from '../../src/ground/byte-strings.js';
import { commandsKeptMax, resultBytesMax, SessionTable, sessionsMax } from '../../src/raft/sessions.js';

const results = (...lengths: readonly number[]) => packBytes(lengths.map((length) => new Uint8Array(length)));

function tableWith(...ids: readonly number[]): SessionTable {
  const table = new SessionTable();
  for (const id of ids) table.open(id, 1000);
  return table;
}

/** The ids of the sessions, the one that was silent longest first. */
function idsIn(table: SessionTable): number[] {
  return [...table.all].map(({ id }) => id);
}

describe('A session', () => {
  it('tells commands that were applied from those that were not, and where they were, in any order', () => {
    const table = tableWith(7);
    table.keep(7, { sequence: 5, count: 3, index: 20, term: 2, results: results(1, 2, 3) });
    table.keep(7, { sequence: 1, count: 2, index: 30, term: 3, results: results(4, 5) });
    expect(table.fateOf(7, 1, 10)).to.deep.equal({
      type: 'known',
      count: 2,
      stretch: { sequence: 1, count: 2, index: 30, term: 3, results: results(4, 5) },
    });
    expect(table.fateOf(7, 3, 10)).to.deep.equal({ type: 'fresh', count: 2 });
    expect(table.fateOf(7, 6, 1)).to.deep.equal({
      type: 'known',
      count: 1,
      stretch: { sequence: 6, count: 1, index: 21, term: 2, results: results(2) },
    });
    expect(table.fateOf(7, 8, 4)).to.deep.equal({ type: 'fresh', count: 4 });
    expect([2, 3, 7, 8].map((sequence) => table.knows(7, sequence))).to.deep.equal([
      true,
      false,
      true,
      false,
    ]);
  });

  it('keeps no result that its client asks for no more, and does not apply what may have been', () => {
    const table = tableWith(7);
    table.keep(7, { sequence: 1, count: 4, index: 20, term: 2, results: results(1, 2, 3, 4) });
    table.hear({ id: 7, acknowledged: 3 });
    expect(table.resultBytes).to.equal(results(3, 4).length);
    expect(table.fateOf(7, 1, 4)).to.deep.equal({ type: 'settled', count: 2 });
    table.hear({ id: 7, acknowledged: 2 });
    expect(table.fateOf(7, 3, 4).type).to.equal('known');
    table.hear({ id: 7, acknowledged: 9 });
    expect([table.resultBytes, table.fateOf(7, 8, 4)]).to.deep.equal([0, { type: 'settled', count: 1 }]);
  });

  it('expires when it was silent for longer than it may be, by the time in the log', () => {
    const table = tableWith(1, 2);
    table.pass(600);
    table.hear({ id: 1, acknowledged: 1 });
    table.pass(1000);
    expect(table.fateOf(2, 1, 1).type).to.equal('fresh');
    table.pass(1001);
    expect(table.fateOf(2, 1, 3)).to.deep.equal({ type: 'expired', count: 3 });
    expect([table.hear({ id: 2, acknowledged: 1 }), idsIn(table)]).to.deep.equal([null, [1]]);
    // A leader whose log lags does not turn back the time.
    table.pass(5);
    expect(table.logTimeMs).to.equal(1001);
  });

  it('that may be silent for less than others expires before them', () => {
    const table = tableWith(1);
    table.open(2, 10);
    table.pass(11);
    expect([table.fateOf(1, 1, 1).type, table.fateOf(2, 1, 1).type]).to.deep.equal(['fresh', 'expired']);
    expect([table.hear({ id: 2, acknowledged: 1 }), table.knows(2, 1)]).to.deep.equal([null, false]);
  });

  it('is over when it is ended, and its results with it', () => {
    const table = tableWith(1, 2);
    table.keep(1, { sequence: 1, count: 1, index: 3, term: 1, results: results(5) });
    table.end(1);
    table.end(1);
    expect([idsIn(table), table.resultBytes, table.fateOf(1, 1, 1).type]).to.deep.equal([[2], 0, 'expired']);
  });
});

describe('Sessions beyond their bounds', () => {
  it('end the one that was silent longest', () => {
    const table = tableWith(...Array.from({ length: sessionsMax }, (_, at) => at + 1));
    table.hear({ id: 1, acknowledged: 1 });
    table.open(sessionsMax + 1, 1000);
    expect([table.size, table.fateOf(1, 1, 1).type]).to.deep.equal([sessionsMax, 'fresh']);
    expect(table.fateOf(2, 1, 1).type).to.equal('expired');
  });

  it('forget the results of those that were silent longest, but not that the commands were applied', () => {
    const table = tableWith(1, 2, 3);
    const third = Math.floor(resultBytesMax / 3);
    const large = results(third);
    for (const id of [1, 2]) table.keep(id, { sequence: 1, count: 1, index: id, term: 1, results: large });
    table.hear({ id: 1, acknowledged: 1 });
    expect([table.overflows(third), table.overflows(third - 100)]).to.deep.equal([true, false]);
    table.keep(3, { sequence: 1, count: 1, index: 9, term: 1, results: large });
    expect(table.resultBytes).to.equal(2 * large.length);
    const stretch = { sequence: 1, count: 1, index: 2, term: 1, results: null };
    expect(table.fateOf(2, 1, 5)).to.deep.equal({ type: 'known', count: 1, stretch });
    expect(table.fateOf(1, 1, 1)).to.have.nested.property('stretch.results', large);
    table.hear({ id: 2, acknowledged: 2 });
    expect([table.fateOf(2, 1, 1).type, table.resultBytes]).to.deep.equal(['settled', 2 * large.length]);
  });

  it('forget even a result that is too large by itself', () => {
    const table = tableWith(1);
    table.keep(1, { sequence: 1, count: 1, index: 9, term: 1, results: results(resultBytesMax) });
    expect([table.resultBytes, table.knows(1, 1)]).to.deep.equal([0, true]);
  });

  it('end a session that never says what it has heard', () => {
    const table = tableWith(1);
    const nothing = new Uint8Array(4 * (commandsKeptMax - 1));
    table.keep(1, { sequence: 1, count: commandsKeptMax - 1, index: 9, term: 1, results: nothing });
    expect(table.fateOf(1, commandsKeptMax, 5)).to.deep.equal({ type: 'fresh', count: 1 });
    table.keep(1, { sequence: commandsKeptMax, count: 1, index: 200_000, term: 1, results: results(0) });
    expect(table.fateOf(1, commandsKeptMax + 1, 5)).to.deep.equal({ type: 'expired', count: 5 });
    expect([table.size, table.resultBytes]).to.deep.equal([0, 0]);
  });
});

describe('A table of sessions', () => {
  it('is captured at once, and put back as it was', () => {
    const table = tableWith(1, 2);
    table.pass(300);
    table.keep(1, { sequence: 1, count: 2, index: 9, term: 1, results: results(3, 3) });
    table.hear({ id: 1, acknowledged: 2 });
    const captured = table.capture();
    const other = tableWith(50);
    const { logTimeMs, sessions } = structuredClone(captured);
    other.restore(logTimeMs, sessions);
    table.hear({ id: 2, acknowledged: 5 });
    table.hear({ id: 1, acknowledged: 9 });
    expect(other.capture()).to.deep.equal(captured);
    expect([idsIn(other), other.resultBytes, other.logTimeMs]).to.deep.equal([[2, 1], 7, 300]);
  });
});
