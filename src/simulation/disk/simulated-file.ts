import type { Random } from '../../ground/random.js';

/** What a disk writes whole or not at all, in bytes. */
const sectorBytes = 512;

/** A write that the page cache has and the platter need not have. */
interface UnsyncedWrite {
  readonly position: number;
  readonly after: Uint8Array;
  /** What stood there, as far as the file reached. */
  readonly before: Uint8Array;
  readonly sizeBefore: number;
}

/**
 * A file as its page cache shows it, and what the platter surely has of it: everything but the unsynced writes,
 * which can be taken back.
 */
export class SimulatedFile {
  #content = new Uint8Array(1024);
  #size = 0;
  #unsynced: UnsyncedWrite[] = [];

  get size(): number {
    return this.#size;
  }

  get unsyncedWrites(): number {
    return this.#unsynced.length;
  }

  read(position: number, length: number): Uint8Array {
    return this.#content.slice(position, Math.min(this.#size, position + length));
  }

  write(position: number, bytes: Uint8Array): void {
    const before = this.#content.slice(
      position,
      Math.max(position, Math.min(this.#size, position + bytes.length)),
    );
    this.#unsynced.push({ position, after: bytes.slice(), before, sizeBefore: this.#size });
    this.#put(position, bytes);
  }

  truncate(length: number): void {
    this.#content.fill(0, length, this.#size);
    this.#size = length;
  }

  sync(): void {
    if (this.#unsynced.length > 0) this.#unsynced = [];
  }

  /** The kernel gave up writing its dirty pages back, and forgets them. */
  loseUnsynced(): void {
    for (const write of this.#unsynced.reverse()) {
      this.#content.set(write.before, write.position);
      this.#content.fill(0, write.sizeBefore, this.#size);
      this.#size = write.sizeBefore;
    }
    this.#unsynced = [];
  }

  /**
   * The power fails. Each unsynced write was written back, or not, or (`tears`) in part: a prefix to the byte, or
   * some sectors and not others. Returns how many were lost and how many torn.
   */
  losePower(random: Random, tears: boolean): { lost: number; torn: number } {
    const writes = [...this.#unsynced];
    this.loseUnsynced();
    let lost = 0;
    let torn = 0;
    for (const write of writes) {
      const fate = random.below(tears ? 4 : 2);
      if (fate === 0) lost++;
      else if (fate === 1) this.#put(write.position, write.after);
      else {
        torn++;
        if (fate === 2) this.#put(write.position, write.after.subarray(0, random.below(write.after.length)));
        else this.#putSectors(write, random);
      }
    }
    return { lost, torn };
  }

  /** Flips one bit at rest. */
  flip(position: number, bit: number): void {
    this.#content[position] = (this.#content[position] as number) ^ (1 << bit);
  }

  /** One past the last byte that is not zero. */
  contentEnd(): number {
    let end = this.#size;
    while (end > 0 && this.#content[end - 1] === 0) end--;
    return end;
  }

  #putSectors({ position, after }: UnsyncedWrite, random: Random): void {
    for (let at = 0; at < after.length; ) {
      const end = Math.min(after.length, at + sectorBytes - ((position + at) % sectorBytes));
      if (random.chance(0.5)) this.#put(position + at, after.subarray(at, end));
      at = end;
    }
  }

  #put(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length;
    if (end > this.#content.length) {
      const grown = new Uint8Array(Math.max(end, this.#content.length * 2));
      grown.set(this.#content);
      this.#content = grown;
    }
    this.#content.set(bytes, position);
    this.#size = Math.max(this.#size, end);
  }
}
