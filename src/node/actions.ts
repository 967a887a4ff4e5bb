import type { NodeActionName } from '../../machines/node.js';
import type { NodeEvent } from '../../machines/node-events.js';
import { NodeDeadError } from '../ground/errors.js';
import {
  adoptTerm,
  answerPreVote,
  becomeCandidate,
  becomePreCandidate,
  forgetLeader,
  grantVote,
  recordVote,
  refuseVote,
} from '../raft/elections.js';
import {
  acceptLeader,
  advanceCommitIndex,
  appendEntries,
  becomeLeader,
  refuseOlderAppend,
} from '../raft/replication.js';
import { type Action, messageIn } from './chart-events.js';
import { appendNoop, clientActions, repeatQuestions } from './clients/client-actions.js';
import { confirmReads, readActions } from './clients/read-actions.js';
import { type NodeParts, promise } from './parts.js';

/** What the chart has done: each action is one rule, and what it decided goes into the turn's outbox. */
export function nodeActions(parts: NodeParts): Record<NodeActionName, Action> {
  return {
    ...electionActions(parts),
    ...replicationActions(parts),
    ...hostActions(parts),
    ...clientActions(parts),
    ...readActions(parts),
  };
}

function electionActions(parts: NodeParts) {
  const { replica, timer, outbox, reads } = parts;
  const toVoters = (ask: (id: number) => void) => {
    for (const id of replica.configuration.voters) if (id !== replica.id) ask(id);
  };
  return {
    ignore: () => {},
    adoptTerm: ({ event }) => {
      adoptTerm(replica, messageIn(event, 'peer.message').term);
      reads.refuseForwarded();
    },
    refuseOlderTerm: ({ event }) => refuseOlderTerm(parts, event),
    forgetLeader: () => {
      forgetLeader(replica);
      reads.refuseForwarded();
    },
    restartElectionTimer: () => timer.restart(),
    becomePreCandidate: () => {
      timer.restart();
      const request = becomePreCandidate(replica);
      reads.refuseForwarded();
      toVoters((id) => outbox.send(id, request));
    },
    becomeCandidate: () => {
      timer.restart();
      const request = becomeCandidate(replica);
      reads.refuseForwarded();
      toVoters((id) => promise(parts, id, request));
    },
    recordVote: ({ event }) => {
      if (event.type === 'peer.preVoteResponse' || event.type === 'peer.requestVoteResponse') {
        recordVote(replica, event.message);
      }
    },
    grantVote: ({ event }) => {
      const request = messageIn(event, 'peer.requestVote');
      const response = grantVote(replica, request);
      timer.restart();
      promise(parts, request.from, response);
    },
    // A refusal promises nothing, but it names a term that a crash must not forget.
    refuseVote: ({ event }) => promise(parts, messageIn(event, 'peer.requestVote').from, refuseVote(replica)),
    grantPreVote: ({ event }) => {
      const request = messageIn(event, 'peer.preVote');
      promise(parts, request.from, answerPreVote(replica, request, true));
    },
    refusePreVote: ({ event }) => {
      const request = messageIn(event, 'peer.preVote');
      promise(parts, request.from, answerPreVote(replica, request, false));
    },
  } satisfies Partial<Record<NodeActionName, Action>>;
}

/** Tells the sender of an old request the current term; an old answer is dropped. */
function refuseOlderTerm(parts: NodeParts, event: NodeEvent): void {
  const { replica } = parts;
  const message = messageIn(event, 'peer.message');
  if (message.type === 'appendEntries') promise(parts, message.from, refuseOlderAppend(replica, message));
  if (message.type === 'requestVote') promise(parts, message.from, refuseVote(replica));
  if (message.type === 'preVote') promise(parts, message.from, answerPreVote(replica, message, false));
}

function replicationActions(parts: NodeParts) {
  const { replica, clock, timer, links, news, reads, verifications, disk } = parts;
  return {
    acceptEntries: ({ event }) => {
      const message = messageIn(event, 'peer.appendEntries');
      acceptLeader(replica, message, clock.now());
      promise(parts, message.from, appendEntries(replica, message));
    },
    becomeLeader: () => {
      becomeLeader(replica, clock.now());
      appendNoop(parts);
      links.open();
    },
    leaveOffice: () => {
      // First, so that nobody is refused with the advice to ask this server again.
      forgetLeader(replica);
      timer.restart();
      links.close();
      news.cancel();
      reads.refuseUnconfirmed();
      verifications.refuseAll();
    },
    countAppendResponse: ({ event }) => {
      links.receive(messageIn(event, 'peer.appendEntriesResponse'), clock.now());
      confirmReads(parts);
    },
    heartbeat: () => {
      links.heartbeat();
      repeatQuestions(parts);
    },
    noteDurable: ({ event }) => {
      if (event.type === 'disk.durable') disk.noteDurable(event.sequence);
    },
    advanceCommitIndex: () => {
      if (advanceCommitIndex(replica)) news.owe();
    },
  } satisfies Partial<Record<NodeActionName, Action>>;
}

function hostActions(parts: NodeParts) {
  const { replica, timer, outbox, proposals, reads, settings } = parts;
  return {
    setCandidacy: ({ event }) => {
      if (event.type === 'host.setCandidacy') settings.candidacy = event.allowed;
    },
    setBlockInterval: ({ event }) => {
      if (event.type === 'host.produceBlocks') settings.blockIntervalMs = event.intervalMs;
    },
    fallSilent: () => {
      outbox.clear();
      proposals.abandon();
      reads.refuseAll(new NodeDeadError(replica.id));
    },
    wakeUp: () => {
      forgetLeader(replica);
      replica.heardAtMs.clear();
      timer.restart();
    },
  } satisfies Partial<Record<NodeActionName, Action>>;
}
