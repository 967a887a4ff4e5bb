import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import type { Term } from '../../src/raft/entry.js';
import type { Run } from '../../src/raft/run.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { termsOf } from '../raft/replicas.js';
import type { Ledger } from './ledger.js';
import { runOf } from './lone-node.js';
import { SnapshotWorld } from './snapshot-world.js';

/*
 * Figure 7 of the paper: what followers' logs may be when the leader at the top comes to power, for term 8. A leader that
 * goes back too little, or a follower that keeps what conflicts, leaves one of them as it is. With and without a leader
 * that has given up the beginning of its log, from which the first of them cannot go on.
 */
const leader: readonly Term[] = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
const followers: Readonly<Record<string, readonly Term[]>> = {
  a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
  b: [1, 1, 1, 4],
  c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
  d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
  e: [1, 1, 1, 4, 4, 4, 4],
  f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
};

const seals = new RunSeals(createCipher({ kind: 'none' }, new Random(1)));

/** A run a term. Entries of one index and term are the same. */
function runsOf(terms: readonly Term[]): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < terms.length; ) {
    const term = terms[at] as Term;
    const count = terms.filter((other, after) => after >= at && other === term).length;
    const texts = Array.from({ length: count }, (_, nth) => `${at + nth + 1}/${term}`);
    runs.push(runOf(at + 1, term, ...texts));
    at += count;
  }
  return runs;
}

describe('The logs of Figure 7', () => {
  for (const snapshots of [{}, { everyEntries: 2 }]) {
    const how = 'everyEntries' in snapshots ? ', and snapshots take the place of what comes after' : '';
    it(`are all repaired${how}`, () => {
      const world = new SnapshotWorld({ nodes: 7, snapshots, starts: false });
      const logs = [leader, ...Object.values(followers)];
      for (const [id, terms] of logs.entries()) {
        const { storage } = world.host(id);
        storage.recover();
        const runs = runsOf(terms).map((run) => seals.sealed(run));
        storage.write({ hardState: { term: 7, votedFor: null }, runs });
        storage.sync();
      }
      for (const id of logs.keys()) world.start(id);
      world.elect();
      world.proposeMany('x', 5);
      world.settle();
      const repaired = [...leader, 8, 8, 8, 8, 8, 8];
      for (const { id, actor, application } of world.hosts) {
        const { log } = actor.replica;
        const name = ` abcdef`[id];
        expect(actor.replica.currentTerm, `the term of ${name}`).equal(8);
        const kept = termsOf(log).slice(log.baseIndex);
        expect(kept, `the log of ${name}`).deep.equal(repaired.slice(log.baseIndex));
        expect((application as Ledger).commands, `the state of ${name}`).deep.equal([
          ...leader.map((term, at) => `${at + 1}/${term}`),
          'x1',
          'x2',
          'x3',
          'x4',
          'x5',
        ]);
      }
      expect(world.deaths).deep.equal([]);
    });
  }
});
