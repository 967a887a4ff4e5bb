import type { Told } from '../../recording/chronicle.js';
import type { Happening } from '../../recording/format.js';
import { gatherActs } from '../../recording/link-marks.js';
import { byId, html, setAttributes, setText } from '../base/elements.js';
import { type KeyedItem, KeyedList } from '../base/keyed-list.js';
import { seconds } from '../base/words.js';
import type { Look } from '../player/player.js';

/** Listed at one time; of a long recording those around the step on show. */
const listedMax = 300;
/** So many of them may lie after the step on show. */
const aheadMax = 40;

export const signs: Readonly<Record<Happening['mark'], string>> = {
  fault: '▼',
  repair: '▲',
  election: '♛',
  timeout: '○',
  standing: '◇',
  failing: '✕',
  gap: '…',
};

/** What happened, latest first: faults, and the story of each election. */
export class HappeningsView {
  readonly #list = new KeyedList(byId('marks'), 'Nothing has happened since this was first watched.');
  readonly #show: (nr: number) => void;
  #shownNr = 0;

  /** @param show is called with the step that was chosen. */
  constructor(show: (nr: number) => void) {
    this.#show = show;
  }

  draw({ timeline, nr, mode }: Look): void {
    const told = gatherActs(timeline.chronicle.told);
    const later = told.findIndex((each) => each.nr > nr);
    const isShort = later < 0 || told.length <= listedMax;
    const end = isShort ? told.length : Math.min(told.length, later + aheadMax);
    const near = told.slice(Math.max(0, end - listedMax), end).toReversed();
    const before = told.length <= listedMax ? gatherActs(timeline.before).toReversed() : [];
    this.#list.show(timeline, [...near.map((each) => this.#toldItem(each, nr)), ...before.map(beforeItem)]);
    if (nr === this.#shownNr) return;
    this.#shownNr = nr;
    if (mode !== 'live') this.#bringIntoSight();
  }

  /** What happened last, below some of what came later. */
  #bringIntoSight(): void {
    const list = byId('marks');
    const latest = list.querySelector<HTMLElement>('button:not(.later)');
    if (latest === null || list.contains(document.activeElement)) return;
    list.scrollTop = latest.offsetTop - list.offsetTop - list.clientHeight / 3;
  }

  #toldItem(told: Told, nr: number): KeyedItem {
    return {
      // More links may join a mark of one.
      key: `${told.nr} ${told.link?.what ?? told.mark}`,
      create: () => {
        const button = html('button', { type: 'button', title: 'Show this step' }, ...parts(told));
        button.addEventListener('click', () => this.#show(told.nr));
        return html('li', {}, button);
      },
      update: (item) => {
        const times = 1 + told.repeats.filter((each) => each <= nr).length;
        for (const what of item.querySelectorAll('.what')) {
          setText(what, times > 1 ? `${told.text} (× ${times})` : told.text);
        }
        for (const button of item.querySelectorAll('button')) {
          setAttributes(button, {
            class: `${told.mark}${told.nr > nr ? ' later' : ''}`,
            'aria-current': told.nr === nr ? 'step' : null,
          });
        }
      },
    };
  }
}

/** Nobody watched then: there is no moment to go back to. */
function beforeItem(happening: Happening): KeyedItem {
  return {
    // Never by its place: the oldest are forgotten, and links join those that a mark names.
    key: `before ${happening.at} ${happening.text}`,
    create: () => {
      const title = 'Before what is recorded here';
      const attributes = { type: 'button', disabled: true, title, class: happening.mark };
      return html('li', {}, html('button', attributes, ...parts(happening)));
    },
    update: () => {},
  };
}

function parts({ at, mark, text }: Happening): HTMLElement[] {
  return [
    html('span', { class: 'when' }, seconds(at)),
    html('span', { class: 'sign', 'aria-hidden': 'true' }, signs[mark]),
    html('span', { class: 'what' }, text),
  ];
}
