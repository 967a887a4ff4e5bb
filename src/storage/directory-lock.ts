import { join } from 'node:path';
import { DirectoryLockedError } from './errors.js';
import type { Lock } from './lock.js';
import { type LockHost, thisMachine } from './lock-host.js';

/** Who holds a lock. A file holds it as JSON, in one line. */
interface Holder {
  readonly pid: number;
  /** When the process started; null where the system does not tell. */
  readonly startTime: string | null;
  readonly owner: string;
}

/** What stands at a lock's place: the one file of its directory, or, as earlier versions made it, a file itself. */
interface Found {
  /** Null for the file itself. */
  readonly name: string | null;
  /** Null when it cannot be read as one: it was being written when the machine itself went down. */
  readonly holder: Holder | null;
}

const lockName = 'LOCK';
const claimPrefix = 'LOCK.claim.';
/** The name of a holder's file: nobody else's, ever. */
const holderName = /^\d+\.[0-9a-f-]+$/;
/** How often a lock may change hands while it is tried for. */
const attemptsMax = 16;

/**
 * A lock is a directory with one file in it, which says whose it is, under a name that is never given twice.
 *
 *     take     make a claim: a directory with that file ─ rename it to LOCK, which replaces nothing but emptiness
 *     release  remove one's own file, by its name ─ remove the empty directory
 *     seize    of a holder that lives no more: remove its file, by its name ─ take
 *
 * So one of several wins, in whatever order their steps come. Whoever removes a file means the very holder that it
 * looked at, for no other has that name; who is dead stays dead; and the rename is the system's to decide. A lock that
 * is lost between a look and what follows from it was somebody else's to lose. Whoever dies between two steps leaves
 * the lock held by somebody dead, or free, and a claim in nobody's way.
 *
 * Node has no advisory locks (flock, fcntl), which the system would give up with the process. What stands in for them
 * needs a file system whose renames are atomic for all who share it, which network file systems do not promise, and
 * processes that see each other: those of one machine and one process namespace.
 */
export class DirectoryLock implements Lock {
  readonly #directory: string;
  readonly #host: LockHost;
  readonly #self: Holder;
  /** The file that this one holds the lock with. */
  #held: string | null = null;

