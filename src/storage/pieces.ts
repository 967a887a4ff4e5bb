import { packedSize } from '../wire/packed-runs.js';
import type { WriteBatch } from './storage.js';

/** Bytes of runs in one record, unless a single run has more. */
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
    if (start === 0 && end === batch.runs.length) pieces.push(batch);
    else
      pieces.push({
        hardState: start === 0 ? batch.hardState : null,
        runs: batch.runs.slice(start, end),
      });
    start = end;
    bytes = 0;
  };
  for (const [at, run] of batch.runs.entries()) {
    const runBytes = packedSize([run]);
    if (at > start && bytes + runBytes > bytesMax) cut(at);
    bytes += runBytes;
  }
  cut(batch.runs.length);
  return pieces;
}
