import { emitKeypressEvents, type Key } from 'node:readline';
import type { Answer } from '../../console/command.js';
import { complete } from '../../console/completion.js';
import { messageFor } from '../../console/usage-error.js';
import { follow, type News } from '../news.js';
import { type AnswerContext, describeError, named, type Output } from '../output.js';
import type { Session } from '../session.js';
import type { Shutdown } from '../shutdown.js';
import { SideBySide } from '../side-by-side.js';
import { HistoryFile, historyPath } from './history-file.js';
import { LineEditor } from './line-editor.js';
import { LiveModel } from './live-model.js';
import type { Paint } from './paint.js';
import { Screen } from './screen.js';
import { statusRow } from './status-row.js';
import { columnsOf } from './text-width.js';
import { type Line, Transcript } from './transcript.js';
import { renderView } from './view.js';

const lookEveryMs = 200;
const promptText = 'conclave> ';
/** The row of what is going on, and the prompt's own. */
const bottomRows = 2;

/**
 * A live view of all nodes, below it what was said, and a prompt that is always free: until `quit`, the end of the
 * input or a Ctrl-C.
 */
export class LivePrompt implements Output {
  readonly #session: Session;
  readonly #shutdown: Shutdown;
  readonly #paint: Paint;
  readonly #unicode: boolean;
  readonly #screen: Screen;
  readonly #transcript: Transcript;
  readonly #model = new LiveModel();
  readonly #history = new HistoryFile(historyPath(process.env));
  readonly #editor: LineEditor;
  readonly #commands: SideBySide;
  readonly #onKey = (text: string | undefined, key: Key) => this.#press(text, key);
  /** The line whose echo was the last thing said: its answer needs no name. */
  #echoed: string | null = null;
  /** What could be typed now, until the next key. */
  #offer: readonly string[] = [];
  /** How many rows the view took when it was drawn last. */
  #viewRows = 0;
  #isLooking = false;
  #isDue = false;
  #isOver = false;

