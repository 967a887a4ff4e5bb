import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/** Lines that are remembered. The file may hold twice as many before it is shortened. */
export const historyLinesMax = 1_000;
const lineLengthMax = 4_096;
/** For their owner alone: values that somebody typed are nobody else's. */
const fileMode = 0o600;
const directoryMode = 0o700;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where programs keep what should outlive them and is not precious (XDG Base Directory Specification). */
export function historyPath({ XDG_STATE_HOME, HOME }: Environment): string {
  const given = XDG_STATE_HOME !== undefined && isAbsolute(XDG_STATE_HOME) ? XDG_STATE_HOME : null;
  return join(given ?? join(HOME || homedir(), '.local', 'state'), 'conclave', 'history');
}

/**
 * The lines that were typed, this time and earlier, in a file of a bounded length that several programs may add to.
 * What cannot be read or written is not remembered, and `problem` says why.
 */
export class HistoryFile {
  readonly #path: string;
  #lines: string[] = [];
  /** Lines in the file, as far as this program knows. */
  #written = 0;
  #problem: Error | null = null;

  constructor(path: string) {
    this.#path = path;
    this.#try(() => {
      mkdirSync(dirname(path), { recursive: true, mode: directoryMode });
      this.#lines = this.#read().slice(-historyLinesMax);
    });
  }

  /** Oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Why lines are not kept, or null. */
  get problem(): Error | null {
    return this.#problem;
  }

  /** Remembers a line, unless it begins with a blank, repeats the one before or is very long. */
  add(line: string): void {
    if (line.trim() === '' || /^\s/.test(line) || line.length > lineLengthMax) return;
    if (line === this.#lines.at(-1)) return;
    this.#lines = [...this.#lines, line].slice(-historyLinesMax);
    this.#try(() => {
      appendFileSync(this.#path, `${line}\n`, { mode: fileMode });
      if (++this.#written > 2 * historyLinesMax) this.#read();
    });
  }

  /** What is in the file, which is shortened if that is too much. */
  #read(): string[] {
    const lines = linesOf(this.#path);
    this.#written = lines.length;
    if (lines.length <= 2 * historyLinesMax) return lines;
    const part = `${this.#path}.${process.pid}`;
    const last = lines.slice(-historyLinesMax);
    writeFileSync(part, last.map((line) => `${line}\n`).join(''), { mode: fileMode });
    renameSync(part, this.#path);
    this.#written = last.length;
    return last;
  }

  #try(work: () => void): void {
    if (this.#problem !== null) return;
    try {
      work();
    } catch (error) {
      this.#problem = error instanceof Error ? error : new Error(String(error));
    }
  }
}

function linesOf(path: string): string[] {
  try {
    const text = readFileSync(path, 'utf8');
    chmodSync(path, fileMode);
    return text.split('\n').filter((line) => line !== '' && line.length <= lineLengthMax);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
