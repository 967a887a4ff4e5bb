import { createInterface, type Interface, type Key } from 'node:readline';
import { PassThrough, Writable } from 'node:stream';
import { printable } from '../../ground/printable.js';
import { columnsOf, cut } from './text-width.js';

/** What an editor needs, and tells. */
export interface EditorHost {
  /** Earlier lines, oldest first. */
  readonly history: readonly string[];
  /** What could stand where the cursor is, and the part of it that is typed already. */
  complete(line: string): { readonly candidates: readonly string[]; readonly typed: string };
  /** There are several ways to go on. */
  offered(candidates: readonly string[]): void;
  entered(line: string): void;
  /** The end of the input, or Ctrl-D on an empty line. */
  closed(): void;
}

/** The search for an earlier line that contains a text. */
interface Search {
  readonly text: string;
  /** The line found, by its place in the history; -1 if none. */
  readonly at: number;
  /** What had been typed when the search began. */
  readonly typed: string;
}

const historyMax = 1_000;

/**
 * A line that is being typed. Node's readline edits it, with all the keys that it knows, and is not allowed to draw:
 * it writes where nobody reads, and whoever owns the screen asks what there is to show.
 */
export class LineEditor {
  readonly #host: EditorHost;
  readonly #reader: Interface;
  /** Oldest first. */
  readonly #history: string[];
  #search: Search | null = null;
  #isClosed = false;

  constructor(host: EditorHost) {
    this.#host = host;
    this.#history = [...host.history];
    this.#reader = createInterface({
      input: new PassThrough(),
      output: new Writable({ write: (_chunk, _encoding, done) => done() }),
      terminal: true,
      history: [...host.history].reverse(),
      historySize: historyMax,
      removeHistoryDuplicates: true,
      completer: (line: string) => this.#complete(line),
    });
    this.#reader.on('line', (line) => this.#entered(line));
    this.#reader.on('close', () => {
      this.#isClosed = true;
      host.closed();
    });
  }

  get isEmpty(): boolean {
    return this.#reader.line === '' && this.#search === null;
  }

  get isSearching(): boolean {
    return this.#search !== null;
  }

  /** Takes a key that was pressed. */
  press(text: string | undefined, key: Key): void {
    if (this.#isClosed) return;
    if (this.#search !== null) this.#pressInSearch(this.#search, text, key);
    else if (key.ctrl && key.name === 'r') this.#search = { text: '', at: -1, typed: this.#reader.line };
    else this.#reader.write(text ?? '', key);
  }

  /** Gives up the line, or the search. @returns what had been typed. */
  abandon(): string {
    const { line } = this.#reader;
    if (this.#search !== null) this.#leaveSearch(this.#search.typed);
    else this.#replace('');
    return line;
  }

  close(): void {
    if (!this.#isClosed) this.#reader.close();
  }

  /** The row to show behind a prompt, and the cursor's place in it: a part of a line that is longer than its room. */
  shown(columns: number, mark: string): { readonly text: string; readonly column: number } {
    if (this.#search !== null) return this.#shownSearch(this.#search, columns, mark);
    const { line, cursor } = this.#reader;
    const before = printable(line.slice(0, cursor));
    const behind = printable(line.slice(cursor));
    const room = Math.max(1, columns - 1);
    const start = startOf(before, room, columnsOf(mark));
    const head = start === 0 ? before : mark + before.slice(start);
    return { text: cut(head + behind, columns, mark), column: columnsOf(head) };
  }

  #shownSearch({ text, at }: Search, columns: number, mark: string): { text: string; column: number } {
    const found = at === -1 ? '' : printable(this.#history[at] ?? '');
    const head = `(${text !== '' && at === -1 ? 'not found' : 'search'}: ${printable(text)}) `;
    const whole = cut(head + found, columns, mark);
    return { text: whole, column: Math.min(columns - 1, columnsOf(head) - 2) };
  }

  #pressInSearch(search: Search, text: string | undefined, key: Key): void {
    const { name, ctrl } = key;
    if (ctrl && name === 'r') this.#find(search.text, search.at === -1 ? this.#history.length : search.at);
    else if (name === 'backspace') this.#find(search.text.slice(0, -1), this.#history.length);
    else if (name === 'escape' || (ctrl && name === 'g')) this.#leaveSearch(search.typed);
    else if (text !== undefined && !ctrl && !key.meta && text >= ' ' && name !== 'delete') {
      this.#find(search.text + text, search.at === -1 ? this.#history.length : search.at + 1);
    } else {
      // What was found is to be edited or entered: the key means what it means in a line.
      this.#leaveSearch(this.#history[search.at] ?? search.typed);
      this.#reader.write(text ?? '', key);
    }
  }

  /** Looks for the latest line before a place in the history. */
  #find(text: string, before: number): void {
    if (this.#search === null) return;
    let at = -1;
    for (let place = before - 1; place >= 0 && at === -1 && text !== ''; place--) {
      if (this.#history[place]?.includes(text)) at = place;
    }
    // Where there is no earlier one, what was found stays.
    const isSame = text === this.#search.text;
    this.#search = { ...this.#search, text, at: at === -1 && isSame ? this.#search.at : at };
  }

  #leaveSearch(line: string): void {
    this.#search = null;
    this.#replace(line);
  }

  #replace(line: string): void {
    this.#reader.write('', { ctrl: true, name: 'e' });
    this.#reader.write('', { ctrl: true, name: 'u' });
    if (line !== '') this.#reader.write(line);
  }

  #entered(line: string): void {
    if (line.trim() !== '') {
      this.#history.push(line);
      if (this.#history.length > historyMax) this.#history.shift();
    }
    this.#host.entered(line);
  }

  #complete(line: string): [string[], string] {
    const { candidates, typed } = this.#host.complete(line);
    const common = commonStart(candidates);
    if (candidates.length > 1 && common.length <= typed.length) this.#host.offered(candidates);
    return [[...candidates], typed];
  }
}

/** Where the part of a text begins whose end fits, with room for the mark before it; 0 if all of it does. */
function startOf(text: string, columns: number, markColumns: number): number {
  if (columnsOf(text) <= columns) return 0;
  const reversedRoom = columns - markColumns;
  let start = text.length;
  while (start > 0 && columnsOf(text.slice(start - 1)) <= reversedRoom) start--;
  // Not within a pair of surrogates.
  return /[\udc00-\udfff]/.test(text[start] ?? '') ? start + 1 : start;
}

function commonStart(texts: readonly string[]): string {
  const [first = '', ...others] = texts;
  let length = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length--;
  return first.slice(0, length);
}
