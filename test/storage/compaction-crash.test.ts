import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import type { HardState, LogIndex, Term } from '../../src/raft/entry.js';
import { lastIndexOf } from '../../src/raft/run.js';
import type { Recovered, Storage } from '../../src/storage/storage.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { batchOf, put, run } from './entries.js';
import { MemoryDisk, type PowerCut } from './memory-disk.js';
import { birth, chunksOf, markOf, take } from './snapshots.js';

/*
 * The bug this would catch: a log that is cut before the snapshot that stands for it is durable, term and vote that go
 * with the segment that held them, a gap between an older snapshot and the log. The power may go at any call of the
 * file system, between the first chunk of a snapshot and the last segment that is given up for it; whatever the disk
 * then looks like, there is a snapshot and a log that goes on from it, with all that was promised.
 */

/** What must be found: the log's terms by index (none before its snapshot matters), term and vote, snapshots. */
interface Model {
  readonly hardState: HardState;
  readonly terms: readonly Term[];
  readonly snapshots: readonly LogIndex[];
}

interface Step {
  readonly what: string;
  act(storage: Storage): void;
  after(model: Model): Model;
}

function write(hardState: HardState | null, from: LogIndex, count: number, term: Term): Step {
  const runs = Array.from({ length: count }, (_, at) => run(from + at, 1, term, 'x'.repeat(900)));
  return {
    what: `write ${from} to ${from + count - 1}`,
    act: (storage) => put(storage, batchOf(hardState, ...runs)),
    after: (model) => ({
      ...model,
      hardState: hardState ?? model.hardState,
      terms: [...model.terms.slice(0, from), ...Array.from({ length: count }, () => term)],
    }),
  };
}

/** One that the log does not have the last entry of begins it anew, if not at once then at the next recovery. */
function snapshot(index: LogIndex, term: Term): Step {
  return {
    what: `snapshot ${index}`,
    act: (storage) => {
      take(storage, markOf(index, term), `state ${index}`, 'y'.repeat(700), 'z');
    },
    after: (model) => {
      if (model.terms[index] === term) {
        return { ...model, snapshots: [index, ...model.snapshots].slice(0, 2) };
      }
      return { ...model, snapshots: [index], terms: Array.from({ length: index + 1 }, () => term) };
    },
  };
}

function drop(index: LogIndex): Step {
  return { what: `drop ${index}`, act: (storage) => storage.dropThrough(index), after: (model) => model };
}

function restart(index: LogIndex, term: Term): Step {
  return {
    what: `restart ${index}`,
    act: (storage) => storage.restartAt({ index, term }),
    after: (model) => model,
  };
}

const steps: readonly Step[] = [
  write({ term: 1, votedFor: 2 }, 1, 5, 1),
  write(null, 6, 4, 1),
  snapshot(6, 1),
  drop(6),
  write({ term: 2, votedFor: null }, 10, 4, 2),
  // Replaces what the segment before holds: the base comes to be below where its segment began.
  write({ term: 3, votedFor: 1 }, 9, 6, 3),
  snapshot(12, 3),
  drop(6),
  write(null, 15, 8, 3),
  snapshot(20, 3),
  drop(12),
  drop(12),
  write({ term: 4, votedFor: 4 }, 23, 4, 4),
  // Installed: ahead of the log, then in conflict with it.
  snapshot(40, 5),
  restart(40, 5),
  write({ term: 6, votedFor: 0 }, 41, 9, 6),
  snapshot(44, 7),
  restart(44, 7),
  write(null, 45, 6, 7),
  snapshot(50, 7),
  drop(44),
];

function logOn(fileSystem: MemoryDisk): WriteAheadLog {
  return new WriteAheadLog({
    fileSystem,
    directory: 'd',
    clusterId: 'c',
    nodeId: 0,
    segmentBytes: 4096,
    lock: null,
  });
}

/** Runs `work` until the given call, and says whether it came that far. */
function stopAt(disk: MemoryDisk, call: number, work: () => void): boolean {
  let calls = 0;
  let stopped = false;
  disk.before = () => {
    if (calls++ < call) return;
    stopped = true;
    throw new Error('the power is gone');
  };
  try {
    work();
  } catch (error) {
    if (!stopped) throw error;
  }
  disk.before = () => {};
  return stopped;
}

/** Takes all steps until the call, and returns how many were done, or null when it never comes. */
function stepUntil(disk: MemoryDisk, call: number): number | null {
  let done = 0;
  const stopped = stopAt(disk, call, () => {
    const storage = logOn(disk);
    storage.recover(null, birth);
    for (const step of steps) {
      step.act(storage);
      done++;
    }
  });
  return stopped ? done : null;
}

