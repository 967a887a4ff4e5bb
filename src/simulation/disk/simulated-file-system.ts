import type { Random } from '../../ground/random.js';
import type { FileHandle, FileInPreparation, FileSystem } from '../../storage/file-system.js';
import { SimulatedFile } from './simulated-file.js';

/** What can go wrong with the next calls. */
export interface DiskFaults {
  /** So many writes fail from now on. */
  failingWrites: number;
  /** So many syncs fail from now on, and what they should have written is lost. */
  failingSyncs: number;
  /** No file can grow. */
  isFull: boolean;
  /** May a write under way be torn when the power fails? */
  tears: boolean;
}

/** A process that uses the disk. */
export interface DiskUser {
  /** Called before each call that changes the disk; when it throws, nothing is changed. */
  effect(): void;
  /** Has something done that the operating system does while the process goes on, unless that has ended by then. */
  later(work: () => void): void;
  /** A file that was made ahead is used. */
  madeAhead(): void;
}

type DirectoryChange = (entries: Map<string, SimulatedFile>) => void;

interface Directory {
  /** As programs see it. */
  entries: Map<string, SimulatedFile>;
  /** As it would be found after a loss of power. */
  durable: Map<string, SimulatedFile>;
  /** What was done since the last sync, in order. */
  changes: DirectoryChange[];
}

/** What a loss of power did. */
export interface PowerLoss {
  readonly lostWrites: number;
  readonly tornWrites: number;
  readonly lostNames: number;
}

/**
 * One machine's disk: files with a page cache over a platter, directories whose entries last only once they are
 * synced. It outlives the node's process; `handOver` gives each process a view of its own, and the views of the
 * processes before do nothing any more.
 */
