import { expect } from 'chai';
import fc from 'fast-check';
import { cutRun, entriesOf, lastIndexOf } from '../../src/raft/run.js';
import { cutSealedRun } from '../../src/wire/packed-runs.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { ciphers, consecutiveRuns } from './arbitraries.js';

describe("a node's seals", () => {
  it('seal a run once, until they are told to forget it', () => {
    // Sealed twice with this cipher, a run has other bytes each time.
    const seals = new RunSeals(ciphers()[2]!);
    fc.assert(
      fc.property(consecutiveRuns, (runs) => {
        for (const run of runs) {
          const sealed = seals.of(run);
          expect(seals.of(run)).to.equal(sealed);
          expect(seals.sealed(run).sealed).to.equal(sealed);
          expect(seals.of({ ...run })).not.to.deep.equal(sealed);
          seals.forget();
          expect(seals.of(run)).not.to.deep.equal(sealed);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('seal nothing before it is asked for', () => {
    let asked = 0;
    const [, pseudo] = ciphers();
    const seals = new RunSeals({
      ...pseudo!,
      encryptInto: () => {
        asked++;
      },
    });
    const [run] = fc.sample(
      consecutiveRuns.filter(({ length }) => length > 0),
      { numRuns: 1, seed: 1 },
    )[0]!;
    const sealed = seals.sealed(run!);
    expect([sealed.firstIndex, sealed.count, sealed.term, sealed.kind, asked]).to.deep.equal([
      run!.firstIndex,
      run!.count,
      run!.term,
      run!.kind,
      0,
    ]);
    expect([sealed.sealed.length > 0, asked]).to.deep.equal([true, 1]);
  });

  for (const cipher of ciphers()) {
    it(`open for a recovery what is left of a run that was sealed whole (${cipher.kind})`, () => {
      const seals = new RunSeals(cipher);
      fc.assert(
        fc.property(consecutiveRuns, fc.nat(5), (runs, dropped) => {
          for (const run of runs) {
            const count = Math.max(1, run.count - dropped);
            const to = run.firstIndex + count - 1;
            const cut = cutSealedRun(seals.sealed(run), run.firstIndex, to);
            expect(entriesOf(seals.openStored(cut)!)).to.deep.equal(
              entriesOf(cutRun(run, run.firstIndex, to)),
            );
            expect(seals.open(cut) === null, 'a frame carries whole runs').to.equal(count < run.count);
            expect(seals.openStored({ ...cut, sealed: cut.sealed, count: run.count + 1 })).to.equal(null);
            expect(lastIndexOf(cut)).to.equal(to);
          }
        }),
        { numRuns: 30 },
      );
    });
  }
});
