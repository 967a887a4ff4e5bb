import type { NodeGuardName } from '../../machines/node.js';
import type { NodeEvent } from '../../machines/node-events.js';
import {
  answersThisPreVote,
  believesInLeader,
  canGrantPreVote,
  canGrantVote,
  hasLost,
  hasWon,
  isOfOlderTerm,
  startsNewTerm,
} from '../raft/elections.js';
import { hasLostQuorum } from '../raft/liveness.js';
import { messageIn, proposalIn } from './chart-events.js';
import type { NodeParts } from './parts.js';

type Guards = Record<NodeGuardName, (args: { event: NodeEvent }) => boolean>;

/** What the chart asks before it moves: each answer is one rule, or one look at the node's parts. */
export function nodeGuards(parts: NodeParts): Guards {
  const { replica, options, clock, timer, settings, proposals, verifications, reads, disk, application } =
    parts;
  const { timings, limits } = options;
  const hearsLeader = () => believesInLeader(replica, clock.now(), timings.electionTimeoutMsMin);
  const pending = () => proposals.sizeInLog + verifications.size;
  return {
    disturbsLeader: ({ event }) => {
      const message = messageIn(event, 'peer.message');
      return (
        options.checkQuorum &&
        message.type === 'requestVote' &&
        startsNewTerm(replica, message) &&
        hearsLeader()
      );
    },
    startsNewTerm: ({ event }) => startsNewTerm(replica, messageIn(event, 'peer.message')),
    isOfOlderTerm: ({ event }) => isOfOlderTerm(replica, messageIn(event, 'peer.message')),
    isLearner: () => !replica.configuration.isVoter(replica.id),
    leaderIsKnown: () => replica.leaderId !== null && replica.leaderId !== replica.id,
    leaderHeardRecently: () => timer.leaderHeardRecently(),
    votedRecently: () => timer.startedRecently(),
    mayStand: () => settings.candidacy,
    mayStandWithPreVote: () => settings.candidacy && options.preVote,
    canGrantVote: ({ event }) => canGrantVote(replica, messageIn(event, 'peer.requestVote')),
    canGrantPreVote: ({ event }) =>
      !hearsLeader() && canGrantPreVote(replica, messageIn(event, 'peer.preVote')),
    answersThisPreVote: ({ event }) => answersThisPreVote(replica, messageIn(event, 'peer.preVoteResponse')),
    // Its own vote counts like others' only once it is durable: a sole voter that forgot it could lead a term twice.
    hasWon: () => hasWon(replica) && disk.holdsHardState,
    hasLost: () => hasLost(replica),
    noopIsCommitted: () => replica.commitIndex >= replica.termStartIndex,
    quorumIsLost: () =>
      options.checkQuorum && hasLostQuorum(replica, clock.now(), timings.electionTimeoutMsMax),
    diskIsStalled: () => {
      const since = disk.underWaySinceMs;
      return since !== null && clock.now() - since >= timings.electionTimeoutMsMax;
    },
    // What is no client's proposal is the leader's own block, one command.
    isOverloaded: ({ event }) => {
      const commands = event.type === 'client.propose' ? proposalIn(event).commands.length : 1;
      return pending() + commands > limits.proposalsMax;
    },
    holdsTooManyReads: () => reads.size >= limits.readsMax,
    needsVerification: () => application.verify !== undefined,
    producesBlocks: () => settings.blockIntervalMs > 0,
  };
}
