import { Configuration } from '../../raft/configuration.js';
import type { HardState, LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { DiskRecord } from '../disk/disk-record.js';
import { SessionModel } from './session-model.js';

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
  /** The one that the cluster was made with, the latest that is committed, and the one that a leader went by last. */
  readonly birth: Configuration;
  configuration: Configuration;
  inForce: Configuration;
  /** The disks of all members, running or not. */
  readonly disks: ReadonlyMap<NodeId, DiskRecord>;
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

  constructor(disks: ReadonlyMap<NodeId, DiskRecord>) {
    this.disks = disks;
    this.birth = Configuration.of([...disks.keys()]);
    this.configuration = this.birth;
    this.inForce = this.birth;
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

  /** Do the disks of a quorum hold an entry of this term at this index? */
  isOnQuorum(index: LogIndex, term: Term): boolean {
    const has = (voter: NodeId) => this.disks.get(voter)?.holds(index, term) === true;
    return this.configuration.hasQuorum(has) || this.inForce.hasQuorum(has);
  }
}