  constructor(session: Session, shutdown: Shutdown, paint: Paint, unicode: boolean) {
    this.#session = session;
    this.#shutdown = shutdown;
    this.#paint = paint;
    this.#unicode = unicode;
    this.#screen = new Screen(process.stdout, () => this.#transcript.all(this.#screen.columns));
    this.#transcript = new Transcript(this.#screen.columns, this.#transcriptHeight, this.#mark);
    this.#commands = new SideBySide(session.executor, this, shutdown.signal, () => shutdown.ask(0));
    this.#editor = new LineEditor({
      history: this.#history.lines,
      complete: (line) => complete(line, session.cluster.ids),
      offered: (candidates) => {
        this.#offer = candidates;
      },
      entered: (line) => this.#take(line),
      closed: () => shutdown.ask(0),
    });
  }

  /** Resolves when the program is to close. The view stays until `end`. */
  async run(greetings: readonly string[]): Promise<void> {
    const forget = follow(this.#session.cluster, (news) => this.#hear(news));
    const timer = setInterval(() => this.#look(), lookEveryMs);
    const onResize = () => this.#resize();
    process.stdout.on('resize', onResize);
    this.#screen.enter();
    this.#listen();
    for (const greeting of greetings) this.news(greeting);
    const { problem } = this.#history;
    if (problem !== null) this.news(`what is typed is not remembered: ${problem.message}`);
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

  /** Gives the terminal back; what was said stays there. */
  end(): void {
    this.#isOver = true;
    process.stdin.off('keypress', this.#onKey).setRawMode(false);
    process.stdin.destroy();
    this.#editor.close();
    this.#screen.leave();
  }

  /** The prompt has shown a line that was typed; others of the same paste come up when it is their turn. */
  echo(line: string): void {
    this.#say([{ text: promptText + line.trim(), tint: this.#bold }]);
    this.#echoed = line.trim();
  }

  answer(_: string, { lines, quits }: Answer, { line }: AnswerContext = {}): void {
    if (quits) return;
    const texts = line === undefined || line === this.#echoed ? lines : named(line, lines);
    this.#echoed = null;
    this.#transcript.addWhole(
      texts.map((text) => ({
        text: `  ${text}`,
        tint: plain,
        isTable: lines.length > 1 && columnGap.test(text),
      })),
    );
    this.#change();
  }

  failure(_: string, error: unknown, { line }: AnswerContext = {}): void {
    const message = messageFor(describeError(error));
    const [text] = line === undefined || line === this.#echoed ? [message] : named(line, [message]);
    const tint = (row: string) => row.replace(/^ {2}failed:/, `  ${this.#paint.red('failed:')}`);
    this.#say([{ text: `  failed: ${text}`, tint }]);
  }

  news(text: string): void {
    this.#say([{ text: `${this.#unicode ? '·' : '-'} ${text}`, tint: this.#paint.dim }]);
  }

  get #mark(): string {
    return this.#unicode ? '…' : '~';
  }

  readonly #bold = (row: string) => this.#paint.bold(row);

  #listen(): void {
    emitKeypressEvents(process.stdin);
    process.stdin
      .setRawMode(true)
      .on('keypress', this.#onKey)
      .once('end', () => this.#shutdown.ask(0))
      .resume();
  }

  #press(text: string | undefined, key: Key): void {
    this.#offer = [];
    if (!this.#scrolls(text, key) && !this.#commandsTerminal(key)) {
      if (!isSilent(key)) this.#transcript.toEnd();
      this.#editor.press(text, key);
    }
    this.#change();
  }

  /** Is the key one that moves the window over what was said? */
  #scrolls(text: string | undefined, { name, ctrl }: Key): boolean {
    const page = Math.max(1, this.#transcriptHeight - 1);
    const isFree = this.#transcript.isScrolledBack && this.#editor.isEmpty;
    if (name === 'pageup') this.#transcript.scroll(-page);
    else if (name === 'pagedown' || (text === ' ' && isFree)) this.#transcript.scroll(page);
    else if (name === 'escape' && isFree) this.#transcript.toEnd();
    else if (ctrl && name === 'l') this.#transcript.clear();
    else return false;
    return true;
  }

  /** Is the key one that a terminal usually acts upon by itself? */
  #commandsTerminal({ name, ctrl }: Key): boolean {
    if (name === 'paste-start') this.#commands.pasteBegins();
    else if (name === 'paste-end') this.#commands.pasteEnds();
    else if (ctrl && name === 'c') this.#interrupt();
    // A suspended program would leave the shell in the alternate screen.
    else if (ctrl && name === 'z') this.news('Ctrl-Z does nothing here: the nodes could not keep time');
    else return false;
    return true;
  }

  /** Ctrl-C ends what is nearest: the line that is typed, what is waited for, the program. */
  #interrupt(): void {
    if (this.#shutdown.signal.aborted) this.#shutdown.ask(interruptedStatus);
    else if (!this.#editor.isEmpty) {
      this.#say([{ text: `${promptText}${this.#editor.abandon()}^C`, tint: this.#paint.dim }]);
    } else if (this.#commands.running.length > 0) {
      for (const line of this.#commands.giveUp()) {
        this.news(`not waited for any longer, and may yet happen: ${line}`);
      }
    } else this.#shutdown.ask(0);
  }

  #take(line: string): void {
    this.#history.add(line);
    if (line.trim() === '') this.#say([{ text: promptText, tint: this.#bold }]);
    this.#commands.take(line);
  }

  #hear(news: News): void {
    this.#model.hear(news);
    if (!news.isMinor && !(news.isAct && this.#session.executor.isActing)) this.news(news.text);
    this.#look();
  }

  /** Asks the nodes how they are, unless they are being asked. */
  #look(): void {
    this.#change();
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#session.cluster
      .infos()
      .then((nodes) => {
        this.#model.see(nodes, performance.now());
        this.#change();
      })
      .catch((error: unknown) => {
        if (!this.#shutdown.signal.aborted) this.failure('', error);
      })
      .finally(() => {
        this.#isLooking = false;
      });
  }

  #say(lines: readonly Line[]): void {
    this.#transcript.add(lines);
    this.#echoed = null;
    this.#change();
  }

  /** Something that is shown has changed. All that changes in one turn is drawn at once. */
  #change(): void {
    if (this.#isDue || this.#isOver) return;
    this.#isDue = true;
    if (this.#screen.isBehind) process.stdout.once('drain', () => this.#draw());
    else setImmediate(() => this.#draw());
  }

  #draw(): void {
    this.#isDue = false;
    if (this.#isOver) return;
    const { columns } = this.#screen;
    const view = this.#view();
    // Members come and go, and with them rows of the view.
    this.#viewRows = view.length;
    const height = this.#transcriptHeight;
    this.#transcript.resize(columns, height);
    const sight = this.#transcript.sight();
    // What was said stands at the prompt, and not below the view with nothing in between.
    const blank = Array.from({ length: height - sight.rows.length }, () => '');
    const place = { columns, paint: this.#paint, unicode: this.#unicode };
    const status = statusRow(
      {
        sight: this.#transcript.isScrolledBack ? sight : null,
        offer: this.#offer,
        running: this.#commands.running,
        isSearching: this.#editor.isSearching,
        warning: this.#session.cluster.warnings()[0]?.message ?? null,
        nowMs: performance.now(),
      },
      place,
    );
    const prompt = this.#editor.shown(columns - columnsOf(promptText), this.#mark);
    const rows = [...view, ...blank, ...sight.rows, status, this.#bold(promptText) + prompt.text];
    const shown = rows.slice(-this.#screen.rows);
    this.#screen.show(shown, { row: shown.length - 1, column: columnsOf(promptText) + prompt.column });
  }

  #view(): string[] {
    const { columns, rows } = this.#screen;
    const view = this.#model.view(this.#session.context);
    return renderView(view, { columns, rows, paint: this.#paint, unicode: this.#unicode });
  }

  get #transcriptHeight(): number {
    return Math.max(1, this.#screen.rows - bottomRows - this.#viewRows);
  }

  #resize(): void {
    this.#screen.forget();
    this.#change();
  }
}

/** Two blanks between words: a row of a table. */
const columnGap = /\S {2}/;
/** Of a program that did not end in good order, for somebody did not want to wait. */
const interruptedStatus = 130;

function plain(row: string): string {
  return row;
}

/** Keys that change nothing in the line, such as those of the terminal itself. */
function isSilent({ name }: Key): boolean {
  return name === undefined;
}