const nothing: Model = { hardState: { term: 0, votedFor: null }, terms: [0], snapshots: [] };
const models = [nothing];
for (const step of steps) models.push(step.after(models.at(-1) ?? nothing));

function matches({ hardState, base, runs, snapshots }: Recovered, model: Model): boolean {
  const terms = runs.flatMap(({ count, term }) => Array.from({ length: count }, () => term));
  const marks = snapshots.map(({ mark }) => mark.index);
  return (
    hardState.term === model.hardState.term &&
    hardState.votedFor === model.hardState.votedFor &&
    // One more may have come back that had been removed.
    model.snapshots.every((index) => marks.includes(index)) &&
    base.term === model.terms[base.index] &&
    terms.join() === model.terms.slice(base.index + 1).join()
  );
}

function expectRecovery(disk: MemoryDisk, done: number, what: string): void {
  const storage = logOn(disk);
  const found = storage.recover();
  const [model, next] = [models[done] ?? nothing, models[done + 1]];
  expect(matches(found, model) || (next !== undefined && matches(found, next)), what).to.equal(true);
  expect(found.damagedSnapshots, what).to.equal(0);
  const oldest = found.snapshots.at(-1)?.mark.index ?? 0;
  expect(found.base.index, `${what}: no gap after the older snapshot`).to.be.at.most(oldest);
  if (done > 0) expect(found.birth, what).to.deep.equal(birth);
  for (const { mark } of found.snapshots) {
    expect(chunksOf(storage, mark)).to.deep.equal([`state ${mark.index}`, 'y'.repeat(700), 'z']);
  }
  // It goes on from there.
  const { lastIndex } = storage;
  put(storage, batchOf({ term: 9, votedFor: 9 }, run(lastIndex + 1, 3, 9)));
  take(storage, markOf(lastIndex + 2, 9), 'later');
  storage.dropThrough(storage.snapshots.at(-1)?.mark.index ?? 0);
  const again = logOn(disk.afterPowerCut('lost', new Random(0))).recover();
  expect(again.hardState, what).to.deep.equal({ term: 9, votedFor: 9 });
  expect(again.snapshots[0]?.mark, what).to.deep.equal(markOf(lastIndex + 2, 9));
  expect(again.runs.map(lastIndexOf).at(-1), what).to.equal(lastIndex + 3);
}

const cuts: readonly PowerCut[] = ['lost', 'kept', 'prefix', 'sectors', 'sectors'];

describe('WriteAheadLog, when the power goes while snapshots are written and the log is given up', () => {
  it('has a snapshot and the log that goes on from it, at every call and after every kind of loss', () => {
    let call = 0;
    for (; ; call++) {
      const disk = new MemoryDisk();
      const done = stepUntil(disk, call);
      if (done === null) break;
      for (const [order, cut] of cuts.entries()) {
        const what = `${cut} at call ${call}, in ${steps[done]?.what}`;
        expectRecovery(disk.afterPowerCut(cut, new Random(call * 100 + order)), done, what);
      }
    }
    expect(call).to.be.above(150);
  });

  it('has it also when the power goes again at every call of recovery', () => {
    for (let call = 0; ; call += 3) {
      const disk = new MemoryDisk();
      const done = stepUntil(disk, call);
      if (done === null) break;
      const files = disk.afterPowerCut('sectors', new Random(call)).files();
      for (let recoveryCall = 0; ; recoveryCall++) {
        const second = new MemoryDisk(files);
        if (!stopAt(second, recoveryCall, () => logOn(second).recover())) break;
        const what = `call ${recoveryCall} of recovery, after call ${call}, in ${steps[done]?.what}`;
        for (const cut of ['prefix', 'kept'] as const) {
          expectRecovery(second.afterPowerCut(cut, new Random(recoveryCall)), done, what);
        }
      }
    }
  });

  it('does all that was asked for when nothing happens', () => {
    const disk = new MemoryDisk();
    expect(stepUntil(disk, Number.POSITIVE_INFINITY)).to.equal(null);
    const names = [...disk.files().keys()];
    expect(names.filter((name) => name.endsWith('.snapshot'))).to.deep.equal([
      'd/0000000000000044-7.snapshot',
      'd/0000000000000050-7.snapshot',
    ]);
    expect(names.filter((name) => name.endsWith('.new'))).to.deep.equal([]);
    const storage = logOn(disk);
    const { base, snapshots } = storage.recover();
    expect([base.index, snapshots.map(({ mark }) => mark.index)]).to.deep.equal([44, [50, 44]]);
    expect(names.filter((name) => name.endsWith('.wal')).length).to.be.at.most(3);
  });
});
