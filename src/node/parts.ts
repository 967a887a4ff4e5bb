import type { NodeBindings, NodeEvent } from '../../machines/node-events.js';
import type { Application } from '../application/application.js';
import type { Clock } from '../ground/clock.js';
import { Random } from '../ground/random.js';
import { Configuration } from '../raft/configuration.js';
import { ConfigurationHistory } from '../raft/configuration-history.js';
import type { HardState, NodeId } from '../raft/entry.js';
import { Freshness } from '../raft/freshness.js';
import { Lease } from '../raft/lease.js';
import { Log } from '../raft/log.js';
import type { Message } from '../raft/messages.js';
import { newReplica, type Replica } from '../raft/replica.js';
import type { Run } from '../raft/run.js';
import { SessionTable } from '../raft/sessions.js';
import type { TermRules } from '../raft/terms.js';
import type { Disk, LogStore } from '../storage/disk.js';
import { UnreadableLogError } from '../storage/errors.js';
import type { Recovered } from '../storage/storage.js';
import type { Ciphers } from '../wire/cipher.js';
import { readConfiguration } from '../wire/configuration.js';
import { FrameDecoder } from '../wire/messages.js';
import type { SealedRun } from '../wire/packed-runs.js';
import { RunSeals } from '../wire/run-seals.js';
import { Applier } from './clients/applier.js';
import type { Proposal, Read } from './clients/client-requests.js';
import { LogTime } from './clients/log-time.js';
import { PendingProposals } from './clients/pending-proposals.js';
import { PendingReads } from './clients/pending-reads.js';
import { PendingVerifications } from './clients/pending-verifications.js';
import { DiskLane } from './disk/disk-lane.js';
import { LogReader } from './disk/log-reader.js';
import { type ChangeRequest, MembershipChanges } from './leadership/membership-changes.js';
import { type TransferRequest, Transfers } from './leadership/transfers.js';
import { NodeCounts } from './measures/node-counts.js';
import type { SnapshotNews } from './node-observer.js';
import type { NodeOptions } from './options.js';
import { CommitNotifier } from './peers/commit-notifier.js';
import { ElectionTimer } from './peers/election-timer.js';
import { Inbox } from './peers/inbox.js';
import { type Identity, Lives } from './peers/lives.js';
import { Outbox } from './peers/outbox.js';
import { PeerLinks } from './peers/peer-links.js';
import { ArrivingSnapshot } from './snapshots/arriving.js';
import { SnapshotKeeper } from './snapshots/snapshot-keeper.js';

/** What a node is made of: the replica that the rules work on, and what its chart's actions put their decisions into. */
export interface NodeParts {
  readonly options: NodeOptions;
  readonly replica: Replica;
  /** What the options say to the rules about terms. */
  readonly rules: TermRules;
  /** The node's clock; what its timers call back becomes part of a turn. */
  readonly clock: Clock;
  readonly timer: ElectionTimer;
  readonly seals: RunSeals;
  readonly application: Application;
  /** Replicated beside the application's state: what is known of clients' commands. */
  readonly sessions: SessionTable;
  readonly logTime: LogTime;
  readonly applier: Applier;
  readonly inbox: Inbox;
  readonly lives: Lives;
  readonly outbox: Outbox;
  readonly disk: DiskLane;
  /** Snapshots, and the log as it is stored. */
  readonly store: LogStore;
  readonly reader: LogReader;
  readonly snapshots: SnapshotKeeper;
  /** The leader's, while it comes. */
  readonly arriving: ArrivingSnapshot;
  readonly links: PeerLinks;
  readonly commits: CommitNotifier;
  readonly lease: Lease;
  readonly proposals: PendingProposals;
  readonly verifications: PendingVerifications;
  readonly reads: PendingReads;
  readonly freshness: Freshness;
  readonly counts: NodeCounts;
  readonly changes: MembershipChanges;
  readonly transfers: Transfers;
  /** What the host has set, and can set again at any time. */
  readonly settings: { candidacy: boolean; blockIntervalMs: number };
}

/** What happens to a node, as its chart hears it. */
export type Happening = NodeEvent<Proposal, Read, ChangeRequest, TransferRequest>;
/** What its chart's actions are bound to. */
export type NodeActions = NodeBindings<NodeParts, Happening>['actions'];
export type NodeGuards = NodeBindings<NodeParts, Happening>['guards'];

/** What of a node's world its parts need. */
export interface PartPorts {
  readonly disk: Disk;
  readonly recovered: Recovered;
  readonly application: Application;
  readonly ciphers: Ciphers;
  readonly identity: Identity;
}

