import { byId, setAttributes, setText } from '../base/elements.js';
import { seconds } from '../base/words.js';
import type { Look, Player } from './player.js';
import { stepWords } from './step-words.js';

/** What people jump to from one place to the next. */
const jumpedTo: readonly string[] = ['timeout', 'standing', 'election', 'failing', 'fault', 'repair', 'gap'];

type Act = (player: Player) => void;

const buttons: Readonly<Record<string, Act>> = {
  'jump-back': (player) => player.jump(-1, (mark) => jumpedTo.includes(mark)),
  'step-back': (player) => player.step(-1),
  play: (player) => player.togglePlay(),
  'step-forward': (player) => player.step(1),
  'jump-forward': (player) => player.jump(1, (mark) => jumpedTo.includes(mark)),
  live: (player) => player.goLive(),
};

const keys: Readonly<Record<string, Act>> = {
  ' ': (player) => player.togglePlay(),
  ',': (player) => player.step(-1),
  '.': (player) => player.step(1),
  '[': (player) => player.jump(-1, (mark) => jumpedTo.includes(mark)),
  ']': (player) => player.jump(1, (mark) => jumpedTo.includes(mark)),
  l: (player) => player.goLive(),
};

/** Play, pause, step, slow down: in sight wherever the page is scrolled. */
export class TransportView {
  readonly #player: Player;
  readonly #scrubber = byId<HTMLInputElement>('scrubber');
  readonly #speed = byId<HTMLSelectElement>('speed');

  constructor(player: Player) {
    this.#player = player;
    for (const [id, act] of Object.entries(buttons)) byId(id).addEventListener('click', () => act(player));
    this.#speed.addEventListener('change', () => player.setSpeed(Number(this.#speed.value)));
    this.#scrubber.addEventListener('input', () => player.showMoment(Number(this.#scrubber.value)));
    document.addEventListener('keydown', (event) => this.#key(event));
  }

  draw({ timeline, state, nr, at, mode, speed, isFile }: Look): void {
    const { firstAt, lastAt, firstNr, lastNr } = timeline;
    setAttributes(this.#scrubber, { min: firstAt, max: lastAt });
    if (document.activeElement !== this.#scrubber || mode !== 'paused') this.#scrubber.value = `${at}`;
    setText(byId('moment'), momentText(at, lastAt, mode, isFile));
    this.#scrubber.setAttribute('aria-valuetext', `${seconds(at)} of ${seconds(lastAt)}`);
    const isPaused = mode === 'paused';
    setAttributes(byId('play'), { 'aria-label': isPaused ? 'Play' : 'Pause', 'data-mode': mode });
    setAttributes(byId('live'), { 'aria-pressed': `${mode === 'live'}`, hidden: isFile });
    for (const [id, isAtEnd] of [
      ['step-back', nr <= firstNr],
      ['step-forward', nr >= lastNr],
    ] as const) {
      setAttributes(byId(id), { 'aria-disabled': isAtEnd ? 'true' : null });
    }
    if (this.#speed.value !== `${speed}`) this.#speed.value = `${speed}`;
    const step = timeline.step(nr);
    // What happens live goes by too fast to be read, or heard.
    const isStill = isPaused || (mode === 'playing' && speed < 1);
    const place = nr - firstNr + 1;
    const words = step === null || !isStill ? '' : stepWords(step, state);
    setText(byId('step-words'), words === '' ? '' : `${place.toLocaleString('en')}. ${words}`);
    setAttributes(byId('step-words'), { 'aria-live': isPaused ? 'polite' : 'off', 'data-nr': nr });
  }

  /** Moves the scrubber along between two drawings. */
  move({ at, timeline, mode, isFile }: Look): void {
    this.#scrubber.value = `${at}`;
    setText(byId('moment'), momentText(at, timeline.lastAt, mode, isFile));
  }

  #key(event: KeyboardEvent): void {
    const { key, target, ctrlKey, altKey, metaKey } = event;
    const act = keys[key];
    if (act === undefined || ctrlKey || altKey || metaKey || !(target instanceof Element)) return;
    // There such keys are text, or do what the element does.
    if (target.closest('input:not([type="range"]), textarea, select, [role="menu"]') !== null) return;
    if (key === ' ' && target.closest('button, a, [role="button"], td') !== null) return;
    event.preventDefault();
    act(this.#player);
  }
}

function momentText(at: number, lastAt: number, mode: Look['mode'], isFile: boolean): string {
  if (mode === 'live') return `live, ${seconds(at)}`;
  return `${isFile ? 'recording, ' : ''}${seconds(at)} of ${seconds(lastAt)}`;
}
