import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import type { LogIndex } from '../../src/raft/entry.js';
import { DiskRecord, RecordedStorage } from '../../src/simulation/disk/disk-record.js';
import { SimulatedFileSystem } from '../../src/simulation/disk/simulated-file-system.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { batchOf, run } from '../storage/entries.js';
import { birth, chunksOf, markOf, take } from '../storage/snapshots.js';

/*
 * The production storage on the simulated disk, with the account that the oracle keeps of it. The bug this would catch: a
 * crash between two calls of the file system, or the loss of a write, of a sector or of a name that goes with the power,
 * after which a snapshot or the log that goes on from it is not what the node was told that it is.
 */

class PowerGone extends Error {}

/** What is committed may become a snapshot; what is not may be replaced. */
interface Log {
  terms: number[];
  committed: LogIndex;
}

class Machine {
  readonly record = new DiskRecord();
  readonly random: Random;
  readonly disk: SimulatedFileSystem;
  log: Log = { terms: [0], committed: 0 };
  storage: RecordedStorage;
  term = 1;
  #effectsLeft = Number.POSITIVE_INFINITY;
  /** What the operating system has begun for the process that runs. */
  #underWay: (() => void)[] = [];
  madeAhead = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.disk = new SimulatedFileSystem(this.random.fork());
    this.disk.faults.tears = true;
    this.storage = this.#start();
  }

  #start(): RecordedStorage {
    let left = () => this.#effectsLeft-- > 0;
    this.#underWay = [];
    const log = new WriteAheadLog({
      fileSystem: this.disk.handOver({
        effect: () => {
          if (left()) return;
          left = () => false;
          throw new PowerGone();
        },
        later: (work) => this.#underWay.push(work),
        madeAhead: () => this.madeAhead++,
      }),
      directory: '/node',
      clusterId: 'c',
      nodeId: 0,
      segmentBytes: 4096,
      lock: null,
    });
    return new RecordedStorage(
      log,
      this.record,
      () => {},
      () => {},
    );
  }

  /** Recovers until it is not interrupted, and holds what is found against the account. */
  recover(): void {
    for (;;) {
      this.#effectsLeft = this.random.chance(0.3) ? this.random.below(12) : Number.POSITIVE_INFINITY;
      this.storage = this.#start();
      try {
        const found = this.storage.recover(null, birth);
        expect(this.record.recover(found)).to.equal(null);
        for (const { mark } of found.snapshots) {
          expect(chunksOf(this.storage, mark)).to.deep.equal([`state ${mark.index}`, 'z'.repeat(600)]);
        }
        const { base, runs } = found;
        const terms = runs.flatMap((each) => Array.from({ length: each.count }, () => each.term));
        this.log.terms = [...Array.from({ length: base.index + 1 }, () => base.term), ...terms];
        this.log.committed = Math.max(base.index, found.snapshots[0]?.mark.index ?? 0);
        return;
      } catch (error) {
        if (!isPowerGone(error)) throw error;
        this.disk.losePower();
      }
    }
  }

  /** Does something at random, or dies over it. */
  step(): boolean {
    this.#effectsLeft = this.random.chance(0.15) ? this.random.below(10) : Number.POSITIVE_INFINITY;
    try {
      this.#act(this.random.below(10));
      return true;
    } catch (error) {
      if (!isPowerGone(error)) throw error;
      this.disk.losePower();
      return false;
    }
  }

  #act(what: number): void {
    const { storage, random, log } = this;
    if (random.chance(0.5)) this.#underWay.shift()?.();
    const lastIndex = log.terms.length - 1;
    if (what < 5) {
      const first = random.chance(0.2)
        ? log.committed + 1 + random.below(lastIndex - log.committed + 1)
        : lastIndex + 1;
      const count = 1 + random.below(4);
      if (random.chance(0.3)) this.term++;
      // Some need a segment that is longer than usual.
      const text = 'e'.repeat(random.below(random.chance(0.1) ? 8000 : 1500));
      storage.write(
        batchOf({ term: this.term, votedFor: random.below(3) }, run(first, count, this.term, text)),
      );
      if (random.chance(0.8)) storage.sync();
      log.terms = [...log.terms.slice(0, first), ...Array.from({ length: count }, () => this.term)];
    } else if (what < 7) {
      if (log.committed === lastIndex) return;
      // What is applied need not be durable here.
      const index = log.committed + 1 + random.below(lastIndex - log.committed);
      log.committed = index;
      take(storage, markOf(index, log.terms[index]), `state ${index}`, 'z'.repeat(600));
    } else if (what < 9) {
      const oldest = storage.snapshots.at(-1);
      if (oldest !== undefined) storage.dropThrough(oldest.mark.index);
    } else {
      const index = lastIndex + 1 + random.below(5);
      this.term++;
      take(storage, markOf(index, this.term), `state ${index}`, 'z'.repeat(600));
      storage.restartAt({ index, term: this.term });
      log.terms = Array.from({ length: index + 1 }, () => this.term);
      log.committed = index;
    }
  }
}

function isPowerGone(error: unknown): boolean {
  return error instanceof PowerGone || (error as { cause?: unknown }).cause instanceof PowerGone;
}

describe('The write-ahead log on the simulated disk', () => {
  it('is found as the account has it, whenever the power goes while snapshots come and the log is given up', () => {
    let [crashes, madeAhead] = [0, 0];
    for (let seed = 1; seed <= 150; seed++) {
      const machine = new Machine(seed);
      machine.recover();
      for (let step = 0; step < 60; step++) {
        if (machine.step()) continue;
        crashes++;
        machine.recover();
      }
      madeAhead += machine.madeAhead;
    }
    expect(crashes).to.be.above(500);
    expect(madeAhead).to.be.above(100);
  });
});
