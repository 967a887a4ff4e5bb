import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { UsageError } from '../cluster/commands/usage-error.js';
import { makeDirectory } from '../cluster/nodes/node-directories.js';
import type { DataPlace } from './options.js';

/** Where a cluster keeps its logs; null in memory. */
export interface DataDirectory {
  readonly path: string | null;
  readonly isTemporary: boolean;
}

const clusterFile = 'cluster.json';

/**
 * Makes the directory ready. A temporary one is removed when the process exits, however it does (but for kill -9).
 * @throws {UsageError} when it cannot be used, or holds a cluster of another size.
 */
export function openDataDirectory(place: DataPlace, nodes: number): DataDirectory {
  switch (place.kind) {
    case 'memory':
      return { path: null, isTemporary: false };
    case 'temporary': {
      const path = mkdtempSync(join(tmpdir(), 'conclave-'));
      process.once('exit', () => removeAtOnce(path));
      return { path, isTemporary: true };
    }
    case 'directory': {
      const path = resolve(place.directory);
      claim(path, nodes);
      return { path, isTemporary: false };
    }
  }
}

/** Threads may still be writing: what they add meanwhile is removed in the next round. */
function removeAtOnce(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 10 });
}

/**
 * The number of voters decides what a majority is, so a directory keeps it: started with another number, nodes
 * could elect a leader that lacks what was acknowledged.
 */
function claim(path: string, nodes: number): void {
  const file = join(path, clusterFile);
  const found = readClusterFile(path, file);
  if (found === nodes) return;
  if (found !== null) {
    throw new UsageError(
      `${path} holds a cluster of ${found} nodes. Start it with --nodes ${found}, or choose another directory.`,
    );
  }
  try {
    writeFileSync(file, `${JSON.stringify({ nodes })}\n`, { flush: true } as object);
  } catch (error) {
    throw new UsageError(`--data ${path} cannot be written: ${reason(error)}.`);
  }
}

function readClusterFile(path: string, file: string): number | null {
  try {
    makeDirectory(path);
  } catch (error) {
    throw new UsageError(`--data ${path} cannot be made: ${reason(error)}. Choose another directory.`);
  }
  try {
    const { nodes } = JSON.parse(readFileSync(file, 'utf8')) as { nodes?: unknown };
    if (typeof nodes === 'number') return nodes;
    throw new Error('it names no number of nodes');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new UsageError(`--data ${path} cannot be used: ${reason(error)}. Choose another directory.`);
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
