import { writeSync } from 'node:fs';
import type { WriteStream } from 'node:tty';

const csi = '\u001b[';
/** Leaves the alternate screen as it was entered: whole scrolling region, cursor shown, no colour. */
const restoreSequence = `${csi}r${csi}0m${csi}?25h${csi}?1049l`;

/**
 * A terminal's alternate screen in two parts: fixed lines at the top, and below them a region that scrolls, whose
 * last row is the prompt's. However the process ends (but for kill -9) the terminal is given back.
 */
export class Screen {
  readonly #stream: WriteStream;
  readonly #restore = () => this.leave();
  #shown: readonly string[] = [];
  #isEntered = false;

  constructor(stream: WriteStream) {
    this.#stream = stream;
  }

  get columns(): number {
    return this.#stream.columns || 80;
  }

  get rows(): number {
    return this.#stream.rows || 24;
  }

  /** Clears the screen and sets aside the top; the cursor is on the last row afterwards. */
  layOut(topRows: number): void {
    if (!this.#isEntered) {
      this.#isEntered = true;
      process.once('exit', this.#restore);
      this.#stream.write(`${csi}?1049h`);
    }
    this.#shown = [];
    const region = topRows > 0 ? `${csi}${topRows + 1};${this.rows}r` : `${csi}r`;
    this.#stream.write(`${csi}2J${region}${csi}${this.rows};1H`);
  }

  /** Shows lines at the top. Only those that changed are written; the cursor stays where it is. */
  show(lines: readonly string[]): void {
    const changes = lines
      .map((line, at) => (line === this.#shown[at] ? '' : `${csi}${at + 1};1H${line}${csi}K`))
      .join('');
    this.#shown = lines;
    if (changes !== '') this.#stream.write(`${csi}?25l\u001b7${changes}\u001b8${csi}?25h`);
  }

  /** Gives the terminal back, at once. */
  leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    process.off('exit', this.#restore);
    try {
      writeSync(1, restoreSequence);
    } catch {
      // The terminal is gone: there is nothing to give back.
    }
  }
}
