import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { UsageError } from '../../console/usage-error.js';

/** Bytes to be read, and how many there are if that is known. */
export interface Source {
  readonly stream: Readable;
  readonly bytes: number | null;
}

/** Opens a file, or standard input for `-`. @throws {UsageError} when it cannot be read. */
export async function openSource(optionName: string, path: string): Promise<Source> {
  if (path === '') throw new UsageError(`${optionName} needs the name of a file, or - for standard input.`);
  if (path === '-') return { stream: process.stdin, bytes: null };
  try {
    const handle = await open(path, 'r');
    const stats = await handle.stat();
    if (stats.isDirectory()) {
      await handle.close();
      throw new Error('it is a directory');
    }
    return { stream: handle.createReadStream(), bytes: stats.isFile() ? stats.size : null };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${optionName} ${path} cannot be read: ${reason}.`);
  }
}
