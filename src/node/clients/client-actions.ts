import type { ProduceContext } from '../../application/application.js';
import { disown, requireBytes } from '../../application/contract.js';
import { packBytes } from '../../ground/byte-strings.js';
import {
  ApplicationError,
  CommandTooLargeError,
  NodeDeadError,
  NotLeaderError,
  NotReadyError,
  OverloadedError,
} from '../../ground/errors.js';
import type { LogIndex, NodeId } from '../../raft/entry.js';
import { appendToOwnLog } from '../../raft/replication.js';
import { type Run, splitRun } from '../../raft/run.js';
import type { Happening, NodeActions, NodeParts } from '../parts.js';
import { commandsOf, type Proposal, type Read, refuseProposal } from './client-requests.js';

const noCommand = packBytes([new Uint8Array(0)]);

const proposalActions = {
  appendProposal: (parts, { proposal }) => appendProposal(parts, proposal),
  verifyProposal: (parts, { proposal }) => verifyProposal(parts, proposal),
  produceBlock(parts) {
    const { id: leaderId, currentTerm: term } = parts.replica;
    const block = producedBlock(parts, { leaderId, term });
    if (block === null) return;
    const proposal = { first: 0, count: 1, body: packBytes([block]), reply: () => {} };
    if (parts.application.verify === undefined) appendProposal(parts, proposal);
    else verifyProposal(parts, proposal);
  },
  answerVerification(parts, { message: { from, request, commands } }) {
    const { id, currentTerm: term } = parts.replica;
    const approved = commands.map((command) => isApproved(parts, command));
    parts.outbox.send(from, { type: 'verifyResponse', term, from: id, request, approved });
  },
  countVerdicts(parts, { message }) {
    parts.verifications.count(message);
    parts.verifications.settle((proposal) => appendProposal(parts, proposal));
  },
  redirectProposal({ replica: { id, leaderId, currentTerm } }, { proposal }) {
    refuseProposal(proposal, new NotLeaderError(id, leaderId, currentTerm));
  },
  refuseProposalOverload({ replica, options }, { proposal }) {
    const text = `Node ${replica.id} has too many commands waiting (at most ${options.limits.proposalsMax}). Nothing was appended: slow down and propose it again.`;
    refuseProposal(proposal, new OverloadedError(text));
  },
  refuseProposalNotReady({ replica: { id, lastApplied, log } }, { proposal }) {
    const text = `Node ${id} leads and has applied ${lastApplied} of the ${log.lastIndex} entries of its log: what it appended now could not be answered in time. Nothing was appended: wait until the cluster is ready, and propose it then.`;
    refuseProposal(proposal, new NotReadyError(text));
  },
  refuseProposalDead: ({ replica }, { proposal }) => refuseProposal(proposal, new NodeDeadError(replica.id)),
} satisfies Partial<NodeActions>;

/** Reads (thesis §6.4): confirmed by the leader without a log write, served by the node that was asked. */
const readActions = {
  startRead(parts, event) {
    const read = readIn(event);
    parts.reads.rounds.add(parts.replica, read);
    if (read.kind === 'client' && read.mayUseLease) renewLease(parts);
  },
  serveByLease(parts, { read }) {
    parts.reads.serveAt(parts.replica.commitIndex, read);
    renewLease(parts);
  },
  holdRead: ({ reads }, event) => reads.hold(readIn(event)),
  releaseHeldReads({ replica, reads }) {
    for (const read of reads.takeHeld()) reads.rounds.add(replica, read);
  },
  forwardRead({ replica, reads, outbox, clock }, { read }) {
    const { id, leaderId, currentTerm: term } = replica;
    if (leaderId === null) return reads.refuse(read);
    const request = reads.forward(read, clock.now());
    if (request !== null) outbox.send(leaderId, { type: 'readIndex', term, from: id, request });
  },
  redirectRead: ({ reads }, { read }) => reads.refuse(read),
  answerStaleRead: ({ reads, freshness, clock }, { read }) =>
    reads.answerStale(read, freshness.ageMs(clock.now())),
  refuseReadDead: ({ reads, replica }, { read }) => reads.refuse(read, new NodeDeadError(replica.id)),
  refuseReadIndex: (parts, { message }) => answerReadIndex(parts, message.from, message.request, null),
  resumeForwardedRead({ reads }, { message: { request, granted, index } }) {
    for (const read of reads.takeForwarded(request)) {
      if (granted) reads.serveAt(index, read);
      else reads.refuse(read);
    }
  },
  expireForwardedReads: ({ reads, clock, options }) =>
    reads.expireForwarded(clock.now() - options.timings.electionTimeoutMsMax),
} satisfies Partial<NodeActions>;

