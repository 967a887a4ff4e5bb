import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import xterm from '@xterm/headless';
import { program } from './program.js';

/** What keys send. */
export const keys = {
  enter: '\r',
  escape: '\u001b',
  tab: '\t',
  up: '\u001b[A',
  pageUp: '\u001b[5~',
  pageDown: '\u001b[6~',
  ctrlC: '\u0003',
  ctrlD: '\u0004',
  ctrlL: '\u000c',
  ctrlR: '\u0012',
  pasteStart: '\u001b[200~',
  pasteEnd: '\u001b[201~',
} as const;

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Words for Node.js itself. */
  readonly flags?: string;
}

/** How long anything that is waited for may take. */
const patienceMs = 20_000;
const open = new Set<Terminal>();

/** Ends what a failed test left running, for which the suite would wait for ever. */
export function endTerminals(): void {
  for (const terminal of open) terminal.end();
}

/**
 * `conclave cluster` under a real pseudo-terminal, whose output a real terminal emulator shows. When the program has
 * ended, the shell writes `left` and its exit status.
 */
export class Terminal {
  readonly #emulator: xterm.Terminal;
  readonly #child: ChildProcess;
  readonly #folder = mkdtempSync(join(tmpdir(), 'conclave-terminal-'));
  readonly #exit: Promise<void>;
  /** All that was written, escape sequences included. */
  written = '';
  #changed: () => void = () => {};
  #isOver = false;

  constructor(args: readonly string[], options: TerminalOptions = {}) {
    const { columns = 80, rows = 24, environment = {}, flags = '' } = options;
    this.#emulator = new xterm.Terminal({ cols: columns, rows, scrollback: 5_000, allowProposedApi: true });
    const inside = [
      `stty rows ${rows} cols ${columns}`,
      `tty > ${this.#folder}/tty`,
      `${process.execPath} ${flags} ${program} cluster ${args.join(' ')}`,
      'echo left $?',
    ].join('; ');
    this.#child = spawn('script', ['-qefc', `bash -c '${inside}'`, '/dev/null'], {
      env: {
        ...process.env,
        TERM: 'xterm-256color',
        LANG: 'C.UTF-8',
        XDG_STATE_HOME: join(this.#folder, 'state'),
        npm_lifecycle_event: '',
        ...environment,
      },
      stdio: 'pipe',
    });
    open.add(this);
    this.#child.stdin?.on('error', () => {});
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.written += text;
      this.#emulator.write(text, () => this.#changed());
    });
    this.#exit = new Promise((resolve) => {
      this.#child.once('close', () => {
        this.#isOver = true;
        open.delete(this);
        this.#emulator.write('', () => {
          resolve();
          this.#changed();
        });
      });
    });
  }

  /** The rows of the screen, or of all that can be scrolled back to, without the blanks at their ends. */
  rows(from: 'screen' | 'scrollback' = 'screen'): string[] {
    const { active, normal } = this.#emulator.buffer;
    const buffer = from === 'screen' ? active : normal;
    const first = from === 'screen' ? buffer.baseY : 0;
    const rows: string[] = [];
    for (let at = first; at < buffer.length; at++) {
      rows.push(buffer.getLine(at)?.translateToString().trimEnd() ?? '');
    }
    return rows;
  }

  get text(): string {
    return this.rows().join('\n');
  }

  /** The row that the cursor is on. */
  get promptRow(): string {
    const { active } = this.#emulator.buffer;
    return (
      active
        .getLine(active.baseY + active.cursorY)
        ?.translateToString()
        .trimEnd() ?? ''
    );
  }

  get cursorColumn(): number {
    return this.#emulator.buffer.active.cursorX;
  }

  get isAlternate(): boolean {
    return this.#emulator.buffer.active.type === 'alternate';
  }

  /** Does any cell of the screen have a colour? */
  get isColoured(): boolean {
    const { active } = this.#emulator.buffer;
    for (let y = 0; y < this.#emulator.rows; y++) {
      const line = active.getLine(active.baseY + y);
      for (let x = 0; x < this.#emulator.cols; x++) {
        const cell = line?.getCell(x);
        if (cell !== undefined && !cell.isFgDefault()) return true;
      }
    }
    return false;
  }

  type(...texts: readonly string[]): void {
    this.#child.stdin?.write(texts.join(''));
  }

  /** Types a line and presses Enter. */
  enter(line: string): void {
    this.type(line, keys.enter);
  }

  /** Resolves once the screen shows what is wanted. @throws with the screen when it does not in time. */
  async until(wanted: RegExp | ((terminal: this) => boolean)): Promise<void> {
    const isSo = wanted instanceof RegExp ? () => wanted.test(this.text) : () => wanted(this);
    const deadline = performance.now() + patienceMs;
    while (!isSo()) {
      const leftMs = deadline - performance.now();
      if (this.#isOver || leftMs <= 0) {
        throw new Error(`${this.#isOver ? 'Ended' : 'Waited'} without ${wanted}:\n${this.text}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** A view of the whole cluster, and a leader. */
  serving(): Promise<void> {
    return this.until(/node \d leads term \d/);
  }

  /** Gives the window another size, of which the kernel tells the program. */
  resize(columns: number, rows: number): void {
    this.#emulator.resize(columns, rows);
    const tty = readFileSync(join(this.#folder, 'tty'), 'utf8').trim();
    execFileSync('stty', ['-F', tty, 'rows', `${rows}`, 'cols', `${columns}`]);
  }

  /** Resolves when the program has ended, with its exit status. */
  async left(): Promise<number> {
    await this.#exit;
    this.#removeFolder();
    return Number(/left (\d+)/.exec(this.rows('scrollback').join('\n'))?.[1] ?? -1);
  }

  end(): void {
    this.#child.kill('SIGKILL');
    this.#removeFolder();
  }

  #removeFolder(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