export class SimulatedFileSystem {
  readonly faults: DiskFaults = { failingWrites: 0, failingSyncs: 0, isFull: false, tears: false };
  readonly #random: Random;
  readonly #directories = new Map<string, Directory>();
  /** Called once, after the next change of a directory. */
  #nameChanged: (() => void) | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  handOver(to: DiskUser): FileSystem {
    return new View(this, to);
  }

  /** The page cache is lost. (When only the process ends it stays.) */
  losePower(): PowerLoss {
    const loss = { lostWrites: 0, tornWrites: 0, lostNames: 0 };
    for (const directory of this.#directories.values()) {
      // A journal keeps what was done first.
      const kept = this.#random.below(directory.changes.length + 1);
      loss.lostNames += directory.changes.length - kept;
      for (const change of directory.changes.slice(0, kept)) change(directory.durable);
      directory.changes = [];
      directory.entries = new Map(directory.durable);
      for (const file of directory.entries.values()) {
        if (file.unsyncedWrites === 0) continue;
        const { lost, torn } = file.losePower(this.#random, this.faults.tears);
        loss.lostWrites += lost;
        loss.tornWrites += torn;
      }
    }
    return loss;
  }

  /** The machine gets an empty disk. */
  wipe(): void {
    this.#directories.clear();
    this.#nameChanged = null;
    Object.assign(this.faults, { failingWrites: 0, failingSyncs: 0, isFull: false });
  }

  get fileCount(): number {
    let count = 0;
    for (const { entries } of this.#directories.values()) count += entries.size;
    return count;
  }

  /** Flips a bit somewhere in what files hold. False when they hold nothing. */
  flipBit(): boolean {
    const files = [...this.#directories.values()].flatMap(({ entries }) => [...entries.values()]);
    const written = files.filter((file) => file.contentEnd() > 0);
    const file = written[this.#random.below(written.length)];
    if (file === undefined) return false;
    file.flip(this.#random.below(file.contentEnd()), this.#random.below(8));
    return true;
  }

  write(file: SimulatedFile, position: number, bytes: Uint8Array): void {
    const grows = position + bytes.length > file.size;
    if (this.faults.failingWrites > 0 || (this.faults.isFull && grows)) {
      // A write that fails may have done a part of its work.
      file.write(position, bytes.subarray(0, this.#random.below(bytes.length)));
      if (this.faults.failingWrites === 0) throw systemError('ENOSPC', 'no space left on device, write');
      this.faults.failingWrites--;
      throw systemError('EIO', 'i/o error, write');
    }
    file.write(position, bytes);
  }

  sync(file: SimulatedFile): void {
    if (this.faults.failingSyncs === 0) {
      file.sync();
      return;
    }
    this.faults.failingSyncs--;
    file.loseUnsynced();
    throw systemError('EIO', 'i/o error, fdatasync');
  }

  change(path: string, change: DirectoryChange): void {
    const directory = this.directory(path);
    change(directory.entries);
    directory.changes.push(change);
    const changed = this.#nameChanged;
    this.#nameChanged = null;
    changed?.();
  }

  /** Calls once, when a name was made, changed or removed and need not be durable yet. */
  onNameChange(changed: (() => void) | null): void {
    this.#nameChanged = changed;
  }

  syncDirectory(path: string): void {
    const directory = this.directory(path);
    directory.changes = [];
    directory.durable = new Map(directory.entries);
  }

  makeDirectory(path: string): void {
    if (this.#directories.has(path)) return;
    this.#directories.set(path, { entries: new Map(), durable: new Map(), changes: [] });
  }

  hasDirectory(path: string): boolean {
    return this.#directories.has(path);
  }

  directory(path: string): Directory {
    const directory = this.#directories.get(path);
    if (directory === undefined) throw systemError('ENOENT', `no such directory, '${path}'`);
    return directory;
  }
}

/** Of a file that is made ahead so much is written and synced at a time. */
const fillBytes = 4096;

/** The disk as one process sees it. */
class View implements FileSystem {
  readonly #disk: SimulatedFileSystem;
  readonly #user: DiskUser;

  constructor(disk: SimulatedFileSystem, user: DiskUser) {
    this.#disk = disk;
    this.#user = user;
  }

  open(path: string, mode: 'create' | 'existing'): FileHandle {
    const { directory, name } = split(path);
    const found = this.#disk.directory(directory).entries.get(name);
    if (mode === 'existing') {
      if (found === undefined) throw systemError('ENOENT', `no such file, open '${path}'`);
      return this.#handle(found);
    }
    if (found !== undefined) throw systemError('EEXIST', `file already exists, open '${path}'`);
    return this.#handle(this.#create(directory, name));
  }

  /** As the operating system does it: whatever the process does meanwhile, and not beyond its end. */
  prepare(path: string, length: number): FileInPreparation {
    const { directory, name } = split(path);
    if (this.exists(path)) throw systemError('EEXIST', `file already exists, open '${path}'`);
    const file = this.#create(directory, name);
    let state: 'filling' | 'ready' | 'gone' = 'filling';
    const giveUp = () => {
      state = 'gone';
      this.#disk.change(directory, (entries) => entries.delete(name));
    };
    const fill = () => {
      if (state !== 'filling') return;
      try {
        this.#disk.write(file, file.size, new Uint8Array(Math.min(fillBytes, length - file.size)));
        this.#disk.sync(file);
      } catch {
        giveUp();
        return;
      }
      if (file.size < length) this.#user.later(fill);
      else state = 'ready';
    };
    this.#user.later(fill);
    return {
      take: () => {
        if (state !== 'ready') return null;
        state = 'gone';
        this.#user.madeAhead();
        return this.#handle(file);
      },
      abandon: () => {
        if (state === 'gone') return;
        this.#user.effect();
        giveUp();
      },
    };
  }

  #create(directory: string, name: string): SimulatedFile {
    this.#user.effect();
    const file = new SimulatedFile();
    this.#disk.change(directory, (entries) => entries.set(name, file));
    return file;
  }

  list(directory: string): string[] {
    return [...this.#disk.directory(directory).entries.keys()].sort();
  }

  exists(path: string): boolean {
    if (this.#disk.hasDirectory(path)) return true;
    const { directory, name } = split(path);
    return this.#disk.hasDirectory(directory) && this.#disk.directory(directory).entries.has(name);
  }

  makeDirectory(path: string): void {
    this.#user.effect();
    this.#disk.makeDirectory(path);
  }

  remove(path: string): void {
    this.#user.effect();
    const { directory, name } = split(path);
    this.#disk.change(directory, (entries) => entries.delete(name));
  }

  rename(from: string, to: string): void {
    this.#user.effect();
    const source = split(from);
    const target = split(to);
    this.#disk.change(source.directory, (entries) => {
      const file = entries.get(source.name);
      if (file === undefined) throw systemError('ENOENT', `no such file, rename '${from}'`);
      entries.delete(source.name);
      entries.set(target.name, file);
    });
  }

  syncDirectory(path: string): void {
    this.#user.effect();
    this.#disk.syncDirectory(path);
  }

  #handle(file: SimulatedFile): FileHandle {
    return {
      read: (position, length) => file.read(position, length),
      write: (position, bytes) => {
        this.#user.effect();
        this.#disk.write(file, position, bytes);
      },
      sync: () => {
        this.#user.effect();
        this.#disk.sync(file);
      },
      truncate: (length) => {
        this.#user.effect();
        file.truncate(length);
      },
      size: () => file.size,
      close: () => {},
    };
  }
}

function split(path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { directory: path.slice(0, slash), name: path.slice(slash + 1) };
}

function systemError(code: string, text: string): Error {
  return Object.assign(new Error(`${code}: ${text}`), { code });
}
