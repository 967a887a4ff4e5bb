import type { ProduceContext } from '../../application/application.js';
import { disown, requireBytes } from '../../application/contract.js';
import { offsetAfter, packBytes } from '../../ground/byte-strings.js';
import {
  ApplicationError,
  CommandTooLargeError,
  NodeDeadError,
  NotLeaderError,
  NotReadyError,
  OverloadedError,
} from '../../ground/errors.js';
import { cropped, messageOf } from '../../ground/thrown.js';
import type { LogIndex, NodeId } from '../../raft/entry.js';
import { membersHeard } from '../../raft/liveness.js';
import type { VerifyResponse } from '../../raft/messages.js';
import { appendToOwnLog } from '../../raft/replication.js';
import { type Run, splitRun } from '../../raft/run.js';
import type { VerificationRound } from '../../raft/verification.js';
import type { Happening, NodeActions, NodeParts } from '../parts.js';
import { commandsOf, type Proposal, type Read, refuseProposal } from './client-requests.js';

/** Of what a node says against a command this many characters are told. */
const reasonLengthMax = 200;

/** After so many election timeouts a verdict is waited for no longer, though voters that owe it are heard. */
const verdictTimeouts = 4;

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
    const verdicts = verdictsOn(parts, commands);
    parts.outbox.send(from, { type: 'verifyResponse', term, from: id, request, ...verdicts });
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
    const reads = readsIn(event);
    for (const read of reads) parts.reads.rounds.add(parts.replica, read);
    if (mayUseLease(reads)) renewLease(parts);
  },
  serveByLease(parts, { reads }) {
    for (const read of reads) parts.reads.serveAt(parts.replica.commitIndex, read);
    renewLease(parts);
  },
  holdRead({ reads }, event) {
    for (const read of readsIn(event)) reads.hold(read);
  },
  releaseHeldReads({ replica, reads }) {
    for (const read of reads.takeHeld()) reads.rounds.add(replica, read);
  },
  forwardRead({ replica, reads: pending, outbox, clock }, { reads }) {
    const { id, leaderId, currentTerm: term } = replica;
    for (const read of reads) {
      if (leaderId === null) pending.refuse(read);
      else {
        const request = pending.forward(read, clock.now());
        if (request !== null) outbox.send(leaderId, { type: 'readIndex', term, from: id, request });
      }
    }
  },
  redirectRead({ reads: pending }, { reads }) {
    for (const read of reads) pending.refuse(read);
  },
  answerStaleRead({ reads: pending, freshness, clock }, { reads }) {
    const ageMs = freshness.ageMs(clock.now());
    for (const read of reads) pending.answerStale(read, ageMs);
  },
  refuseReadDead({ reads: pending, replica }, { reads }) {
    for (const read of reads) pending.refuse(read, new NodeDeadError(replica.id));
  },
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

/**
 * Asks again what voters have not answered: questions and answers may be lost. What stays undecided is given up: others wait
 * behind it, and take its room no less than it does. That is after an election timeout where all who are heard have
 * answered, for the voters that it wants are down then; and after several in any case.
 */
export function repeatQuestions(parts: NodeParts): void {
  const { replica, options, verifications, outbox, clock } = parts;
  if (verifications.size === 0) return;
  const nowMs = clock.now();
  const { electionTimeoutMsMax } = options.timings;
  // Who is silent is asked again when it is heard.
  const heard = membersHeard(replica, nowMs, electionTimeoutMsMax);
  const owes = (round: VerificationRound) =>
    replica.configuration.voters.some((voter) => heard.includes(voter) && !round.hasAnswered(voter));
  verifications.settle(
    (proposal) => appendProposal(parts, proposal),
    (round, begunAtMs) => nowMs - begunAtMs > (owes(round) ? verdictTimeouts : 1) * electionTimeoutMsMax,
  );
  for (const voter of replica.configuration.voters) {
    if (voter === replica.id || !heard.includes(voter)) continue;
    const questions = verifications.unanswered(voter, options.limits.appendBytesMax);
    for (const question of questions) outbox.send(voter, question);
  }
}

