import { NodeDeadError } from '../ground/errors.js';
import * as elections from '../raft/elections.js';
import {
  acknowledgeSnapshot,
  commitThroughSnapshot,
  installSnapshot,
  judgeSnapshot,
  markOf,
  wantSnapshotFrom,
} from '../raft/install-snapshot.js';
import type { InstallSnapshot, InstallSnapshotResponse, Message } from '../raft/messages.js';
import * as replication from '../raft/replication.js';
import type { SnapshotMark } from '../raft/snapshot.js';
import { adoptTerm, forgetLeader } from '../raft/terms.js';
import { appendNoop, clientActions, confirmReads, repeatQuestions } from './clients/client-actions.js';
import {
  abandonLeadership,
  membershipActions,
  tellNotMember,
  transferActions,
} from './leadership/leadership-actions.js';
import { type NodeActions, type NodeParts, sendOnceDurable } from './parts.js';

const electionActions = {
  adoptTerm({ replica, reads, arriving }, { message }) {
    adoptTerm(replica, message.term);
    arriving.abandon();
    reads.refuseForwarded();
  },
  refuseOlderTerm(parts, { message }) {
    const refusal = refusalOf(parts, message);
    if (refusal !== null) sendOnceDurable(parts, message.from, refusal);
  },
  forgetLeader({ replica, reads }) {
    forgetLeader(replica);
    reads.refuseForwarded();
  },
  restartElectionTimer: ({ timer }) => timer.restart(),
  widenElectionTimeout: ({ timer }) => timer.widen(),
  becomePreCandidate(parts) {
    parts.timer.restart();
    const request = elections.becomePreCandidate(parts.replica);
    parts.counts.preElections++;
    parts.reads.refuseForwarded();
    for (const voter of otherVoters(parts)) parts.outbox.send(voter, request);
  },
  becomeCandidate(parts) {
    parts.timer.restart();
    const request = elections.becomeCandidate(parts.replica, parts.transfers.isInvited);
    parts.counts.elections++;
    parts.reads.refuseForwarded();
    for (const voter of otherVoters(parts)) sendOnceDurable(parts, voter, request);
  },
  recordVote: ({ replica }, { message }) => elections.recordVote(replica, message),
  recordOwnVote: ({ replica, disk }) => elections.recordOwnVote(replica, disk.durableHardState),
  grantVote(parts, { message }) {
    const response = elections.grantVote(parts.replica, message);
    parts.timer.restart();
    sendOnceDurable(parts, message.from, response);
  },
  // A refusal promises nothing, but it names a term that a crash must not forget.
  refuseVote(parts, { message }) {
    sendOnceDurable(parts, message.from, elections.refuseVote(parts.replica));
    tellNotMember(parts, message.from);
  },
  grantPreVote: (parts, { message }) =>
    sendOnceDurable(parts, message.from, elections.answerPreVote(parts.replica, message, true)),
  refusePreVote(parts, { message }) {
    sendOnceDurable(parts, message.from, elections.answerPreVote(parts.replica, message, false));
    tellNotMember(parts, message.from);
  },
} satisfies Partial<NodeActions>;

/** What tells the sender of an old request the current term; nothing answers an old answer. */
function refusalOf({ replica }: NodeParts, message: Message): Message | null {
  switch (message.type) {
    case 'appendEntries':
      return replication.refuseOlderAppend(replica, message);
    case 'installSnapshot':
      return wantSnapshotFrom(replica, message, 0);
    case 'requestVote':
      return elections.refuseVote(replica);
    case 'preVote':
      return elections.answerPreVote(replica, message, false);
    default:
      return null;
  }
}

function otherVoters({ replica }: NodeParts): number[] {
  return replica.configuration.voters.filter((id) => id !== replica.id);
}

