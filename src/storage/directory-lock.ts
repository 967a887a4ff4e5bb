import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { DirectoryLockedError } from './errors.js';
import type { Lock } from './lock.js';

/** Who holds a lock. The file holds it as JSON, in one line. */
interface Holder {
  readonly pid: number;
  /** When the process started, in the kernel's ticks with the boot's id; null where the system does not tell. */
  readonly startTime: string | null;
  readonly owner: string;
}

const lockName = 'LOCK';
const claimPrefix = 'LOCK.claim.';
let locksMade = 0;

/**
 * A lock file with the holder's process in it. Whoever finds it held by a process that lives no more (or whose
 * number another process has by now) takes it over, and so does the same owner within the same process, whose
 * thread must have crashed. Processes see each other only on one machine and in one process namespace.
 */
export class DirectoryLock implements Lock {
  readonly #directory: string;
  readonly #claimName: string;
  readonly #self: Holder;
  #isHeld = false;

  /** @param owner who in this process may take the lock again after a crash; nobody when left out. */
  constructor(directory: string, owner?: string) {
    const unique = `${process.pid}.${threadId}.${locksMade++}`;
    this.#directory = directory;
    this.#claimName = `${claimPrefix}${unique}`;
    this.#self = {
      pid: process.pid,
      startTime: lifeOf(process.pid).startTime,
      owner: owner ?? `unnamed ${unique}`,
    };
  }

  /**
   * A claim is complete before it gets the lock's name, and a link never replaces: of several that come at once
   * one wins. To replace a stale lock one must be the only claimant alive, and look again once that is certain;
   * two that meet here may both be refused, but both never win.
   */
  acquire(): void {
    if (this.#isHeld) return;
    const claim = join(this.#directory, this.#claimName);
    const lock = join(this.#directory, lockName);
    try {
      // A full disk makes the file and then refuses what is to be in it.
      writeFileSync(claim, `${JSON.stringify(this.#self)}\n`);
      if (linked(claim, lock)) {
        this.#isHeld = true;
        return;
      }
      this.#refuseIfAlive(readHolder(lock));
      for (const name of readdirSync(this.#directory)) {
        if (!name.startsWith(claimPrefix) || name === this.#claimName) continue;
        // One that is not complete yet sees this claim when it is, and gives way.
        const rival = readHolder(join(this.#directory, name));
        if (rival === null) continue;
        this.#refuseIfAlive(rival);
        rmSync(join(this.#directory, name), { force: true });
      }
      this.#refuseIfAlive(readHolder(lock));
      renameSync(claim, lock);
      this.#isHeld = true;
    } finally {
      rmSync(claim, { force: true });
    }
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    // The same owner may have taken it again meanwhile, in a thread that replaced this one.
    releaseLock(this.#directory, this.#self.owner);
  }

  #refuseIfAlive(holder: Holder | null): void {
    // A file that does not parse was being written when the machine itself went down.
    if (holder === null) return;
    if (holder.pid === this.#self.pid && holder.startTime === this.#self.startTime) {
      if (holder.owner === this.#self.owner) return;
      throw new DirectoryLockedError(this.#directory, holder.pid, holder.owner);
    }
    const life = lifeOf(holder.pid);
    if (!life.isAlive) return;
    if (holder.startTime !== null && life.startTime !== null && holder.startTime !== life.startTime) return;
    throw new DirectoryLockedError(this.#directory, holder.pid, holder.owner);
  }
}

/** Removes the lock that `owner` took in this process, if it is there: its thread may have had no chance to. */
export function releaseLock(directory: string, owner: string): void {
  const lock = join(directory, lockName);
  const holder = readHolder(lock);
  if (holder?.pid === process.pid && holder.owner === owner) rmSync(lock, { force: true });
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(path: string): Holder | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value !== 'object' || value === null) return null;
    const { pid, startTime, owner } = value as Record<string, unknown>;
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 1) return null;
    return { pid, startTime: typeof startTime === 'string' ? startTime : null, owner: String(owner) };
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function lifeOf(pid: number): { isAlive: boolean; startTime: string | null } {
  try {
    // The second field is the program's name in parentheses, which may hold blanks and parentheses itself.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    // A zombie has closed its files already.
    const isAlive = fields[0] !== 'Z' && fields[0] !== 'X';
    return { isAlive, startTime: `${boot}/${fields[19]}` };
  } catch {
    return { isAlive: answersSignals(pid), startTime: null };
  }
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
