import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

import { ownDirectory, ownFile } from './node-file-system.js';

/** Does a process live, and since when? */
export interface Life {
  readonly isAlive: boolean;
  /** In the kernel's ticks with the boot's id; null where the system does not tell. */
  readonly startTime: string | null;
}

/**
 * What a lock asks of the machine. Each call but `createFile` is one step that nobody sees half of, and fails as POSIX
 * has it, with Node's `code`. The calls are few so that a test can play every order in which processes make them.
 */
export interface LockHost {
  /** This process. */
  readonly pid: number;
  lifeOf(pid: number): Life;
  /** A text that nobody was given before: not this process, not another, not one of an earlier boot. */
  unique(): string;
  /** Fails with `EEXIST`. */
  makeDirectory(path: string): void;
  /** Creates the file, then writes. Fails with `EEXIST`, be it a symbolic link that leads nowhere. */
  createFile(path: string, text: string): void;
  /** Replaces an empty directory, and fails with `ENOTEMPTY` or `EEXIST` at another, with `ENOTDIR` at a file. */
  renameDirectory(from: string, to: string): void;
  /** Names in a directory; fails with `ENOENT`, and with `ENOTDIR` at a file. */
  list(path: string): string[];
  /** Fails with `ENOENT`, and with `ELOOP` at a symbolic link. */
  read(path: string): string;
  /** Removes a file, and never a directory. */
  removeFile(path: string): void;
  /** Fails with `ENOTEMPTY` or `EEXIST` when something is in it. */
  removeDirectory(path: string): void;
}

/** This machine, through Node's synchronous calls. */
export const thisMachine: LockHost = {
  pid: process.pid,
  lifeOf,
  unique: randomUUID,
  makeDirectory: (path) => mkdirSync(path, ownDirectory),
  createFile(path, text) {
    const file = openSync(path, 'wx', ownFile);
    try {
      writeSync(file, text);
    } finally {
      closeSync(file);
    }
  },
  renameDirectory: renameSync,
  list: (path) => readdirSync(path),
  read(path) {
    // Windows has no such flag.
    const file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    try {
      return readFileSync(file, 'utf8');
    } finally {
      closeSync(file);
    }
  },
  removeFile: unlinkSync,
  removeDirectory: (path) => rmdirSync(path),
};

function lifeOf(pid: number): Life {
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
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
