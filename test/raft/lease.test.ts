import { expect } from 'chai';
import fc from 'fast-check';
import { Lease } from '../../src/raft/lease.js';

describe('A lease', () => {
  it('lasts from the moment when an entry was appended that is committed, not from its commit', () => {
    const lease = new Lease({ clockDriftMax: 0 }, 150, 0);
    lease.begin(-1000);
    lease.appended(7, 1000);
    expect(lease.isHeld(1001)).to.equal(false);
    lease.committed(6);
    expect(lease.isHeld(1001)).to.equal(false);
    lease.committed(7);
    expect([1149, 1150].map((ms) => lease.isHeld(ms))).to.deep.equal([true, false]);
  });

  it('is that of the latest of its entries that are committed, and is renewed when half of it is over', () => {
    const lease = new Lease({ clockDriftMax: 0 }, 100, 0);
    lease.begin(0);
    expect(lease.isToBeRenewed(5)).to.equal(true);
    lease.appended(1, 10);
    lease.appended(2, 20);
    lease.appended(5, 30);
    expect(lease.isToBeRenewed(31)).to.equal(false);
    lease.committed(4);
    expect([lease.isHeld(119), lease.isHeld(120)]).to.deep.equal([true, false]);
    lease.committed(9);
    expect([lease.isHeld(129), lease.isToBeRenewed(80), lease.isToBeRenewed(81)]).to.deep.equal([
      true,
      false,
      true,
    ]);
    lease.end();
    expect(lease.isHeld(31)).to.equal(false);
  });

  it('is waited out by the next leader, from when that last heard a leader, appended as one, or started', () => {
    const lease = new Lease({ clockDriftMax: 0.1 }, 150, 500);
    lease.begin(Number.NEGATIVE_INFINITY);
    expect([lease.remainingMs(600), lease.remainingMs(650)]).to.deep.equal([50, 0]);
    lease.begin(700);
    expect(lease.remainingMs(800)).to.equal(50);
    lease.appended(9, 1000);
    lease.begin(700);
    expect(lease.remainingMs(1100)).to.equal(50);
  });

  it('is over, where clocks drift as far as they may, before the next leader commits', () => {
    const drift = fc.double({ min: 0, max: 0.9, noNaN: true });
    const part = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(drift, part, part, fc.nat(1000), fc.nat(1000), (clockDriftMax, ofOld, ofNew, later, at) => {
        const [old, next] = [new Lease({ clockDriftMax }, 150, 0), new Lease({ clockDriftMax }, 150, 0)];
        // True time to what each clock shows.
        const [oldRate, newRate] = [1 + clockDriftMax * ofOld, 1 + clockDriftMax * ofNew];
        old.begin(-1e9);
        old.appended(1, at * oldRate);
        old.committed(1);
        next.begin((at + later) * newRate);
        const commitsAt = at + later + next.remainingMs((at + later) * newRate) / newRate;
        expect(old.isHeld(commitsAt * oldRate + 1e-6)).to.equal(false);
      }),
      // The worst: the old leader's clock as slow as may be, the next one's as fast.
      { examples: [0.05, 0.5, 0.9].map((drifts) => [drifts, -1, 1, 0, 0]) },
    );
  });

  it('is nobody’s where there are none, and nobody waits', () => {
    const lease = new Lease(null, 150, 0);
    lease.begin(0);
    lease.appended(1, 1);
    lease.committed(1);
    expect([lease.remainingMs(0), lease.isHeld(1), lease.isToBeRenewed(500)]).to.deep.equal([
      0,
      false,
      false,
    ]);
  });
});
