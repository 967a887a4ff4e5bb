import { InvalidOptionError } from '../ground/errors.js';
import type { NodeId } from '../raft/entry.js';
import { cleanLink, type LinkPolicy, mergePolicy } from './link-policy.js';

/** What can be done to a network while it runs. All throw InvalidOptionError, before anything has changed. */
export interface NetworkControls {
  /**
   * Splits the network: nodes of different groups do not reach each other. Nodes that are not named form one
   * more group together. Replaces an earlier partition and earlier isolations.
   */
  partition(groups: readonly (readonly NodeId[])[]): void;
  /** Takes one node out of its group into one of its own, in both directions. Other groups stay. */
  isolate(id: NodeId): void;
  /** Cuts one direction of one link. */
  cut(from: NodeId, to: NodeId): void;
  /** Undoes `cut`. A partition between the two stays: `heal` ends it. */
  mend(from: NodeId, to: NodeId): void;
  /** Ends partitions, isolations and cuts. Latency, loss, duplication and reordering stay. */
  heal(): void;
  /**
   * Changes the named fields of all links, of those from a node, of those to a node, or of one. The latest word
   * on a field wins. Giving one of the two latencies keeps the other as it is.
   */
  setLink(change: Partial<LinkPolicy>, from?: NodeId, to?: NodeId): void;
}

/** One setting for all links that match; undefined matches every node. */
interface Rule {
  readonly from: NodeId | undefined;
  readonly to: NodeId | undefined;
  readonly change: Partial<LinkPolicy>;
}

/** The group of all nodes that no partition names. */
const remainingGroup = -1;

/**
 * How a network is wired at the moment: who reaches whom, under which policy. Carries nothing: the switchboard
 * asks it, and the router's side in the cluster keeps a copy, so that a wrong command fails where it is given.
 */
export class Wiring implements NetworkControls {
  readonly #base: LinkPolicy;
  /** In the order they were given. One rule a pattern and field at most, so their number is bounded. */
  #rules = new Map<string, Rule>();
  #groups = new Map<NodeId, number>();
  #nextGroup = 0;

  constructor(base: Partial<LinkPolicy> = {}) {
    this.#base = mergePolicy(cleanLink, base);
  }

  /** The policy of one link; undefined stands for a node about which nothing was said in particular. */
  policy(from: NodeId | undefined, to: NodeId | undefined): LinkPolicy {
    const policy = { ...this.#base };
    for (const rule of this.#rules.values()) {
      if (covers(rule, from, to)) Object.assign(policy, rule.change);
    }
    return policy;
  }

  /** True if neither a partition nor an isolation stands between the two. */
  connected(from: NodeId, to: NodeId): boolean {
    return (this.#groups.get(from) ?? remainingGroup) === (this.#groups.get(to) ?? remainingGroup);
  }

  partition(groups: readonly (readonly NodeId[])[]): void {
    const assigned = new Map<NodeId, number>();
    for (const [group, members] of groups.entries()) {
      for (const id of members) {
        requireNode(id);
        if (assigned.has(id)) {
          throw new InvalidOptionError(`A partition names node ${id} twice. Name each node once at most.`);
        }
        assigned.set(id, group);
      }
    }
    this.#groups = assigned;
    this.#nextGroup = groups.length;
  }

  isolate(id: NodeId): void {
    requireNode(id);
    this.#groups.set(id, this.#nextGroup++);
  }

  cut(from: NodeId, to: NodeId): void {
    this.#setCut(true, from, to);
  }

  mend(from: NodeId, to: NodeId): void {
    this.#setCut(false, from, to);
  }

  #setCut(cut: boolean, from: NodeId, to: NodeId): void {
    requireNode(from);
    requireNode(to);
    this.setLink({ cut }, from, to);
  }

  heal(): void {
    this.#groups.clear();
    this.setLink({ cut: false });
  }

  setLink(change: Partial<LinkPolicy>, from?: NodeId, to?: NodeId): void {
    if (from !== undefined) requireNode(from);
    if (to !== undefined) requireNode(to);
    const merged = mergePolicy(this.policy(from, to), change);
    const { latencyMsMin, latencyMsMax } = merged;
    // The two latencies are one setting: kept together, no mixture of rules can bring them into contradiction.
    if (change.latencyMsMin !== undefined || change.latencyMsMax !== undefined) {
      this.#set('latency', { from, to, change: { latencyMsMin, latencyMsMax } });
    }
    for (const name of ['distribution', 'loss', 'duplication', 'reordering', 'cut'] as const) {
      if (change[name] !== undefined) this.#set(name, { from, to, change: { [name]: merged[name] } });
    }
  }

  #set(field: string, rule: Rule): void {
    for (const [key, earlier] of this.#rules) {
      if (key.startsWith(`${field} `) && covers(rule, earlier.from, earlier.to)) this.#rules.delete(key);
    }
    this.#rules.set(`${field} ${rule.from ?? '*'} ${rule.to ?? '*'}`, rule);
  }
}

function covers(rule: Rule, from: NodeId | undefined, to: NodeId | undefined): boolean {
  return (rule.from === undefined || rule.from === from) && (rule.to === undefined || rule.to === to);
}

/** @throws InvalidOptionError if `id` cannot name a node. */
export function requireNode(id: NodeId): void {
  if (Number.isSafeInteger(id) && id >= 0) return;
  throw new InvalidOptionError(`${String(id)} is no node. Nodes are named by whole numbers from 0.`);
}
