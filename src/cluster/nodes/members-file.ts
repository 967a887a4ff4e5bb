import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeId } from '../../raft/entry.js';
import { StorageFailedError } from '../../storage/errors.js';
import { NodeFileSystem, ownFile } from '../../storage/node-file-system.js';
import { WrongMembersError } from '../errors.js';
import type { ClusterSettings } from '../options.js';
import { makeDirectory } from './node-directories.js';

/*
 * Who votes is part of what the logs mean: an entry is committed because a majority of *these* voters has it. Among
 * others, a majority need not hold it, and could elect a leader without it (§6). So the voters are written down beside
 * the logs, before the first of these is made, and a cluster of others does not start on them.
 */

const fileName = 'members.json';

interface Members {
  readonly voters: readonly NodeId[];
  /** Has every voter had a log? Written once all have, so that one that is missing later was lost. */
  readonly hadLogs: boolean;
}

/**
 * Holds the directory's logs to the voters they were made with.
 * @throws {WrongMembersError} {StorageFailedError} nothing was changed
 */
export function claimMembers({ storage, voters }: ClusterSettings): Pick<Members, 'hadLogs'> {
  if (storage.kind !== 'disk') return { hadLogs: false };
  const { directory } = storage;
  const wanted = inOrder(voters);
  try {
    makeDirectory(directory);
    const found = readMembers(directory);
    if (found === null) writeMembers(directory, { voters: wanted, hadLogs: false });
    else if (found.voters.join() !== wanted.join()) {
      throw new WrongMembersError(directory, found.voters, wanted);
    }
    return { hadLogs: found?.hadLogs ?? false };
  } catch (error) {
    if (error instanceof WrongMembersError) throw error;
    throw new StorageFailedError(`Reading who votes from ${join(directory, fileName)}`, error);
  }
}

/** Notes that every voter has its log. @throws {StorageFailedError} */
export function noteLogs({ storage, voters }: ClusterSettings): void {
  if (storage.kind !== 'disk') return;
  try {
    writeMembers(storage.directory, { voters: inOrder(voters), hadLogs: true });
  } catch (error) {
    throw new StorageFailedError(`Writing ${join(storage.directory, fileName)}`, error);
  }
}

/** Null when the file is not there: the directory is new. */
function readMembers(directory: string): Members | null {
  let text: string;
  try {
    text = readFileSync(join(directory, fileName), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  const { voters, hadLogs } = (value ?? {}) as { voters?: unknown; hadLogs?: unknown };
  if (!Array.isArray(voters) || !voters.every(Number.isSafeInteger)) throw new Error('it names no voters');
  return { voters: inOrder(voters), hadLogs: hadLogs === true };
}

/** Whole and durable, or not there: written under another name first. */
function writeMembers(directory: string, members: Members): void {
  const path = join(directory, fileName);
  // One that was killed may have left it; and what is written through a link is written elsewhere.
  rmSync(`${path}.new`, { force: true });
  const file = openSync(`${path}.new`, 'wx', ownFile);
  try {
    writeSync(file, `${JSON.stringify({ version: 1, ...members })}\n`);
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
