import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, nodeDirectory } from '../cluster/nodes/node-directories.js';
import { ConclaveError, InvalidOptionError } from '../ground/errors.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import { StorageFailedError, UnknownFormatError } from '../storage/errors.js';
import { NodeFileSystem, ownFile } from '../storage/node-file-system.js';
import { findLog } from '../storage/segment.js';
import { DataLostError, WrongServerError } from './errors.js';

/*
 * Which cluster this process's member belongs to stands beside its log, and is written before the log is made:
 *
 *     first start   the member of the lowest number makes the cluster's id; the others learn it from whoever knows it
 *     joining       the id is that of the cluster that is asked to let this one in
 *     ever after    the id is what is on disk, and whoever has another is refused
 *
 * A member that comes without the id after it had it has lost its data. The others remember who has had it: whoever
 * counted a vote or an acknowledgement of a member has noted that member before. So a member without an id takes part
 * only once each of the others has let it in without one; any of them may be the one that counted on it.
 */

const fileName = 'server.json';
const formatVersion = 2;

/** What a process that joins is to become. */
export type Joining = 'voter' | 'learner';

interface Written {
  readonly id: NodeId;
  readonly cluster: string;
  readonly clusterId: string;
  /** All that are known, and where; empty where that is not known. */
  readonly members: Readonly<Record<string, string>>;
  /** Members that have known the cluster's id. */
  readonly former: readonly NodeId[];
  /** Those that voted when this member's log was made; before format 2, all members. */
  readonly voters?: readonly NodeId[];
  /** It was none of these, and is not yet what it is to become. */
  readonly joining?: Joining | null;
  /** How far the log had come when it was known to be no member. */
  readonly joinedAfter?: LogIndex;
  /** Where it was told to listen. */
  readonly listen?: string;
}

/** What a process says that it is. */
export interface Claim {
  readonly directory: string;
  readonly id: NodeId;
  readonly cluster: string;
  /** Null at a restart that names none, and where a cluster is joined. */
  readonly members: ReadonlyMap<NodeId, string> | null;
  /** What it is to become where there is no data yet; null: one of the first members. */
  readonly joining: Joining | null;
  readonly listen: string;
}

/** Who this process's member is, where the others are, and who has been here: what outlives the process. */
export class ServerIdentity {
  readonly id: NodeId;
  readonly cluster: string;
  /** Was it told to listen elsewhere the last time? */
  readonly hasMoved: boolean;
  readonly #directory: string;
  readonly #listen: string;
  readonly #former: Set<NodeId>;
  #members: ReadonlyMap<NodeId, string>;
  #voters: readonly NodeId[];
  #joining: Joining | null;
  #joinedAfter: LogIndex;
  #clusterId: string | null;

  private constructor(claim: Claim, members: ReadonlyMap<NodeId, string>, found: Written | null) {
    this.id = claim.id;
    this.cluster = claim.cluster;
    this.hasMoved = found?.listen !== undefined && found.listen !== claim.listen;
    this.#directory = claim.directory;
    this.#listen = claim.listen;
    this.#members = members;
    this.#clusterId = found?.clusterId ?? null;
    this.#former = new Set(found?.former ?? []);
    this.#voters =
      found === null ? inOrder([...members.keys()]) : (found.voters ?? [...membersOf(found).keys()]);
    this.#joining = found === null ? claim.joining : (found.joining ?? null);
    this.#joinedAfter = found?.joinedAfter ?? 0;
  }

  /**
   * Reads what is in the directory, and holds what is claimed against it.
   * @throws {WrongServerError} {DataLostError} {UnknownFormatError} {StorageFailedError} {DirectoryUnusableError}
   * {InvalidOptionError} nothing is there and no members were named
   */
  static claim(claim: Claim): ServerIdentity {
    const { directory, id } = claim;
    makeDirectory(directory);
    const found = readServer(directory);
    if (found === null) return ServerIdentity.#first(claim);
    requireSame(claim, found);
    const log = findLog(new NodeFileSystem(), nodeDirectory(directory, id));
    if (log === null && found.former.includes(id)) {
      throw new DataLostError(id, `there is no log in ${nodeDirectory(directory, id)}`);
    }
    const members = membersOf(found);
    // Where they are may have changed; who they are the log says.
    for (const id of members.keys()) members.set(id, claim.members?.get(id) ?? members.get(id) ?? '');
    const identity = new ServerIdentity(claim, members, found);
    identity.#write();
    return identity;
  }

