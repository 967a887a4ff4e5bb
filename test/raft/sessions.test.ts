import { expect } from 'chai';
import fc from 'fast-check';
import { packBytes, unpackBytes } from '../../src/ground/byte-strings.js';
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
    expect(table.fateOf(7, 1, 4), 'what it has said once it cannot take back').to.deep.equal({
      type: 'settled',
      count: 2,
    });
    expect([...table.all]).to.deep.include({
      ...{ id: 7, timeoutMs: 1000, activeMs: 0, acknowledged: 3, kept: 2, bytes: results(3, 4).length },
      stretches: [{ sequence: 3, count: 2, index: 22, term: 2, results: results(3, 4) }],
    });
    table.hear({ id: 7, acknowledged: 5 });
    expect([...table.all][0], 'nothing is left, not even an empty stretch').to.deep.include({
      ...{ acknowledged: 5, kept: 0, bytes: 0 },
      stretches: [],
    });
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

  it('begins with nothing', () => {
    const [session] = tableWith(7).all;
    const nothing = { acknowledged: 1, stretches: [], kept: 0, bytes: 0 };
    expect(session).to.deep.equal({ id: 7, timeoutMs: 1000, activeMs: 0, ...nothing });
  });

  it('that is over keeps nothing of what is applied yet', () => {
    const table = tableWith(1);
    table.end(1);
    table.keep(1, { sequence: 1, count: 1, index: 3, term: 1, results: results(5) });
    expect([table.size, table.resultBytes]).to.deep.equal([0, 0]);
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

  it('know of a command whose results were forgotten, also of a part of them, where it was applied', () => {
    const table = tableWith(1);
    table.keep(1, { sequence: 1, count: 3, index: 20, term: 2, results: null });
    const known = { count: 1, index: 21, term: 2, results: null };
    expect(table.fateOf(1, 2, 1)).to.deep.equal({
      type: 'known',
      count: 1,
      stretch: { sequence: 2, ...known },
    });
    table.hear({ id: 1, acknowledged: 3 });
    expect([table.resultBytes, table.fateOf(1, 3, 1).type]).to.deep.equal([0, 'known']);
  });

  it('forget nothing while all results fit, and no more than makes room', () => {
    const table = tableWith(1, 2);
    expect([table.overflows(resultBytesMax), table.overflows(resultBytesMax + 1)]).to.deep.equal([
      false,
      true,
    ]);
    const keep = (id: number, sequence: number, bytes: number) =>
      table.keep(id, { sequence, count: 1, index: id, term: 1, results: new Uint8Array(bytes) });
    keep(1, 1, resultBytesMax / 8);
    keep(2, 1, (resultBytesMax / 8) * 7);
    expect(table.resultBytes, 'as many as are kept').to.equal(resultBytesMax);
    keep(1, 2, 1);
    expect(table.resultBytes, 'an eighth is free again').to.equal((resultBytesMax / 8) * 7);
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

describe('Sessions, beside a table that keeps each command by itself', () => {
  /** What a session is by its definition: each command on its own, nothing cut, nothing shared. */
  class PlainSession {
    acknowledged = 1;
    activeMs: number;
    readonly applied = new Map<number, { index: number; term: number; result: number }>();
    constructor(
      readonly id: number,
      nowMs: number,
    ) {
      this.activeMs = nowMs;
    }
  }

  const step = fc.oneof(
    { weight: 1, arbitrary: fc.record({ do: fc.constant('open' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(400) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), whose: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('hear' as const), whose: fc.nat(3), acknowledged: fc.nat(30) }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('apply' as const),
        whose: fc.nat(3),
        sequence: fc.integer({ min: 1, max: 30 }),
        count: fc.integer({ min: 1, max: 6 }),
      }),
    },
  );

  it('answer alike, whatever comes in whatever order, and keep as much', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let table = new SessionTable();
        const plain: PlainSession[] = [];
        let nowMs = 0;
        let nextIndex = 1;
        const timeoutMs = 1000;
        const drop = (session: PlainSession | undefined) => {
          const at = session === undefined ? -1 : plain.indexOf(session);
          if (at >= 0) plain.splice(at, 1);
        };
        const heard = (session: PlainSession, acknowledged: number) => {
          session.activeMs = nowMs;
          drop(session);
          plain.push(session);
          session.acknowledged = Math.max(session.acknowledged, acknowledged);
          for (const sequence of [...session.applied.keys()]) {
            if (sequence < session.acknowledged) session.applied.delete(sequence);
          }
        };
        for (const each of steps) {
          const session = 'whose' in each ? plain[each.whose % Math.max(1, plain.length)] : undefined;
          const id = session?.id ?? 9999;
          if (each.do === 'open') {
            plain.push(new PlainSession(nextIndex, nowMs));
            table.open(nextIndex++, timeoutMs);
          } else if (each.do === 'pass') {
            nowMs += each.ms;
            table.pass(nowMs);
            for (const old of [...plain]) if (nowMs - old.activeMs > timeoutMs) drop(old);
          } else if (each.do === 'end') {
            table.end(id);
            drop(session);
          } else if (each.do === 'restore') {
            const captured = table.capture();
            const other = new SessionTable();
            other.open(5000, 1);
            other.restore(captured.logTimeMs, captured.sessions);
            // What was captured stays as it is, whatever becomes of the table that it was taken of.
            const text = JSON.stringify(captured.sessions.map(({ stretches }) => stretches.length));
            for (const one of plain) table.hear({ id: one.id, acknowledged: 1000 });
            expect(JSON.stringify(captured.sessions.map(({ stretches }) => stretches.length))).to.equal(text);
            table = other;
          } else if (each.do === 'hear') {
            expect(table.hear({ id, acknowledged: each.acknowledged }) === null).to.equal(
              session === undefined,
            );
            if (session !== undefined) heard(session, each.acknowledged);
          } else {
            const { sequence, count } = each;
            for (let at = sequence; at < sequence + count; ) {
              const fate = table.fateOf(id, at, sequence + count - at);
              expect(fate.count).to.be.within(1, sequence + count - at);
              const knows = session !== undefined && (at < session.acknowledged || session.applied.has(at));
              expect(table.knows(id, at)).to.equal(knows);
              for (let one = at; one < at + fate.count; one++) {
                const known = session?.applied.get(one);
                const wanted =
                  session === undefined
                    ? 'expired'
                    : one < session.acknowledged
                      ? 'settled'
                      : known === undefined
                        ? 'fresh'
                        : 'known';
                expect(fate.type, `command ${one}`).to.equal(wanted);
                if (fate.type !== 'known') continue;
                const { stretch } = fate;
                expect([stretch.sequence, stretch.count]).to.deep.equal([at, fate.count]);
                const lengths = unpackBytes(stretch.results ?? new Uint8Array(0), stretch.count) ?? [];
                expect([stretch.index + one - at, stretch.term, lengths[one - at]?.length]).to.deep.equal([
                  known?.index,
                  known?.term,
                  known?.result,
                ]);
              }
              if (fate.type === 'fresh') {
                const lengths = Array.from({ length: fate.count }, (_, more) => (at + more) % 5);
                const term = Math.ceil(nextIndex / 7);
                table.keep(id, {
                  sequence: at,
                  count: fate.count,
                  index: nextIndex,
                  term,
                  results: results(...lengths),
                });
                for (const [more, result] of lengths.entries()) {
                  session?.applied.set(at + more, { index: nextIndex + more, term, result });
                }
                nextIndex += fate.count;
              }
              at += fate.count;
            }
          }
          expect(idsIn(table)).to.deep.equal(plain.map((one) => one.id));
          expect([table.size, table.logTimeMs]).to.deep.equal([plain.length, nowMs]);
          for (const one of table.all) {
            const other = plain.find(({ id: wanted }) => wanted === one.id);
            expect(one.kept).to.equal(other?.applied.size);
            expect(one.bytes).to.equal(
              one.stretches.reduce((sum, stretch) => sum + (stretch.results?.length ?? 0), 0),
            );
          }
          expect(table.resultBytes).to.equal([...table.all].reduce((sum, { bytes }) => sum + bytes, 0));
        }
      }),
      { numRuns: 300 },
    );
  });
});
