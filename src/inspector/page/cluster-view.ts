import type { NodeId } from '../../raft/entry.js';
import type { NodeFrame, WorldFrame } from '../recording/format.js';
import type { ActionMenu, MenuItem } from './action-menu.js';
import {
  type DrawingShape,
  narrowShape,
  outline,
  type Place,
  placeNodes,
  shapeFor,
  wideShape,
} from './cluster-layout.js';
import { linkMenu, nodeMenu } from './cluster-menus.js';
import { byId, html, setAttributes, svg } from './elements.js';
import { Flights, flightKinds, glyph, lostCross } from './flights.js';
import { LinkSymbol } from './link-symbol.js';
import { watchDrag } from './node-drag.js';
import { sightOf } from './node-sight.js';
import { NodeSymbol } from './node-symbol.js';
import type { Look } from './player.js';

/** What the view asks of the page. */
export interface ClusterViewHost {
  readonly menu: ActionMenu;
  run(...lines: string[]): void;
  select(id: NodeId): void;
}

/** A page with less room than this, in CSS pixels, gets the narrow drawing. */
const narrowBelow = 470;

const legendTexts = {
  vote: 'vote',
  append: 'append',
  heartbeat: 'heartbeat',
  read: 'read',
  verify: 'verification',
} as const;

function legendItem(picture: SVGElement, text: string): HTMLElement {
  return html('li', {}, svg('svg', { viewBox: '-11 -11 22 22', 'aria-hidden': 'true' }, picture), text);
}

/** The nodes in a ring, what flies between them, and what can be done to them. */
export class ClusterView {
  readonly #host: ClusterViewHost;
  readonly #drawing: SVGSVGElement;
  readonly #regions = svg('g', { class: 'regions', 'aria-hidden': 'true' });
  readonly #linkLayer = svg('g', { class: 'links', id: 'ring-links', role: 'group', 'aria-label': 'Links' });
  readonly #nodeLayer = svg('g', { class: 'nodes', id: 'ring-nodes', role: 'group', 'aria-label': 'Nodes' });
  readonly #symbols = new Map<NodeId, NodeSymbol>();
  readonly #links = new Map<string, LinkSymbol>();
  readonly #flights: Flights;
  #places = new Map<NodeId, Place>();
  #shape: DrawingShape = wideShape;
  #world: WorldFrame | null = null;
  #now: WorldFrame | null = null;
  #isLive = true;
  /** What the menu that was opened last offers as things stand. */
  #itemsNow: ((world: WorldFrame) => MenuItem[]) | null = null;
  #run = '';
  #drawnAt: number | null = null;

  constructor(host: ClusterViewHost) {
    this.#host = host;
    // What flies is told by what it changes; read out one by one it would drown the rest.
    const flightLayer = svg('g', { class: 'flights', 'aria-hidden': 'true' });
    this.#drawing = svg(
      'svg',
      {
        role: 'group',
        // Nodes are drawn over links, and are read before them.
        'aria-owns': 'ring-nodes ring-links',
        'aria-label': 'Nodes and links. Arrow keys move among them, Enter opens what can be done.',
      },
      this.#regions,
      this.#linkLayer,
      flightLayer,
      this.#nodeLayer,
    );
    byId('ring').append(this.#drawing);
    this.#flights = new Flights(flightLayer, (id) => this.#places.get(id));
    this.#drawing.addEventListener('keydown', (event) => this.#key(event));
    byId('legend').append(
      ...flightKinds.map((kind) => legendItem(glyph(kind), legendTexts[kind])),
      legendItem(glyph('append', true), 'hollow: answer'),
      legendItem(svg('g', { class: 'gone' }, glyph('append'), lostCross()), 'crossed: does not arrive'),
      legendItem(svg('text', { class: 'flight-count', y: 6 }, '3'), 'number: so many together'),
    );
  }

  /** What was just told takes off. */
  fly(frames: readonly NodeFrame[]): void {
    if (document.hidden) return;
    for (const frame of frames) this.#flights.launch(frame, this.#world);
  }

