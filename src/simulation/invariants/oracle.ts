import type { LogIndex, NodeId } from '../../raft/entry.js';
import type { Recovered } from '../../storage/storage.js';
import type { DiskRecord } from '../disk/disk-record.js';
import type { SimulatedHost } from '../world/simulated-host.js';
import type { Applied } from '../world/watched-application.js';
import { ClusterRecord } from './cluster-record.js';
import {
  committedEntriesNeverChange,
  committedIsOnQuorumDisks,
  committedStaysOnQuorumDisks,
  leaderCommitsItsOwnTerm,
} from './commits.js';
import {
  durableIsOnDisk,
  entriesAreOfEnteredTerms,
  matchedIsOnDisk,
  matchNeverGoesBack,
  serverOf,
} from './durability.js';
import {
  answersAreOfThisTerm,
  configurationIsLatestInLog,
  countedVotesAreDurable,
  durableVoteOnce,
  electionSafety,
  leaderHasQuorum,
  oneVoteATerm,
} from './elections.js';
import { LogMirror } from './log-mirror.js';
import { leaderAppendOnly, leaderCompleteness, logMatching, logTermsAscend, runsAreWhole } from './logs.js';
import { whatIsSaidMakesSense } from './messages.js';
import { appliedNeverGoesBack, commitNeverGoesBack, termNeverGoesBack } from './monotony.js';
import type { Before, Observation, Standing } from './observation.js';
import { logFollowsCommittedEntry, stateIsThatOfTheEntry } from './snapshots.js';
import { appliesEachCommandOnce, appliesInOrder, stateMachineSafety } from './state-machines.js';
import { Violation } from './violation.js';

type Invariant = (seen: Observation, cluster: ClusterRecord) => void;

/** Run after every step over the node that took it, in this order. All others are as they were. */
const invariants: readonly Invariant[] = [
  configurationIsLatestInLog,
  logFollowsCommittedEntry,
  termNeverGoesBack,
  oneVoteATerm,
  durableVoteOnce,
  electionSafety,
  leaderHasQuorum,
  answersAreOfThisTerm,
  countedVotesAreDurable,
  runsAreWhole,
  logTermsAscend,
  logMatching,
  leaderAppendOnly,
  leaderCompleteness,
  durableIsOnDisk,
  matchedIsOnDisk,
  matchNeverGoesBack,
  commitNeverGoesBack,
  leaderCommitsItsOwnTerm,
  committedEntriesNeverChange,
  committedIsOnQuorumDisks,
  appliedNeverGoesBack,
  whatIsSaidMakesSense,
];

/** What is remembered of one life of one node. */
interface Subject {
  readonly life: number;
  readonly log: LogMirror;
  before: Before | null;
  applied: LogIndex;
  /** What its state machine was given since the last look. */
  given: LogIndex[];
  /** The entry that its state was restored to since the last look, or 0. */
  restored: LogIndex;
}

/** Watches all nodes and throws a `Violation` as soon as something happens that Raft proves impossible. */
export class Oracle {
  readonly cluster: ClusterRecord;
  readonly #subjects = new Map<NodeId, Subject>();

  constructor(disks: Map<NodeId, DiskRecord>) {
    this.cluster = new ClusterRecord(disks);
  }

  /** The node has taken a step. Returns what was seen, with what was seen before. */
  stepped(host: SimulatedHost): Observation | null {
    const { actor } = host;
    if (actor === null) return null;
    const subject = this.#subject(host);
    const { replica } = actor;
    const seen: Observation = {
      id: host.id,
      replica,
      heard: actor.inbox,
      disk: host.record,
      standing: standingOf(actor.chart.getSnapshot().value),
      log: subject.log,
      changedFrom: subject.log.follow(replica.log, (index) => this.#committedChain(index)),
      counts: actor.snapshotCounts,
      before: subject.before,
    };
    for (const invariant of invariants) invariant(seen, this.cluster);
    appliesEachCommandOnce(seen, this.cluster, subject.given.splice(0), subject.restored);
    subject.restored = 0;
    subject.before = {
      term: replica.currentTerm,
      votedFor: replica.votedFor,
      commitIndex: replica.commitIndex,
      lastApplied: replica.lastApplied,
      lastIndex: replica.log.lastIndex,
      standing: seen.standing,
      counts: seen.counts,
      forFormerBearer: seen.heard.forFormerBearer,
      matched: matchesOf(seen, subject.before?.matched),
    };
    return seen;
  }

  applied(host: SimulatedHost, applied: Applied): void {
    const subject = this.#subject(host);
    appliesInOrder(host.id, subject.applied, applied, this.cluster);
    subject.applied = applied.index;
    subject.given.push(applied.index);
    stateMachineSafety(host.id, applied, this.cluster);
  }

  /** A node's state was captured for a snapshot, or restored from one. */
  stateSeen(host: SimulatedHost, index: LogIndex, state: number, isRestored: boolean): void {
    stateIsThatOfTheEntry(host.id, index, state, this.cluster);
    if (!isRestored) return;
    const subject = this.#subject(host);
    subject.applied = index;
    subject.restored = index;
    subject.given = [];
  }

  #committedChain(index: LogIndex): number {
    return this.cluster.committedAt(index)?.chain ?? 0;
  }

  stored(host: SimulatedHost, changedFrom: LogIndex): void {
    entriesAreOfEnteredTerms(host.id, host.record);
    committedStaysOnQuorumDisks(host.id, changedFrom, this.cluster);
  }

  /** A node comes back with all that was synced, and nothing that was never written. (design §7) */
  recovered(host: SimulatedHost, recovered: Recovered): void {
    const wrong = host.record.recover(recovered);
    if (wrong !== null) throw new Violation('RecoversWhatWasSynced', host.id, `On node ${host.id} ${wrong}.`);
  }

  #subject(host: SimulatedHost): Subject {
    const life = host.life?.number ?? 0;
    const known = this.#subjects.get(host.id);
    if (known?.life === life) return known;
    const subject: Subject = { life, log: new LogMirror(), before: null, applied: 0, given: [], restored: 0 };
    this.#subjects.set(host.id, subject);
    return subject;
  }
}

const nothingMatched = new Map<string, LogIndex>();

/** Takes the map of the step before again, for leaders take most steps. */
function matchesOf(seen: Observation, before = new Map<string, LogIndex>()): Map<string, LogIndex> {
  if (seen.standing !== 'leader') return nothingMatched;
  const matches = before === nothingMatched ? new Map<string, LogIndex>() : before;
  for (const each of seen.replica.progress.values()) matches.set(serverOf(each), each.matchIndex);
  return matches;
}

/** What the chart says, not what the replica believes. */
export function standingOf(value: unknown): Standing {
  const alive = typeof value === 'object' && value !== null && 'alive' in value ? value.alive : null;
  if (alive === 'candidate') return 'candidate';
  return typeof alive === 'object' && alive !== null && 'leader' in alive ? 'leader' : 'other';
}
