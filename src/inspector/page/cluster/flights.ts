import type { NodeId } from '../../../raft/entry.js';
import { svg } from '../base/elements.js';
import { along, type Place } from './cluster-layout.js';
import { flightKindOf, glyph, isAnswer, lostCross } from './glyphs.js';
import type { Flying } from './messages-in-flight.js';

/** Where a message stands for those who want no motion, from 0 to 1. */
const calmShare = 0.55;
/** Where one is last seen that does not arrive. */
const lostShare = 0.45;
/** Messages on one link follow each other so far apart, or one would hide the others, from 0 to 1. */
const apartShare = 0.09;
const shareMax = 0.94;

interface Drawn {
  readonly element: SVGGElement;
  isSeen: boolean;
}

/** Draws messages on their way along the links. */
export class Flights {
  readonly #layer: SVGGElement;
  readonly #placeOf: (id: NodeId) => Place | undefined;
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #drawn = new Map<string, Drawn>();
  #of: object | null = null;

  constructor(layer: SVGGElement, placeOf: (id: NodeId) => Place | undefined) {
    this.#layer = layer;
    this.#placeOf = placeOf;
  }

  /**
   * Draws these and no others.
   * @param of is the recording that they are of. The same key names another message of another.
   */
  draw(of: object, flying: readonly Flying[]): void {
    if (of !== this.#of) {
      this.#of = of;
      this.#drawn.clear();
      this.#layer.replaceChildren();
    }
    for (const drawn of this.#drawn.values()) drawn.isSeen = false;
    const behind = new Map<string, number>();
    // The latest first: what left before it is ahead of it.
    for (const flight of flying) {
      const drawn = this.#drawn.get(flight.key) ?? this.#add(flight);
      drawn.isSeen = true;
      const link = `${flight.from} ${flight.to}`;
      const own = this.#calm.matches ? calmShare : flight.share;
      const share = Math.max(own, Math.min(shareMax, (behind.get(link) ?? -1) + apartShare));
      behind.set(link, share);
      this.#put(drawn.element, flight, share);
    }
    for (const [key, { element, isSeen }] of this.#drawn) {
      if (isSeen) continue;
      element.remove();
      this.#drawn.delete(key);
    }
  }

  #add({ key, message, number, told }: Flying): Drawn {
    const element = svg(
      'g',
      { class: 'flight' },
      svg('title', {}, told),
      glyph(flightKindOf(message), isAnswer(message)),
      lostCross(),
    );
    if (number > 1) {
      const text = number > 999 ? `${Math.round(number / 1000)}k` : `${number}`;
      element.append(svg('text', { class: 'flight-count', y: -12 }, text));
    }
    this.#layer.append(element);
    const drawn = { element, isSeen: true };
    this.#drawn.set(key, drawn);
    return drawn;
  }

  #put(element: SVGGElement, flight: Flying, share: number): void {
    const { from, to, message, arrives, isInStep } = flight;
    const [start, end] = [this.#placeOf(from), this.#placeOf(to)];
    if (start === undefined || end === undefined) return;
    const isLost = !arrives && share > lostShare;
    const aside = from < to === !isAnswer(message) ? 7 : -7;
    const reached = Math.max(0, Math.min(share, arrives ? 1 : lostShare));
    const { x, y } = along(start, end, reached, aside);
    element.setAttribute('transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    element.classList.toggle('gone', isLost);
    element.classList.toggle('in-step', isInStep);
  }
}
