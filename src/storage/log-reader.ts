import type { LogIndex } from '../raft/entry.js';
import { lastIndexOf } from '../raft/run.js';
import { cutSealedRun, type SealedRun } from '../wire/packed-runs.js';
import { WalDamagedError } from './errors.js';
import { type FileHandle, readBuffer } from './file-system.js';
import type { LogMap } from './log-map.js';
import { decodePayload } from './payload.js';
import { decodeRecordHeader, isWhole, payloadOf, recordHeaderBytes } from './record.js';
import type { FoundSegment } from './replay.js';

/** How much of a segment is read at once, unless a record has more. */
const windowBytes = 256 * 1024;

/** A segment that is open to be read. */
export interface ReadableSegment {
  readonly segment: FoundSegment;
  readonly file: FileHandle;
  close(): void;
}

/**
 * Entries from `from` on, one run at least and then as many as have `bytesMax` sealed bytes: read where the map says that
 * they are, a window at a time.
 * @throws WalDamagedError
 */
export function readRuns(
  map: LogMap,
  open: (segment: number) => ReadableSegment,
  from: LogIndex,
  bytesMax: number,
): SealedRun[] {
  const runs: SealedRun[] = [];
  let bytes = 0;
  let next = from;
  while (from > map.base.index && next <= map.lastIndex) {
    const { segment: number, position, through } = map.placeOf(next);
    const { segment, file, close } = open(number);
    try {
      for (const run of runsFrom(segment, file, position)) {
        if (next > through) break;
        if (lastIndexOf(run) < next) continue;
        bytes += run.sealed.length;
        if (runs.length > 0 && bytes > bytesMax) return runs;
        const to = Math.min(lastIndexOf(run), through);
        runs.push(cutSealedRun(run, run.firstIndex, to));
        next = to + 1;
      }
    } finally {
      close();
    }
    if (next <= through)
      throw new WalDamagedError(segment.path, position, `entry ${next} is not there any more`);
  }
  return runs;
}

/** The runs of all records from a position on. @throws WalDamagedError at one that is not whole */
function* runsFrom(
  { path, seed, formatVersion, recordsEnd }: FoundSegment,
  file: FileHandle,
  position: number,
): Iterable<SealedRun> {
  let start = position;
  let window: Buffer = Buffer.alloc(0);
  const need = (at: number, bytes: number) => {
    if (at + bytes <= start + window.length) return;
    start = at;
    window = readBuffer(file, at, Math.min(Math.max(windowBytes, bytes), recordsEnd - at));
  };
  for (let at = position; at < recordsEnd; ) {
    need(at, recordHeaderBytes);
    const header = decodeRecordHeader(window, at - start, seed);
    if (header === null) return;
    need(at, header.recordBytes);
    const isSound = isWhole(window, at - start, header);
    const content = isSound ? decodePayload(payloadOf(window, at - start, header), formatVersion) : null;
    if (content === null) throw new WalDamagedError(path, at, 'its record was whole and is not any more');
    yield* content.runs;
    at += header.recordBytes;
  }
}
