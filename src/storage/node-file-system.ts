import {
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { BackgroundFile } from './background-file.js';
import type { FileHandle, FileInPreparation, FileSystem } from './file-system.js';

/** What is made holds what users keep, and is for the process's own user alone. What is found stays as it is. */
export const ownFile = 0o600;
export const ownDirectory = 0o700;

/** No file is reached through a symbolic link: it is the log's own, or refused. Windows has no such flag. */
const create = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
const existing = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0);
const onlyRead = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0);

/** The real file system, through Node's synchronous calls, but for what can be prepared. */
export class NodeFileSystem implements FileSystem {
  readonly #existing: number;

  /** @param access `read` for who only looks: files that are there are opened for nothing else. */
  constructor(access: 'all' | 'read' = 'all') {
    this.#existing = access === 'all' ? existing : onlyRead;
  }

  open(path: string, mode: 'create' | 'existing'): FileHandle {
    return new NodeFileHandle(openSync(path, mode === 'create' ? create : this.#existing, ownFile), path);
  }

  prepare(path: string, length: number): FileInPreparation {
    const descriptor = openSync(path, create, ownFile);
    return new BackgroundFile(path, length, descriptor, () => new NodeFileHandle(descriptor, path));
  }

  list(directory: string): string[] {
    return readdirSync(directory).sort();
  }

  exists(path: string): boolean {
    return existsSync(path);
  }

  makeDirectory(path: string): void {
    const made = mkdirSync(path, { recursive: true, mode: ownDirectory });
    if (made === undefined) {
      this.#settle(dirname(resolve(path)));
      return;
    }
    // Each directory made is an entry in the one above it, up to the first that was there before.
    const outermost = dirname(resolve(made));
    for (let at = resolve(path); at !== outermost; ) {
      at = dirname(at);
      this.syncDirectory(at);
    }
  }

  /**
   * Makes durable what a process may have made here that was killed at once. Where this one may not even look,
   * somebody else made it, as an administrator does below a closed directory.
   */
  #settle(directory: string): void {
    try {
      this.syncDirectory(directory);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) throw error;
    }
  }

  remove(path: string): void {
    rmSync(path);
  }

  rename(from: string, to: string): void {
    renameSync(from, to);
  }

  syncDirectory(path: string): void {
    // Windows has no such call, and journals its directories.
    if (process.platform === 'win32') return;
    const descriptor = openSync(path, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}

class NodeFileHandle implements FileHandle {
  readonly #descriptor: number;
  readonly #path: string;

  constructor(descriptor: number, path: string) {
    this.#descriptor = descriptor;
    this.#path = path;
  }

  read(position: number, length: number): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(length);
    let done = 0;
    while (done < length) {
      const read = readSync(this.#descriptor, bytes, done, length - done, position + done);
      if (read === 0) break;
      done += read;
    }
    return bytes.subarray(0, done);
  }

  write(position: number, bytes: Uint8Array): void {
    let done = 0;
    // A disk that fills up takes a part first and says why only when asked to take the rest.
    while (done < bytes.byteLength) {
      const written = writeSync(this.#descriptor, bytes, done, bytes.byteLength - done, position + done);
      if (written === 0) throw new Error(`${this.#path} takes no more bytes`);
      done += written;
    }
  }

  sync(): void {
    fdatasyncSync(this.#descriptor);
  }

  truncate(length: number): void {
    ftruncateSync(this.#descriptor, length);
  }

  size(): number {
    return fstatSync(this.#descriptor).size;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
