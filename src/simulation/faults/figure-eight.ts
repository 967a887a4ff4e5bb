import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { SimulatedHost } from '../world/simulated-host.js';
import type { Episode, Scene } from './fault.js';

/** A whole play takes three elections; it is given up after so many of the longest election timeouts. */
const electionTimeoutsMax = 15;

/**
 * Steers the cluster towards Figure 8 of the paper, which chance alone does not find: an entry that reaches a
 * majority in a later term than its own, is not committed by that, and is replaced. It looks at the nodes and at
 * what their disks hold, and does nothing but separate and crash them. One such play goes on at a time.
 *
 *     (a)  first | rest          the first leader is left with a minority and takes commands
 *     (b)  second | all others   another leads, and is cut off before its no-op has left it
 *     (c)                        a third, with the first one's entry, brings it to a majority…
 *     (d)  third | second, some  …and is cut off before its own no-op follows; the second leads again
 *
 * Where an append carries the entry together with the no-op that follows, the play ends at (c) without success.
 */
export const figureEight: Episode = (scene) => {
  const { world } = scene;
  const first = world.hosts.find(leads);
  if (first === undefined || world.isWatched) return undefined;
  const rest = quorumWithout(scene, first);
  if (rest === null) return undefined;
  scene.strikes(`the leader, node ${first.id}`);
  const play = new Play(scene, first, rest);
  return { end: () => play.end(), lastsMs: world.electionTimeoutMsMax * electionTimeoutsMax };
};

/** As few of the other nodes as can elect a leader among them, counted from a drawn one on; null when none can. */
function quorumWithout({ world, random }: Scene, first: SimulatedHost): readonly SimulatedHost[] | null {
  const start = random.below(world.hosts.length);
  const others = [...world.hosts.slice(start), ...world.hosts.slice(0, start)].filter(
    (host) => host !== first,
  );
  const quorum = world.configuration.shortestQuorum(others.map(({ id }) => id).reverse());
  return quorum === null ? null : others.filter(({ id }) => quorum.includes(id));
}

class Play {
  readonly #scene: Scene;
  readonly #first: SimulatedHost;
  readonly #firstTerm: Term;
  /** The nodes that are kept from the first leader. */
  readonly #rest: readonly SimulatedHost[];
  #secondTerm: Term = 0;
  /** Where the two leaders' entries differ, and the term of the older one. */
  #index: LogIndex = 0;
  #olderTerm: Term = 0;
  #goesOn: () => void = () => this.#awaitSecond();
  #isOver = false;

  constructor(scene: Scene, first: SimulatedHost, rest: readonly SimulatedHost[]) {
    this.#scene = scene;
    this.#first = first;
    this.#firstTerm = termOf(first);
    this.#rest = rest;
    this.#separate(rest);
    scene.world.watch(() => this.#goesOn());
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#scene.world.watch(null);
    this.#scene.world.network.partition([]);
  }

  /** (a) to (b): whoever comes to lead the others is cut off, with the frames that are to tell of it. */
  #awaitSecond(): void {
    const second = this.#rest.find((host) => leads(host) && termOf(host) > this.#firstTerm);
    if (second === undefined) return;
    this.#index = second.actor?.replica.termStartIndex ?? 0;
    const older = this.#first.record.at(this.#index);
    if (older === null || older.term > this.#firstTerm) {
      this.end();
      return;
    }
    this.#secondTerm = termOf(second);
    this.#olderTerm = older.term;
    this.#separate([second]);
    this.#goesOn = () => this.#awaitMajority(second);
    this.#mayCrash(this.#first);
  }

  /** (c): until the older entry is on a majority, and enough nodes hold nothing that outdoes the second leader. */
  #awaitMajority(second: SimulatedHost): void {
    const { world } = this.#scene;
    const third = world.hosts.find((host) => leads(host) && termOf(host) > this.#secondTerm);
    if (third === undefined) return;
    const places = (host: SimulatedHost) => (this.#holdsOlder(host) ? 0 : 1);
    const voters = world.hosts
      .filter((host) => host !== third && host !== second && this.#isOutdone(host))
      .sort((a, b) => places(a) - places(b));
    // No more than are needed, so that nobody but the second leader can win.
    const chosen = world.configuration.shortestQuorum([second, ...voters].map(({ id }) => id));
    const isCommitted = (third.actor?.replica.commitIndex ?? 0) >= this.#index;
    if (isCommitted || chosen === null) {
      this.end();
      return;
    }
    if (!this.#olderIsOnQuorum()) return;
    world.network.partition([chosen]);
    this.#goesOn = () => this.#awaitReplacement();
    this.#mayCrash(third);
  }

  /** (d): until the older entry is on no majority any more. */
  #awaitReplacement(): void {
    if (!this.#olderIsOnQuorum()) this.end();
  }

  #olderIsOnQuorum(): boolean {
    return this.#scene.world.oracle.cluster.isOnQuorum(this.#index, this.#olderTerm);
  }

  #holdsOlder({ record }: SimulatedHost): boolean {
    return record.at(this.#index)?.term === this.#olderTerm;
  }

  /** Would it vote for the second leader, by what is in its memory and on its disk? */
  #isOutdone({ actor, record }: SimulatedHost): boolean {
    const onDisk = record.at(record.lastIndex)?.term ?? 0;
    return onDisk < this.#secondTerm && (actor?.replica.log.lastTerm ?? 0) < this.#secondTerm;
  }

  /** Frames under way between the two sides are lost. */
  #separate(some: readonly SimulatedHost[]): void {
    const ids: NodeId[] = some.map(({ id }) => id);
    this.#scene.world.network.partition([ids]);
  }

  #mayCrash(host: SimulatedHost): void {
    const { random, degree } = this.#scene;
    const powerFails = random.chance(0.5);
    if (random.chance(0.5 * degree)) host.crash(powerFails);
  }
}

function leads({ id, actor }: SimulatedHost): boolean {
  return actor?.replica.leaderId === id;
}

function termOf({ actor }: SimulatedHost): Term {
  return actor?.replica.currentTerm ?? 0;
}
