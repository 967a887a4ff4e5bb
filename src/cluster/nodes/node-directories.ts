import { mkdirSync, readdirSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ConfigurationData } from '../../raft/configuration.js';
import type { NodeId } from '../../raft/entry.js';
import { releaseLock } from '../../storage/directory-lock.js';
import { NodeFileSystem, ownDirectory } from '../../storage/node-file-system.js';
import { findLog } from '../../storage/segment.js';
import { DirectoryUnusableError, LockLeftError } from '../errors.js';
import type { ClusterSettings } from '../options.js';

const directoryName = /^node-(0|[1-9]\d*)$/;

/** Where a node keeps its log, within the cluster's directory. */
export function nodeDirectory(directory: string, id: NodeId): string {
  return join(directory, `node-${id}`);
}

/**
 * Makes a node's directory before its thread is started.
 * @param hadLog one that is missing is not to be replaced by an empty one
 * @throws {DirectoryUnusableError}
 */
export function makeNodeDirectory({ storage }: ClusterSettings, id: NodeId, hadLog: boolean): void {
  if (storage.kind === 'disk' && !hadLog) makeDirectory(nodeDirectory(storage.directory, id));
}

/** A node whose log is in the cluster's directory. */
export interface NodeWithLog {
  readonly id: NodeId;
  /** The members that its cluster was made with; null where the log does not say. */
  readonly birth: ConfigurationData | null;
}

/**
 * The nodes of which there is a log in the cluster's directory, be it in another's place: what segments say of
 * themselves counts more than where they lie. Logs of other clusters are left out.
 */
export function nodesWithLogs(directory: string, clusterId: string): NodeWithLog[] {
  const fileSystem = new NodeFileSystem();
  const nodes = new Map<NodeId, NodeWithLog>();
  for (const entry of readdirSync(directory)) {
    const name = directoryName.exec(entry)?.[1];
    if (name === undefined) continue;
    const log = findLog(fileSystem, join(directory, entry));
    if (log === null || (log.identity !== null && log.identity.clusterId !== clusterId)) continue;
    const id = log.identity?.nodeId ?? Number(name);
    nodes.set(id, { id, birth: log.birth });
  }
  return [...nodes.values()].sort((a, b) => a.id - b.id);
}

/**
 * Lets others have the directory of a node whose thread is gone: one that was killed has left its lock.
 * @throws {LockLeftError}
 */
export function freeNodeDirectory({ storage }: ClusterSettings, id: NodeId, owner: string): void {
  if (storage.kind !== 'disk') return;
  const directory = nodeDirectory(storage.directory, id);
  try {
    releaseLock(directory, owner);
  } catch (error) {
    // Where no directory is nothing was locked.
    if (!isOneOf(error, 'ENOTDIR')) throw new LockLeftError(directory, error);
  }
}

/**
 * Makes a directory and what is above it, durably: no sync of a log helps whose directory is lost. (`mkdirSync` with
 * `recursive` never returns where a file system refuses new directories with ENOENT, as /proc does.)
 * @throws {DirectoryUnusableError}
 */
export function makeDirectory(path: string): void {
  let at = path;
  try {
    const missing: string[] = [];
    for (; !isDirectory(at) && dirname(at) !== at; at = dirname(at)) missing.unshift(at);
    for (at of missing) {
      mkdirSync(at, ownDirectory);
      new NodeFileSystem().syncDirectory(dirname(at));
    }
  } catch (error) {
    throw new DirectoryUnusableError(path, at, error);
  }
}

/** @throws when something else is there. */
function isDirectory(path: string): boolean {
  let found: Stats;
  try {
    found = statSync(path);
  } catch (error) {
    // Nothing there, or a file above it, which is what is in the way.
    if (isOneOf(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
  if (found.isDirectory()) return true;
  throw Object.assign(new Error(`${path} is not a directory`), { code: 'ENOTDIR' });
}

function isOneOf(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
