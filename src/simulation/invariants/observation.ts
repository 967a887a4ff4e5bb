import type { NodeActor } from '../../node/node-actor.js';
import type { Inbox } from '../../node/peers/inbox.js';
import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { Replica } from '../../raft/replica.js';
import type { DiskRecord } from '../disk/disk-record.js';
import type { LogMirror } from './log-mirror.js';

export type Standing = 'leader' | 'candidate' | 'other';

/** What an invariant sees of a node after a step, and what was seen of the same life after the step before. */
export interface Observation {
  readonly id: NodeId;
  readonly replica: Readonly<Replica>;
  /** What its peers have told it. */
  readonly heard: Pick<Inbox, 'counters' | 'nonsenseCount' | 'forFormerBearer'>;
  readonly disk: DiskRecord;
  readonly standing: Standing;
  readonly log: LogMirror;
  /** The first index of the log that changed in this step; one past the end when none did. */
  readonly changedFrom: LogIndex;
  /** What became of snapshots on their way to it, and of its log on disk. */
  readonly counts: NodeActor['snapshotCounts'];
  /** Null after the first step of a life. */
  readonly before: Before | null;
}

export interface Before {
  readonly term: Term;
  readonly votedFor: NodeId | null;
  readonly commitIndex: LogIndex;
  readonly lastApplied: LogIndex;
  readonly lastIndex: LogIndex;
  readonly standing: Standing;
  readonly counts: NodeActor['snapshotCounts'];
  readonly forFormerBearer: number;
  /** By server (`serverOf`), while it led. */
  readonly matched: Map<string, LogIndex>;
}
