import { expect } from 'chai';
import fc from 'fast-check';
import { Log } from '../../src/raft/log.js';
import {
  backtrack,
  isOutdatedRefusal,
  newProgress,
  recordInstalled,
  recordMatch,
} from '../../src/raft/progress.js';
import * as rules from '../../src/raft/replication.js';
import { appendAnswer, entriesOf, replicaOf, termsOf } from './replicas.js';

/** A run of entries that one leader of a term appended: after which log of an earlier run, and how many. */
interface Reign {
  readonly parent: number;
  readonly cut: number;
  readonly entries: number;
}

/**
 * Logs as Raft makes them: the leader of each term has some prefix of an earlier server's log and appends
 * entries of its own term. Any two such logs match wherever they have an index and term in common.
 */
const historyOfLogs = fc
  .array(fc.record({ parent: fc.nat(30), cut: fc.nat(40), entries: fc.nat(6) }) as fc.Arbitrary<Reign>, {
    minLength: 1,
    maxLength: 14,
  })
  .map((reigns) => {
    const logs: number[][] = [[]];
    reigns.forEach(({ parent, cut, entries }, at) => {
      const inherited = logs[parent % logs.length] as number[];
      const kept = inherited.slice(0, inherited.length - (cut % (inherited.length + 1)));
      logs.push([...kept, ...new Array<number>(entries).fill(at + 1)]);
    });
    return logs;
  });

const twoLogs = fc.tuple(historyOfLogs, fc.nat(30), fc.nat(30)).map(([logs, a, b]) => ({
  leader: logs[a % logs.length] as number[],
  follower: logs[b % logs.length] as number[],
  term: logs.length,
}));

function matchPoint(a: readonly number[], b: readonly number[]): number {
  let index = 0;
  while (index < a.length && a[index] === b[index]) index++;
  return index;
}

