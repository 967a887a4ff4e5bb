import type { ObservedMessages } from '../../node/watch/observation.js';
import type { NodeId } from '../../raft/entry.js';
import type { NodeFrame, WorldFrame } from '../recording/format.js';
import { along, type Place } from './cluster-layout.js';
import { svg } from './elements.js';

/** Kinds that people tell apart: each has a shape and a colour of its own. */
export const flightKinds = ['vote', 'append', 'heartbeat', 'read', 'verify'] as const;
export type FlightKind = (typeof flightKinds)[number];

const flightMs = 650;
/** Messages of several kinds on one link follow each other so far apart, or one would hide the others, from 0 to 1. */
const apartShare = 0.13;
/** Where a message stands for those who want no motion, and at a moment of the past, from 0 to 1. */
const calmShare = 0.55;
/** They move thirty times a second: the page may run beside the cluster that it shows, and drawing takes its time. */
const moveEveryMs = 33;
/** Messages in the air at one time; what comes beyond is not shown. */
const flightsMax = 120;

const kindOf: Readonly<Record<ObservedMessages['kind'], FlightKind>> = {
  appendEntries: 'append',
  appendEntriesResponse: 'append',
  heartbeat: 'heartbeat',
  requestVote: 'vote',
  requestVoteResponse: 'vote',
  preVote: 'vote',
  preVoteResponse: 'vote',
  readIndex: 'read',
  readIndexResponse: 'read',
  verify: 'verify',
  verifyResponse: 'verify',
};

/** The shape of a kind around the origin: not by colour alone. */
export function glyph(kind: FlightKind, isAnswer = false): SVGElement {
  const marked = { class: `glyph ${kind}${isAnswer ? ' answer' : ''}` };
  switch (kind) {
    case 'vote':
      return svg('path', { ...marked, d: 'M0-9 9 0 0 9-9 0Z' });
    case 'append':
      return svg('rect', { ...marked, x: -7, y: -7, width: 14, height: 14, rx: 2 });
    case 'heartbeat':
      return svg('circle', { ...marked, r: 5 });
    case 'read':
      return svg('path', { ...marked, d: 'M0-8 8 7-8 7Z' });
    case 'verify':
      return svg('path', { ...marked, d: 'M-9 0-4.5-8 4.5-8 9 0 4.5 8-4.5 8Z' });
  }
}

/** Laid over what does not arrive. */
export function lostCross(): SVGElement {
  return svg('path', { class: 'lost', d: 'M-7-7 7 7M-7 7 7-7' });
}

interface Flight {
  readonly element: SVGGElement;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly aside: number;
  /** It does not arrive: the way it comes, from 0 to 1. */
  readonly reaches: number;
  /** How far behind the first of its link it is, from 0 to 1. */
  readonly behind: number;
  readonly beganMs: number;
}

/** Messages on their way along the links, a shape for all of one kind in one bundle. */
export class Flights {
  readonly #layer: SVGGElement;
  readonly #placeOf: (id: NodeId) => Place | undefined;
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #flights: Flight[] = [];
  #isMoving = false;
  #movedAtMs = 0;

  constructor(layer: SVGGElement, placeOf: (id: NodeId) => Place | undefined) {
    this.#layer = layer;
    this.#placeOf = placeOf;
  }

  /** Lets what a node sent take off. */
  launch(frame: NodeFrame, world: WorldFrame | null): void {
    this.#addAll(frame, world, flightsMax);
    if (!this.#isMoving && this.#flights.length > 0) {
      this.#isMoving = true;
      requestAnimationFrame(() => this.#move());
    }
  }

  /** Shows what was sent in one moment of the past, standing still. */
  freeze(frames: readonly NodeFrame[], world: WorldFrame | null): void {
    this.clear();
    for (const frame of frames) this.#addAll(frame, world, Number.POSITIVE_INFINITY);
    for (const flight of this.#flights) this.#put(flight, calmShare - flight.behind);
  }

  clear(): void {
    for (const { element } of this.#flights) element.remove();
    this.#flights = [];
  }

  #addAll({ id, observation }: NodeFrame, world: WorldFrame | null, max: number): void {
    const sentTo = new Map<NodeId, number>();
    for (const sent of observation.messages) {
      if (sent.direction !== 'sent' || this.#flights.length >= max) continue;
      const before = sentTo.get(sent.peer) ?? 0;
      sentTo.set(sent.peer, before + 1);
      this.#add(id, sent, arrives(world, id, sent.peer), Math.min(0.5, before * apartShare));
    }
  }

  #add(from: NodeId, sent: ObservedMessages, doesArrive: boolean, behind: number): void {
    const { peer, kind, count, entries, sample } = sent;
    const isAnswer = kind.endsWith('Response');
    const told = `${count > 1 ? `${count} × ` : ''}${kind} from node ${from} to node ${peer}: ${sample}`;
    const element = svg('g', { class: 'flight' }, svg('title', {}, told), glyph(kindOf[kind], isAnswer));
    const number = kind === 'appendEntries' ? entries : count;
    if (number > 1)
      element.append(
        svg(
          'text',
          { class: 'flight-count', y: -12 },
          number > 999 ? `${Math.round(number / 1000)}k` : `${number}`,
        ),
      );
    if (!doesArrive) element.append(lostCross());
    const aside = from < peer ? 7 : -7;
    this.#layer.append(element);
    const flight: Flight = {
      element,
      from,
      to: peer,
      aside: isAnswer ? -aside : aside,
      reaches: doesArrive ? 1 : 0.45,
      behind,
      beganMs: performance.now(),
    };
    this.#put(flight, this.#calm.matches ? calmShare - behind : -behind);
    this.#flights.push(flight);
  }

  #move(): void {
    const now = performance.now();
    // A display's frames come a little early or late.
    if (now - this.#movedAtMs >= moveEveryMs - 5) this.#moveAll(now);
    this.#isMoving = this.#flights.length > 0;
    if (this.#isMoving) requestAnimationFrame(() => this.#move());
  }

  #moveAll(now: number): void {
    this.#movedAtMs = now;
    this.#flights = this.#flights.filter((flight) => {
      const share = (now - flight.beganMs) / flightMs - flight.behind;
      if (share < 1) this.#put(flight, this.#calm.matches ? calmShare - flight.behind : share);
      else flight.element.remove();
      return share < 1;
    });
  }

  #put({ element, from, to, aside, reaches }: Flight, share: number): void {
    const [start, end] = [this.#placeOf(from), this.#placeOf(to)];
    if (start === undefined || end === undefined) return;
    const isLost = share > reaches;
    const { x, y } = along(start, end, Math.max(0, Math.min(share, reaches)), aside);
    element.setAttribute('visibility', share < 0 ? 'hidden' : 'visible');
    element.setAttribute('transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    element.classList.toggle('gone', isLost);
  }
}

/** Does the network carry anything from one node to the other, and does anybody hear it? */
function arrives(world: WorldFrame | null, from: NodeId, to: NodeId): boolean {
  if (world === null) return true;
  const together = world.groups.some((group) => group.includes(from) && group.includes(to));
  const policy = world.links.find((link) => link.from === from && link.to === to)?.policy ?? world.link;
  const life = world.lives.find(({ id }) => id === to)?.life ?? 'running';
  // What comes to a paused node waits for it.
  return together && !policy.cut && (life === 'running' || life === 'paused');
}
