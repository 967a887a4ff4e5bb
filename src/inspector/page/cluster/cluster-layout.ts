import type { NodeId } from '../../../raft/entry.js';

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** A drawing's measures, in its own units, and the radii of its ring. */
export interface DrawingShape {
  readonly width: number;
  readonly height: number;
  readonly radiusX: number;
  readonly radiusY: number;
  /** `dense`: nothing can be written beside the nodes. `crowded`: nothing but their names in them. */
  readonly crowd: 'none' | 'dense' | 'crowded';
}

export const wideShape: DrawingShape = {
  width: 640,
  height: 520,
  radiusX: 220,
  radiusY: 176,
  crowd: 'none',
};
/** For narrow pages: less wide, so that what is written in it stays legible. */
export const narrowShape: DrawingShape = {
  width: 460,
  height: 500,
  radiusX: 152,
  radiusY: 176,
  crowd: 'none',
};

export const nodeRadius = 44;
/** Within this distance of a group's node, a dragged node belongs to the group. */
const reach = 120;
/** So near to the middle of its own group a dragged node has not left it, */
const stayRadius = 140;
/** nor within this share of the way from there to the others, which in a crowd is longer. */
const stayShare = 0.7;
/** How far groups are drawn apart. */
const apart = 34;

/** From the middle of one node to that of the next there must be so much, or what is written beside them overlaps. */
const spacingMin = 110;
/** And so much, or they do themselves. */
const denseSpacing = 116;
/** More than so many are shown so small that their names alone can be read. */
const denseMax = 16;

/** The shape for so many nodes: a crowd gets a larger one, which is shown smaller. */
export function shapeFor(count: number, shape: DrawingShape): DrawingShape {
  const { width, height, radiusX, radiusY } = shape;
  const perimeter = 2 * Math.PI * Math.sqrt((radiusX ** 2 + radiusY ** 2) / 2);
  if (count * spacingMin <= perimeter) return shape;
  const times = Math.max(1, (count * denseSpacing) / perimeter);
  return {
    width: Math.round(width * times),
    height: Math.round(height * times),
    radiusX: radiusX * times,
    radiusY: radiusY * times,
    crowd: count > denseMax ? 'crowded' : 'dense',
  };
}

/** Nodes in a ring; groups that do not reach each other side by side and drawn apart. */
export function placeNodes(groups: readonly (readonly NodeId[])[], shape: DrawingShape): Map<NodeId, Place> {
  const centre = { x: shape.width / 2, y: shape.height / 2 };
  const order = groups.flat();
  const places = new Map<NodeId, Place>();
  if (order.length === 1) return places.set(order[0] as NodeId, centre);
  let first = 0;
  for (const group of groups) {
    const middle = angleOf(first + (group.length - 1) / 2, order.length);
    const shift = groups.length > 1 ? Math.min(apart, shape.width / 2 - shape.radiusX - nodeRadius - 8) : 0;
    for (const [at, id] of group.entries()) {
      const angle = angleOf(first + at, order.length);
      places.set(id, {
        x: centre.x + shape.radiusX * Math.cos(angle) + shift * Math.cos(middle),
        y: centre.y + shape.radiusY * Math.sin(angle) + shift * 0.6 * Math.sin(middle),
      });
    }
    first += group.length;
  }
  return places;
}

/** The first place is at the top. */
function angleOf(at: number, count: number): number {
  return (at / count) * 2 * Math.PI - Math.PI / 2;
}

/** The group that a node dropped at `place` joins: that of the nearest node within reach, or null for none. */
export function groupAt(
  place: Place,
  dragged: NodeId,
  groups: readonly (readonly NodeId[])[],
  places: ReadonlyMap<NodeId, Place>,
): readonly NodeId[] | null {
  const own = groups.find((group) => group.includes(dragged)) ?? [];
  const others = groups
    .map((group) => group.filter((id) => id !== dragged))
    .filter((group) => group.length > 0);
  const near = others
    .map((group) => ({
      group,
      distance: Math.min(...group.map((id) => distance(place, places.get(id) ?? place))),
    }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (near !== undefined && near.distance < reach) return near.group;
  // Inside the ring of its own group a node is still among its own.
  const middle = middleOf(own, places);
  const ways = own.map((id) => distance(middle, places.get(id) ?? middle));
  const way = ways.reduce((total, each) => total + each, 0) / ways.length;
  const stays = own.length > 2 && distance(place, middle) < Math.max(stayRadius, way * stayShare);
  return stays ? own.filter((id) => id !== dragged) : null;
}

/** The groups after one node went to another, or out of all of them. */
export function moveNode(
  groups: readonly (readonly NodeId[])[],
  moved: NodeId,
  to: readonly NodeId[] | null,
): NodeId[][] {
  const rest = groups.map((group) => group.filter((id) => id !== moved)).filter((group) => group.length > 0);
  if (to === null) return [...rest, [moved]];
  return rest.map((group) =>
    to.includes(group[0] as NodeId) ? [...group, moved].sort((a, b) => a - b) : group,
  );
}

/** The command that brings the network into these groups. */
export function partitionCommand(groups: readonly (readonly NodeId[])[]): string {
  return groups.length < 2 ? 'heal' : `partition ${groups.map((group) => group.join(',')).join(' ')}`;
}

/** The outline of a group, for a region drawn around it: its convex hull as an SVG path. */
export function outline(places: readonly Place[]): string {
  const hull = convexHull(places);
  return `M${hull.map(({ x, y }) => `${round(x)} ${round(y)}`).join('L')}Z`;
}

/** A point on the way between two nodes, aside of the middle line so that the two directions do not cover each other. */
export function along(from: Place, to: Place, share: number, aside = 0): Place {
  const length = distance(from, to) || 1;
  const [dx, dy] = [(to.x - from.x) / length, (to.y - from.y) / length];
  const way = nodeRadius + share * (length - 2 * nodeRadius);
  return { x: from.x + dx * way - dy * aside, y: from.y + dy * way + dx * aside };
}

export function distance(a: Place, b: Place): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function middleOf(ids: readonly NodeId[], places: ReadonlyMap<NodeId, Place>): Place {
  const found = ids.flatMap((id) => places.get(id) ?? []);
  const sum = (pick: (place: Place) => number) => found.reduce((total, place) => total + pick(place), 0);
  return { x: sum(({ x }) => x) / found.length, y: sum(({ y }) => y) / found.length };
}

/** Andrew's monotone chain. */
function convexHull(places: readonly Place[]): Place[] {
  const sorted = places.toSorted((a, b) => a.x - b.x || a.y - b.y);
  if (sorted.length < 3) return sorted;
  const half = (points: readonly Place[]) => {
    const chain: Place[] = [];
    for (const point of points) {
      while (chain.length > 1 && turn(chain.at(-2) as Place, chain.at(-1) as Place, point) <= 0) chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.toReversed())];
}

function turn(a: Place, b: Place, c: Place): number {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

function round(length: number): number {
  return Math.round(length * 10) / 10;
}
