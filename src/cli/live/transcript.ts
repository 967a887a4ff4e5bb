import { cut, wrap } from './text-width.js';

/** A line as it was said. */
export interface Line {
  readonly text: string;
  /** Colours a row of it. */
  readonly tint: (row: string) => string;
  /** A row of a table: what is too long for the window is cut off, and not wrapped into other columns. */
  readonly isTable?: boolean;
}

/** A line that was said, where it stands among all that ever were, and its rows at one width. */
interface Kept extends Line {
  readonly number: number;
  columns: number;
  rows: readonly string[];
}

/** A row of a line. */
interface Place {
  readonly line: number;
  readonly row: number;
}

/** What is seen of the transcript. */
export interface Sight {
  /** At most as many as were asked for, from top to bottom. */
  readonly rows: readonly string[];
  /** How many rows there are above and below what is seen. */
  readonly above: number;
  readonly below: number;
}

const linesKeptMax = 2_000;

/** All that was said, in a window that shows its end until somebody scrolls back. */
export class Transcript {
  #lines: Kept[] = [];
  #count = 0;
  /** The row at the top of the window; null while it shows the end. */
  #top: Place | null = null;
  /** Lines before this one were cleared away: they are still there above. */
  #clearedBefore = 0;
  readonly #mark: string;
  #columns: number;
  #height: number;

  /** @param mark stands where a row of a table is cut off. */
  constructor(columns: number, height: number, mark: string) {
    this.#mark = mark;
    this.#columns = columns;
    this.#height = height;
  }

  resize(columns: number, height: number): void {
    this.#columns = columns;
    this.#height = height;
  }

  get isScrolledBack(): boolean {
    return this.#top !== null;
  }

  add(lines: readonly Line[]): void {
    for (const line of lines) {
      this.#lines.push({ ...line, number: this.#count++, columns: -1, rows: [] });
    }
    if (this.#lines.length > linesKeptMax) this.#lines = this.#lines.slice(-linesKeptMax);
  }

  /** Adds lines that belong together. If they are more than the window shows, it shows the first of them. */
  addWhole(lines: readonly Line[]): void {
    const first = this.#count;
    const wasAtEnd = this.#top === null;
    this.add(lines);
    const rows = lines.reduce((sum, _, at) => sum + this.#rowsOf(first + at).length, 0);
    if (wasAtEnd && rows > this.#height) this.#top = { line: first, row: 0 };
  }

  /** Scrolls by so many rows, back where negative. At the end the window follows what is said again. */
  scroll(rows: number): void {
    let top = this.#top ?? this.#endTop();
    for (let left = Math.abs(rows); left > 0; left--) {
      const next = rows < 0 ? this.#before(top) : this.#after(top);
      if (next === null) break;
      top = next;
    }
    const end = this.#endTop();
    const isAtEnd = top.line > end.line || (top.line === end.line && top.row >= end.row);
    this.#top = isAtEnd ? null : top;
  }

  toEnd(): void {
    this.#top = null;
  }

  /** Begins with an empty window. */
  clear(): void {
    this.#clearedBefore = this.#count;
    this.#top = null;
  }

  sight(): Sight {
    const end = this.#endTop();
    const top = this.#clamp(this.#top ?? end);
    const rows: string[] = [];
    let at: Place | null = top;
    while (at !== null && rows.length < this.#height && at.line < this.#count) {
      const row = this.#rowsOf(at.line)[at.row];
      if (row !== undefined) rows.push(row);
      at = this.#after(at);
    }
    const all = this.#lines.reduce((sum, { number }) => sum + this.#rowsOf(number).length, 0);
    const above = this.#rowsBefore(top);
    return { rows, above, below: Math.max(0, all - above - rows.length) };
  }

  /** All that is kept, in rows of this width. */
  all(columns: number): string[] {
    return this.#lines.flatMap((line) => this.#layOut(line, columns));
  }

  /** Where the window begins that shows the end. */
  #endTop(): Place {
    let top: Place = { line: this.#count, row: 0 };
    for (let rows = 0; rows < this.#height; rows++) {
      const before = this.#before(top);
      if (before === null || before.line < this.#clearedBefore) break;
      top = before;
    }
    return top;
  }

  #before({ line, row }: Place): Place | null {
    if (row > 0) return { line, row: row - 1 };
    if (line <= this.#first) return null;
    return { line: line - 1, row: this.#rowsOf(line - 1).length - 1 };
  }

  #after({ line, row }: Place): Place | null {
    if (line >= this.#count) return null;
    return row + 1 < this.#rowsOf(line).length ? { line, row: row + 1 } : { line: line + 1, row: 0 };
  }

  /** What was at the top may have been dropped since. */
  #clamp(place: Place): Place {
    return place.line < this.#first ? { line: this.#first, row: 0 } : place;
  }

  get #first(): number {
    return this.#count - this.#lines.length;
  }

  #rowsBefore({ line, row }: Place): number {
    let rows = row;
    for (let number = this.#first; number < line; number++) rows += this.#rowsOf(number).length;
    return rows;
  }

  #rowsOf(number: number): readonly string[] {
    const line = this.#lines[number - this.#first];
    if (line === undefined) return [];
    if (line.columns !== this.#columns) {
      line.columns = this.#columns;
      line.rows = this.#layOut(line, this.#columns);
    }
    return line.rows;
  }

  #layOut({ text, tint, isTable }: Line, columns: number): string[] {
    return (isTable ? [cut(text, columns, this.#mark)] : wrap(text, columns)).map(tint);
  }
}
