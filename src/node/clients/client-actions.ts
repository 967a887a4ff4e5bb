import type { NodeActionName } from '../../../machines/node.js';
import type { ProduceContext } from '../../application/application.js';
import { disown, requireBytes } from '../../application/contract.js';
import {
  ApplicationError,
  CommandTooLargeError,
  NodeDeadError,
  NotLeaderError,
  OverloadedError,
} from '../../ground/errors.js';
import { messageOf } from '../../ground/thrown.js';
import type { EntryKind } from '../../raft/entry.js';
import type { Action } from '../chart-events.js';
import { messageIn, proposalIn } from '../chart-events.js';
import type { NodeParts } from '../parts.js';
import { type Proposal, refuseProposal } from './client-requests.js';

const noBytes = new Uint8Array(0);

/** Proposals: a leader's to append, perhaps after a verification round; everybody else's to send on. */
export function clientActions(parts: NodeParts) {
  const { replica, options, outbox, verifications } = parts;
  return {
    appendProposal: ({ event }) => appendProposal(parts, proposalIn(event)),
    verifyProposal: ({ event }) => verifyProposal(parts, proposalIn(event)),
    produceBlock: () => {
      const { id: leaderId, currentTerm: term } = replica;
      const block = producedBlock(parts, { leaderId, term });
      if (block === null) return;
      const proposal = { first: 0, commands: [block], reply: () => {} };
      if (parts.application.verify === undefined) appendProposal(parts, proposal);
      else verifyProposal(parts, proposal);
    },
    answerVerification: ({ event }) => {
      const { from, request, commands } = messageIn(event, 'peer.verify');
      const approved = commands.map((command) => isApproved(parts, command));
      outbox.send(from, {
        type: 'verifyResponse',
        term: replica.currentTerm,
        from: replica.id,
        request,
        approved,
      });
    },
    countVerdicts: ({ event }) => {
      verifications.count(messageIn(event, 'peer.verifyResponse'));
      verifications.settle((proposal) => appendProposal(parts, proposal));
    },
    redirectProposal: ({ event }) => {
      const { id, leaderId, currentTerm } = replica;
      refuseProposal(proposalIn(event), new NotLeaderError(id, leaderId, currentTerm));
    },
    refuseProposalOverload: ({ event }) => {
      const { proposalsMax } = options.limits;
      const error = new OverloadedError(
        `Node ${replica.id} has too many commands waiting (at most ${proposalsMax}). Nothing was appended: slow down and propose it again.`,
      );
      refuseProposal(proposalIn(event), error);
    },
    refuseProposalDead: ({ event }) => refuseProposal(proposalIn(event), new NodeDeadError(replica.id)),
  } satisfies Partial<Record<NodeActionName, Action>>;
}

/** The new leader's first entry: once it commits, so has everything before it (§8). */
export function appendNoop(parts: NodeParts): void {
  appendToLog(parts, 'noop', [noBytes]);
}

/** Asks again what voters have not answered: questions and answers may be lost. */
export function repeatQuestions({ replica, options, verifications, outbox }: NodeParts): void {
  for (const voter of replica.configuration.voters) {
    if (voter === replica.id) continue;
    const questions = verifications.unanswered(voter, options.limits.appendBytesMax);
    for (const question of questions) outbox.send(voter, question);
  }
}

/** A leader appends clients' commands to its own log; the turn's end sends them on and writes them (§5.3). */
function appendProposal(parts: NodeParts, proposal: Proposal): void {
  const firstIndex = parts.replica.log.lastIndex + 1;
  appendToLog(parts, 'command', proposal.commands);
  parts.proposals.add(proposal, firstIndex);
  parts.links.replicate();
}

/** The commands become bytes here, and stay those bytes. */
function appendToLog({ replica, codec }: NodeParts, kind: EntryKind, commands: readonly Uint8Array[]): void {
  const { id: leaderId, currentTerm: term, log } = replica;
  const firstIndex = log.lastIndex + 1;
  log.append(
    codec.encodeAll(
      commands.map((command, at) => ({ term, index: firstIndex + at, leaderId, kind, command })),
    ),
  );
}

function verifyProposal(parts: NodeParts, proposal: Proposal): void {
  const { replica, verifications, outbox } = parts;
  const own = proposal.commands.map((command) => isApproved(parts, command));
  const question = verifications.begin(proposal, own);
  for (const voter of replica.configuration.voters) if (voter !== replica.id) outbox.send(voter, question);
  verifications.settle((approved) => appendProposal(parts, approved));
}

/** A verifier that throws, or says anything but yes, has not found the command valid. */
function isApproved({ application }: NodeParts, command: Uint8Array): boolean {
  if (application.verify === undefined) return true;
  try {
    const verdict: unknown = application.verify(command);
    disown(verdict);
    return verdict === true;
  } catch {
    return false;
  }
}

/** Null if there is nothing to propose. A block is held to what is demanded of a client's command. */
function producedBlock({ application, options }: NodeParts, context: ProduceContext): Uint8Array | null {
  try {
    const block: unknown = application.produce?.(context);
    if (block === undefined) return null;
    const bytes = requireBytes('produce', block);
    const { commandBytesMax } = options.limits;
    if (bytes.length > commandBytesMax) throw new CommandTooLargeError(bytes.length, commandBytesMax);
    return bytes;
  } catch (cause) {
    throw new ApplicationError(
      `The application failed to produce a block: ${messageOf(cause)}. It must be mended before the node can lead.`,
      { cause },
    );
  }
}
