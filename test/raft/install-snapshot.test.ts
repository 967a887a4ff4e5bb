import { expect } from 'chai';
import { Configuration } from '../../src/raft/configuration.js';
import {
  acknowledgeSnapshot,
  commitThroughSnapshot,
  installSnapshot,
  judgeSnapshot,
  markOf as markIn,
  wantSnapshotFrom,
} from '../../src/raft/install-snapshot.js';
import { InvariantViolation } from '../../src/raft/invariant.js';
import type { InstallSnapshot } from '../../src/raft/messages.js';
import { nonsenseIn } from '../../src/raft/nonsense.js';
import { appendEntries } from '../../src/raft/replication.js';
import { chunkBytesMax, type SnapshotMark } from '../../src/raft/snapshot.js';
import { appendFrom, configurationRun, entry, replicaOf, termsOf } from './replicas.js';

const { data: configuration } = Configuration.of([0, 1, 2, 3]);
const markOf = (index: number, term: number): SnapshotMark => {
  return { index, term, configuration, configurationIndex: 2 };
};

/** Server 0 in term 4, which holds entries 1 and 2 for committed. */
function follower() {
  const replica = replicaOf({ term: 4, log: [1, 1, 2, 2, 2] });
  replica.commitIndex = 2;
  return replica;
}

describe('A leader’s snapshot', () => {
  it('is told from others by the entry it ends with, and brings its configuration', () => {
    expect(markIn(chunk())).deep.equal(markOf(9, 3));
  });

  it('is known to whom has as much committed: nobody goes back to an older state', () => {
    expect(judgeSnapshot(follower(), markOf(1, 1))).equal('known');
    expect(judgeSnapshot(follower(), markOf(2, 1))).equal('known');
  });

  it('matches a log that has its last entry, which is kept with all that follows', () => {
    const replica = follower();
    expect(judgeSnapshot(replica, markOf(4, 2))).equal('matching');
    commitThroughSnapshot(replica, markOf(4, 2));
    expect(replica.commitIndex).equal(4);
    expect(termsOf(replica.log)).deep.equal([1, 1, 2, 2, 2]);
    expect(() => commitThroughSnapshot(replica, markOf(5, 3))).throw(
      InvariantViolation,
      'The log does not have the entry 5 of term 3 that a snapshot ends with.',
    );
  });

  it('is wanted where the log ends before it, or has another entry there', () => {
    expect(judgeSnapshot(follower(), markOf(9, 3))).equal('wanted');
    expect(judgeSnapshot(follower(), markOf(4, 3))).equal('wanted');
  });

  it('takes the place of a log that conflicts with it, of its configurations too, and is committed', () => {
    for (const [index, term] of [
      [4, 3],
      [9, 3],
    ] as const) {
      const replica = follower();
      replica.log.append([configurationRun(6, 2, Configuration.of([0, 1]))]);
      replica.configurations.follow([configurationRun(6, 2, Configuration.of([0, 1]))]);
      installSnapshot(replica, markOf(index, term));
      const { log, commitIndex } = replica;
      expect([log.baseIndex, log.lastIndex, log.lastTerm, commitIndex]).deep.equal([
        index,
        index,
        term,
        index,
      ]);
      expect([log.writtenIndex, log.durableIndex]).deep.equal([index, index]);
      expect(log.termAt(index)).equal(term);
      expect(log.termAt(index - 1)).equal(null);
      expect(replica.configuration.voters).deep.equal([0, 1, 2, 3]);
      expect(replica.configurations.latestIndex).equal(2);
      log.append([entry(index + 1, 4)]);
      expect(log.takeUnwritten().map(({ firstIndex }) => firstIndex)).deep.equal([index + 1]);
    }
  });

  it('is installed by nobody who does not need it', () => {
    expect(() => installSnapshot(follower(), markOf(2, 1))).throw(
      InvariantViolation,
      'A snapshot through entry 2 is of no use with entry 2 committed.',
    );
    expect(() => installSnapshot(follower(), markOf(5, 2))).throw(InvariantViolation);
  });

  it('is answered with where the copy ends, or that it is there', () => {
    const message = { ...chunk(), position: 7 };
    const answer = { type: 'installSnapshotResponse', term: 4, from: 0, incarnation: 0, index: 9 };
    expect(wantSnapshotFrom(follower(), message, 5)).deep.equal({ ...answer, success: false, position: 5 });
    expect(acknowledgeSnapshot(follower(), message)).deep.equal({ ...answer, success: true, position: 0 });
  });
});

