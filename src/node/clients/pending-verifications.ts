import { cutPacked } from '../../ground/byte-strings.js';
import { CommandRejectedError, NotLeaderError, NotReadyError } from '../../ground/errors.js';
import { printable } from '../../ground/printable.js';
import type { NodeId } from '../../raft/entry.js';
import type { Verify, VerifyResponse } from '../../raft/messages.js';
import type { Replica } from '../../raft/replica.js';
import { type Decision, VerificationRound } from '../../raft/verification.js';
import { commandsOf, type Proposal, refuseProposal } from './client-requests.js';

/** Heartbeats after which a question is asked again at the latest. */
const pauseMax = 64;

/** When a voter is asked again: after 1, 2, 4 … heartbeats. */
interface Reminder {
  beats: number;
  pause: number;
}

interface Pending {
  readonly request: number;
  readonly begunAtMs: number;
  readonly proposal: Proposal;
  readonly round: VerificationRound;
  readonly reminders: Map<NodeId, Reminder>;
}

/**
 * A leader's proposals on their way through their verification rounds. They are appended in the order in which
 * they came, so a later round waits for an earlier one.
 */
export class PendingVerifications {
  readonly #replica: Replica;
  readonly #pending: Pending[] = [];
  #nextRequest = 1;
  #size = 0;

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** How many commands are being verified. */
  get size(): number {
    return this.#size;
  }

  /**
   * Opens a round with this node's own verdicts, and returns the question for the others.
   * @param nowMs when it begins
   * @param isGranted was the command appended before, and is only sent again?
   */
  begin(
    proposal: Proposal,
    own: Pick<VerifyResponse, 'approved' | 'reasons'>,
    nowMs: number,
    isGranted: (command: number) => boolean,
  ): Verify {
    const request = this.#nextRequest++;
    const round = new VerificationRound(proposal.count, isGranted);
    round.count({ from: this.#replica.id, ...own });
    const pending = { request, begunAtMs: nowMs, proposal, round, reminders: new Map() };
    this.#pending.push(pending);
    this.#size += proposal.count;
    return this.#question(pending);
  }

  count(response: VerifyResponse): void {
    this.#pending.find(({ request }) => request === response.request)?.round.count(response);
  }

  /**
   * The questions that this voter has not answered and is to be asked again with this heartbeat: the oldest, which hold
   * up the others, until their commands come to `bytesMax`; each after a pause that doubles.
   */
  unanswered(voter: NodeId, bytesMax: number): Verify[] {
    const questions: Verify[] = [];
    let bytes = 0;
    for (const pending of this.#pending) {
      if (pending.round.hasAnswered(voter)) continue;
      const reminder = pending.reminders.get(voter) ?? { beats: 0, pause: 1 };
      pending.reminders.set(voter, reminder);
      if (++reminder.beats < reminder.pause) continue;
      reminder.beats = 0;
      reminder.pause = Math.min(2 * reminder.pause, pauseMax);
      questions.push(this.#question(pending));
      bytes += pending.proposal.body.length;
      if (bytes >= bytesMax) break;
    }
    return questions;
  }

  /**
   * Hands on what is approved, refuses what is not, as far as the rounds are decided.
   * @param isInVain is a round that is not decided given up? What it is about is handed back, for others wait behind it
   */
  settle(
    append: (proposal: Proposal) => void,
    isInVain: (round: VerificationRound, begunAtMs: number) => boolean = () => false,
  ): void {
    for (let head = this.#pending[0]; head !== undefined; head = this.#pending[0]) {
      const { proposal, round, begunAtMs } = head;
      const decisions = round.decisions(this.#replica.configuration);
      if (decisions === null && !isInVain(round, begunAtMs)) return;
      this.#pending.shift();
      this.#size -= proposal.count;
      if (decisions === null) this.#handBack(proposal);
      else this.#decided(proposal, decisions, append);
    }
  }

  #decided(proposal: Proposal, decisions: readonly Decision[], append: (proposal: Proposal) => void): void {
    for (const { decision, proposal: piece } of piecesOf(proposal, decisions)) {
      if (decision.approved) append(piece);
      else refuseProposal(piece, new CommandRejectedError(reasonsIn(decision)));
    }
  }

  /** Whoever asked may ask again. */
  #handBack(proposal: Proposal): void {
    const text = `Node ${this.#replica.id} asked the voters in vain whether the command is valid: too many do not answer. Nothing was appended.`;
    refuseProposal(proposal, new NotReadyError(text));
  }

  /** The leader leaves office: nothing of this was appended. */
  refuseAll(): void {
    const { id, leaderId, currentTerm } = this.#replica;
    this.#size = 0;
    for (const { proposal } of this.#pending.splice(0)) {
      refuseProposal(proposal, new NotLeaderError(id, leaderId, currentTerm));
    }
  }

  #question({ request, proposal }: Pending): Verify {
    const { id, currentTerm } = this.#replica;
    return { type: 'verify', term: currentTerm, from: id, request, commands: commandsOf(proposal) };
  }
}

/** In words, each in a line. */
function reasonsIn({ reasons }: Decision): string[] {
  return [...reasons].map(([voter, reason]) => `Node ${voter}: ${printable(Buffer.from(reason).toString())}`);
}

/** Splits a proposal where the decision changes; each command that is refused has reasons of its own. */
function* piecesOf(proposal: Proposal, decisions: readonly Decision[]) {
  for (let start = 0, end = 1; end <= decisions.length; end++) {
    const decision = decisions[start] as Decision;
    if (end < decisions.length && decision.approved && decisions[end]?.approved === true) continue;
    const { first, session } = proposal;
    const body = cutPacked(proposal.body, start, end);
    const piece = { ...proposal, first: first + start, count: end - start, body };
    yield {
      decision,
      proposal:
        session === undefined
          ? piece
          : { ...piece, session: { ...session, sequence: session.sequence + start } },
    };
    start = end;
  }
}
