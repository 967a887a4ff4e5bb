import { type Actor, createActor } from 'xstate';
import { withEventTable } from '../../machines/event-table.js';
import { nodeMachine } from '../../machines/node.js';
import type { NodeBindings } from '../../machines/node-events.js';
import type { Clock } from '../ground/clock.js';
import {
  answersThisPreVote,
  canBeginTerm,
  canGrantPreVote,
  canGrantVote,
  hasLost,
  hasWon,
} from '../raft/elections.js';
import { hasLostQuorum } from '../raft/liveness.js';
import { isJoining, isRemovalNews, isRemoved, mayLead } from '../raft/membership.js';
import { hearsLeader } from '../raft/terms.js';
import { actions } from './actions.js';
import { mayUseLease } from './clients/client-actions.js';
import { membershipGuards, transferGuards } from './leadership/leadership-actions.js';
import type { Happening, NodeParts } from './parts.js';

/** The chart of one running node. */
export type NodeChart = Actor<typeof nodeMachine>;

/** What the chart's names mean, to any node. A name left out does not compile. */
const bindings: NodeBindings<NodeParts, Happening> = {
  actions,
  /** What the chart asks before it moves: each answer is one rule, or one look at the node's parts. */
  guards: {
    isLearner: (parts) => !isVoter(parts),
    isVoter,
    isRemoved: ({ replica }) => isRemoved(replica),
    // What is known of a leader's work is news enough to the contrary.
    removalIsNews: ({ replica, clock, rules }, { message }) =>
      isRemovalNews(replica, message) && !hearsLeader(replica, clock.now(), rules),
    mayTakeOver: ({ settings, replica }, { message }) =>
      settings.candidacy && canBeginTerm(replica) && replica.leaderId === message.from,
    leaderIsKnown: ({ replica }) => replica.leaderId !== null && replica.leaderId !== replica.id,
    leaderHeardRecently: ({ timer }) => timer.leaderHeardRecently(),
    votedRecently: ({ timer }) => timer.startedRecently(),
    mayStand: ({ settings, replica }) => settings.candidacy && canBeginTerm(replica),
    mayStandWithPreVote: ({ settings, replica, options }) =>
      settings.candidacy && options.preVote && canBeginTerm(replica),
    snapshotIsArriving: ({ arriving }) => arriving.mark !== null,
    noSnapshotIsArriving: ({ arriving }) => arriving.mark === null,
    canGrantVote: ({ replica }, { message }) => canGrantVote(replica, message),
    canGrantPreVote: ({ replica, clock, rules }, { message }) =>
      canGrantPreVote(replica, message, clock.now(), rules),
    answersThisPreVote: ({ replica }, { message }) => answersThisPreVote(replica, message),
    hasWon: ({ replica }) => hasWon(replica),
    hasLost: ({ replica }) => hasLost(replica),
    leaseIsWaitedOut: ({ lease, clock }) => lease.remainingMs(clock.now()) === 0,
    leaseCovers: ({ lease, clock }, { reads }) => mayUseLease(reads) && lease.isHeld(clock.now()),
    noopIsCommitted: ({ replica }) => replica.commitIndex >= replica.termStartIndex,
    quorumIsLost: ({ replica, clock, options }) =>
      options.checkQuorum && hasLostQuorum(replica, clock.now(), options.timings.electionTimeoutMsMax),
    diskIsStalled({ disk, clock, options }) {
      const since = disk.underWaySinceMs;
      return since !== null && clock.now() - since >= options.timings.electionTimeoutMsMax;
    },
    isFarBehind,
    isOverloaded: (parts, { proposal }) => !hasRoomFor(parts, proposal.count),
    blockMustWait: (parts) => parts.transfers.isUnderWay || isFarBehind(parts) || !hasRoomFor(parts, 1),
    holdsTooManyReads: ({ reads, options }) => reads.size >= options.limits.readsMax,
    needsVerification: ({ application }, { proposal }) =>
      application.verify !== undefined &&
      proposal.isOfSession !== true &&
      (application.verifies !== 'asked' || proposal.isToBeVerified === true),
    producesBlocks: ({ settings }) => settings.blockIntervalMs > 0,
    ...membershipGuards,
    ...transferGuards,
  },
  delays: {
    electionTimeout: ({ timer }) => timer.remainingMs(),
    heartbeatInterval: ({ options }) => options.timings.heartbeatMs,
    blockInterval: ({ settings }) => settings.blockIntervalMs,
    transferTimeout: ({ options }) => options.timings.electionTimeoutMsMax,
    leaseRemainder: ({ lease, clock }) => lease.remainingMs(clock.now()),
  },
};

/**
 * Would what is appended now be applied too late to be answered in time? That is an election timeout: nobody waits less
 * for the cluster. One who serves is not asked: what its log holds then are its own clients' commands, and bounded.
 */
function isFarBehind({ applier, options }: NodeParts): boolean {
  return applier.lagMs > options.timings.electionTimeoutMsMax;
}

/** Until it has been added itself, a node that joins is none of the members that its log names by its id. */
function isVoter({ replica }: NodeParts): boolean {
  return mayLead(replica) && !isJoining(replica);
}

/** May so many more commands wait in this node's log, or for their verification? */
function hasRoomFor({ proposals, verifications, options }: NodeParts, commands: number): boolean {
  return proposals.sizeInLog + verifications.size + commands <= options.limits.proposalsMax;
}

/** Bound once for all nodes of the process, since binding builds a machine anew: whose parts to use is in the context. */
const boundMachine = withEventTable(
  nodeMachine.provide({
    actions: withParts(bindings.actions),
    guards: withParts(bindings.guards),
    delays: withParts(bindings.delays),
  }),
);

/** The chart of a node made of these parts, not started yet. */
export function newChart(parts: NodeParts, clock: Clock): NodeChart {
  return createActor(boundMachine, { input: { parts }, clock });
}

interface Called {
  readonly context: { readonly parts: unknown };
  readonly event: unknown;
}

type Bound = Readonly<Record<string, (parts: NodeParts, event: never) => unknown>>;

/**
 * The functions as the chart calls them. The parts in a context are those that `newChart` put there; that a name gets
 * no other events than it says is held by a test of the chart (`test/machines/node-events.test.ts`).
 */
function withParts<Names extends Bound>(names: Names) {
  const called = Object.entries<Bound[string]>(names).map(([name, bound]) => [
    name,
    ({ context, event }: Called) => bound(context.parts as NodeParts, event as never),
  ]);
  return Object.fromEntries(called) as { [Name in keyof Names]: (called: Called) => ReturnType<Names[Name]> };
}