describe('Entries after a snapshot', () => {
  function installed() {
    const replica = follower();
    installSnapshot(replica, markOf(9, 3));
    return replica;
  }

  it('follow its last entry', () => {
    const replica = installed();
    const message = appendFrom(1, { term: 4, prevLogIndex: 9, prevLogTerm: 3, runs: [entry(10, 4)] });
    expect(appendEntries(replica, message)).include({ success: true, index: 10 });
  });

  it('are taken from a message that begins before it: what is before is committed', () => {
    const replica = installed();
    const runs = [entry(8, 3), entry(9, 3), entry(10, 4)];
    const message = appendFrom(1, { term: 4, prevLogIndex: 7, prevLogTerm: 3, runs });
    expect(appendEntries(replica, message)).include({ success: true, index: 10 });
    expect(replica.log.lastIndex).equal(10);
    const older = appendFrom(1, { term: 4, prevLogIndex: 3, prevLogTerm: 2, runs: [entry(4, 2)] });
    expect(appendEntries(replica, older), 'it matches through the snapshot').include({
      success: true,
      index: 9,
    });
    expect(replica.log.lastIndex).equal(10);
  });

  it('are refused where they would leave a gap, from the end of the log on', () => {
    const message = appendFrom(1, { term: 4, prevLogIndex: 12, prevLogTerm: 4, runs: [entry(13, 4)] });
    expect(appendEntries(installed(), message)).include({ success: false, conflictIndex: 10 });
  });
});

function chunk(fields: Partial<InstallSnapshot> = {}): InstallSnapshot {
  return {
    type: 'installSnapshot',
    term: 4,
    from: 1,
    incarnation: 0,
    lastIncludedIndex: 9,
    lastIncludedTerm: 3,
    configuration,
    configurationIndex: 2,
    position: 0,
    chunk: new Uint8Array(5),
    done: false,
    ...fields,
  };
}

describe('Of a snapshot it makes no sense', () => {
  const judged = (fields: Partial<InstallSnapshot>) => nonsenseIn(follower(), chunk(fields));

  it('that it ends with no entry, or in a term that is not begun, or before its configuration', () => {
    expect(judged({})).equal(null);
    expect(judged({ lastIncludedIndex: 0 })).equal('impossibleSnapshot');
    expect(judged({ lastIncludedTerm: 0 })).equal('impossibleSnapshot');
    expect(judged({ lastIncludedTerm: 5 })).equal('impossibleSnapshot');
    expect(judged({ configurationIndex: 10 })).equal('impossibleSnapshot');
    expect(judged({ lastIncludedIndex: 0, configurationIndex: 0 })).equal('impossibleSnapshot');
    expect(judged({ lastIncludedTerm: 4 }), 'the leader’s own term').equal(null);
    expect(judged({ configurationIndex: 9 }), 'the configuration is its last entry').equal(null);
  });

  it('that a chunk is larger than any disk takes', () => {
    expect(judged({ chunk: new Uint8Array(chunkBytesMax) })).equal(null);
    expect(judged({ chunk: new Uint8Array(chunkBytesMax + 1) })).equal('impossibleSnapshot');
  });

  it('that it conflicts with what is committed', () => {
    expect(judged({ lastIncludedIndex: 2, lastIncludedTerm: 1, configurationIndex: 0 })).equal(null);
    const other = { lastIncludedIndex: 2, lastIncludedTerm: 2, configurationIndex: 0 };
    expect(judged(other)).equal('conflictsWithCommitted');
    const later = (lastIncludedTerm: number) => {
      const replica = replicaOf({ term: 4, log: [1, 1, 3] });
      replica.commitIndex = 3;
      return nonsenseIn(replica, chunk({ lastIncludedTerm }));
    };
    expect([2, 3, 4].map(later), 'terms never fall').deep.equal(['conflictsWithCommitted', null, null]);
  });

  it('nothing, where it ends before what this server has of the log: that was committed, and is forgotten', () => {
    const replica = follower();
    installSnapshot(replica, markOf(9, 3));
    expect(nonsenseIn(replica, chunk({ lastIncludedIndex: 7, lastIncludedTerm: 2 }))).equal(null);
    expect(nonsenseIn(replica, appendFrom(1, { term: 4, prevLogIndex: 7, prevLogTerm: 2 }))).equal(null);
  });

  it('that another leads than is known, and that who answers has what the leader lacks', () => {
    const replica = follower();
    replica.leaderId = 2;
    expect(nonsenseIn(replica, chunk())).equal('secondLeader');
    replica.leaderId = 0;
    const answer = {
      type: 'installSnapshotResponse',
      term: 4,
      from: 1,
      incarnation: 0,
      success: true,
      position: 0,
    } as const;
    expect(nonsenseIn(replica, { ...answer, index: 5 })).equal(null);
    expect(nonsenseIn(replica, { ...answer, index: 6 })).equal('matchBeyondLog');
    expect(nonsenseIn(replica, { ...answer, index: 6, success: false }), 'it wants the snapshot').equal(null);
    expect(nonsenseIn(replica, { ...answer, index: 6, term: 5 }), 'of a newer term').equal(null);
    replica.leaderId = 2;
    expect(nonsenseIn(replica, { ...answer, index: 6 }), 'to one who leads no more').equal(null);
  });
});
