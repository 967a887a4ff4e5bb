import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DirectoryUnusableError } from '../cluster/errors.js';
import { makeDirectory } from '../cluster/nodes/node-directories.js';
import { UsageError } from '../console/usage-error.js';
import { messageOf } from '../ground/thrown.js';
import type { DataPlace } from './cluster-options.js';

/** Where a cluster keeps its logs; null in memory. */
export interface DataDirectory {
  readonly path: string | null;
  readonly isTemporary: boolean;
}

/**
 * Makes the directory ready. A temporary one is removed when the process exits, however it does (but for kill -9).
 * @throws {UsageError} when it cannot be had.
 */
export function openDataDirectory(place: DataPlace): DataDirectory {
  switch (place.kind) {
    case 'memory':
      return { path: null, isTemporary: false };
    case 'temporary': {
      const path = makeTemporary();
      process.once('exit', () => removeAtOnce(path));
      return { path, isTemporary: true };
    }
    case 'directory': {
      const path = resolve(place.directory);
      makeUsable(path);
      return { path, isTemporary: false };
    }
  }
}

/** Threads may still be writing: what they add meanwhile is removed in the next round. */
function removeAtOnce(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 10 });
}

function makeTemporary(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'conclave-'));
  } catch (error) {
    throw new UsageError(
      `No temporary directory can be made: ${messageOf(error)}. Name a place with --data DIR, or leave the disk out with --memory.`,
    );
  }
}

/** Who its nodes are, and whether they may have it, is the cluster's to see to. */
function makeUsable(path: string): void {
  try {
    makeDirectory(path);
  } catch (error) {
    if (error instanceof DirectoryUnusableError) throw new UsageError(`--data: ${error.message}`);
    throw error;
  }
}