  draw({ standing, timeline, now, isLive, isFile }: Look, selected: NodeId): void {
    const { world, nodes, at } = standing;
    this.#drawing.classList.toggle('unknown', world === null);
    if (world === null) return;
    if (timeline.header.run !== this.#run)
      this.#begin(
        timeline.header.run,
        timeline.header.nodes.map(({ id }) => id),
      );
    if (now !== null && this.#now !== now && this.#itemsNow !== null) {
      this.#host.menu.refresh(this.#itemsNow(now));
    }
    this.#world = world;
    this.#now = now;
    this.#isLive = isLive;
    this.#drawing.classList.toggle('readonly', isFile);
    if (isFile) this.#host.menu.close();
    this.#place(world.groups);
    for (const { id, votes } of timeline.header.nodes) {
      const sight = sightOf(id, votes, nodes.get(id), world);
      const symbol = this.#symbols.get(id);
      if (symbol === undefined) continue;
      symbol.draw(sight, this.#places.get(id), id === selected);
      // Not before it has its place: it would slide there from the corner, away from under a pointer.
      if (!symbol.element.isConnected) this.#nodeLayer.append(symbol.element);
    }
    for (const link of this.#links.values()) link.draw(world, this.#places);
    if (!isLive && this.#drawnAt !== at) {
      this.#flights.freeze(
        timeline.header.nodes.flatMap(({ id }) => timeline.nodeFrames(id, at - 60, at)),
        world,
      );
    }
    if (isLive && this.#drawnAt !== null) this.#flights.clear();
    this.#drawnAt = isLive ? null : at;
  }

  #begin(run: string, ids: readonly NodeId[]): void {
    this.#run = run;
    this.#host.menu.close();
    this.#symbols.clear();
    this.#links.clear();
    this.#linkLayer.replaceChildren();
    this.#nodeLayer.replaceChildren();
    for (const [at, a] of ids.entries()) {
      for (const b of ids.slice(at + 1)) this.#addLink(a, b);
      this.#addNode(a);
    }
    this.#items()[0]?.setAttribute('tabindex', '0');
  }

  #addNode(id: NodeId): void {
    const symbol = new NodeSymbol(id);
    this.#symbols.set(id, symbol);
    const open = () => {
      this.#host.select(id);
      this.#openMenu(`Node ${id}`, symbol.element, (world, run) => nodeMenu(id, world, run));
    };
    onActivation(symbol.element, open);
    watchDrag(this.#drawing, symbol.element, id, {
      // In the past the groups on show may not be those that there are.
      canDrag: () => this.#isLive && !this.#drawing.classList.contains('readonly'),
      groups: () => this.#world?.groups ?? [],
      places: () => this.#places,
      clicked: open,
      dropped: (line) => this.#host.run(line),
    });
  }

  #addLink(a: NodeId, b: NodeId): void {
    const link = new LinkSymbol(a, b);
    this.#links.set(`${a} ${b}`, link);
    this.#linkLayer.append(link.element);
    const open = () =>
      this.#openMenu(`Link ${a} – ${b}`, link.element, (world, run) => linkMenu(a, b, world, run));
    link.element.addEventListener('click', open);
    onActivation(link.element, open);
  }

  #openMenu(
    title: string,
    element: SVGGElement,
    items: (world: WorldFrame, run: (...lines: string[]) => void) => MenuItem[],
  ): void {
    this.#focus(element);
    const now = this.#now;
    if (now === null || this.#drawing.classList.contains('readonly')) return;
    const run = (...lines: string[]) => this.#host.run(...lines);
    this.#itemsNow = (latest) => items(latest, run);
    const when = this.#isLive ? '' : ', now';
    this.#host.menu.open(`${title}${when}`, items(now, run), element.getBoundingClientRect(), element);
  }

  #place(groups: readonly (readonly NodeId[])[]): void {
    const shape = byId('ring').clientWidth < narrowBelow ? narrowShape : wideShape;
    this.#shape = shapeFor(groups.flat().length, shape);
    const { width, height, isCrowded } = this.#shape;
    setAttributes(this.#drawing, { viewBox: `0 0 ${width} ${height}` });
    this.#drawing.classList.toggle('crowded', isCrowded);
    this.#places = placeNodes(groups, this.#shape);
    const key = JSON.stringify([groups, width]);
    if (this.#regions.dataset.groups === key) return;
    this.#regions.dataset.groups = key;
    const regions = groups.length < 2 ? [] : groups;
    this.#regions.replaceChildren(
      ...regions.map((group, at) => {
        const places = group.map((id) => this.#places.get(id) as Place);
        const text = `Partition ${at + 1}: ${group.length === 1 ? 'node' : 'nodes'} ${group.join(', ')}`;
        return svg('path', { class: `partition r${at % 4}`, d: outline(places) }, svg('title', {}, text));
      }),
    );
  }

  /** One stop for the Tab key; arrow keys go on from there. */
  #items(): SVGElement[] {
    const nodes = [...this.#symbols.values()].map(({ element }) => element);
    return [...nodes, ...[...this.#links.values()].map(({ element }) => element)];
  }

  #focus(element: SVGElement): void {
    for (const item of this.#items()) item.setAttribute('tabindex', item === element ? '0' : '-1');
    element.focus();
  }

  #key(event: KeyboardEvent): void {
    const items = this.#items();
    const at = items.indexOf(document.activeElement as unknown as SVGElement);
    const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const step = steps[event.key];
    if (at < 0) return;
    if (step === undefined) return;
    event.preventDefault();
    const next = items[(at + step + items.length) % items.length];
    if (next !== undefined) this.#focus(next);
  }
}

/** Enter and the space bar do what a click does, and nothing to what is focused by it. */
function onActivation(element: SVGElement, act: () => void): void {
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    act();
  });
}
