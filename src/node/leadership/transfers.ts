import { type ConclaveError, NotLeaderError, TransferFailedError } from '../../ground/errors.js';
import type { NodeId, Term } from '../../raft/entry.js';
import { preferredVoter, successorOf } from '../../raft/membership.js';
import type { Replica } from '../../raft/replica.js';
import type { Timings } from '../options.js';

/** Who asks for a transfer, and is answered once: with null when this leader has left office for it. */
export interface TransferRequest {
  /** Null: to whoever is best. */
  readonly to: NodeId | null;
  readonly reply: (error: ConclaveError | null) => void;
}

interface UnderWay {
  readonly to: NodeId;
  readonly reply: TransferRequest['reply'];
}

/** After a preferred voter did not take over it is left alone for so many of the longest election timeouts, at first and at last. */
const backOffTimeouts = { min: 10, max: 200 } as const;

/** A leader's transfer of its leadership, one at most (thesis §3.10), and what a follower knows of one to itself. */
export class Transfers {
  readonly #replica: Replica;
  readonly #timings: Timings;
  #underWay: UnderWay | null = null;
  /** The term whose leader wants this server to stand. */
  #invitedIn: Term | null = null;
  #backOffMs = 0;
  #backOffUntilMs = Number.NEGATIVE_INFINITY;

  constructor(replica: Replica, timings: Timings) {
    this.#replica = replica;
    this.#timings = timings;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== null;
  }

  /** Who is to take over. */
  get target(): NodeId | null {
    return this.#underWay?.to ?? null;
  }

  /** What keeps the request from being carried out now, or null. */
  refusalOf({ to }: TransferRequest, nowMs: number): ConclaveError | null {
    const { id, configuration } = this.#replica;
    if (this.#underWay !== null) return failed(`hands over to node ${this.#underWay.to} already`);
    if (to === null) {
      return this.#successor(nowMs) === null ? failed('hears no voter that could lead') : null;
    }
    if (to === id || configuration.isVoter(to)) return null;
    return failed(`cannot hand over to node ${to}, which does not vote: promote or add it first`);
    function failed(why: string): TransferFailedError {
      return new TransferFailedError(id, why);
    }
  }

  begin({ to, reply }: TransferRequest, nowMs: number): void {
    this.#underWay = { to: to ?? (this.#successor(nowMs) as NodeId), reply };
  }

  #successor(nowMs: number): NodeId | null {
    return successorOf(this.#replica, nowMs, this.#timings.electionTimeoutMsMax);
  }

  /** The voter that is preferred to this leader and ready to lead; null if there is none, or it did not take over lately. */
  preferred(nowMs: number): NodeId | null {
    if (nowMs < this.#backOffUntilMs) return null;
    return preferredVoter(this.#replica, nowMs, this.#timings.electionTimeoutMsMin);
  }

  favour(to: NodeId): void {
    this.#underWay = { to, reply: () => {} };
  }

  /** Has the target all that this leader has? */
  targetIsLevel(): boolean {
    const { log, progress } = this.#replica;
    return this.#underWay !== null && progress.get(this.#underWay.to)?.matchIndex === log.lastIndex;
  }

  /** The target did not take over: the leader goes on. */
  giveUp(nowMs: number, why: string): void {
    const { min, max } = backOffTimeouts;
    const { electionTimeoutMsMax } = this.#timings;
    this.#backOffMs =
      Math.min(max, Math.max(min, (2 * this.#backOffMs) / electionTimeoutMsMax)) * electionTimeoutMsMax;
    this.#backOffUntilMs = nowMs + this.#backOffMs;
    const underWay = this.#underWay;
    this.#underWay = null;
    underWay?.reply(
      new TransferFailedError(this.#replica.id, `waited for node ${underWay.to}, which ${why}. It leads on`),
    );
  }

  /** The leader has left office. */
  leave(): void {
    const underWay = this.#underWay;
    this.#underWay = null;
    this.#backOffMs = 0;
    this.#backOffUntilMs = Number.NEGATIVE_INFINITY;
    underWay?.reply(null);
  }

  /** The node ends, or falls silent: nobody will learn here what became of it. */
  abandon(error: ConclaveError): void {
    const underWay = this.#underWay;
    this.#underWay = null;
    underWay?.reply(error);
  }

  redirect({ reply }: TransferRequest): void {
    const { id, leaderId, currentTerm } = this.#replica;
    reply(new NotLeaderError(id, leaderId, currentTerm));
  }

  /** The leader of the present term wants this server to stand. */
  accept(): void {
    this.#invitedIn = this.#replica.currentTerm;
  }

  /** Is the election that begins now what the leader of the term that ends wants? */
  get isInvited(): boolean {
    return this.#invitedIn === this.#replica.currentTerm;
  }
}
