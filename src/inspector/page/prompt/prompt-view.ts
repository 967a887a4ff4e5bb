import { byId, html } from '../base/elements.js';
import { sendCommand } from './commands.js';

const answersMax = 200;
const historyMax = 100;

/** The command language of the terminal, in the page. What is clicked elsewhere shows here as the line it stands for. */
export class PromptView {
  readonly #answers = byId('answers');
  readonly #line = byId<HTMLInputElement>('line');
  readonly #history: string[] = [];
  #at = 0;

  constructor() {
    byId('prompt-form').addEventListener('submit', (event) => {
      event.preventDefault();
      const line = this.#line.value.trim();
      if (line === '') return;
      this.#line.value = '';
      this.#remember(line);
      void this.run(line);
    });
    this.#line.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
      event.preventDefault();
      this.#recall(event.key === 'ArrowUp' ? -1 : 1);
    });
  }

  set isEnabled(isEnabled: boolean) {
    if (this.#line.disabled === !isEnabled) return;
    this.#line.disabled = !isEnabled;
    this.#line.placeholder = isEnabled ? 'help' : 'A recording takes no commands.';
    byId<HTMLButtonElement>('run').disabled = !isEnabled;
  }

  /** Carries out lines one after the other, and stops at the first that fails. */
  async run(...lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      const asked = html('pre', { class: 'asked' }, `> ${line}`);
      this.#say(asked, null);
      const outcome = await sendCommand(line);
      const [kind, text] = outcome.ok ? ['answer', outcome.lines.join('\n')] : ['failed', outcome.error.text];
      if (text !== '') this.#say(html('pre', { class: kind }, text), asked);
      if (!outcome.ok) return;
    }
  }

  /** Puts it below what it answers, for another line may have been asked since; at the end what answers nothing. */
  #say(said: HTMLElement, answered: HTMLElement | null): void {
    if (answered === null) this.#answers.append(said);
    else if (answered.isConnected) answered.after(said);
    while (this.#answers.childElementCount > answersMax) this.#answers.firstElementChild?.remove();
    this.#answers.scrollTop = this.#answers.scrollHeight;
  }

  #remember(line: string): void {
    if (this.#history.at(-1) !== line) this.#history.push(line);
    if (this.#history.length > historyMax) this.#history.shift();
    this.#at = this.#history.length;
  }

  #recall(step: number): void {
    this.#at = Math.min(this.#history.length, Math.max(0, this.#at + step));
    this.#line.value = this.#history[this.#at] ?? '';
  }
}
