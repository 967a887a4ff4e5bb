import type { NodeId } from '../../../raft/entry.js';
import type { ClusterState } from '../../recording/cluster-state.js';
import type { Network } from '../../recording/format.js';
import type { ActionMenu, MenuItem } from '../base/action-menu.js';
import { byId, html, setAttributes, svg } from '../base/elements.js';
import type { Look } from '../player/player.js';
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
import { Flights } from './flights.js';
import { flightKinds, glyph, lostCross } from './glyphs.js';
import { LinkSymbol } from './link-symbol.js';
import { messagesInFlight } from './messages-in-flight.js';
import { watchDrag } from './node-drag.js';
import { NodeSymbol } from './node-symbol.js';

/** What the view asks of the page. */
export interface ClusterViewHost {
  readonly menu: ActionMenu;
  run(...lines: string[]): void;
  select(id: NodeId): void;
}

type Items = (state: ClusterState, network: Network) => MenuItem[];

/** A page with less room than this, in CSS pixels, gets the narrow drawing. */
const narrowBelow = 430;

const legendTexts = {
  vote: 'vote',
  append: 'append',
  heartbeat: 'heartbeat',
  read: 'read',
  verify: 'verification',
  snapshot: 'snapshot',
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
  /** What is written at links: above what flies along them. */
  readonly #textLayer = svg('g', { class: 'link-texts', 'aria-hidden': 'true' });
  readonly #symbols = new Map<NodeId, NodeSymbol>();
  readonly #links = new Map<string, LinkSymbol>();
  readonly #flights: Flights;
  #places = new Map<NodeId, Place>();
  #shape: DrawingShape = wideShape;
  #look: Look | null = null;
  /** What the menu that was opened last offers as things stand. */
  #itemsNow: Items | null = null;
  /** Of which run and nodes it is. */
  #drawn = '';

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
      this.#textLayer,
      this.#nodeLayer,
    );
    byId('ring').append(this.#drawing);
    this.#flights = new Flights(flightLayer, (id) => this.#places.get(id));
    this.#drawing.addEventListener('keydown', (event) => this.#key(event));
    byId('legend').append(...flightKinds.map((kind) => legendItem(glyph(kind), legendTexts[kind])));
    byId('legend-more').append(
      legendItem(glyph('append', true), 'hollow: answer'),
      legendItem(svg('g', { class: 'gone' }, glyph('append'), lostCross()), 'crossed: does not arrive'),
      legendItem(svg('text', { class: 'flight-count', y: 6 }, '3'), 'number: so many together'),
      legendItem(
        svg('circle', { class: 'timer', r: 8, 'stroke-dasharray': '32 60', transform: 'rotate(-90)' }),
        'arc: how much of its election timer is over',
      ),
    );
  }

  draw(look: Look, selected: NodeId | null): void {
    const { state, timeline, head, mode, nr, isFile } = look;
    const { network, nodes } = state;
    this.#drawing.classList.toggle('unknown', network === null);
    if (network === null) return;
    const ids = [...nodes.keys()];
    const drawn = `${timeline.header.run} ${ids.join()}`;
    if (drawn !== this.#drawn) this.#begin(drawn, ids);
    if (this.#itemsNow !== null && head.network !== null) {
      this.#host.menu.refresh(this.#itemsNow(head, head.network));
    }
    this.#look = look;
    this.#drawing.classList.toggle('readonly', isFile);
    if (isFile) this.#host.menu.close();
    this.#place(network.groups);
    const step = mode === 'live' ? null : timeline.step(nr);
    const stepping = step !== null && 'node' in step ? step.node : null;
    for (const node of nodes.values()) {
      const symbol = this.#symbols.get(node.id);
      if (symbol === undefined) continue;
      symbol.draw(node, this.#places.get(node.id), node.id === selected, node.id === stepping);
      // Not before it has its place: it would slide there from the corner, away from under a pointer.
      if (!symbol.element.isConnected) this.#nodeLayer.append(symbol.element);
    }
    for (const link of this.#links.values()) link.draw(network, this.#places);
    this.move(look);
  }

  /** Moves what moves as time passes. */
  move(look: Look): void {
    if (look.state.network === null) return;
    for (const node of look.state.nodes.values()) this.#symbols.get(node.id)?.drawTimer(node, look.at);
    if (!document.hidden) this.#flights.draw(look.timeline, messagesInFlight(look));
  }

  #begin(drawn: string, ids: readonly NodeId[]): void {
    this.#drawn = drawn;
    this.#host.menu.close();
    this.#symbols.clear();
    this.#links.clear();
    for (const layer of [this.#linkLayer, this.#textLayer, this.#nodeLayer]) layer.replaceChildren();
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
      this.#openMenu(`Node ${id}`, symbol.element, (state, network) =>
        nodeMenu(id, state, network, this.#host.run),
      );
    };
    onActivation(symbol.element, open);
    watchDrag(this.#drawing, symbol.element, id, {
      // In the past the groups on show may not be those that there are.
      canDrag: () => this.#look?.mode === 'live' && !this.#look.isFile,
      groups: () => this.#look?.state.network?.groups ?? [],
      places: () => this.#places,
      clicked: open,
      dropped: (line) => this.#host.run(line),
    });
  }

  #addLink(a: NodeId, b: NodeId): void {
    const link = new LinkSymbol(a, b);
    this.#links.set(`${a} ${b}`, link);
    this.#linkLayer.append(link.element);
    this.#textLayer.append(link.text);
    const open = () =>
      this.#openMenu(`Link ${a} – ${b}`, link.element, (_, network) =>
        linkMenu(a, b, network, this.#host.run),
      );
    link.element.addEventListener('click', open);
    onActivation(link.element, open);
  }

  #openMenu(title: string, element: SVGGElement, items: Items): void {
    this.#focus(element);
    const look = this.#look;
    const network = look?.head.network ?? null;
    if (look === null || network === null || look.isFile) return;
    this.#itemsNow = items;
    const when = look.mode === 'live' ? '' : ', now';
    const at = element.getBoundingClientRect();
    this.#host.menu.open(`${title}${when}`, items(look.head, network), at, element);
  }

  #place(groups: readonly (readonly NodeId[])[]): void {
    const shape = byId('ring').clientWidth < narrowBelow ? narrowShape : wideShape;
    this.#shape = shapeFor(groups.flat().length, shape);
    const { width, height, crowd } = this.#shape;
    setAttributes(this.#drawing, { viewBox: `0 0 ${width} ${height}` });
    this.#drawing.classList.toggle('dense', crowd === 'dense');
    this.#drawing.classList.toggle('crowded', crowd === 'crowded');
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
