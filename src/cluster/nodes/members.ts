import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ConclaveError } from '../../ground/errors.js';
import type { NodeId } from '../../raft/entry.js';
import { LogLostError, StorageFailedError, UnknownFormatError } from '../../storage/errors.js';
import { NodeFileSystem, ownFile } from '../../storage/node-file-system.js';
import { WrongMembersError } from '../errors.js';
import type { ClusterSettings } from '../options.js';
import { makeDirectory, type NodeWithLog, nodeDirectory, nodesWithLogs } from './node-directories.js';

/*
 * Who votes is part of what the logs mean: an entry is committed because a majority of *these* voters has it. Among
 * others, a majority need not hold it, and could elect a leader without it (§6). So each log says which members the
 * cluster was made with, and a cluster of others does not start on it. Which of the voters have had a log is written
 * down beside the logs, so that one that is missing later is known to be lost; with the voters, for logs of earlier
 * formats, which do not say.
 *
 * That file can be lost as well. Then a voter without a log may have lost it, and none is started.
 */

const fileName = 'members.json';
const formatVersion = 2;

/** What the file says. */
interface Listed {
  readonly voters: readonly NodeId[];
  /** Those of them that have had a log. */
  readonly logs: readonly NodeId[];
}

/** Who votes in a cluster, and which of the voters have had a log. (A learner that lost its own has promised nothing.) */
export class Members {
  readonly #directory: string | null;
  readonly #voters: readonly NodeId[];
  readonly #logs: Set<NodeId>;
  /** Those that were no members at first and have a log: they were added. */
  readonly joined: readonly NodeId[];

  private constructor(
    directory: string | null,
    voters: readonly NodeId[],
    logs: Iterable<NodeId>,
    joined: readonly NodeId[] = [],
  ) {
    this.joined = joined;
    this.#directory = directory;
    this.#voters = voters;
    this.#logs = new Set(logs);
  }

  /**
   * Holds the directory's logs to the voters they were made with.
   * @throws {WrongMembersError} {LogLostError} {UnknownFormatError} {StorageFailedError} nothing was changed
   */
  static claim({ storage, voters, learners, clusterId }: ClusterSettings): Members {
    const wanted = inOrder(voters);
    if (storage.kind !== 'disk') return new Members(null, wanted, []);
    const { directory } = storage;
    makeDirectory(directory);
    try {
      const listed = readMembers(directory);
      const nodes = nodesWithLogs(directory, clusterId);
      for (const { birth } of nodes) {
        const born = birth === null ? wanted : inOrder(birth.voters.map(({ id }) => id));
        if (born.join() !== wanted.join()) throw new WrongMembersError(directory, born, wanted);
      }
      const withLogs = idsOf(nodes);
      if (listed === null) requireAll(directory, idsOf(nodes.filter(mayHaveVoted)), wanted);
      else if (listed.voters.join() !== wanted.join()) {
        throw new WrongMembersError(directory, listed.voters, wanted);
      }
      const first = [...voters, ...learners];
      const joined = withLogs.filter((id) => !first.includes(id));
      const members = new Members(directory, wanted, [...(listed?.logs ?? []), ...withLogs], joined);
      if (listed === null) members.#write();
      return members;
    } catch (error) {
      if (error instanceof ConclaveError) throw error;
      throw new StorageFailedError(`Reading who votes from ${join(directory, fileName)}`, error);
    }
  }

  /** A member that has left may come back with nothing. @throws {StorageFailedError} that cannot be written down */
  forget(id: NodeId): void {
    if (this.#logs.delete(id)) this.#write();
  }

  hadLog(id: NodeId): boolean {
    return this.#logs.has(id);
  }

  /** These nodes have recovered, so each of them has a log. @throws {StorageFailedError} that cannot be written down */
  haveLogs(ids: readonly NodeId[]): void {
    const fresh = ids.filter((id) => this.#voters.includes(id) && !this.#logs.has(id));
    if (fresh.length === 0) return;
    for (const id of fresh) this.#logs.add(id);
    this.#write();
  }

  /** @throws {StorageFailedError} */
  #write(): void {
    if (this.#directory === null) return;
    const logs = this.#voters.filter((id) => this.#logs.has(id));
    try {
      writeMembers(this.#directory, { voters: this.#voters, logs });
    } catch (error) {
      throw new StorageFailedError(`Writing ${join(this.#directory, fileName)}`, error);
    }
  }
}

/** Whole and durable, or not there: written under another name first. */
function writeMembers(directory: string, listed: Listed): void {
  const path = join(directory, fileName);
  // One that was killed may have left it; and what is written through a link is written elsewhere.
  rmSync(`${path}.new`, { force: true });
  const file = openSync(`${path}.new`, 'wx', ownFile);
  try {
    writeSync(file, `${JSON.stringify({ version: formatVersion, ...listed })}\n`);
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

function idsOf(nodes: readonly NodeWithLog[]): NodeId[] {
  return nodes.map(({ id }) => id);
}

/** Whoever was made a learner, or came later, is none of the voters that the cluster was made with. */
function mayHaveVoted({ id, birth }: NodeWithLog): boolean {
  return birth === null || birth.voters.some((voter) => voter.id === id);
}

/** Nobody wrote down who votes, or it is lost: then it has to be those with a log, or nobody has one yet. */
function requireAll(directory: string, withLogs: readonly NodeId[], wanted: readonly NodeId[]): void {
  if (withLogs.length === 0) return;
  if (!withLogs.every((id) => wanted.includes(id))) {
    throw WrongMembersError.unlisted(directory, fileName, withLogs, wanted);
  }
  const missing = wanted.find((id) => !withLogs.includes(id));
  if (missing !== undefined) {
    throw new LogLostError(
      nodeDirectory(directory, missing),
      missing,
      `is not in ${nodeDirectory(directory, missing)}, though other nodes have theirs, and ${fileName}, which tells whether it ever had one, is gone too`,
    );
  }
}

/** Null when the file is not there. */
function readMembers(directory: string): Listed | null {
  const path = join(directory, fileName);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const { version, voters, logs, hadLogs } = fieldsOf(JSON.parse(text));
  if (typeof version === 'number' && version > formatVersion) {
    throw new UnknownFormatError(path, version, formatVersion);
  }
  if (!isListOfIds(voters)) throw new Error('it names no voters');
  // Version 1 says of all voters at once that they have had a log, or that not all have.
  const all = version === 1 && hadLogs === true ? voters : [];
  return { voters: inOrder(voters), logs: isListOfIds(logs) ? logs : all };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return (value ?? {}) as Record<string, unknown>;
}

function isListOfIds(value: unknown): value is readonly NodeId[] {
  return Array.isArray(value) && value.every(Number.isSafeInteger);
}

function inOrder(voters: readonly NodeId[]): NodeId[] {
  return [...voters].sort((a, b) => a - b);
}
