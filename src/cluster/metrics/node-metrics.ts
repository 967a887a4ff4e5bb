import { roles } from '../../node/information.js';
import type { NodeMeasures } from '../../node/measures/measures.js';
import { counted, type Metric, type Sample, single } from './metric.js';

/** What every node of this process tells, under its number. */
export const nodeMetrics: readonly Metric<NodeMeasures>[] = [
  {
    type: 'gauge',
    name: 'conclave_role',
    help: 'The role that the node has: 1 at it, 0 at the others.',
    samples: ({ role }) => roles.map((each) => ({ labels: { role: each }, value: Number(each === role) })),
  },
  single('gauge', 'conclave_term', 'The term that the node is in.', ({ term }) => term),
  single('gauge', 'conclave_leader_known', 'Whether the node knows a leader.', ({ leaderId }) =>
    Number(leaderId !== null),
  ),
  single('gauge', 'conclave_voters', 'The voting members, as its log has them.', ({ voters }) => voters),
  single('gauge', 'conclave_first_log_index', 'The first entry in its log.', ({ firstIndex }) => firstIndex),
  single(
    'gauge',
    'conclave_snapshot_index',
    'The entry that its newest snapshot ends with; 0 without one.',
    ({ snapshotIndex }) => snapshotIndex,
  ),
  single('gauge', 'conclave_last_log_index', 'The last entry in its log.', (node) => node.lastLogIndex),
  single(
    'gauge',
    'conclave_commit_index',
    'The last entry known to be committed.',
    (node) => node.commitIndex,
  ),
  single(
    'gauge',
    'conclave_applied_index',
    'The last entry applied to its application.',
    (node) => node.height,
  ),
  single(
    'counter',
    'conclave_leader_changes_total',
    'How often it heard of another leader, or of the same in another term.',
    ({ leaders }) => leaders,
  ),
  single(
    'counter',
    'conclave_pre_elections_total',
    'Rounds in which it asked whether it could win an election.',
    ({ preElections }) => preElections,
  ),
  single('counter', 'conclave_elections_total', 'Elections in which it stood.', ({ elections }) => elections),
  single('counter', 'conclave_elections_won_total', 'Elections that it won.', (node) => node.electionsWon),
  single(
    'counter',
    'conclave_commands_total',
    'Commands that it was asked to replicate.',
    ({ commandsTaken }) => commandsTaken,
  ),
  single(
    'counter',
    'conclave_commands_applied_total',
    'Commands whose clients it told that they are applied.',
    ({ commandsApplied }) => commandsApplied,
  ),
  counted(
    'conclave_commands_refused_total',
    'Commands that it refused, or whose outcome it cannot tell, by the code of the error.',
    'code',
    ({ commandsRefused }) => commandsRefused,
  ),
  single('counter', 'conclave_reads_total', 'Queries that it was asked.', ({ readsTaken }) => readsTaken),
  single(
    'counter',
    'conclave_reads_answered_total',
    'Queries that it answered.',
    ({ readsAnswered }) => readsAnswered,
  ),
  counted(
    'conclave_reads_refused_total',
    'Queries that it refused, by the code of the error.',
    'code',
    ({ readsRefused }) => readsRefused,
  ),
  single(
    'gauge',
    'conclave_requests_open',
    'Requests of clients that it has not answered in full.',
    ({ requestsOpen }) => requestsOpen,
  ),
  counted(
    'conclave_messages_sent_total',
    'Messages to other nodes, by type.',
    'type',
    ({ messagesSent }) => messagesSent,
  ),
  counted(
    'conclave_messages_received_total',
    'Messages of other nodes that it heard, by type.',
    'type',
    ({ messagesReceived }) => messagesReceived,
  ),
  counted(
    'conclave_frames_refused_total',
    'Frames that reached the node and were not heard, by reason.',
    'reason',
    ({ framesDropped }) => framesDropped,
  ),
  single(
    'counter',
    'conclave_log_entries_written_total',
    'Entries that it wrote to its log.',
    ({ entriesWritten }) => entriesWritten,
  ),
  single(
    'counter',
    'conclave_log_written_bytes_total',
    'Bytes of the entries that it wrote, as they are sealed.',
    ({ bytesWritten }) => bytesWritten,
  ),
  {
    type: 'histogram',
    name: 'conclave_log_sync_duration_seconds',
    help: 'How long a batch of entries took to be written and synced to stable storage.',
    spread: ({ writes }) => writes,
  },
  {
    type: 'histogram',
    name: 'conclave_commit_duration_seconds',
    help: 'How long entries of this leader took from its log to their commit; one at a time is timed.',
    spread: ({ commits }) => commits,
  },
  {
    type: 'gauge',
    name: 'conclave_follower_lag_entries',
    help: 'How many entries of this leader a follower is not known to have.',
    samples: ({ peers, lastLogIndex }) =>
      peers.map(({ peer, matchIndex }) => ({
        labels: { follower: peer },
        value: Math.max(0, lastLogIndex - matchIndex),
      })),
  },
  {
    type: 'gauge',
    name: 'conclave_follower_silence_seconds',
    help: 'How long a follower of this leader has not answered. Those that have not yet in this term are missing.',
    samples: ({ peers }) =>
      peers.flatMap(({ peer, silentMs }): Sample[] =>
        silentMs === null ? [] : [{ labels: { follower: peer }, value: silentMs / 1000 }],
      ),
  },
];
