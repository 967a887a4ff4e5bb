import { createInterface, type Interface } from 'node:readline';
import type { Answer } from '../../console/command.js';
import { complete } from '../../console/completion.js';
import { execute } from '../execute.js';
import { follow, type News } from '../news.js';
import { describeError, type Output } from '../output.js';
import type { Session } from '../session.js';
import type { Shutdown } from '../shutdown.js';
import { LiveModel } from './live-model.js';
import type { Paint } from './paint.js';
import { Screen } from './screen.js';
import { renderView, viewHeight } from './view.js';

const lookEveryMs = 200;
const linesKeptMax = 500;
/** Lines typed ahead of the command that runs; more are refused. */
const queuedMax = 100;

/** A live view of all nodes above a prompt, until `quit`, the end of the input or a Ctrl-C. */
export class LivePrompt implements Output {
  readonly #session: Session;
  readonly #shutdown: Shutdown;
  readonly #paint: Paint;
  readonly #unicode: boolean;
  readonly #screen = new Screen(process.stdout);
  readonly #model = new LiveModel();
  readonly #reader: Interface;
  /** What stands above the prompt, to be written again when the window changes. */
  #lines: string[] = [];
  readonly #queue: string[] = [];
  #isBusy = false;
  #isLooking = false;
  #isOver = false;

  constructor(session: Session, shutdown: Shutdown, paint: Paint, unicode: boolean) {
    this.#session = session;
    this.#shutdown = shutdown;
    this.#paint = paint;
    this.#unicode = unicode;
    this.#layOut();
    this.#reader = createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt: paint.bold('conclave> '),
      historySize: 500,
      removeHistoryDuplicates: true,
      completer: (line: string) => {
        const { candidates, typed } = complete(line, session.cluster.ids);
        return [[...candidates], typed];
      },
    });
  }

  /** Resolves when the program is to close. The view stays until `end`. */
  async run(greetings: readonly string[]): Promise<void> {
    const forget = follow(this.#session.cluster, (news) => this.#hear(news));
    const timer = setInterval(() => this.#look(), lookEveryMs);
    const onResize = () => this.#redraw();
    process.stdout.on('resize', onResize);
    this.#reader.on('line', (line) => this.#take(line));
    this.#reader.on('close', () => this.#shutdown.ask(0));
    this.#reader.on('SIGINT', () => this.#shutdown.ask(0));
    // A suspended program would leave the shell in the alternate screen.
    this.#reader.on('SIGTSTP', () => this.news('Ctrl-Z does nothing here: the nodes could not keep time'));
    // readline itself clears the whole screen on Ctrl-L, view and all.
    process.stdin.on('keypress', (_, key: { ctrl?: boolean; name?: string } | undefined) => {
      if (key?.ctrl && key.name === 'l') this.#clear();
    });
    for (const greeting of greetings) this.news(greeting);
    this.#look();
    await new Promise<void>((resolve) => {
      if (this.#shutdown.signal.aborted) resolve();
      this.#shutdown.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    clearInterval(timer);
    forget();
    process.stdout.off('resize', onResize);
    this.news('closing; Ctrl-C once more leaves at once');
  }

  /** Gives the terminal back. */
  end(): void {
    this.#isOver = true;
    this.#reader.close();
    this.#screen.leave();
  }

  /** The prompt has shown the line already. */
  echo(): void {}

  answer(_: string, { lines }: Answer): void {
    this.#print(lines.map((line) => `  ${line}`));
  }

  failure(_: string, error: unknown): void {
    const { code, message } = describeError(error);
    this.#print([`  ${this.#paint.red('failed:')} ${message} [${code}]`]);
  }

  news(text: string): void {
    this.#print([this.#paint.dim(`${this.#unicode ? '·' : '-'} ${text}`)]);
  }

  #take(line: string): void {
    this.#keep([`${this.#paint.bold('conclave> ')}${line}`]);
    this.#reader.prompt();
    if (this.#queue.length >= queuedMax) {
      this.news(`${queuedMax} commands wait already: "${line}" is not taken`);
      return;
    }
    this.#queue.push(line);
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let line = this.#queue.shift(); line !== undefined; line = this.#queue.shift()) {
      const outcome = await execute(line, this.#session.context, this, this.#shutdown.signal);
      if (outcome === 'quit') {
        this.#shutdown.ask(0);
        break;
      }
      this.#look();
    }
    this.#isBusy = false;
  }

  #hear(news: News): void {
    this.#model.hear(news);
    if (!news.isMinor) this.news(news.text);
    this.#look();
  }

  /** Asks the nodes how they are, unless they are being asked. */
  #look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#session.cluster
      .infos()
      .then((nodes) => {
        this.#model.see(nodes, performance.now());
        this.#show();
      })
      .catch((error: unknown) => {
        if (!this.#shutdown.signal.aborted) this.failure('', error);
      })
      .finally(() => {
        this.#isLooking = false;
      });
  }

  #show(): void {
    if (this.#isOver) return;
    const { columns, rows } = this.#screen;
    const view = this.#model.view(this.#session.context);
    this.#screen.show(renderView(view, { columns, rows, paint: this.#paint, unicode: this.#unicode }));
  }

  #layOut(): void {
    this.#screen.layOut(viewHeight(this.#session.cluster.ids.length, this.#screen.rows));
  }

  #clear(): void {
    this.#lines = [];
    this.#redraw();
  }

  #redraw(): void {
    this.#layOut();
    this.#show();
    process.stdout.write(
      this.#lines
        .slice(-this.#screen.rows)
        .map((line) => `${line}\n`)
        .join(''),
    );
    this.#prompt();
  }

  #keep(lines: readonly string[]): void {
    this.#lines = [...this.#lines, ...lines].slice(-linesKeptMax);
  }

  /** Writes lines above the prompt, which keeps what is typed. */
  #print(lines: readonly string[]): void {
    if (this.#isOver) return;
    this.#keep(lines);
    const { rows } = this.#reader.getCursorPos();
    const up = rows > 0 ? `\u001b[${rows}A` : '';
    process.stdout.write(`\r${up}\u001b[J${lines.map((line) => `${line}\n`).join('')}`);
    this.#prompt();
  }

  #prompt(): void {
    // readline remembers on which row of a long line it left the cursor; it stands at the first one now.
    Object.assign(this.#reader, { prevRows: 0 });
    this.#reader.prompt(true);
  }
}
