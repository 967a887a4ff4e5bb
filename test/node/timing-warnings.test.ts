import { expect } from 'chai';
import fc from 'fast-check';
import { defaultTimings, timingWarnings, validateTimings } from '../../src/node/validate-options.js';

describe('Warnings of timings', () => {
  it('are none for the usual ones, in clusters of the usual size with the usual latency', () => {
    for (const voters of [1, 3, 5, 7, 9]) expect(timingWarnings(defaultTimings, voters, 5)).deep.equal([]);
  });

  it('name links that are too slow for the election timeout (§5.6)', () => {
    const timings = { ...defaultTimings, electionTimeoutMsMax: 1000 };
    expect(timingWarnings(timings, 3, 40)).deep.equal([
      'An election timeout of 150 ms leaves little time for round trips of 80 ms: leaders are deposed that work. Give an electionTimeoutMsMin of 800 or more.',
    ]);
  });

  it('name heartbeats of which none may be lost', () => {
    const timings = { electionTimeoutMsMin: 400, electionTimeoutMsMax: 800, heartbeatMs: 190 };
    expect(timingWarnings(timings, 3, 30)).deep.equal([
      'One heartbeat that is lost deposes a leader: it is missed after 400 ms, and the next comes after 190 ms and takes up to 30 ms. Give a heartbeatMs of 124 or less.',
    ]);
  });

  it('name voters of whom many stand at once', () => {
    expect(timingWarnings(defaultTimings, 51)).deep.equal([
      'Elections take about 12 ms, and the timeouts of 51 voters differ by 150 ms: so many stand at once that elections undo each other. Give an electionTimeoutMsMax of 354 or more.',
    ]);
  });

  it('say in a line of a narrow terminal what is wrong', () => {
    const slow = { electionTimeoutMsMin: 10_000, electionTimeoutMsMax: 20_000, heartbeatMs: 4900 };
    const warnings = [
      ...timingWarnings(defaultTimings, 51, 10_000),
      ...timingWarnings(slow, 51, 300),
      ...timingWarnings(slow, 51, 2100),
    ];
    expect(warnings).to.have.length(6);
    for (const warning of warnings) expect(warning.indexOf(':'), warning).to.be.within(20, 79);
  });

  it('are silenced by what they say is to be done', () => {
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
          let timings = {
            heartbeatMs: heartbeat,
            electionTimeoutMsMin: min,
            electionTimeoutMsMax: min + 1 + spread,
          };
          for (let round = 0; round < 4; round++) {
            for (const warning of timingWarnings(timings, voters, latency)) {
              const [, name, value] = /Give an? (\w+) of (\d+)/.exec(warning)!;
              timings = { ...timings, [name!]: Number(value) };
            }
            const { electionTimeoutMsMin, electionTimeoutMsMax } = timings;
            timings.electionTimeoutMsMax = Math.max(electionTimeoutMsMax, electionTimeoutMsMin + 1);
          }
          expect(timingWarnings(timings, voters, latency)).deep.equal([]);
          validateTimings(timings);
        },
      ),
    );
  });
});
