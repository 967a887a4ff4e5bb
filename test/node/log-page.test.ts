import { expect } from 'chai';
import { pageEntriesMax, pageOf, recordOf } from '../../src/node/host/log-page.js';
import { Log } from '../../src/raft/log.js';
import { entriesIn } from '../../src/raft/run.js';
import { entry } from './lone-node.js';

describe('A page of a log that somebody looks at', () => {
  const logOf = (sizes: readonly number[]) =>
    new Log(sizes.map((size, at) => entry(at + 1, 1, 'x'.repeat(size))));

  const pageEnd = (log: Log, from: number, to: number) => {
    const page = pageOf(Object.assign(log, { firstIndex: 1 }), from, to);
    return from - 1 + entriesIn(page);
  };

  it('ends where it was asked to, or where the log does', () => {
    const log = logOf([1, 1, 1]);
    expect(pageEnd(log, 1, 2)).to.equal(2);
    expect(pageEnd(log, 2, Number.MAX_SAFE_INTEGER)).to.equal(3);
    expect(pageEnd(log, 4, 9), 'nothing is left').to.equal(3);
  });

  it('has so many entries at most', () => {
    const log = logOf(new Array<number>(pageEntriesMax + 5).fill(1));
    expect(pageEnd(log, 3, Number.MAX_SAFE_INTEGER)).to.equal(pageEntriesMax + 2);
  });

  it('has of each command as much as was asked for, in memory of its own, and how long it is', () => {
    const command = new Uint8Array(1_000_000).subarray(10);
    const opened = { index: 1, term: 1, leaderId: 0, kind: 'command', command } as const;
    const record = recordOf(opened, 200);
    expect(record.command.buffer.byteLength).to.equal(200);
    expect(record.commandBytes).to.equal(999_990);
    expect(recordOf(opened, Number.MAX_SAFE_INTEGER).command).to.have.length(999_990);
  });

  it('has about a megabyte at most, but one entry at least', () => {
    const log = logOf([400_000, 400_000, 400_000, 2_000_000, 1]);
    expect(pageEnd(log, 1, 5)).to.equal(2);
    expect(pageEnd(log, 4, 5)).to.equal(4);
  });
});
