import type { Entry } from '../raft/entry.js';
import { entryHeaderBytes } from '../wire/entries.js';
import type { WriteBatch } from './storage.js';

/** Entry bytes in one record, unless a single entry has more. */
export const pieceBytesMax = 64 * 1024 * 1024;

/**
 * The batch, in pieces that make the same log when they are written one after another. Term and vote come with the
 * first: entries never become durable before the term that covers them. Nearly every batch is its only piece.
 */
export function piecesOf(batch: WriteBatch, bytesMax = pieceBytesMax): readonly WriteBatch[] {
  const pieces: WriteBatch[] = [];
  let start = 0;
  let bytes = 0;
  const cut = (end: number) => {
    if (start === 0 && end === batch.entries.length) pieces.push(batch);
    else
      pieces.push({
        hardState: start === 0 ? batch.hardState : null,
        entries: batch.entries.slice(start, end),
      });
    start = end;
    bytes = 0;
  };
  for (const [at, entry] of batch.entries.entries()) {
    if (at > start && bytes + packedBytes(entry) > bytesMax) cut(at);
    bytes += packedBytes(entry);
  }
  cut(batch.entries.length);
  return pieces;
}

function packedBytes(entry: Entry): number {
  return entryHeaderBytes + entry.bytes.byteLength;
}
