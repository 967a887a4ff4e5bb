import type { NodeId } from '../../../raft/entry.js';
import type { Network } from '../../recording/format.js';
import { setAttributes, setText, svg } from '../base/elements.js';
import { along, type Place } from './cluster-layout.js';

/** The two directions between two nodes. */
export class LinkSymbol {
  readonly element: SVGGElement;
  readonly #a: NodeId;
  readonly #b: NodeId;
  readonly #hit = svg('path', { class: 'hit' });
  readonly #line = svg('path', { class: 'line' });
  readonly #cuts = [svg('path', { class: 'cut' }), svg('path', { class: 'cut' })] as const;
  /** Its own, to be put above what flies along the link. */
  readonly text = svg('text', { class: 'link-text' });
  readonly #title = svg('title');

  constructor(a: NodeId, b: NodeId) {
    this.#a = a;
    this.#b = b;
    this.element = svg(
      'g',
      { class: 'link', role: 'button', tabindex: -1, 'aria-haspopup': 'menu', 'data-link': `${a}-${b}` },
      this.#title,
      this.#hit,
      this.#line,
      ...this.#cuts,
    );
  }

  draw(world: Network, places: ReadonlyMap<NodeId, Place>): void {
    const [from, to] = [places.get(this.#a), places.get(this.#b)];
    if (from === undefined || to === undefined) return;
    const [start, end] = [along(from, to, 0), along(from, to, 1)];
    const d = `M${start.x} ${start.y}L${end.x} ${end.y}`;
    for (const path of [this.#hit, this.#line]) setAttributes(path, { d });
    const policies = [policyOf(world, this.#a, this.#b), policyOf(world, this.#b, this.#a)] as const;
    const isTogether = world.groups.some((group) => group.includes(this.#a) && group.includes(this.#b));
    for (const [at, policy] of policies.entries()) {
      const { x, y } = at === 0 ? along(from, to, 0.72) : along(to, from, 0.72);
      setAttributes(this.#cuts[at] as SVGPathElement, {
        d: `M${x - 7} ${y - 7}L${x + 7} ${y + 7}M${x - 7} ${y + 7}L${x + 7} ${y - 7}`,
        visibility: policy.cut && isTogether ? 'visible' : 'hidden',
      });
    }
    const differs = world.links.some(({ from: a, to: b }) => this.#joins(a, b));
    const text = differs ? describePolicies(policies) : '';
    setText(this.text, text);
    const middle = along(from, to, 0.5);
    setAttributes(this.text, { x: middle.x, y: middle.y - 6 });
    const label = `Link between node ${this.#a} and node ${this.#b}: ${isTogether ? describePolicies(policies) : 'cut by a partition'}`;
    setText(this.#title, label);
    setAttributes(this.element, {
      'aria-label': label,
      class: `link${isTogether ? '' : ' parted'}${differs ? ' special' : ''}`,
    });
  }

  #joins(a: NodeId, b: NodeId): boolean {
    return (a === this.#a && b === this.#b) || (a === this.#b && b === this.#a);
  }
}

type Policies = readonly [Network['link'], Network['link']];

function policyOf(world: Network, from: NodeId, to: NodeId): Network['link'] {
  return world.links.find((link) => link.from === from && link.to === to)?.policy ?? world.link;
}

function describePolicies([one, other]: Policies): string {
  const [there, back] = [describePolicy(one), describePolicy(other)];
  return there === back ? there : `${there} / ${back}`;
}

function describePolicy({ cut, latencyMsMin, latencyMsMax, loss }: Network['link']): string {
  if (cut) return 'cut';
  const latency = latencyMsMin === latencyMsMax ? `${latencyMsMin}` : `${latencyMsMin}–${latencyMsMax}`;
  return `${latency} ms${loss > 0 ? `, ${Math.round(loss * 100)} % lost` : ''}`;
}
