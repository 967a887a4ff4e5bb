import type { FileHandle } from './file-system.js';

const chunk = new Uint8Array(1024 * 1024);

/** Writes zeros from `start` to before `end`. Not durable until the file is synced. */
export function writeZeros(file: FileHandle, start: number, end: number): void {
  for (let at = start; at < end; at += chunk.length) {
    file.write(at, chunk.subarray(0, Math.min(chunk.length, end - at)));
  }
}
