import type { NodeId } from './entry.js';
import { invariant } from './invariant.js';

/** One member of the cluster. */
export interface Member {
  readonly id: NodeId;
  /** Where other processes reach it; empty where all nodes live in one. */
  readonly address: string;
  /**
   * Which of the servers that have borne this id: the index of the entry that added it, 0 for one of the first. One
   * that is added again starts with nothing.
   */
  readonly incarnation: number;
  /** Who of those that could lead is to: the highest. 0 where nothing was said. */
  readonly priority: number;
}

/** A configuration as plain data: what its log entry carries. */
export interface ConfigurationData {
  readonly voters: readonly Member[];
  readonly learners: readonly Member[];
  /** While joint (C-old,new of §6), the voters of C-old; `voters` and `learners` are those of C-new. */
  readonly outgoing: readonly Member[] | null;
}

/**
 * Who belongs to the cluster (§6), and what they can decide. Voters elect and commit; learners only receive the log.
 * While joint, everything takes a majority of the old voters and a majority of the new ones. This is the one place
 * where voters are counted: everybody else says who has done something, and asks whether that is enough.
 */
export class Configuration {
  readonly data: ConfigurationData;
  /** Each once: voters, those who leave among them, then learners. */
  readonly members: readonly Member[];
  /** The ids of all who vote, in either half of a joint configuration. */
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** One majority is needed of each. */
  readonly #halves: readonly (readonly NodeId[])[];
  readonly #byId: ReadonlyMap<NodeId, Member>;

  /** @throws {InvariantViolation} when `flawIn` finds something. */
  constructor(data: ConfigurationData) {
    const flaw = flawIn(data);
    invariant(flaw === null, () => `No cluster can be configured so: ${flaw}.`);
    const { voters, learners, outgoing } = data;
    this.data = data;
    this.#halves = [voters, ...(outgoing === null ? [] : [outgoing])].map(idsOf);
    this.voters = [...new Set(this.#halves.flat())];
    this.learners = idsOf(learners).filter((id) => !this.voters.includes(id));
    this.#byId = new Map([...voters, ...(outgoing ?? []), ...learners].map((member) => [member.id, member]));
    this.members = [...this.#byId.values()];
  }

  /** The first of their ids, reached within this process where no address is given. */
  static of(
    voters: readonly NodeId[],
    learners: readonly NodeId[] = [],
    addresses: Readonly<Record<NodeId, string>> = {},
  ): Configuration {
    const newMember = (id: NodeId): Member => ({
      id,
      address: addresses[id] ?? '',
      incarnation: 0,
      priority: 0,
    });
    return new Configuration({
      voters: voters.map(newMember),
      learners: learners.map(newMember),
      outgoing: null,
    });
  }

  /** The same, on its way from the voters of before where there are such. */
  static between(
    outgoing: readonly NodeId[],
    voters: readonly NodeId[],
    learners: readonly NodeId[],
  ): Configuration {
    const { data } = Configuration.of(voters, learners);
    if (outgoing.length === 0) return new Configuration(data);
    return new Configuration({ ...data, outgoing: Configuration.of(outgoing).data.voters });
  }

  get isJoint(): boolean {
    return this.data.outgoing !== null;
  }

  member(id: NodeId): Member | null {
    return this.#byId.get(id) ?? null;
  }

  isMember(id: NodeId): boolean {
    return this.#byId.has(id);
  }

  isVoter(id: NodeId): boolean {
    return this.voters.includes(id);
  }

  isLearner(id: NodeId): boolean {
    return this.learners.includes(id);
  }

  /** How many priorities above this member's own its fellow voters have: 0 for whoever is to lead. */
  rankOf(id: NodeId): number {
    const own = this.#byId.get(id)?.priority ?? 0;
    const above = new Set<number>();
    for (const { priority } of this.data.voters) if (priority > own) above.add(priority);
    return above.size;
  }

  /** All members but one. */
  peersOf(id: NodeId): NodeId[] {
    return idsOf(this.members).filter((member) => member !== id);
  }

  /** Are the voters for whom this holds enough to decide? Any two quorums share a server. */
  hasQuorum(holds: (voter: NodeId) => boolean): boolean {
    return this.#halves.every((half) => hasMajority(half, holds));
  }

  /** The highest value that a quorum has reached, given each voter's: a commit index from match indexes, say. */
  reached(reachedBy: (voter: NodeId) => number): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const half of this.#halves) lowest = Math.min(lowest, reachedByMajority(half, reachedBy));
    return lowest;
  }

  /** The fewest of these servers, from the first on, that are a quorum; null when all of them are none. */
  shortestQuorum(ids: readonly NodeId[]): NodeId[] | null {
    for (let size = 0; size <= ids.length; size++) {
      const some = ids.slice(0, size);
      if (this.hasQuorum((voter) => some.includes(voter))) return some;
    }
    return null;
  }
}

/** What keeps the data from being a configuration, in words; null when nothing does. */
export function flawIn({ voters, learners, outgoing }: ConfigurationData): string | null {
  const halves = [voters, ...(outgoing === null ? [] : [outgoing])];
  if (halves.some(({ length }) => length === 0)) return 'nobody votes';
  const lists = [...halves, learners];
  if (lists.some((list) => new Set(idsOf(list)).size !== list.length)) return 'a member is named twice';
  const voting = new Set(idsOf(voters));
  if (learners.some(({ id }) => voting.has(id))) return 'a learner votes';
  const known = new Map<NodeId, Member>();
  for (const member of lists.flat()) {
    const same = known.get(member.id) ?? member;
    if (!isSameMember(same, member)) return `member ${member.id} is two servers`;
    known.set(member.id, member);
  }
  return null;
}

export function isSameMember(one: Member, other: Member): boolean {
  return (
    one.id === other.id &&
    one.address === other.address &&
    one.incarnation === other.incarnation &&
    one.priority === other.priority
  );
}

function idsOf(members: readonly Member[]): NodeId[] {
  return members.map(({ id }) => id);
}

/** How many of `size` servers are more than half. */
function majority(size: number): number {
  return Math.floor(size / 2) + 1;
}

function hasMajority(voters: readonly NodeId[], holds: (voter: NodeId) => boolean): boolean {
  let count = 0;
  for (const voter of voters) if (holds(voter)) count++;
  return count >= majority(voters.length);
}

/** Where `reachedByMajority` sorts; used again at each call, so that counting allocates nothing. */
const scratch: number[] = [];

/** The largest value such that a majority has that or more. */
function reachedByMajority(voters: readonly NodeId[], reachedBy: (voter: NodeId) => number): number {
  let size = 0;
  for (const voter of voters) {
    const value = reachedBy(voter);
    let position = size++;
    for (; position > 0 && (scratch[position - 1] as number) < value; position--) {
      scratch[position] = scratch[position - 1] as number;
    }
    scratch[position] = value;
  }
  return scratch[majority(size) - 1] as number;
}
