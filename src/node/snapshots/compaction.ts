import type { LogIndex } from '../../raft/entry.js';
import type { Replica } from '../../raft/replica.js';
import type { StoredSnapshot } from '../../storage/storage.js';

/** Entries are kept for a follower that lags, for so many times as many as lie between the two snapshots. */
const lagIntervalsMax = 4;

/**
 * Through which entry the stored log may be given up. The older of the two kept snapshots needs what follows it, in case
 * the newer turns out to be damaged; so does a follower that is being sent it. A follower that answers and is supplied
 * with entries, and has not come so far yet, keeps its part of the log, too, within a bound: one that lags further gets
 * a snapshot. 0 while there is one snapshot alone.
 */
export function retainedIndex(
  { progress, leaderId, id }: Replica,
  snapshots: readonly StoredSnapshot[],
  nowMs: number,
  answeredWithinMs: number,
): LogIndex {
  const [newest, older] = snapshots;
  if (newest === undefined || older === undefined) return 0;
  const interval = newest.mark.index - older.mark.index;
  const floor = older.mark.index - lagIntervalsMax * interval;
  let retained = older.mark.index;
  if (leaderId !== id) return retained;
  for (const { matchIndex, transfer, answeredAtMs } of progress.values()) {
    const isSupplied = transfer === null && matchIndex > 0 && nowMs - answeredAtMs < answeredWithinMs;
    if (isSupplied && matchIndex >= floor) retained = Math.min(retained, matchIndex);
  }
  return retained;
}
