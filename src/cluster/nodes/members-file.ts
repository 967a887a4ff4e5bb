import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeId } from '../../raft/entry.js';
import { StorageFailedError } from '../../storage/errors.js';
import { NodeFileSystem } from '../../storage/node-file-system.js';
import { WrongMembersError } from '../errors.js';
import type { ClusterSettings } from '../options.js';
import { makeDirectory } from './node-directories.js';

/*
 * Who votes is part of what the logs mean: an entry is committed because a majority of *these* voters has it. Among
 * others, a majority need not hold it, and could elect a leader without it (§6). So the voters are written down beside
 * the logs, before the first of these is made, and a cluster of others does not start on them.
 */

const fileName = 'members.json';

/**
 * Holds the directory's logs to the voters they were made with.
 * @throws {WrongMembersError} {StorageFailedError} nothing was changed
 */
export function claimMembers({ storage, voters }: ClusterSettings): void {
  if (storage.kind !== 'disk') return;
  const path = join(storage.directory, fileName);
  const wanted = inOrder(voters);
  try {
    makeDirectory(storage.directory);
    const found = readVoters(path);
    if (found === null) writeVoters(storage.directory, path, wanted);
    else if (found.join() !== wanted.join()) throw new WrongMembersError(storage.directory, found, wanted);
  } catch (error) {
    if (error instanceof WrongMembersError) throw error;
    throw new StorageFailedError(`Reading who votes from ${path}`, error);
  }
}

/** Null when the file is not there: the directory is new. */
function readVoters(path: string): NodeId[] | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  const voters = (value as { voters?: unknown } | null)?.voters;
  if (!Array.isArray(voters) || !voters.every(Number.isSafeInteger)) throw new Error('it names no voters');
  return inOrder(voters);
}

/** Whole and durable, or not there: written under another name first. */
function writeVoters(directory: string, path: string, voters: readonly NodeId[]): void {
  const file = openSync(`${path}.new`, 'w');
  try {
    writeSync(file, `${JSON.stringify({ version: 1, voters })}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  const fileSystem = new NodeFileSystem();
  fileSystem.syncDirectory(directory);
  // One who was killed may have made the directory, and not yet its name durable.
  fileSystem.makeDirectory(directory);
}

function inOrder(voters: readonly NodeId[]): NodeId[] {
  return [...voters].sort((a, b) => a - b);
}
