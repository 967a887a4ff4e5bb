import {
  type ConclaveError,
  NodeDeadError,
  NotLeaderError,
  TransferFailedError,
} from '../../ground/errors.js';
import type { ConfigurationData } from '../../raft/configuration.js';
import type { NodeId } from '../../raft/entry.js';
import { invariant } from '../../raft/invariant.js';
import { configurationIsCommitted, isStranger, settled, successorOf } from '../../raft/membership.js';
import { configurationBody } from '../../wire/configuration.js';
import { appendToLog } from '../clients/client-actions.js';
import { refuseProposal } from '../clients/client-requests.js';
import type { NodeActions, NodeGuards, NodeParts } from '../parts.js';

/** What the chart asks about a leader's changes of members. */
export const membershipGuards = {
  isJoint: ({ replica }) => replica.configuration.isJoint,
  hasNoVote: ({ replica }) => !replica.configuration.isVoter(replica.id),
  changeIsTaken: ({ changes }) => changes.isTaken,
  changeIsDue: ({ changes, transfers }) => changes.isTaken && !transfers.isUnderWay,
  changeIsSound: ({ changes, transfers }) =>
    changes.isTaken && !transfers.isUnderWay && changes.takenIsSound(),
  changeIsPrepared: ({ changes }) => changes.isPrepared(),
  jointIsPrepared: ({ changes }) => changes.isPrepared() && changes.takesTwoSteps(),
  newVotersAreLost: ({ changes, clock }) => changes.isLost(clock.now()),
  configurationIsCommitted: ({ replica }) => configurationIsCommitted(replica),
  isAbort: (_, { asked }) => asked.change === 'abort',
} satisfies Partial<NodeGuards>;

export const membershipActions = {
  takeChange: ({ changes }, { asked }) => changes.take(asked),
  refuseChange: ({ changes }, { asked }) => changes.refuse(asked),
  redirectChange: ({ replica: { id, leaderId, currentTerm } }, { asked }) =>
    asked.reply(new NotLeaderError(id, leaderId, currentTerm)),
  /** What is so already is done, if this leader has not been deposed without knowing: a round shows it, as for a read. */
  answerChange({ changes, reads, replica }) {
    const asked = changes.takeWhatIsSo();
    if (asked === null) return;
    const [confirmed, refused] = [() => asked.reply(null), (error: ConclaveError) => asked.reply(error)];
    reads.rounds.add(replica, { kind: 'own', confirmed, refused });
  },
  beginChange(parts) {
    const first = parts.changes.begin(parts.clock.now());
    if (first !== null) appendConfiguration(parts, first);
  },
  appendJoint: (parts) => appendConfiguration(parts, parts.changes.joint()),
  appendTarget: (parts) => appendConfiguration(parts, parts.changes.target),
  appendSettled: (parts) => appendConfiguration(parts, settled(parts.replica.configuration.data)),
  giveUpChange: ({ changes, clock }) => changes.giveUp(clock.now()),
  revokeChange: ({ changes }, { asked }) => changes.revoke(asked),
  abortChange: (parts, { asked }) => appendConfiguration(parts, parts.changes.abort(asked)),
  concludeChange(parts) {
    const { replica, changes } = parts;
    for (const id of replica.configurations.previous.peersOf(replica.id)) tellNotMember(parts, id);
    changes.conclude();
  },
} satisfies Partial<NodeActions>;

/** In force from now on, at this leader; at the others when they store it (§6). */
function appendConfiguration(parts: NodeParts, data: ConfigurationData): void {
  appendToLog(parts, { kind: 'configuration', count: 1, body: configurationBody(data) });
  parts.links.replicate();
}

/** Tells a server that it belongs to the cluster no longer, if that is so. It may know better, and then goes on. */
export function tellNotMember({ replica, outbox }: NodeParts, to: NodeId): void {
  if (!isStranger(replica, to)) return;
  const { id: from, currentTerm: term, commitIndex, log } = replica;
  const commitTerm = log.termAt(commitIndex);
  invariant(commitTerm !== null, () => `Entry ${commitIndex} is committed and its term is not known.`);
  outbox.send(to, { type: 'notMember', term, from, commitIndex, commitTerm });
}

/** What the chart asks about a transfer of leadership. */
export const transferGuards = {
  mayTransfer: ({ replica, transfers, clock }, { asked }) =>
    asked.to !== replica.id && transfers.refusalOf(asked, clock.now()) === null,
  preferredIsReady: ({ transfers, changes, clock, replica }) =>
    replica.configuration.rankOf(replica.id) > 0 &&
    !changes.isUnderWay &&
    transfers.preferred(clock.now()) !== null,
  targetIsLevel: ({ transfers }) => transfers.targetIsLevel(),
} satisfies Partial<NodeGuards>;

export const transferActions = {
  beginTransfer: ({ transfers, clock }, { asked }) => transfers.begin(asked, clock.now()),
  /** To hand over to oneself is done already. */
  refuseTransfer: ({ transfers, clock }, { asked }) => asked.reply(transfers.refusalOf(asked, clock.now())),
  refuseTransferEarly: ({ replica }, { asked }) =>
    asked.reply(new TransferFailedError(replica.id, 'does not serve yet: try again in a moment')),
  redirectTransfer: ({ transfers }, { asked }) => transfers.redirect(asked),
  favourPreferred({ transfers, clock }) {
    const to = transfers.preferred(clock.now());
    if (to !== null) transfers.favour(to);
  },
  sendTimeoutNow(parts) {
    const { target } = parts.transfers;
    if (target !== null) sendTimeoutNow(parts, target);
  },
  giveUpTransfer: ({ transfers, clock }) => transfers.giveUp(clock.now(), 'did not take over in time'),
  noteDeclined: ({ transfers, clock }) => transfers.giveUp(clock.now(), 'may not stand for election'),
  acceptTransfer: ({ transfers }) => transfers.accept(),
  declineTransfer({ replica: { id: from, currentTerm: term }, outbox }, { message }) {
    outbox.send(message.from, { type: 'transferDeclined', term, from });
  },
  handOver(parts) {
    const { replica, clock, options } = parts;
    const to = successorOf(replica, clock.now(), options.timings.electionTimeoutMsMax);
    if (to !== null) sendTimeoutNow(parts, to);
  },
  refuseProposalTransferring({ replica: { id, currentTerm } }, { proposal }) {
    refuseProposal(proposal, new NotLeaderError(id, null, currentTerm));
  },
} satisfies Partial<NodeActions>;

function sendTimeoutNow({ replica: { id: from, currentTerm: term }, outbox }: NodeParts, to: NodeId): void {
  outbox.send(to, { type: 'timeoutNow', term, from });
}

/** The node falls silent or ends: who asked something of a leader learns no more here. */
export function abandonLeadership({ changes, transfers, replica }: NodeParts): void {
  transfers.abandon(new NodeDeadError(replica.id));
  changes.leave();
}
