import type { Application } from '../application/application.js';
import type { Clock } from '../ground/clock.js';
import type { NodeId } from '../raft/entry.js';
import type { Message } from '../raft/messages.js';
import type { Replica } from '../raft/replica.js';
import type { LogEntryCodec } from '../wire/log-entry.js';
import type { PendingProposals } from './clients/pending-proposals.js';
import type { PendingReads } from './clients/pending-reads.js';
import type { PendingVerifications } from './clients/pending-verifications.js';
import type { DiskLane } from './disk/disk-lane.js';
import type { NodeOptions } from './options.js';
import type { CommitNews } from './peers/commit-news.js';
import type { ElectionTimer } from './peers/election-timer.js';
import type { Outbox } from './peers/outbox.js';
import type { PeerLinks } from './peers/peer-links.js';

/** What a node is made of: the replica that the rules work on, and what its chart's actions put their decisions into. */
export interface NodeParts {
  readonly options: NodeOptions;
  readonly replica: Replica;
  /** The node's clock; what its timers call back becomes part of a turn. */
  readonly clock: Clock;
  readonly timer: ElectionTimer;
  readonly codec: LogEntryCodec;
  readonly application: Application;
  readonly outbox: Outbox;
  readonly disk: DiskLane;
  readonly links: PeerLinks;
  readonly news: CommitNews;
  readonly proposals: PendingProposals;
  readonly verifications: PendingVerifications;
  readonly reads: PendingReads;
  /** What the host has set, and can set again at any time. */
  readonly settings: { candidacy: boolean; blockIntervalMs: number };
}

/** Queues a message that must not leave before this server's present state is durable. */
export function promise(parts: NodeParts, to: NodeId, message: Message): void {
  parts.outbox.sendOnceDurable(to, message, parts.disk.coveringSequence);
}