describe('Progress of a follower', () => {
  it('starts with nothing known and everything supposed', () => {
    expect(newProgress(4, new Log(entriesOf(1, 1)))).deep.equal({
      incarnation: 0,
      id: 4,
      matchIndex: 0,
      nextIndex: 3,
      probedIndex: 2,
      inFlight: [],
      transfer: null,
      sentCommit: 0,
      acknowledgedRound: 0,
      answeredAtMs: Number.NEGATIVE_INFINITY,
    });
  });

  it('takes an answer for all that was sent up to it, and late and repeated answers for nothing', () => {
    const progress = { ...newProgress(1, new Log()), nextIndex: 10, inFlight: [3, 6, 9] };
    recordMatch(progress, appendAnswer(1, { index: 6 }));
    expect(progress).deep.include({ matchIndex: 6, nextIndex: 10, inFlight: [9] });
    recordMatch(progress, appendAnswer(1, { index: 3 }));
    expect(progress).deep.include({ matchIndex: 6, nextIndex: 10, inFlight: [9] });
  });

  it('follows a match beyond nextIndex, which a lost race of answers can leave behind', () => {
    const progress = { ...newProgress(1, new Log()), nextIndex: 2 };
    recordMatch(progress, appendAnswer(1, { index: 5 }));
    expect(progress).include({ matchIndex: 5, nextIndex: 6 });
  });

  it('knows a refusal that a later answer has overtaken', () => {
    const progress = { ...newProgress(1, new Log()), matchIndex: 4, nextIndex: 8, probedIndex: null };
    const isOutdated = (index: number) =>
      isOutdatedRefusal(progress, appendAnswer(1, { success: false, index }));
    expect([4, 5, 7, 8].map(isOutdated)).deep.equal([true, false, false, true]);
  });

  it('knows a refusal of what was under way before the probe, and hears those of the probe and of later beats', () => {
    const progress = { ...newProgress(1, new Log()), matchIndex: 4, nextIndex: 10, probedIndex: 5 };
    const isOutdated = (index: number) =>
      isOutdatedRefusal(progress, appendAnswer(1, { success: false, index }));
    expect([4, 5, 6, 8, 9, 10].map(isOutdated)).deep.equal([true, false, true, true, false, true]);
  });

  it('goes back over a whole term that the leader lacks, in one step', () => {
    const log = new Log(entriesOf(1, 1, 4, 4, 4));
    const progress = newProgress(1, log);
    // The follower has 1 1 2 2 2 2: its entry 5 has term 2.
    backtrack(
      progress,
      appendAnswer(1, { success: false, index: 5, conflictTerm: 2, conflictIndex: 3 }),
      log,
    );
    expect(progress.nextIndex).equal(3);
  });

  it('takes all that was under way for lost when it goes back, and asks there whether the logs agree', () => {
    const log = new Log(entriesOf(1, 1, 1, 1, 1));
    const progress = { ...newProgress(1, log), probedIndex: null, inFlight: [4, 5] };
    backtrack(progress, appendAnswer(1, { success: false, index: 3, conflictIndex: 3 }), log);
    expect(progress).deep.include({ nextIndex: 3, probedIndex: 2, inFlight: [] });
  });

  it('has all that an installed snapshot stands for, and never less than it had', () => {
    const progress = { ...newProgress(1, new Log(entriesOf(1, 1, 1, 1))), nextIndex: 2 };
    recordInstalled(progress, 3);
    expect(progress).include({ matchIndex: 3, nextIndex: 4, probedIndex: null });
    progress.nextIndex = 5;
    recordInstalled(progress, 1);
    expect(progress, 'an answer that comes late').include({ matchIndex: 3, nextIndex: 5 });
  });

  it('goes to the end of the conflicting term when the leader has entries of it', () => {
    const log = new Log(entriesOf(1, 2, 2, 3, 3, 3));
    const progress = newProgress(1, log);
    // The follower has 1 2 2 2 2 2: its entry 6 has term 2, and the leader's last one of that term is 3.
    backtrack(
      progress,
      appendAnswer(1, { success: false, index: 6, conflictTerm: 2, conflictIndex: 2 }),
      log,
    );
    expect(progress.nextIndex).equal(4);
  });

  it('never goes back behind what is known to match', () => {
    const log = new Log(entriesOf(1, 1, 1, 1));
    const progress = { ...newProgress(1, log), matchIndex: 2 };
    backtrack(progress, appendAnswer(1, { success: false, index: 4, conflictIndex: 1 }), log);
    expect(progress.nextIndex).equal(3);
  });

  it('converges on where any two of Raft’s logs part, in no more rounds than they have terms, and one', () => {
    fc.assert(
      fc.property(twoLogs, ({ leader: leaderLog, follower: followerLog, term }) => {
        const leader = replicaOf({ id: 0, log: leaderLog, term });
        const follower = replicaOf({ id: 1, log: followerLog, term });
        rules.becomeLeader(leader, 0);
        const progress = leader.progress.get(1)!;
        const roundsMax = new Set([...leaderLog, ...followerLog]).size + 1;
        for (let round = 1; ; round++) {
          expect(round, `rounds for ${leaderLog} against ${followerLog}`).at.most(roundsMax);
          const answer = rules.appendEntries(
            follower,
            rules.nextAppendEntries(leader, progress, leader.log, 0, []),
          );
          if (answer.success) {
            recordMatch(progress, answer);
            break;
          }
          expect(isOutdatedRefusal(progress, answer)).equal(false);
          backtrack(progress, answer, leader.log);
        }
        expect(progress.matchIndex).at.most(matchPoint(leaderLog, followerLog));
        const answer = rules.appendEntries(
          follower,
          rules.nextAppendEntries(leader, progress, leader.log, 1e6, []),
        );
        expect(answer).include({ success: true, index: leaderLog.length });
        expect(termsOf(follower.log).slice(0, leaderLog.length)).deep.equal(leaderLog);
      }),
      { numRuns: 1000 },
    );
  });
});
