import type { Random } from '../../src/ground/random.js';
import type { FileHandle, FileInPreparation, FileSystem } from '../../src/storage/file-system.js';

/*
 * A disk in memory that knows what is durable. Writes and changes of names are seen at once by whoever reads, and
 * survive a power cut only after a sync of the file or of the directory; `afterPowerCut` says what else may be there.
 * All files lie in one directory.
 */

/** What was done to the disk, as a test wants to hear of it before it happens. */
export type DiskCall =
  | 'create'
  | 'open'
  | 'write'
  | 'sync'
  | 'remove'
  | 'rename'
  | 'syncDirectory'
  | 'makeDirectory';

/** The last moments of unsynced data: all lost, all kept, a prefix of the writes, or some sectors and not others. */
export type PowerCut = 'lost' | 'kept' | 'prefix' | 'sectors';

interface Write {
  readonly position: number;
  readonly bytes: Buffer;
}

class File {
  content: Buffer;
  durable: Buffer;
  unsynced: Write[] = [];

  constructor(content: Buffer) {
    this.content = content;
    this.durable = Buffer.from(content);
  }
}

export class MemoryDisk implements FileSystem {
  /** Missing until `preparesFiles` is called. */
  prepare?: (path: string, length: number) => FileInPreparation;
  /** Called before every call takes effect (a write: may have); what it throws is thrown to the caller. */
  before: (call: DiskCall, path: string) => void = () => {};
  /** After a failed sync, does the kernel go on showing data that it has given up writing, as Linux does? */
  forgetsAfterFailedSync = false;
  #names = new Map<string, File>();
  #durableNames: [string, File][] = [];
  /** States of the directory since it was last synced. */
  #unsyncedNames: [string, File][][] = [];

  constructor(files: ReadonlyMap<string, Buffer> = new Map()) {
    for (const [name, content] of files) this.#names.set(name, new File(Buffer.from(content)));
    this.#durableNames = [...this.#names];
  }

  /** From now on files can be prepared: are they ready at once, or always still half empty when they are needed? */
  preparesFiles(when: 'at once' | 'too late'): void {
    this.prepare = (path, length) => {
      const file = this.open(path, 'create');
      file.write(0, new Uint8Array(when === 'at once' ? length : length / 2));
      if (when === 'at once') file.sync();
      let isTaken = false;
      return {
        take: () => {
          if (when === 'too late') return null;
          isTaken = true;
          return file;
        },
        abandon: () => {
          if (!isTaken) this.remove(path);
        },
      };
    };
  }

  /** Copies of all files, as they look to a reader now. */
  files(): Map<string, Buffer> {
    return new Map([...this.#names].map(([name, file]) => [name, Buffer.from(file.content)]));
  }

  /** The disk of the machine after it lost power, one way it may look. */
  afterPowerCut(how: PowerCut, random: Random): MemoryDisk {
    const states = [this.#durableNames, ...this.#unsyncedNames];
    const last = states.length - 1;
    const state = how === 'lost' ? 0 : how === 'kept' ? last : random.below(states.length);
    const names = states[state] ?? [];
    return new MemoryDisk(new Map(names.map(([name, file]) => [name, survivor(file, how, random)])));
  }

  open(path: string, mode: 'create' | 'existing'): FileHandle {
    this.before(mode === 'create' ? 'create' : 'open', path);
    let file = this.#names.get(path);
    if (mode === 'create') {
      if (file !== undefined) throw failure('EEXIST', path);
      file = new File(Buffer.alloc(0));
      this.#names.set(path, file);
      this.#namesChanged();
    }
    if (file === undefined) throw failure('ENOENT', path);
    return this.#handle(path, file);
  }

  #handle(path: string, file: File): FileHandle {
    return {
      read: (position, length) => Buffer.from(file.content.subarray(position, position + length)),
      write: (position, bytes) => {
        // A write that fails or is interrupted may still have reached the disk, in part or in whole.
        const write = { position, bytes: Buffer.from(bytes) };
        file.unsynced.push(write);
        file.content = written(file.content, write);
        this.before('write', path);
      },
      sync: () => {
        const writes = file.unsynced;
        if (this.forgetsAfterFailedSync) file.unsynced = [];
        this.before('sync', path);
        file.durable = writes.reduce(written, file.durable);
        file.unsynced = [];
      },
      truncate: () => {
        throw new Error('the log does not truncate');
      },
      size: () => file.content.length,
      close: () => {},
    };
  }

  list(): string[] {
    return [...this.#names.keys()].map((path) => path.slice(path.lastIndexOf('/') + 1)).sort();
  }

  /** The directory is always there. */
  exists(path: string): boolean {
    return !path.includes('/') || this.#names.has(path);
  }

  makeDirectory(path: string): void {
    this.before('makeDirectory', path);
  }

  remove(path: string): void {
    this.before('remove', path);
    if (!this.#names.delete(path)) throw failure('ENOENT', path);
    this.#namesChanged();
  }

  rename(from: string, to: string): void {
    this.before('rename', from);
    const file = this.#names.get(from);
    if (file === undefined) throw failure('ENOENT', from);
    this.#names.delete(from);
    this.#names.set(to, file);
    this.#namesChanged();
  }

  syncDirectory(path: string): void {
    this.before('syncDirectory', path);
    this.#durableNames = [...this.#names];
    this.#unsyncedNames = [];
  }

  #namesChanged(): void {
    this.#unsyncedNames.push([...this.#names]);
  }
}

/** An error as Node's file system throws it. */
export function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: the disk says so, '${path}'`), { code });
}

function survivor(file: File, how: PowerCut, random: Random): Buffer {
  if (how === 'lost') return file.durable;
  if (how === 'kept') return file.unsynced.reduce(written, file.durable);
  if (how === 'prefix') {
    const whole = random.below(file.unsynced.length + 1);
    const content = file.unsynced.slice(0, whole).reduce(written, file.durable);
    const torn = file.unsynced[whole];
    if (torn === undefined) return content;
    return written(content, { ...torn, bytes: torn.bytes.subarray(0, random.below(torn.bytes.length)) });
  }
  let content = file.durable;
  for (const { position, bytes } of file.unsynced) {
    for (let at = 0; at < bytes.length; ) {
      const next = Math.min(bytes.length, at + 512 - ((position + at) % 512));
      if (random.chance(0.5)) {
        content = written(content, { position: position + at, bytes: bytes.subarray(at, next) });
      }
      at = next;
    }
  }
  return content;
}

function written(content: Buffer, { position, bytes }: Write): Buffer {
  const grown = Buffer.alloc(Math.max(content.length, bytes.length === 0 ? 0 : position + bytes.length));
  content.copy(grown);
  bytes.copy(grown, position);
  return grown;
}
