import { expect } from 'chai';
import fc from 'fast-check';
import { defaultTimings, timingWarning, validateTimings } from '../../src/node/validate-options.js';

describe('A warning of timings', () => {
  it('is none for the usual ones, in clusters of the usual size with the usual latency', () => {
    for (const voters of [1, 3, 5, 7, 9]) expect(timingWarning(defaultTimings, voters, 5)).to.equal(null);
  });

  it('names links that are too slow for the election timeout (§5.6)', () => {
    const timings = { ...defaultTimings, electionTimeoutMsMax: 1000 };
    expect(timingWarning(timings, 3, 40)).to.deep.equal({
      fears: [
        'An election timeout of 150 ms leaves little time for round trips of 80 ms: leaders are deposed that work.',
      ],
      advice: { ...timings, electionTimeoutMsMin: 800, electionTimeoutMsMax: 1600 },
    });
  });

  it('names heartbeats of which none may be lost', () => {
    const timings = { electionTimeoutMsMin: 400, electionTimeoutMsMax: 800, heartbeatMs: 190 };
    expect(timingWarning(timings, 3, 30)).to.deep.equal({
      fears: [
        'One heartbeat that is lost deposes a leader: it is missed after 400 ms, and the next comes after 190 ms and takes up to 30 ms.',
      ],
      advice: { ...timings, heartbeatMs: 124 },
    });
  });

  it('names voters of whom many stand at once', () => {
    expect(timingWarning(defaultTimings, 51)).to.deep.equal({
      fears: [
        'Elections take about 12 ms, and the timeouts of 51 voters differ by 150 ms: so many stand at once that elections undo each other.',
      ],
      advice: { ...defaultTimings, electionTimeoutMsMax: 354 },
    });
  });

  it('says of all that is to be feared one thing that is to be done', () => {
    const warning = timingWarning(defaultTimings, 5, 600)!;
    expect(warning.fears).to.have.length(2);
    const { electionTimeoutMsMin, electionTimeoutMsMax } = warning.advice;
    expect([electionTimeoutMsMin, electionTimeoutMsMax]).to.deep.equal([12_000, 24_000]);
  });

  it('says in a line of a narrow terminal what is wrong', () => {
    const slow = { electionTimeoutMsMin: 10_000, electionTimeoutMsMax: 20_000, heartbeatMs: 4900 };
    const fears = [
      timingWarning(defaultTimings, 51, 10_000),
      timingWarning(slow, 51, 300),
      timingWarning(slow, 51, 2100),
    ].flatMap((warning) => warning?.fears ?? []);
    expect(fears).to.have.length(6);
    for (const fear of fears) expect(fear.indexOf(':'), fear).to.be.within(20, 79);
  });

  it('is silenced by what it says is to be done, at once', () => {
    const anyTimings = fc.tuple(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 2000 }),
      fc.nat(500),
    );
    fc.assert(
      fc.property(
        anyTimings,
        fc.integer({ min: 1, max: 99 }),
        fc.nat(200),
        ([heartbeat, more, spread], voters, latency) => {
          const min = heartbeat * 2 + more;
          const timings = {
            heartbeatMs: heartbeat,
            electionTimeoutMsMin: min,
            electionTimeoutMsMax: min + 1 + spread,
          };
          const warning = timingWarning(timings, voters, latency);
          if (warning === null) return;
          expect(timingWarning(warning.advice, voters, latency)).to.equal(null);
          validateTimings(warning.advice);
        },
      ),
    );
  });
});
