import type { LogIndex } from '../raft/entry.js';
import { countMax } from '../wire/packed-runs.js';
import { InvalidBatchError } from './errors.js';
import type { WriteBatch } from './storage.js';

/** Terms, indexes and node ids take 48 bits on disk. */
const numberMax = 2 ** 48 - 1;

/**
 * Checks a batch against the log it goes to and returns the last index after it.
 * @param baseIndex the last index before that log.
 * @throws InvalidBatchError when it leaves a gap or holds a number that does not fit.
 */
export function lastIndexAfter(batch: WriteBatch, lastIndex: LogIndex, baseIndex: LogIndex = 0): LogIndex {
  const { hardState, runs } = batch;
  if (hardState !== null) {
    if (!fits(hardState.term)) throw new InvalidBatchError(lastIndex, `term ${hardState.term}`);
    if (hardState.votedFor !== null && !fits(hardState.votedFor)) {
      throw new InvalidBatchError(lastIndex, `a vote for ${hardState.votedFor}`);
    }
  }
  const first = runs[0];
  if (first === undefined) return lastIndex;
  if (!fits(first.firstIndex) || first.firstIndex <= baseIndex || first.firstIndex > lastIndex + 1) {
    throw new InvalidBatchError(lastIndex, `its first entry has index ${first.firstIndex}`);
  }
  let index = first.firstIndex;
  for (const { firstIndex, count, term } of runs) {
    if (firstIndex !== index) {
      throw new InvalidBatchError(lastIndex, `index ${firstIndex} stands where ${index} is due`);
    }
    if (!Number.isInteger(count) || count < 1 || count > countMax) {
      throw new InvalidBatchError(lastIndex, `a run from entry ${index} on has ${count} entries`);
    }
    if (!fits(term) || term < 1) throw new InvalidBatchError(lastIndex, `entry ${index} has term ${term}`);
    index += count;
  }
  return index - 1;
}

/** Is a batch without effect? Nothing is written for one. */
export function isEmpty(batch: WriteBatch): boolean {
  return batch.hardState === null && batch.runs.length === 0;
}

function fits(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= numberMax;
}
