import { Configuration } from '../../raft/configuration.js';
import type { PlacedConfiguration } from '../../raft/configuration-history.js';
import type { HardState, LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { Replica } from '../../raft/replica.js';
import type { DiskRecord } from '../disk/disk-record.js';
import { SessionModel } from './session-model.js';

/** A configuration that is in some log. */
interface HeldConfiguration extends PlacedConfiguration {
  readonly term: Term;
}

/** An entry that some node said is committed. */
export interface CommittedEntry {
  readonly term: Term;
  /** Of the log up to and with it. */
  readonly chain: number;
  /** The term of the node that said so first. */
  readonly saidInTerm: Term;
  /** Is the state machine given it? */
  readonly hasEffect: boolean;
}

/** What a state machine answered to a command. */
export interface AppliedEntry {
  readonly term: Term;
  readonly command: number;
  readonly result: number;
}

/** What is known of the whole cluster since the beginning of the run: the history variables of the TLA+ specification. */
export class ClusterRecord {
  /** Those that are committed, ascending, from the one that the cluster was made with on. */
  readonly configurations: PlacedConfiguration[];
  /** The disks of all that are or were members, running or not. */
  readonly disks: Map<NodeId, DiskRecord>;
  /** Who led which term. */
  readonly leaders = new Map<Term, NodeId>();
  /** Entries 1, 2, … as far as any node said that they are committed. */
  readonly committed: CommittedEntry[] = [];
  /** What became of clients' sessions by those entries. */
  readonly sessions = new SessionModel();
  /** By index; a hole for what is no command. */
  readonly applied: (AppliedEntry | undefined)[] = [];
  /** What each disk held when it was last looked at, and how the members voted in every term. */
  readonly hardStates = new Map<NodeId, HardState>();
  readonly votes = new Map<NodeId, Map<Term, NodeId>>();
  /** By index: the chain number of the logs that have an entry of this term there, term by term. */
  readonly #chains: Map<Term, number>[] = [];
  readonly #states = new Map<LogIndex, number>();
  /** Those that each log has that is or was, with the terms of their entries. */
  readonly #held = new Map<NodeId, readonly HeldConfiguration[]>();

  constructor(disks: Map<NodeId, DiskRecord>) {
    this.disks = disks;
    this.configurations = [{ index: 0, configuration: Configuration.of([...disks.keys()]) }];
  }

  /** The one that the cluster was made with. */
  get birth(): Configuration {
    return (this.configurations[0] as PlacedConfiguration).configuration;
  }

  /** The latest that is committed. */
  get configuration(): Configuration {
    return (this.configurations.at(-1) as PlacedConfiguration).configuration;
  }

  /** A node has been looked at. */
  holds({ id, configurations, log }: Readonly<Replica>): void {
    if (this.#held.get(id)?.at(-1)?.configuration === configurations.latest) return;
    this.#held.set(
      id,
      configurations.all.map((placed) => ({ ...placed, term: log.termAt(placed.index) ?? 0 })),
    );
  }

  /** Those that are in force, or may come to be: the latest that is committed, and any that may yet be committed. */
  possible(): Configuration[] {
    const { length } = this.committed;
    const lastTerm = this.committedAt(length)?.term ?? 0;
    const later = [...this.#held.values()].flat().filter(({ index, term }) => {
      // Who leads has what is committed: no log is replicated that is of an older term and longer.
      return index > length && term >= lastTerm;
    });
    return [this.configuration, ...later.map(({ configuration }) => configuration)];
  }

  /** The machine has an empty disk, and who it was is no member any more: of its promises none are left. */
  wiped(id: NodeId): void {
    this.votes.delete(id);
    this.hardStates.delete(id);
    this.#held.delete(id);
  }

  committedAt(index: LogIndex): CommittedEntry | undefined {
    return this.committed[index - 1];
  }

  /** The chain number that logs with this entry were seen to have; remembers this one when it is the first. */
  chainOf(index: LogIndex, term: Term, chain: number): number {
    this.#chains[index] ??= new Map();
    const seen = this.#chains[index] as Map<Term, number>;
    const known = seen.get(term);
    if (known !== undefined) return known;
    seen.set(term, chain);
    return chain;
  }

  /** A number for the state after an entry, the same at all nodes; remembers this one when it is the first. */
  stateAt(index: LogIndex, state: number): number {
    const known = this.#states.get(index) ?? state;
    this.#states.set(index, known);
    return known;
  }

  /**
   * Do the disks of a quorum hold an entry of this term at this index? While members change, the quorum may be one of
   * the next configuration: then nobody who lacks the entry may have a quorum in any that can be in force.
   */
  isOnQuorum(index: LogIndex, term: Term): boolean {
    const has = (voter: NodeId) => this.disks.get(voter)?.holds(index, term) === true;
    if (this.configuration.hasQuorum(has)) return true;
    const possible = this.possible();
    return possible.length > 1 && possible.every((each) => !each.hasQuorum((voter) => !has(voter)));
  }
}
