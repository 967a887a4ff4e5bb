import type { SnapshotSink } from '../../application/application.js';
import type { SessionTable } from '../../raft/sessions.js';
import type { LogStore } from '../../storage/disk.js';
import type { StoredSnapshot } from '../../storage/storage.js';
import { ContentReader } from './content.js';
import type { Portion } from './portion.js';

/** A stored snapshot on its way into the application. */
export class Restoring {
  readonly snapshot: StoredSnapshot;
  readonly #store: LogStore;
  readonly #reader: ContentReader;
  /** Null when all of it was handed over. */
  #position: number | null = 0;

  constructor(snapshot: StoredSnapshot, store: LogStore, sink: SnapshotSink, sessions: SessionTable) {
    this.snapshot = snapshot;
    this.#store = store;
    this.#reader = new ContentReader(sink, sessions);
  }

  get isDone(): boolean {
    return this.#position === null;
  }

  /** How much of it is in, in bytes. */
  get bytesRead(): number {
    return this.#position ?? this.snapshot.bytes;
  }

  /** @throws SnapshotDamagedError; whatever says that the bytes are none of this application's */
  read(portion: Portion): void {
    while (this.#position !== null && !portion.isOver) {
      const { chunk, next } = this.#store.readSnapshot(this.snapshot.mark, this.#position);
      this.#reader.write(chunk);
      if (next === null) this.#reader.end();
      this.#position = next;
      portion.count();
    }
  }
}
