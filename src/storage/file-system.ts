/** An open file. Errors are thrown as Node's own, with `code` (`ENOSPC`, `EIO`, …). */
export interface FileHandle {
  /** Reads up to `length` bytes at `position`; fewer only at the end of the file. */
  read(position: number, length: number): Uint8Array;
  /** Writes all the bytes at `position`, or throws. */
  write(position: number, bytes: Uint8Array): void;
  /** Makes the file's data durable (fdatasync). */
  sync(): void;
  truncate(length: number): void;
  size(): number;
  close(): void;
}

/** A file of zeros that is made while the program goes on. */
export interface FileInPreparation {
  /** The file, open and durably zeros, from now on the caller's; null while it is not ready, and when it cannot be had. */
  take(): FileHandle | null;
  /** Gives up a file that was not taken, and removes it. Never throws: what is left is removed by the next recovery. */
  abandon(): void;
}

/**
 * The little of a file system that the write-ahead log needs, so that a simulated one can stand in. Paths are
 * absolute or relative to what the implementation was opened on, with `/` between names.
 */
export interface FileSystem {
  /** Opens for reading and writing. `create` fails with `EEXIST` when the file is there. */
  open(path: string, mode: 'create' | 'existing'): FileHandle;
  /**
   * Creates a file and fills it with `length` zeros, without holding up the caller. Fails with `EEXIST` when the file
   * is there. Left out where everything is done while it is asked for.
   */
  prepare?(path: string, length: number): FileInPreparation;
  /** Names in a directory, sorted. */
  list(directory: string): string[];
  exists(path: string): boolean;
  /** Makes a directory and the missing ones above it, durably; one that is there already is made durable. */
  makeDirectory(path: string): void;
  remove(path: string): void;
  rename(from: string, to: string): void;
  /** Makes the directory's entries durable: files created, renamed or removed in it. */
  syncDirectory(path: string): void;
}

/** What the file holds there, as a buffer over the memory that was read into. */
export function readBuffer(file: FileHandle, position: number, length: number): Buffer {
  const bytes = file.read(position, length);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
