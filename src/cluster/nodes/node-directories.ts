import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NodeId } from '../../raft/entry.js';
import { releaseLock } from '../../storage/directory-lock.js';
import { StorageFailedError } from '../../storage/errors.js';
import { NodeFileSystem, ownDirectory } from '../../storage/node-file-system.js';
import type { ClusterSettings } from '../options.js';

/** Where a node keeps its log, within the cluster's directory. */
export function nodeDirectory(directory: string, id: NodeId): string {
  return join(directory, `node-${id}`);
}

/**
 * Makes the nodes' directories before any thread is started, so that a path that cannot be had fails at once.
 * @param hadLogs the voters have theirs; one that is missing is not to be replaced by an empty one
 * @throws {StorageFailedError}
 */
export function makeNodeDirectories({ storage, voters, learners }: ClusterSettings, hadLogs: boolean): void {
  if (storage.kind !== 'disk') return;
  for (const id of hadLogs ? learners : [...voters, ...learners]) {
    const directory = nodeDirectory(storage.directory, id);
    try {
      makeDirectory(directory);
    } catch (error) {
      throw new StorageFailedError(`Making the directory ${directory}`, error);
    }
  }
}

/** Lets others have the directory of a node whose thread is gone: one that was killed has left its lock. */
export function freeNodeDirectory({ storage }: ClusterSettings, id: NodeId, owner: string): void {
  if (storage.kind === 'disk') releaseLock(nodeDirectory(storage.directory, id), owner);
}

/**
 * Makes a directory and what is above it, durably: no sync of a log helps whose directory is lost. (`mkdirSync` with
 * `recursive` never returns where a file system refuses new directories with ENOENT, as /proc does.)
 */
export function makeDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  mkdirSync(path, ownDirectory);
  new NodeFileSystem().syncDirectory(parent);
}