/** Passes on the reads whose round a quorum has answered by now. */
export function confirmReads(parts: NodeParts): void {
  for (const { index, reads } of parts.reads.rounds.takeConfirmed(parts.replica)) {
    for (const read of reads) {
      if (read.kind === 'client') parts.reads.serveAt(index, read);
      else if (read.kind === 'own') read.confirmed();
      else answerReadIndex(parts, read.from, read.request, index);
    }
  }
}

function readsIn(event: Extract<Happening, { type: 'client.read' | 'peer.readIndex' }>): readonly Read[] {
  if (event.type === 'client.read') return event.reads;
  return [{ kind: 'peer', from: event.message.from, request: event.message.request }];
}

/** May these reads, which are alike, be answered by a lease? */
export function mayUseLease([read]: readonly Read[]): boolean {
  return read?.kind === 'client' && read.mayUseLease === true;
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

/** In rounds of so many commands as a message of entries holds: a question is no longer than what it is about. */
function verifyProposal(parts: NodeParts, proposal: Proposal): void {
  const { replica, verifications, outbox, options, clock } = parts;
  for (const piece of questionsOf(proposal, options.limits.appendBytesMax)) {
    const { session } = piece;
    const isGranted = (command: number) =>
      session !== undefined && isAppended(parts, session.id, session.sequence + command);
    const question = verifications.begin(piece, verdictsOn(parts, commandsOf(piece)), clock.now(), isGranted);
    for (const voter of replica.configuration.voters) if (voter !== replica.id) outbox.send(voter, question);
  }
  verifications.settle((approved) => appendProposal(parts, approved));
}

/** The proposal in pieces of `bytesMax` bytes at most, but of one command at least. */
function* questionsOf(proposal: Proposal, bytesMax: number): Iterable<Proposal> {
  const { first, count, body, session } = proposal;
  for (let start = 0, at = 0; start < count; ) {
    let [end, to] = [start, at];
    do {
      to = offsetAfter(body, to, 1);
      end++;
    } while (end < count && offsetAfter(body, to, 1) - at <= bytesMax);
    const piece = { ...proposal, first: first + start, count: end - start, body: body.subarray(at, to) };
    yield session === undefined
      ? piece
      : { ...piece, session: { ...session, sequence: session.sequence + start } };
    [start, at] = [end, to];
  }
}

/**
 * Was a command of this number appended before? Then it was found valid then, and is not to be judged by what it may have
 * done since. A leader has all that is committed in its log, applied or not.
 */
function isAppended(
  { sessions, replica: { log, lastApplied } }: NodeParts,
  id: LogIndex,
  sequence: number,
): boolean {
  if (sessions.knows(id, sequence)) return true;
  return log.range(lastApplied + 1, log.lastIndex).some(({ kind, count, session }) => {
    const at = session?.id === id ? sequence - session.sequence : -1;
    return kind === 'command' && at >= 0 && at < count;
  });
}

/** What this node finds of commands, and why it refuses those that it does. */
function verdictsOn(
  parts: NodeParts,
  commands: readonly Uint8Array[],
): Pick<VerifyResponse, 'approved' | 'reasons'> {
  const verdicts = commands.map((command) => verdictOn(parts, command));
  const approved = verdicts.map((verdict) => verdict === null);
  const refusals = verdicts.filter((verdict) => verdict !== null);
  if (refusals.length === 0) return { approved };
  return { approved, reasons: refusals.map((reason) => Buffer.from(cropped(reason, reasonLengthMax))) };
}

/** Null if it is valid. A verifier that throws, or says anything but yes, has not found the command valid. */
function verdictOn({ application }: NodeParts, command: Uint8Array): string | null {
  if (application.verify === undefined) return null;
  try {
    const verdict: unknown = application.verify(command);
    disown(verdict);
    if (verdict === true) return null;
    return typeof verdict === 'string' ? verdict : '';
  } catch (error) {
    return messageOf(error);
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
