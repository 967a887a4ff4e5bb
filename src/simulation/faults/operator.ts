import type { Random } from '../../ground/random.js';
import { carryOut } from '../../node/host/carry-out.js';
import type { Order } from '../../node/host/orders.js';
import { Configuration } from '../../raft/configuration.js';
import type { LogIndex, NodeId } from '../../raft/entry.js';
import { type Change, type ChangeStep, changed } from '../../raft/membership.js';
import { Violation } from '../invariants/violation.js';
import type { SimulatedHost } from '../world/simulated-host.js';
import type { World } from '../world/world.js';

/** Machines that there may be besides those of the first members. */
const sparesMax = 3;
/** A machine whose node was removed is taken away within that time, if it is, in milliseconds. */
const takenAwayMsMax = 2_000;
const judgedEveryMs = 20;

/** What was asked of a node in one of its lives, and has no answer. */
interface OpenOrder {
  readonly host: SimulatedHost;
  readonly life: number;
  readonly order: Order;
  isAnswered: boolean;
}

/**
 * Has members come and go, and leaders hand over, as a careful person does: a machine gets an empty disk only once its
 * node's removal was answered, and nobody has asked since that it be a member again. Who is removed may run on all the
 * same, for a while or for good. What is answered is held to what is committed.
 */
export class Operator {
  readonly #world: World;
  readonly #random: Random;
  readonly #open = new Set<OpenOrder>();
  /** Nodes whose removal was answered, and how far the log had come by then. */
  readonly #removed = new Map<NodeId, LogIndex>();
  readonly #firstMembers: number;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
    this.#firstMembers = world.hosts.length;
  }

  /** Orders that a node has yet to answer that has lived on since. */
  get #unanswered(): OpenOrder[] {
    for (const asked of this.#open) {
      const { host, life } = asked;
      if (host.life?.number !== life || host.actor === null) this.#open.delete(asked);
    }
    return [...this.#open];
  }

  /** Has anybody been asked for something that may come yet? */
  get isAwaiting(): boolean {
    return this.#unanswered.length > 0;
  }

  /** The orders, in words, that are to be answered: a node that is paused cannot. */
  get pending(): string[] {
    const able = this.#unanswered.filter(({ host }) => !host.isPaused);
    return able.map(({ host, order }) => `node ${host.id}: ${orderInWords(order)}`);
  }

  /** Asks whoever says that it leads for a change. Returns what for, in words; null when nobody leads. */
  change(): string | null {
    const leader = this.#leader();
    const replica = leader?.actor?.replica;
    if (leader === null || replica === undefined) return null;
    const change = this.#drawChange(replica.configuration);
    if (change !== 'abort' && !this.#canDecide(replica.configuration, change)) return null;
    if (change !== 'abort') for (const step of change) if (step.kind === 'add') this.#prepare(step.id);
    this.#ask(leader, { type: 'change', change });
    return `node ${leader.id}: ${orderInWords({ type: 'change', change })}`;
  }

  /** Asks whoever says that it leads to hand over. */
  transfer(): string | null {
    const leader = this.#leader();
    if (leader === null) return null;
    const { hosts } = this.#world;
    const to = this.#random.chance(0.3) ? null : (hosts[this.#random.below(hosts.length)]?.id ?? null);
    this.#ask(leader, { type: 'transfer', to });
    return `node ${leader.id}: ${orderInWords({ type: 'transfer', to })}`;
  }

  /** Whoever is a member, or may come to be one, runs again. */
  tend(): void {
    for (const { id } of this.#world.hosts) {
      if (this.#world.isKeptDown(id) && !this.#isOut(id)) this.#world.letBack(id);
    }
  }

  /** Configurations that were asked for, besides those that some log has. */
  get #wanted(): Configuration[] {
    const last = this.#world.configuration;
    return [...this.#open].flatMap(({ order }) => {
      return order.type === 'change' && order.change !== 'abort' ? (targetOf(last, order.change) ?? []) : [];
    });
  }

  /** The fewest that every configuration needs that is in force, or may come to be. Those are to be spared. */
  get spared(): NodeId[] {
    const { hosts, oracle } = this.#world;
    const ids = hosts.map(({ id }) => id).reverse();
    const isFlipped = (id: NodeId) => this.#world.host(id).isFlipped;
    const inOrder = [...ids.filter((id) => !isFlipped(id)), ...ids.filter(isFlipped)];
    const configurations = [...oracle.cluster.possible(), ...this.#wanted];
    return [...new Set(configurations.flatMap((each) => each.shortestQuorum(inOrder) ?? ids))];
  }

  #leader(): SimulatedHost | null {
    const leading = this.#world.hosts.filter(({ id, actor }) => actor?.replica.leaderId === id);
    return leading[this.#random.below(Math.max(1, leading.length))] ?? null;
  }

  #drawChange(configuration: Configuration): Change | 'abort' {
    const random = this.#random;
    const { voters, learners, members } = configuration;
    const outside: NodeId[] = [];
    for (let id = 0; id < this.#firstMembers + sparesMax; id++) {
      if (!configuration.isMember(id)) outside.push(id);
    }
    const some = <Value>(values: readonly Value[]) => values[random.below(Math.max(1, values.length))];
    const add = (learner: boolean): ChangeStep[] => {
      const id = some(outside);
      return id === undefined ? [] : [{ kind: 'add', id, address: '', learner }];
    };
    const remove = (): ChangeStep[] => [{ kind: 'remove', id: some(members)?.id ?? 0 }];
    const grows = random.chance(voters.length < 3 ? 0.8 : 0.45);
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return grows ? add(random.chance(0.25)) : remove();
      case 4:
      case 5:
        return [...remove(), ...add(false)];
      case 6:
        return [{ kind: 'promote', id: some(learners) ?? some(voters) ?? 0 }];
      case 7: {
        const steps = [...add(false), ...remove(), ...(random.chance(0.5) ? add(false) : remove())];
        return steps.filter(({ id }, at) => steps.findIndex((other) => other.id === id) === at);
      }
      case 8:
        return [{ kind: 'prioritize', id: some(voters) ?? 0, priority: random.below(3) }];
      default:
        return random.chance(0.5) ? 'abort' : [{ kind: 'remove', id: some(outside) ?? 0 }];
    }
  }

  /** Are enough of the voters that there will be on disks that hold? */
  #canDecide(configuration: Configuration, change: Change): boolean {
    const target = targetOf(configuration, change);
    const isSound = (id: NodeId) => {
      const host = this.#world.hosts.find((each) => each.id === id);
      return host === undefined || !(host.isFlipped || host.isDamaged);
    };
    return target === null || target.hasQuorum(isSound);
  }

  /** A machine is there and runs whose node is to be added, with the disk that it has or, where it may be, an empty one. */
  #prepare(id: NodeId): void {
    const world = this.#world;
    const host = world.hosts.find((each) => each.id === id);
    if (host === undefined) {
      world.addHost(id, 0).start();
      return;
    }
    const after = this.#removed.get(id);
    this.#removed.delete(id);
    if (after !== undefined && this.#isOut(id)) {
      host.join(after);
      if (host.isDamaged || this.#random.chance(0.5)) {
        world.keepDown(id);
        world.wipe(id);
        world.rare.count('a member that was removed and comes with an empty disk');
      }
    }
    if (world.isKeptDown(id)) world.letBack(id);
  }

  #ask(host: SimulatedHost, order: Order): void {
    const { configurations } = this.#world.oracle.cluster;
    const before = configurations.length - 1;
    const asked = { host, life: host.life?.number ?? 0, order, isAnswered: false };
    this.#open.add(asked);
    host.ask((actor) => {
      carryOut(actor, order, ({ error }) => {
        if (asked.isAnswered) this.#broke('OrderIsAnsweredOnce', host.id, 'answered an order twice');
        asked.isAnswered = true;
        if (error !== null)
          this.#world.rare.count(order.type === 'transfer' ? 'a transfer refused' : 'a change refused');
        else if (order.type === 'transfer') this.#world.rare.count('a leader that hands over');
        if (error === null && order.type === 'change') {
          this.#judge(host.id, order.change, before, actor.replica.commitIndex);
        }
        this.#world.time.after(0, () => this.#open.delete(asked));
      });
    });
  }

  /** What the node has committed is known when its turn is over; where it died in that turn, when others know it. */
  #judge(by: NodeId, change: Change | 'abort', before: number, commitIndex: LogIndex): void {
    this.#world.time.after(0, () => {
      if (this.#world.oracle.cluster.committed.length >= commitIndex) {
        this.#changed(by, change, before, commitIndex);
      } else this.#world.time.after(judgedEveryMs, () => this.#judge(by, change, before, commitIndex));
    });
  }

  /** A change was answered: some configuration that has been committed since it was asked is as it says. */
  #changed(by: NodeId, change: Change | 'abort', before: number, commitIndex: LogIndex): void {
    if (change === 'abort') return;
    const { configurations } = this.#world.oracle.cluster;
    const isDone = configurations.slice(before).some(({ configuration }) => {
      return !configuration.isJoint && change.every((step) => isSo(configuration, step));
    });
    if (!isDone)
      this.#broke('ChangeAnsweredIsCommitted', by, `answered a change: ${change.map(wordsOf).join(', ')}`);
    for (const { kind, id } of change) {
      if (kind !== 'remove' || !this.#isOut(id)) continue;
      this.#removed.set(id, commitIndex);
      if (this.#random.chance(0.3)) continue;
      this.#world.time.after(this.#random.next() * takenAwayMsMax, () => {
        if (this.#isOut(id) && this.#removed.has(id)) this.#world.keepDown(id);
      });
    }
  }

  /** Is this no member, by all that is committed, that may be, or that was asked for? */
  #isOut(id: NodeId): boolean {
    const { cluster } = this.#world.oracle;
    if ([...this.#open].some(({ order }) => adds(order, id))) return false;
    return cluster.possible().every((configuration) => !configuration.isMember(id));
  }

  #broke(invariant: string, node: NodeId, what: string): void {
    this.#world.fail(new Violation(invariant, node, `Node ${node} ${what}, and that is not so.`));
  }
}

