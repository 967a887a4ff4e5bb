import type { Random } from '../../ground/random.js';
import type { NodeId } from '../../raft/entry.js';
import type { LinkPolicy } from '../../router/link-policy.js';
import { Tape } from '../world/tape.js';
import type { World } from '../world/world.js';
import type { Episode, Episodes, Scene } from './fault.js';
import { someHost } from './node-faults.js';

/** Nodes that are listened to at a time. */
const tapesMax = 4;
/** What was taped is heard again within that time, in any order, in milliseconds. */
const echoMsMax = 300;

type Link = readonly [from: NodeId, to: NodeId];

/** What goes wrong between nodes. */
export const networkFaults: Episodes = {
  latency: policy(({ random, degree }) => {
    const latencyMsMax = 1 + random.next() ** 2 * 400 * degree;
    const distribution = random.chance(0.5) ? 'normal' : 'uniform';
    return { latencyMsMin: random.next() * latencyMsMax, latencyMsMax, distribution };
  }),
  loss: policy(({ random, degree }) => ({ loss: random.next() * 0.5 * degree })),
  duplication: policy(({ random, degree }) => ({ duplication: random.next() * 0.5 * degree })),
  reordering: policy(({ random, degree }) => ({ reordering: random.next() * 0.7 * degree })),
  cuts: (scene) => {
    const { world, random, degree } = scene;
    const all = linksOf(world);
    return cutAll(
      scene,
      all.filter(() => random.chance(0.05 + 0.3 * degree)),
    );
  },
  partitions: (scene) => {
    const { world, random } = scene;
    const shapes = [halves, single, ringOfMajorities, bridge];
    return cutAll(scene, (shapes[random.below(shapes.length)] as Shape)(shuffled(idsOf(world), random)));
  },
  clogs: ({ world, random, degree, strikes }) => {
    const links = shuffled(
      linksOf(world).filter(() => random.chance(0.1 + 0.4 * degree)),
      random,
    );
    strikes(inWords(links));
    for (const [from, to] of links) world.clogs.clog(from, to);
    // Let go one after another, in an order of its own.
    return () => {
      for (const [from, to] of shuffled(links, random)) {
        world.time.after(random.next() * 300, () => world.clogs.unclog(from, to));
      }
    };
  },
  // Long enough for leaders to fall and rise again, and for nodes to crash and come back.
  echoes: ({ world, random, degree, strikes }) => {
    const { id } = someHost(world, random);
    const side = random.chance(0.5) ? 'from' : 'to';
    const tape = new Tape(id, side);
    const lastsMs = world.electionTimeoutMsMax * (1 + random.next() * 20 * degree);
    if (world.tapes.size >= tapesMax) return undefined;
    strikes(`links ${side} node ${id}`);
    world.tapes.add(tape);
    const end = () => {
      world.tapes.delete(tape);
      for (const { from, to, frame } of tape.frames) {
        world.time.after(random.next() * echoMsMax, () => world.network.send(from, to, frame));
      }
    };
    return { end, lastsMs };
  },
};

/** Which links are down, given the nodes in a drawn order. */
type Shape = (ids: readonly NodeId[]) => Link[];

const halves: Shape = (ids) => between(ids.slice(0, ids.length >> 1), ids.slice(ids.length >> 1));

const single: Shape = (ids) => between(ids.slice(0, 1), ids.slice(1));

/** Every node reaches a majority, and no two the same one. */
const ringOfMajorities: Shape = (ids) => {
  const size = ids.length;
  const reach = size >> 2;
  const links: Link[] = [];
  for (let one = 0; one < size; one++) {
    for (let other = 0; other < size; other++) {
      const apart = Math.min((one - other + size) % size, (other - one + size) % size);
      if (apart > Math.max(1, reach)) links.push([ids[one] as NodeId, ids[other] as NodeId]);
    }
  }
  return links;
};

/** Two halves that meet in one node only. */
const bridge: Shape = (ids) => {
  const sides = ids.slice(1);
  return between(sides.slice(0, sides.length >> 1), sides.slice(sides.length >> 1));
};

function between(some: readonly NodeId[], others: readonly NodeId[]): Link[] {
  return some.flatMap((one) =>
    others.flatMap((other): Link[] => [
      [one, other],
      [other, one],
    ]),
  );
}

/** An episode of another policy for all links, those of one node, or one. */
function policy(draw: (scene: Scene) => Partial<LinkPolicy>): Episode {
  return (scene) => {
    const { world, random, strikes } = scene;
    const ids = idsOf(world);
    const change = draw(scene);
    const some = () => (random.chance(0.5) ? undefined : ids[random.below(ids.length)]);
    const [from, to] = [some(), some()];
    strikes(linksInWords(from, to));
    world.network.setLink(change, from, to);
    const names = Object.keys(change) as (keyof LinkPolicy)[];
    const usual = Object.fromEntries(names.map((name) => [name, world.usualLink[name]]));
    return () => world.network.setLink(usual, from, to);
  };
}

function cutAll({ world, strikes }: Scene, links: readonly Link[]): () => void {
  strikes(inWords(links));
  for (const [from, to] of links) world.network.cut(from, to);
  return () => {
    for (const [from, to] of links) world.network.mend(from, to);
  };
}

function inWords(links: readonly Link[]): string {
  return `links ${links.map(([from, to]) => `${from}→${to}`).join(' ')}`;
}

function linksInWords(from: NodeId | undefined, to: NodeId | undefined): string {
  if (from !== undefined && to !== undefined) return inWords([[from, to]]);
  if (from !== undefined) return `links from node ${from}`;
  return to === undefined ? 'all links' : `links to node ${to}`;
}

function idsOf(world: World): NodeId[] {
  return world.hosts.map(({ id }) => id);
}

function linksOf(world: World): Link[] {
  const ids = idsOf(world);
  return ids.flatMap((from) => ids.filter((to) => to !== from).map((to): Link => [from, to]));
}

export function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const drawn = items.map((item) => ({ item, place: random.next() }));
  return drawn.sort((a, b) => a.place - b.place).map(({ item }) => item);
}
