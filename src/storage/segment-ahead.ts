import type { FileHandle, FileInPreparation, FileSystem } from './file-system.js';
import { unfinishedPath } from './segment.js';

/**
 * The file of the next segment, made while the present one is filled: filling and syncing 16 MiB of zeros takes some
 * hundred times as long as a write, and would hold up the one that meets the end of its segment. A hint and no more:
 * where nothing is ready the segment is made on the spot, and what kept the file from being made is said then.
 */
export class SegmentAhead {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  #begun: {
    readonly segment: number;
    readonly bytes: number;
    readonly file: FileInPreparation | null;
  } | null = null;

  constructor(fileSystem: FileSystem, directory: string) {
    this.#fileSystem = fileSystem;
    this.#directory = directory;
  }

  /** Begins to make the file of `segment`, once. */
  begin(segment: number, bytes: number): void {
    if (this.#begun !== null || this.#fileSystem.prepare === undefined) return;
    let file: FileInPreparation | null = null;
    try {
      file = this.#fileSystem.prepare(unfinishedPath(this.#directory, segment), bytes);
    } catch {
      // Not begun again for this segment: it is made when it is needed.
    }
    this.#begun = { segment, bytes, file };
  }

  /** The file of `segment` under its unfinished name, when it is ready and as long as wanted; no file has that name otherwise. */
  take(segment: number, bytes: number): FileHandle | null {
    const fits = this.#begun?.segment === segment && this.#begun.bytes === bytes;
    const file = fits ? (this.#begun?.file?.take() ?? null) : null;
    this.abandon();
    return file;
  }

  /** Gives up what was begun and not taken. */
  abandon(): void {
    this.#begun?.file?.abandon();
    this.#begun = null;
  }
}