const replicationActions = {
  acceptEntries(parts, { message }) {
    replication.acceptLeader(parts.replica, message, parts.clock.now());
    parts.timer.narrow();
    const response = replication.appendEntries(parts.replica, message);
    forgoSnapshot(parts);
    sendOnceDurable(parts, message.from, response);
    parts.freshness.heard(message.leaderCommit, parts.clock.now());
  },
  acceptSnapshot(parts, { message }) {
    replication.acceptLeader(parts.replica, message, parts.clock.now());
    parts.timer.narrow();
    sendOnceDurable(parts, message.from, answerToSnapshot(parts, message));
  },
  becomeLeader(parts) {
    parts.lease.begin(parts.replica.leaderHeardAtMs);
    replication.becomeLeader(parts.replica, parts.clock.now());
    parts.logTime.begin();
    parts.counts.electionsWon++;
    parts.timer.narrow();
    appendNoop(parts);
    parts.links.open();
  },
  stepDown({ replica, lease, timer, links, commits, proposals, reads, verifications, transfers, changes }) {
    // First, so that nobody is refused with the advice to ask this server again.
    forgetLeader(replica);
    lease.end();
    timer.restart();
    links.close();
    commits.cancel();
    proposals.handBack();
    reads.refuseUnconfirmed();
    verifications.refuseAll();
    transfers.leave();
    changes.leave();
  },
  countAppendResponse(parts, { message }) {
    const nowMs = parts.clock.now();
    parts.links.receive(message, nowMs);
    parts.changes.note(message.from, nowMs);
    confirmReads(parts);
  },
  countSnapshotResponse({ links, clock }, { message }) {
    links.receiveSnapshotResponse(message, clock.now());
  },
  heartbeat(parts) {
    parts.links.heartbeat();
    repeatQuestions(parts);
  },
  noteDurable: ({ disk, clock }, { sequence }) => disk.noteDurable(sequence, clock.now()),
  advanceCommitIndex({ replica, lease, clock, commits }) {
    if (lease.remainingMs(clock.now()) > 0 || !replication.advanceCommitIndex(replica)) return;
    lease.committed(replica.commitIndex);
    commits.owe();
  },
} satisfies Partial<NodeActions>;

/** Takes a chunk of the leader's snapshot, or says why not; with the last of them the log begins after it. */
function answerToSnapshot(parts: NodeParts, message: InstallSnapshot): InstallSnapshotResponse {
  const { replica, arriving } = parts;
  const mark = markOf(message);
  const verdict = judgeSnapshot(replica, mark);
  if (verdict === 'wanted') {
    const position = arriving.take(message);
    if (position !== null) return wantSnapshotFrom(replica, message, position);
    takeInPlaceOfLog(parts, mark);
  } else {
    arriving.counts[verdict]++;
    if (verdict === 'matching') commitThroughSnapshot(replica, mark);
    forgoSnapshot(parts);
  }
  return acknowledgeSnapshot(replica, message);
}

/** The log has come to hold what the arriving snapshot stands for. */
function forgoSnapshot({ replica, arriving }: NodeParts): void {
  if (arriving.mark !== null && judgeSnapshot(replica, arriving.mark) !== 'wanted') arriving.abandon();
}

/** The snapshot is durable: the log gives way to it, on disk first, and the state machine is restored. */
function takeInPlaceOfLog(
  { replica, store, reader, proposals, snapshots }: NodeParts,
  mark: SnapshotMark,
): void {
  store.restartAt(mark);
  installSnapshot(replica, mark);
  reader.forget();
  proposals.installed(mark.index, mark.term);
  snapshots.installed();
}

const hostActions = {
  setCandidacy({ settings }, { allowed }) {
    settings.candidacy = allowed;
  },
  setBlockInterval({ settings }, { intervalMs }) {
    settings.blockIntervalMs = intervalMs;
  },
  fallSilent(parts) {
    const { replica, inbox, outbox, proposals, reads, arriving } = parts;
    abandonLeadership(parts);
    inbox.shut();
    arriving.abandon();
    outbox.clear();
    proposals.abandon();
    reads.refuseAll(new NodeDeadError(replica.id));
  },
  wakeUp({ replica, inbox, timer }) {
    forgetLeader(replica);
    replica.heardAtMs.clear();
    inbox.open();
    timer.restart();
  },
} satisfies Partial<NodeActions>;

/** What the chart does: each action is one rule, and what it decided goes into the turn's outbox. */
export const actions: NodeActions = {
  ...electionActions,
  ...replicationActions,
  ...hostActions,
  ...membershipActions,
  ...transferActions,
  ...clientActions,
};
