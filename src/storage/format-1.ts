import { readU32 } from '../ground/integers.js';
import { entryKinds, type LogIndex } from '../raft/entry.js';
import { readTerm, type SealedRun } from '../wire/packed-runs.js';

/*
 * What segments of format 1 hold otherwise than those of today: in the payload of a record each entry by itself,
 *
 *     u32 LE length of the bytes · u48 LE term · u8 kind · u8 flags (0) · the bytes
 *
 * All else of a segment is as it was. They are read, and not written any more.
 */

const entryHeaderBytes = 12;

/** The entries from `firstIndex` on, each a run of one, or null when the bytes are malformed. */
export function unpackEntries(bytes: Uint8Array, firstIndex: LogIndex): SealedRun[] | null {
  const runs: SealedRun[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at + entryHeaderBytes;
    if (start > bytes.length) return null;
    const end = start + readU32(bytes, at);
    const term = readTerm(bytes, at + 4);
    const kind = entryKinds[bytes[at + 10] as number];
    if (end > bytes.length || term === 0 || kind === undefined || bytes[at + 11] !== 0) return null;
    runs.push({
      firstIndex: firstIndex + runs.length,
      count: 1,
      term,
      kind,
      sealed: bytes.subarray(start, end),
    });
    at = end;
  }
  return runs;
}
