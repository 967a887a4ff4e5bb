import { expect } from 'chai';
import fc from 'fast-check';
import { packBytes } from '../../src/ground/byte-strings.js';
import { ContentReader, nodeSection } from '../../src/node/snapshots/content.js';
import { SessionTable } from '../../src/raft/sessions.js';
import { bytesOf, textOf } from './ledger.js';

function tableWith(sessions: number, commands: number): SessionTable {
  const table = new SessionTable();
  for (let session = 1; session <= sessions; session++) {
    table.pass(session * 10);
    table.open(session, 60_000);
    for (let sequence = 1; sequence <= commands; sequence += 2) {
      const results = packBytes([bytesOf(`r${sequence}`), bytesOf('')]);
      table.keep(session, { sequence, count: 2, index: session * 100 + sequence, term: 3, results });
    }
    table.hear({ id: session, acknowledged: 2 });
  }
  return table;
}

/** Reads content in pieces of these lengths, again and again. */
function read(content: Uint8Array, lengths: readonly number[]) {
  const sessions = new SessionTable();
  let text = '';
  let isEnded = false;
  const application = {
    write: (chunk: Uint8Array) => {
      text += textOf(chunk);
    },
    end: () => {
      isEnded = true;
    },
  };
  const reader = new ContentReader(application, sessions);
  for (let at = 0, cut = 0; at < content.length; cut++) {
    const end = at + (lengths[cut % lengths.length] as number);
    reader.write(content.subarray(at, end));
    at = end;
  }
  reader.end();
  return { sessions, text, isEnded };
}

describe('What a snapshot holds', () => {
  it('is clients’ sessions and the application’s state, wherever it is cut into chunks', () => {
    fc.assert(
      fc.property(
        fc.nat(4),
        fc.nat(9),
        fc.string({ maxLength: 30, unit: 'grapheme-ascii' }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 }),
        (sessions, commands, state, lengths) => {
          const table = tableWith(sessions, commands);
          const content = Buffer.concat([...nodeSection(table), bytesOf(state)]);
          const found = read(content, lengths);
          expect(found.text).equal(state);
          expect(found.isEnded).equal(true);
          expect(found.sessions.capture()).deep.equal(table.capture());
          expect(found.sessions.resultBytes).equal(table.resultBytes);
        },
      ),
    );
  });

  it('is what was known when it was taken, whatever is heard of sessions before it is read', () => {
    const table = tableWith(2, 4);
    const before = table.capture();
    const section = nodeSection(table);
    table.keep(1, { sequence: 9, count: 1, index: 900, term: 4, results: packBytes([bytesOf('late')]) });
    table.end(2);
    expect(read(Buffer.concat([...section]), [1000]).sessions.capture()).deep.equal(before);
  });

  it('keeps that results are forgotten', () => {
    const table = new SessionTable();
    table.open(1, 1000);
    table.keep(1, { sequence: 1, count: 3, index: 2, term: 1, results: null });
    expect(read(Buffer.concat([...nodeSection(table)]), [3]).sessions.capture()).deep.equal(table.capture());
  });

  it('is refused when it is cut short, damaged, or of a version that is not known', () => {
    const content = new Uint8Array(Buffer.concat([...nodeSection(tableWith(1, 2))]));
    for (let end = 0; end < content.length; end++) {
      expect(() => read(content.subarray(0, end), [7]), `${end} bytes`).throw(Error);
    }
    const later = content.slice();
    later[5] = 2;
    expect(() => read(later, [100])).throw(/content version 2/);
    const endless = content.slice();
    endless.fill(0xff, 0, 4);
    expect(() => read(endless, [100])).throw(/length/);
  });
});
