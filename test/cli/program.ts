import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** How a run of the program ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const running = new Set<ChildProcess>();

/** Ends what a failed test left running, for which the suite would wait for ever. */
export function endPrograms(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A running `npm run cluster`, without the npm. */
export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  #changed: () => void = () => {};

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [program, 'cluster', ...args], {
      env: { ...process.env, ...environment },
      stdio: 'pipe',
    });
    running.add(this.child);
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#changed();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#changed();
    });
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        running.delete(this.child);
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        this.#changed();
      });
    });
  }

  /** Resolves once the output is as wanted. @throws when the program ends before. */
  async until(isSo: (program: Program) => boolean): Promise<void> {
    while (!isSo(this)) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`The program ended early:\n${this.stdout}\n${this.stderr}`);
      }
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }
}

/** Runs the program to its end with this on its standard input. */
export function run(
  args: readonly string[],
  input = '',
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { child, ended } = new Program(args, environment);
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  return ended;
}

/** An answer of `--json`. */
export interface JsonAnswer {
  readonly command: string;
  readonly ok: boolean;
  readonly [field: string]: unknown;
}

export function answers(stdout: string): JsonAnswer[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JsonAnswer);
}

/** A node in an answer. */
export interface JsonNode {
  readonly id: number;
  readonly height: number;
  readonly digest: string;
}
