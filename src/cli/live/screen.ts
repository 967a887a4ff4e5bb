import { writeSync } from 'node:fs';
import type { WriteStream } from 'node:tty';

const csi = '\u001b[';
/** The alternate screen, where lines do not wrap by themselves, and what is pasted is marked as such. */
const enterSequence = `${csi}?1049h${csi}?7l${csi}?2004h${csi}2J`;
/** All that undone: the terminal as it was, its cursor shown, no colour. */
const leaveSequence = `${csi}0m${csi}?2004l${csi}?7h${csi}?25h${csi}?1049l`;
/** A terminal that takes nothing for so long is written to no longer. */
const leaveMsMax = 2_000;

/** Where the cursor is, from 0. */
export interface Cursor {
  readonly row: number;
  readonly column: number;
}

/**
 * A terminal's alternate screen, row by row. However the process ends (but for kill -9) the terminal is given back,
 * and what is to stay is written where the program was started from.
 */
export class Screen {
  readonly #stream: WriteStream;
  readonly #staying: () => readonly string[];
  readonly #restore = () => this.leave();
  #shown: readonly string[] = [];
  #isEntered = false;

  /** @param staying the rows that stay when the screen is left. */
  constructor(stream: WriteStream, staying: () => readonly string[]) {
    this.#stream = stream;
    this.#staying = staying;
  }

  get columns(): number {
    return this.#stream.columns || 80;
  }

  get rows(): number {
    return this.#stream.rows || 24;
  }

  /** Does the terminal still have what it was given last? Then more would only pile up. */
  get isBehind(): boolean {
    return this.#stream.writableNeedDrain;
  }

  enter(): void {
    if (this.#isEntered) return;
    this.#isEntered = true;
    process.once('exit', this.#restore);
    this.#stream.write(enterSequence);
  }

  /** What is on the screen is not known any more: it is another one, or somebody wrote over it. */
  forget(): void {
    this.#shown = [];
    if (this.#isEntered) this.#stream.write(`${csi}2J`);
  }

  /**
   * Shows these rows from the top. Only those that changed are written. (Emptied first: behind a row that is full the
   * cursor stands on its last column.)
   */
  show(rows: readonly string[], cursor: Cursor): void {
    if (!this.#isEntered) return;
    const changes = rows
      .map((row, at) => (row === this.#shown[at] ? '' : `${csi}${at + 1};1H${csi}K${row}`))
      .join('');
    this.#shown = rows;
    const place = `${csi}${cursor.row + 1};${cursor.column + 1}H`;
    this.#stream.write(changes === '' ? place : `${csi}?25l${changes}${place}${csi}?25h`);
  }

  /** Gives the terminal back, at once. */
  leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    process.off('exit', this.#restore);
    writeAtOnce(
      leaveSequence +
        this.#staying()
          .map((row) => `${row}\n`)
          .join(''),
    );
  }
}

/** Writes before this returns: the process may be about to end. */
function writeAtOnce(text: string): void {
  let left = Buffer.from(text);
  const deadline = performance.now() + leaveMsMax;
  while (left.length > 0 && performance.now() < deadline) {
    try {
      left = left.subarray(writeSync(1, left));
    } catch (error) {
      // A terminal that is slow takes more in a moment; one that is gone takes nothing any more.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
    }
  }
}