  /** @param owner who in this process may take the lock again after a crash; nobody when left out. */
  constructor(directory: string, owner?: string, host: LockHost = thisMachine) {
    this.#directory = directory;
    this.#host = host;
    this.#self = {
      pid: host.pid,
      startTime: host.lifeOf(host.pid).startTime,
      owner: owner ?? `unnamed ${host.unique()}`,
    };
  }

  /** Of several that come at once one wins, and the others are refused. */
  acquire(): void {
    if (this.#held !== null) return;
    const name = `${this.#self.pid}.${this.#host.unique()}`;
    const claim = join(this.#directory, `${claimPrefix}${name}`);
    this.#host.makeDirectory(claim);
    try {
      // A full disk makes the file and then refuses what is to be in it.
      this.#host.createFile(join(claim, name), `${JSON.stringify(this.#self)}\n`);
      this.#take(claim);
      this.#held = name;
    } finally {
      if (this.#held === null) remove(this.#host, claim, name);
    }
    this.#sweep();
  }

  release(): void {
    const name = this.#held;
    this.#held = null;
    // The same owner may have taken it again meanwhile, in a thread that replaced this one: under another name.
    if (name !== null) remove(this.#host, join(this.#directory, lockName), name);
  }

  #take(claim: string): void {
    const lock = join(this.#directory, lockName);
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (isRenamed(this.#host, claim, lock)) return;
      const found = lookAt(this.#host, lock);
      if (found !== null && found.holder !== null && !this.#isMine(found.holder)) {
        this.#refuseIfAlive(found.holder);
      }
      remove(this.#host, lock, found?.name);
    }
    throw new Error(`${lock} changed hands ${attemptsMax} times while it was tried for. Try again.`);
  }

  /** Of this owner in this process: its thread must have crashed. */
  #isMine({ pid, startTime, owner }: Holder): boolean {
    const self = this.#self;
    return pid === self.pid && startTime === self.startTime && owner === self.owner;
  }

  #refuseIfAlive(holder: Holder): void {
    if (isAlive(this.#host, holder))
      throw new DirectoryLockedError(this.#directory, holder.pid, holder.owner);
  }

  /** Removes the claims of those that died over them. */
  #sweep(): void {
    try {
      for (const name of this.#host.list(this.#directory)) {
        if (!name.startsWith(claimPrefix)) continue;
        const claim = join(this.#directory, name);
        const found = lookAt(this.#host, claim);
        // One that is not complete yet is known by the process in its name.
        const pid = Number.parseInt(name.slice(claimPrefix.length), 10);
        const maker = found?.holder ?? { pid, startTime: null };
        if (!isAlive(this.#host, maker)) remove(this.#host, claim, found?.name);
      }
    } catch {
      // It is in nobody's way.
    }
  }
}

/** The process that has the directory now, by all that can be seen; null when none has. Changes nothing. */
export function holderOf(directory: string): { readonly pid: number; readonly owner: string } | null {
  const holder = lookAt(thisMachine, join(directory, lockName))?.holder ?? null;
  return holder !== null && isAlive(thisMachine, holder) ? { pid: holder.pid, owner: holder.owner } : null;
}

/** Removes the lock that `owner` took in this process, if it is there: its thread may have had no chance to. */
export function releaseLock(directory: string, owner: string): void {
  const lock = join(directory, lockName);
  const found = lookAt(thisMachine, lock);
  if (found?.holder?.pid === thisMachine.pid && found.holder.owner === owner) {
    remove(thisMachine, lock, found.name);
  }
}

/** Did the claim become the lock? It does not where anything but emptiness has its place. */
function isRenamed(host: LockHost, claim: string, lock: string): boolean {
  try {
    host.renameDirectory(claim, lock);
    return true;
  } catch (error) {
    if (isOneOf(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) return false;
    // Windows renames to no name that is taken, were it by emptiness.
    if (process.platform === 'win32' && isOneOf(error, 'EPERM', 'EACCES')) return false;
    throw error;
  }
}

/** Null when nothing is there, or nothing in it. */
function lookAt(host: LockHost, place: string): Found | null {
  const names = unless(() => host.list(place), 'ENOENT', 'ENOTDIR');
  // A file, or nothing: what it is by now, the next attempt tells.
  if (names === undefined) return readAt(host, place, null);
  const [name] = names;
  if (name === undefined) return null;
  if (names.every((each) => holderName.test(each))) return readAt(host, join(place, name), name);
  throw new Error(`${place} holds what no lock does. Remove it, if nobody uses the directory.`);
}

function readAt(host: LockHost, path: string, name: string | null): Found | null {
  const text = unless(() => host.read(path), 'ENOENT', 'ENOTDIR', 'EISDIR');
  return text === undefined ? null : { name, holder: parseHolder(text) };
}

/** Removes a holder's file, or none, and the directory around it unless another has it by now. */
function remove(host: LockHost, place: string, name: string | null | undefined): void {
  // An earlier version's file; it may have become a directory meanwhile, which is left alone.
  if (name === null) unless(() => host.removeFile(place), 'ENOENT', 'EISDIR', 'EPERM');
  else if (name !== undefined) unless(() => host.removeFile(join(place, name)), 'ENOENT', 'ENOTDIR');
  unless(() => host.removeDirectory(place), 'ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST');
}

function isAlive(host: LockHost, { pid, startTime }: Pick<Holder, 'pid' | 'startTime'>): boolean {
  const life = host.lifeOf(pid);
  const isAnother = startTime !== null && life.startTime !== null && startTime !== life.startTime;
  return life.isAlive && !isAnother;
}

function parseHolder(text: string): Holder | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { pid, startTime, owner } = value as Record<string, unknown>;
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 1) return null;
    return { pid, startTime: typeof startTime === 'string' ? startTime : null, owner: String(owner) };
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Undefined where it fails with one of these codes. */
function unless<Result>(act: () => Result, ...codes: readonly string[]): Result | undefined {
  try {
    return act();
  } catch (error) {
    if (isOneOf(error, ...codes)) return undefined;
    throw error;
  }
}

function isOneOf(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
