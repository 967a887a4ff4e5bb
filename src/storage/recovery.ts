import { WalDamagedError } from './errors.js';
import type { LogMap } from './log-map.js';
import type { SnapshotFile } from './snapshots/snapshot-file.js';
import type { FoundSnapshots, SnapshotStore } from './snapshots/snapshot-store.js';

/*
 * Where log and snapshots meet. Snapshots come to be in two ways, and a crash can come after either:
 *
 *     its own      state of what is applied ─ snapshot ─ the log is given up through the older of two
 *     installed    a leader's snapshot ─ snapshot ─ the log begins anew, unless it has the snapshot's last entry
 *                                          ─ the leader is told
 *
 * So a snapshot serves if the log has its last entry or begins after it. One that is ahead of the log, or ends with
 * another entry than the log has there, stands for more than the log: what the log has is superseded (§7), and it begins
 * anew. (An entry can be applied before it is durable here. Then its snapshot is ahead as well.) Before the log is given
 * up for it such a snapshot is read from end to end.
 *
 * A snapshot has its name only once it is durable. One that does not check was damaged later, and is passed over where
 * an older one serves: nothing was promised for it that the log does not have, since the log is given up through the
 * older one alone, and a leader hears of an installed one only after the log has begun anew.
 */

/** What is to become of log and snapshots. */
export interface Reconciled {
  /** Newest first. */
  readonly serving: readonly SnapshotFile[];
  /** The log begins anew after the newest of them. */
  readonly restarts: boolean;
  /** How many newer ones were passed over. */
  readonly damaged: number;
}

/** @throws WalDamagedError when no snapshot reaches the beginning of the log. */
export function reconcile(
  map: LogMap,
  { whole, damaged }: FoundSnapshots,
  store: Pick<SnapshotStore, 'flawIn'>,
  directory: string,
): Reconciled {
  const flaws = new Map(
    [...damaged].map(([name, { mark, reason }]) => [name, { index: mark.index, reason }]),
  );
  const serving: SnapshotFile[] = [];
  let restarts = false;
  for (const snapshot of whole) {
    const { index, term } = snapshot.mark;
    if (index < map.base.index || (restarts && serving.length > 0)) continue;
    if (map.termAt(index) === term) {
      serving.push(snapshot);
      continue;
    }
    if (serving.length > 0) continue;
    if (index === map.base.index) {
      throw new WalDamagedError(
        directory,
        0,
        `its log follows entry ${index} of term ${map.base.term}, and its snapshot ends with one of term ${term}`,
      );
    }
    const flaw = store.flawIn(snapshot);
    if (flaw === null) {
      serving.push(snapshot);
      restarts = true;
    } else flaws.set(`that of entry ${index}`, { index, reason: flaw });
  }
  const newest = serving[0]?.mark.index ?? 0;
  if (newest === 0 && map.base.index > 0) {
    const reasons = [...flaws].map(([name, { reason }]) => `; ${name}: ${reason}`).join('');
    throw new WalDamagedError(
      directory,
      0,
      `its log begins after entry ${map.base.index}, and no snapshot reaches that far${reasons}`,
    );
  }
  return { serving, restarts, damaged: [...flaws.values()].filter(({ index }) => index > newest).length };
}