  static #first(claim: Claim): ServerIdentity {
    const { directory, id, members, joining } = claim;
    if (existsSync(nodeDirectory(directory, id))) {
      throw new DataLostError(id, `${join(directory, fileName)} is not beside its log`);
    }
    if (joining !== null) return new ServerIdentity(claim, new Map(), null);
    if (members === null) {
      throw new InvalidOptionError(
        `${directory} holds no member yet, and no members were named. Give all of them with their addresses at the first start of a cluster; or, to join one, the addresses of some of its members as join.`,
      );
    }
    return new ServerIdentity(claim, members, null);
  }

  /** All members that are known, and where they were last. */
  get members(): ReadonlyMap<NodeId, string> {
    return this.#members;
  }

  /** Those that voted when this member's log was made. */
  get voters(): readonly NodeId[] {
    return this.#voters;
  }

  /** What it is to become and is not yet, or null. */
  get joining(): Joining | null {
    return this.#joining;
  }

  /** How far the log had come when it was known to be no member; 0 for one of the first. */
  get joinedAfter(): LogIndex {
    return this.#joinedAfter;
  }

  /** Null until it is made or learned. */
  get clusterId(): string | null {
    return this.#clusterId;
  }

  get former(): readonly NodeId[] {
    return [...this.#former];
  }

  /** The id of a cluster that nobody else has an id of, if it is this member that makes it. */
  newClusterId(): string | null {
    if (this.#joining !== null) return null;
    return this.id === Math.min(...this.members.keys()) ? randomUUID() : null;
  }

  /** The cluster's id is known: it is written down before anybody acts on it. @throws {StorageFailedError} */
  adopt(clusterId: string): void {
    this.#clusterId = clusterId;
    this.#write();
  }

  /**
   * As `adopt`, of a cluster that others made: with its members as they are now.
   * @param after how far its log has come
   * @throws {StorageFailedError}
   */
  join(
    clusterId: string,
    voters: readonly NodeId[],
    members: ReadonlyMap<NodeId, string>,
    after: LogIndex,
  ): void {
    this.#joinedAfter = after;
    this.#voters = inOrder(voters);
    this.#members = members;
    this.adopt(clusterId);
  }

  /** It is what it was to become. @throws {StorageFailedError} */
  noteJoined(): void {
    this.#joining = null;
    this.#write();
  }

  /** The members are these, and there. @throws {StorageFailedError} */
  noteMembers(members: ReadonlyMap<NodeId, string>): void {
    const isSame =
      members.size === this.#members.size &&
      [...members].every(([id, address]) => this.#members.get(id) === address);
    if (isSame) return;
    this.#members = members;
    this.#write();
  }

  /** It is no member any more, for certain: one that bears its number later begins with nothing. @throws {StorageFailedError} */
  forgetFormer(id: NodeId): void {
    if (this.#former.delete(id)) this.#write();
  }

  /** A member has shown that it knows the id; of this one: it has a log. @throws {StorageFailedError} */
  noteFormer(id: NodeId): void {
    if (this.#former.has(id)) return;
    this.#former.add(id);
    this.#write();
  }

  #write(): void {
    write(this.#directory, {
      id: this.id,
      cluster: this.cluster,
      clusterId: this.#clusterId,
      members: Object.fromEntries(this.#members),
      former: this.former,
      voters: this.#voters,
      joining: this.#joining,
      joinedAfter: this.#joinedAfter,
      listen: this.#listen,
    });
  }
}

/** Who a process was, by its directory. */
export interface FormerServer {
  readonly id: NodeId;
  readonly cluster: string;
  /** Where the others found it, as far as is known. */
  readonly address: string;
}

/** Null where the directory is none of a process's. @throws {StorageFailedError} {UnknownFormatError} */
export function formerServer(directory: string): FormerServer | null {
  const found = readServer(directory);
  if (found === null) return null;
  const { id, cluster, members } = found;
  return { id, cluster, address: members[id] ?? '' };
}

/** Writes down that this process is the only member of a cluster of that id, which has its log. @throws {StorageFailedError} */
export function beginServerAnew(
  directory: string,
  { id, cluster, address }: FormerServer,
  clusterId: string,
): void {
  write(directory, { id, cluster, clusterId, members: { [id]: address }, former: [id], voters: [id] });
}

/** Whole and durable, or not there: written under another name first. */
function write(
  directory: string,
  written: Omit<Written, 'clusterId'> & { readonly clusterId: string | null },
) {
  const path = join(directory, fileName);
  try {
    // One that was killed may have left it; and what is written through a link is written elsewhere.
    rmSync(`${path}.new`, { force: true });
    const file = openSync(`${path}.new`, 'wx', ownFile);
    try {
      writeSync(file, `${JSON.stringify({ version: formatVersion, ...written })}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.new`, path);
    new NodeFileSystem().syncDirectory(directory);
  } catch (error) {
    throw new StorageFailedError(`Writing ${path}`, error);
  }
}

function requireSame({ directory, id, cluster }: Claim, found: Written): void {
  if (found.id === id && found.cluster === cluster) return;
  const holds = `node ${found.id} of cluster ${found.cluster}`;
  throw new WrongServerError(directory, holds, `node ${id} of cluster ${cluster}`);
}

function membersOf({ members }: Written): Map<NodeId, string> {
  return new Map(Object.entries(members).map(([id, address]) => [Number(id), address]));
}

function inOrder(ids: readonly NodeId[]): NodeId[] {
  return [...ids].sort((a, b) => a - b);
}

/** Null when the file is not there. */
function readServer(directory: string): Written | null {
  const path = join(directory, fileName);
  try {
    if (!existsSync(path)) return null;
    const found = JSON.parse(readFileSync(path, 'utf8')) as Written & { readonly version: unknown };
    if (typeof found.version === 'number' && found.version > formatVersion) {
      throw new UnknownFormatError(path, found.version, formatVersion);
    }
    const isWhole =
      Number.isSafeInteger(found.id) &&
      [found.cluster, found.clusterId].every((each) => typeof each === 'string') &&
      typeof found.members === 'object' &&
      Array.isArray(found.former) &&
      (found.voters === undefined || Array.isArray(found.voters));
    if (!isWhole) throw new Error('it is not whole');
    return found;
  } catch (error) {
    if (error instanceof ConclaveError) throw error;
    throw new StorageFailedError(`Reading which member this is from ${path}`, error);
  }
}
