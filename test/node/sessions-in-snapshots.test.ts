import { expect } from 'chai';
import { packBytes } from '../../src/ground/byte-strings.js';
import { ContentReader, nodeSection } from '../../src/node/snapshots/content.js';
import { SessionTable } from '../../src/raft/sessions.js';

/** Two sessions, one of which has had results forgotten. */
function tableWith(): SessionTable {
  const table = new SessionTable();
  table.pass(70);
  table.open(3, 1000);
  table.open(5, 2000);
  const results = packBytes([Uint8Array.of(1, 2), new Uint8Array(0)]);
  table.keep(5, { sequence: 1, count: 2, index: 9, term: 1, results });
  table.keep(5, { sequence: 6, count: 1, index: 20, term: 2, results: packBytes([Uint8Array.of(7)]) });
  table.keep(3, { sequence: 1, count: 1, index: 30, term: 2, results: null });
  table.pass(90);
  table.hear({ id: 3, acknowledged: 1 });
  return table;
}

/** What is restored from a snapshot of the table, read in chunks of so many bytes, with what is the application's. */
function restored(table: SessionTable, chunkBytes: number): SessionTable {
  const taken = new SessionTable();
  const application: Uint8Array[] = [];
  const sink = { write: (chunk: Uint8Array) => void application.push(chunk), end: () => {} };
  const reader = new ContentReader(sink, taken);
  const content = Buffer.concat([...nodeSection(table), Buffer.from('state')]);
  for (let at = 0; at < content.length; at += chunkBytes) reader.write(content.subarray(at, at + chunkBytes));
  reader.end();
  expect(Buffer.concat(application).toString()).to.equal('state');
  return taken;
}

describe('Sessions in a snapshot', () => {
  it('are restored with all that is known of their commands', () => {
    for (const chunkBytes of [1, 7, 1000]) {
      const [before, after] = [tableWith(), restored(tableWith(), chunkBytes)];
      expect(after.logTimeMs).to.equal(before.logTimeMs);
      expect(after.resultBytes).to.equal(before.resultBytes);
      expect([...after.all].map(({ id }) => id)).to.deep.equal([5, 3]);
      for (const [id, sequence] of [
        [5, 1],
        [5, 2],
        [5, 3],
        [5, 6],
        [3, 1],
        [3, 2],
        [4, 1],
      ] as const) {
        expect(after.fateOf(id, sequence, 1), `${id}.${sequence}`).to.deep.equal(
          before.fateOf(id, sequence, 1),
        );
      }
    }
  });

  it('keep a command from being applied again that is repeated after it', () => {
    const after = restored(tableWith(), 50);
    expect(after.fateOf(5, 1, 3)).to.have.property('type', 'known');
    expect(after.fateOf(5, 6, 1)).to.have.nested.property('stretch.index', 20);
  });
});