function adds(order: Order, id: NodeId): boolean {
  if (order.type !== 'change' || order.change === 'abort') return false;
  return order.change.some((step) => step.kind === 'add' && step.id === id);
}

function targetOf(configuration: Configuration, change: Change): Configuration | null {
  const data = changed({ ...configuration.data, outgoing: null }, change, Number.MAX_SAFE_INTEGER);
  return 'why' in data ? null : new Configuration(data);
}

function isSo(configuration: Configuration, step: ChangeStep): boolean {
  switch (step.kind) {
    case 'add':
      return step.learner ? configuration.isMember(step.id) : configuration.isVoter(step.id);
    case 'remove':
      return !configuration.isMember(step.id);
    case 'promote':
      return configuration.isVoter(step.id);
    default:
      return configuration.isMember(step.id);
  }
}

function orderInWords(order: Order): string {
  if (order.type === 'snapshot') return 'snapshot';
  if (order.type === 'transfer') return order.to === null ? 'transfer' : `transfer to ${order.to}`;
  return order.change === 'abort' ? 'abort' : order.change.map(wordsOf).join(', ');
}

function wordsOf(step: ChangeStep): string {
  if (step.kind === 'add' && step.learner) return `add ${step.id} as a learner`;
  return step.kind === 'prioritize' ? `priority ${step.id} ${step.priority}` : `${step.kind} ${step.id}`;
}