/**
 * Makes the parts of a node from what its storage recovered.
 * @throws {UnreadableLogError}
 */
export function assemble(
  options: NodeOptions,
  ports: PartPorts,
  clock: Clock,
  tell: (news: SnapshotNews) => void,
): NodeParts {
  const { recovered, ciphers, application } = ports;
  const { checkQuorum, timings, limits, candidacy } = options;
  const { base } = recovered;
  const seals = new RunSeals(ciphers.entries);
  const runs = recovered.runs.map((run) => opened(run, seals, options.id));
  const configurations = configurationsIn(recovered, runs, options);
  const { id, joins = false, joinsAfter = 0 } = options;
  const log = new Log(runs, base);
  const hardState = hardStateWith(log, recovered.hardState);
  const replica = newReplica(id, configurations, hardState, log, joins ? joinsAfter : null);
  const rules = { checkQuorum, electionTimeoutMsMin: timings.electionTimeoutMsMin };
  const sessions = new SessionTable();
  // What a snapshot stands for is committed.
  replica.commitIndex = recovered.snapshots[0]?.mark.index ?? 0;
  const { store } = ports.disk;
  const reader = new LogReader(replica, store, seals);
  const links = new PeerLinks(replica, limits, reader, store);
  const logTime = new LogTime(clock, replica, sessions);
  const snapshots = new SnapshotKeeper({
    options,
    replica,
    application,
    sessions,
    store,
    clock,
    compacted: () => links.noteCompaction(),
    restored: () => logTime.catchUp(),
    tell,
  });
  const counts = new NodeCounts();
  const lives = new Lives(ports.identity, clock, timings.heartbeatMs);
  const proposals = new PendingProposals(replica, limits.proposalsMax);
  return {
    options,
    replica,
    rules,
    clock,
    application,
    sessions,
    logTime,
    applier: new Applier({ replica, application, proposals, sessions, snapshots }, clock),
    links,
    store,
    reader,
    snapshots,
    arriving: new ArrivingSnapshot(store),
    commits: new CommitNotifier(clock, () => links.tellCommit()),
    lease: new Lease(options.leases ?? null, timings.electionTimeoutMsMin, clock.now()),
    timer: new ElectionTimer(replica, timings, clock, new Random(options.seed)),
    seals,
    inbox: new Inbox(replica, rules, new FrameDecoder(ciphers.frames, seals), lives, clock),
    lives,
    outbox: new Outbox(),
    counts,
    disk: new DiskLane(ports.disk, replica, recovered.hardState, seals, counts),
    proposals,
    verifications: new PendingVerifications(replica),
    changes: new MembershipChanges(replica, timings),
    transfers: new Transfers(replica, timings),
    freshness: new Freshness(replica),
    reads: new PendingReads(replica, (query) => application.query(query)),
    settings: { candidacy, blockIntervalMs: 0 },
  };
}

/**
 * A snapshot may have been durable before the term in which its last entry came: whoever has an entry of a term has been
 * in that term. No vote of it can have left, for votes leave when they are durable.
 */
function hardStateWith({ lastTerm }: Log, found: HardState): HardState {
  return lastTerm > found.term ? { term: lastTerm, votedFor: null } : found;
}

/** Those of the log, after the one that the oldest snapshot or, without one, the cluster began with. */
function configurationsIn(
  { birth, snapshots }: Recovered,
  runs: readonly Run[],
  { voters, learners }: NodeOptions,
): ConfigurationHistory {
  const mark = snapshots.at(-1)?.mark;
  const data = mark?.configuration ?? birth;
  const first = data === null ? Configuration.of(voters, learners) : new Configuration(data);
  const index = mark?.configurationIndex ?? 0;
  const configurations = new ConfigurationHistory(first, readConfiguration, index);
  configurations.follow(runs.filter(({ firstIndex }) => firstIndex > index));
  return configurations;
}

function opened(sealed: SealedRun, seals: RunSeals, id: NodeId): Run {
  const run = seals.openStored(sealed);
  if (run === null || (run.kind === 'configuration' && readConfiguration(run) === null)) {
    throw new UnreadableLogError(id, sealed.firstIndex, sealed.term);
  }
  return run;
}

/** Queues a message that must not leave before this server's present state is durable. */
export function sendOnceDurable({ outbox, disk }: NodeParts, to: NodeId, message: Message): void {
  outbox.sendOnceDurable(to, message, disk.coveringSequence);
}