/** What clients ask: a leader's to append or to confirm, everybody else's to send on. */
export const clientActions = { ...proposalActions, ...readActions };

/** The new leader's first entry: once it commits, so has everything before it (§8). */
export function appendNoop(parts: NodeParts): void {
  appendToLog(parts, { kind: 'noop', count: 1, body: noCommand });
}

/** Where nothing is written, a lease is renewed by an entry without effect, as long as reads ask for it. */
function renewLease(parts: NodeParts): void {
  const { replica, lease, clock, links } = parts;
  if (!lease.isToBeRenewed(clock.now()) || replica.commitIndex < replica.log.lastIndex) return;
  appendNoop(parts);
  links.replicate();
}

/** Asks again what voters have not answered: questions and answers may be lost. */
export function repeatQuestions({ replica, options, verifications, outbox }: NodeParts): void {
  for (const voter of replica.configuration.voters) {
    if (voter === replica.id) continue;
    const questions = verifications.unanswered(voter, options.limits.appendBytesMax);
    for (const question of questions) outbox.send(voter, question);
  }
}

/** Passes on the reads whose round a quorum has answered by now. */
export function confirmReads(parts: NodeParts): void {
  for (const { index, reads } of parts.reads.rounds.takeConfirmed(parts.replica)) {
    for (const read of reads) {
      if (read.kind === 'client') parts.reads.serveAt(index, read);
      else answerReadIndex(parts, read.from, read.request, index);
    }
  }
}

function readIn(event: Extract<Happening, { type: 'client.read' | 'peer.readIndex' }>): Read {
  if (event.type === 'client.read') return event.read;
  return { kind: 'peer', from: event.message.from, request: event.message.request };
}

/** @param index null refuses. */
function answerReadIndex(parts: NodeParts, to: NodeId, request: number, index: LogIndex | null): void {
  const { id: from, currentTerm: term } = parts.replica;
  const granted = index !== null;
  parts.outbox.send(to, { type: 'readIndexResponse', term, from, request, granted, index: index ?? 0 });
}

/** A leader appends clients' commands to its own log; the turn's end sends them on and writes them (§5.3). */
function appendProposal(parts: NodeParts, proposal: Proposal): void {
  const firstIndex = parts.replica.log.lastIndex + 1;
  const { count, body, session, isOfSession } = proposal;
  const what = { kind: isOfSession ? 'session' : 'command', count, body } as const;
  const logTimeMs = session === undefined ? 0 : parts.logTime.now();
  appendToLog(parts, session === undefined ? what : { ...what, session: { ...session, logTimeMs } });
  parts.proposals.add(proposal, firstIndex);
  parts.links.replicate();
}

/** The commands stay as they came. A run fits a message, so that it is sealed and sent whole. */
export function appendToLog(
  { replica, options, lease, clock }: NodeParts,
  what: Omit<Run, 'firstIndex' | 'term' | 'leaderId'>,
): void {
  const { id: leaderId, currentTerm: term, log } = replica;
  const run: Run = { ...what, firstIndex: log.lastIndex + 1, term, leaderId };
  appendToOwnLog(replica, splitRun(run, options.limits.appendBytesMax));
  lease.appended(log.lastIndex, clock.now());
}

function verifyProposal(parts: NodeParts, proposal: Proposal): void {
  const { replica, verifications, outbox } = parts;
  const own = commandsOf(proposal).map((command) => isApproved(parts, command));
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
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new ApplicationError(
      `The application failed to produce a block: ${text}. It must be mended before the node can lead.`,
      { cause },
    );
  }
}
