import { UsageError } from './usage-error.js';

/** A word of a command line: bare, or between double quotes with the escapes of JSON. */
export interface Word {
  readonly text: string;
  readonly quoted: boolean;
  /** Where it stands in the line. */
  readonly start: number;
  readonly end: number;
}

/**
 * Splits a line at blanks. A `#` at the beginning of a word starts a comment; quote it to mean the character.
 * @throws {UsageError} when a quote is not closed.
 */
export function splitWords(line: string): Word[] {
  const words: Word[] = [];
  const pattern = /\s*(?:(#.*)|("(?:[^"\\]|\\.)*"(?=\s|$))|(\S+))/suy;
  for (let match = pattern.exec(line); match !== null; match = pattern.exec(line)) {
    const [whole, comment, quoted, bare] = match;
    if (comment !== undefined) break;
    const text = quoted ?? bare ?? '';
    const end = match.index + whole.length;
    const start = end - text.length;
    if (quoted === undefined && text.startsWith('"')) {
      throw new UsageError(
        `The quote in ${line.slice(start)} is not closed. Write \\" for a quote inside it.`,
      );
    }
    words.push({
      text: quoted === undefined ? text : unquote(text),
      quoted: quoted !== undefined,
      start,
      end,
    });
  }
  return words;
}

function unquote(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    throw new UsageError(
      `${text} has an escape that is not known. Those of JSON are: \\" \\\\ \\n \\t \\u0041.`,
    );
  }
}

/** The words after a command's name, taken one after the other. */
export class Arguments {
  readonly #line: string;
  readonly #words: readonly Word[];
  #at = 0;

  constructor(line: string, words: readonly Word[]) {
    this.#line = line;
    this.#words = words;
  }

  get isEmpty(): boolean {
    return this.#at === this.#words.length;
  }

  /** How many words are left. */
  get left(): number {
    return this.#words.length - this.#at;
  }

  /** The next word without taking it. */
  peek(): string | undefined {
    return this.#words[this.#at]?.text;
  }

  /** @throws {UsageError} when there is none; `what` says what is missing. */
  next(what: string): string {
    const word = this.#words[this.#at];
    if (word === undefined) throw new UsageError(`${what} is missing.`);
    this.#at++;
    return word.text;
  }

  /** Takes the next word if it is this one. */
  takes(word: string): boolean {
    if (this.peek() !== word) return false;
    this.#at++;
    return true;
  }

  /** All that is left, blanks included; or the text of a quoted word that stands alone. */
  rest(what: string): string {
    const [first, ...more] = this.#words.slice(this.#at);
    if (first === undefined) throw new UsageError(`${what} is missing.`);
    this.#at = this.#words.length;
    const last = more[more.length - 1];
    return last === undefined ? first.text : this.#line.slice(first.start, last.end);
  }

  /** The next word as a value; `nothing` without quotes stands for none. @throws {UsageError} when there is none. */
  valueOrNothing(what: string): string | null {
    const isNothing = this.#isNothing;
    const text = this.next(what);
    return isNothing ? null : text;
  }

  /** All that is left as a value, as `rest` and `valueOrNothing` have it. @throws {UsageError} when nothing is left. */
  restOrNothing(what: string): string | null {
    const isNothing = this.left === 1 && this.#isNothing;
    const text = this.rest(what);
    return isNothing ? null : text;
  }

  get #isNothing(): boolean {
    const word = this.#words[this.#at];
    return word?.text === 'nothing' && !word.quoted;
  }

  /** @throws {UsageError} when words are left over. */
  end(): void {
    const word = this.peek();
    if (word !== undefined) throw new UsageError(`"${word}" is one word too many.`);
  }
}
