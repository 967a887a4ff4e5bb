import { expect } from 'chai';
import fc from 'fast-check';
import { termMax } from '../../src/raft/entry.js';
import { InvariantViolation } from '../../src/raft/invariant.js';
import {
  cutSealedRun,
  packedSize,
  packRunsInto,
  runHeaderBytes,
  type SealedRun,
  unpackRuns,
} from '../../src/wire/packed-runs.js';
import { bytes, sealedRuns } from './arbitraries.js';

function packed(runs: readonly SealedRun[]): Uint8Array {
  const target = new Uint8Array(packedSize(runs));
  expect(packRunsInto(target, 0, runs)).to.equal(target.length);
  return target;
}

const run: SealedRun = {
  firstIndex: 5,
  count: 0x0403_0201,
  term: 0x0605_0403_0201,
  kind: 'configuration',
  sealed: Uint8Array.of(9, 8),
};

describe('packed runs', () => {
  it('come back as they were packed, as views into the batch', () => {
    fc.assert(
      fc.property(sealedRuns, (runs) => {
        const batch = packed(runs);
        const unpacked = unpackRuns(batch, runs[0]?.firstIndex ?? 1);
        expect(unpacked).to.deep.equal(runs);
        for (const { sealed } of unpacked ?? []) expect(sealed.buffer).to.equal(batch.buffer);
      }),
    );
  });

  it('have the documented layout', () => {
    expect([...packed([run])]).to.deep.equal([2, 0, 0, 0, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 2, 0, 9, 8]);
  });

  it('are written where they are told to be, and nowhere else', () => {
    const target = new Uint8Array(24).fill(0xee);
    expect(packRunsInto(target, 3, [run])).to.equal(3 + runHeaderBytes + 2);
    expect([target[2], target[19], target[20], target[21]]).to.deep.equal([0xee, 9, 8, 0xee]);
  });

  it('are refused when cut within a run, of an unknown kind, with flags, of term 0, or without entries', () => {
    const batch = packed([{ ...run, term: termMax }]);
    for (let length = 1; length < batch.length; length++) {
      expect(unpackRuns(batch.subarray(0, length), 1), `${length} bytes`).to.equal(null);
    }
    const changed = (at: number, values: number[], firstIndex = 1) => {
      const copy = new Uint8Array(batch);
      copy.set(values, at);
      return unpackRuns(copy, firstIndex);
    };
    expect(changed(0, [2])).not.to.equal(null);
    expect(changed(14, [4])).to.equal(null);
    expect(changed(15, [1])).to.equal(null);
    expect(changed(8, [0, 0, 0, 0, 0, 0])).to.equal(null);
    expect(changed(4, [0, 0, 0, 0])).to.equal(null);
    expect(changed(0, [0xff, 0xff, 0xff, 0xff])).to.equal(null);
    expect(changed(0, [2], Number.MAX_SAFE_INTEGER - 5), 'an index beyond the integers').to.equal(null);
  });

  it('never throw on bytes that nobody packed', () => {
    fc.assert(fc.property(bytes, (garbage) => void unpackRuns(garbage, 1)));
  });
});

describe('a sealed run', () => {
  it('is cut by saying how many of its entries count, as often as need be, and sealed when it is asked for', () => {
    let asked = 0;
    const lazy: SealedRun = {
      ...run,
      count: 50_000,
      get sealed() {
        asked++;
        return run.sealed;
      },
    };
    let cut = lazy;
    for (let count = 49_999; count > 0; count--) cut = cutSealedRun(cut, 5, 4 + count);
    expect([cut.firstIndex, cut.count, cut.term, cut.kind, asked]).to.deep.equal([
      5,
      1,
      run.term,
      run.kind,
      0,
    ]);
    expect([cut.sealed, asked]).to.deep.equal([run.sealed, 1]);
    expect(cutSealedRun(lazy, 5, 50_004)).to.equal(lazy);
  });

  it('cannot be cut at its beginning', () => {
    expect(() => cutSealedRun(run, 6, 7)).to.throw(InvariantViolation, 'before entry 6');
  });
});
