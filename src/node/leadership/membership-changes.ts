import {
  ChangeAbortedError,
  ChangeInProgressError,
  ChangeRefusedError,
  type ConclaveError,
  NotAMemberError,
  NotCaughtUpError,
  NotLeaderError,
  OutcomeUnknownError,
} from '../../ground/errors.js';
import type { ConfigurationData } from '../../raft/configuration.js';
import type { NodeId } from '../../raft/entry.js';
import {
  CatchUp,
  type Change,
  changed,
  configurationIsCommitted,
  isOneStep,
  isSame,
  jointly,
  newVoters,
  preparation,
  reverted,
} from '../../raft/membership.js';
import type { Replica } from '../../raft/replica.js';
import type { Timings } from '../options.js';

/** Who asks for a change, and is answered once: with null when it is committed. */
export interface ChangeRequest {
  /** `abort` gives up the change that is under way, if that can still be. */
  readonly change: Change | 'abort';
  readonly reply: (error: ConclaveError | null) => void;
}

/** A server that is to vote and says nothing for so many of the longest election timeouts is not waited for. */
const silentTimeoutsMax = 20;

interface UnderWay {
  readonly request: ChangeRequest;
  readonly target: ConfigurationData;
  readonly catchUps: readonly CatchUp[];
  /** Who asked to give it up. */
  abort: ChangeRequest | null;
}

/**
 * A leader's changes of the configuration: one is under way at most. The chart says how far it is (its region
 * `membership`); here is what it is about.
 */
export class MembershipChanges {
  readonly #replica: Replica;
  readonly #timings: Timings;
  #taken: ChangeRequest | null = null;
  #underWay: UnderWay | null = null;

  constructor(replica: Replica, timings: Timings) {
    this.#replica = replica;
    this.#timings = timings;
  }

  /** Has one been asked for that is not begun? */
  get isTaken(): boolean {
    return this.#taken !== null;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== null;
  }

  /** What has been asked for and is begun when it can be. */
  take(request: ChangeRequest): void {
    this.#taken = request;
  }

  /** Another is under way. */
  refuse(request: ChangeRequest): void {
    request.reply(
      request.change === 'abort'
        ? new ChangeRefusedError('The change can no longer be given up: it is committed, or will be')
        : new ChangeInProgressError(this.#replica.id),
    );
  }

  /** Would what is taken change the configuration? */
  takenIsSound(): boolean {
    return this.#taken !== null && this.#targetOf(this.#taken.change) !== null;
  }

  /** Refuses what is taken and cannot be begun. Returns it where it is so already: a leader has to show that it leads to say so. */
  takeWhatIsSo(): ChangeRequest | null {
    const taken = this.#taken;
    this.#taken = null;
    if (taken === null) return null;
    if (taken.change === 'abort') {
      taken.reply(new ChangeRefusedError('No change is under way'));
      return null;
    }
    const outcome = changed(this.#replica.configuration.data, taken.change, this.#nextIndex);
    if (!('why' in outcome)) return taken;
    const { why, text } = outcome;
    taken.reply(why === 'notAMember' ? new NotAMemberError(text) : new ChangeRefusedError(text));
    return null;
  }

  /** Begins what is taken. Returns the configuration to append first, in which who is to vote learns; null if nobody has to. */
  begin(nowMs: number): ConfigurationData | null {
    const request = this.#taken as ChangeRequest;
    const target = this.#targetOf(request.change) as ConfigurationData;
    const { configuration, log } = this.#replica;
    const catchUps = newVoters(configuration.data, target).map(
      (member) => new CatchUp(member, log.lastIndex, nowMs),
    );
    this.#taken = null;
    this.#underWay = { request, target, catchUps, abort: null };
    return preparation(configuration.data, target);
  }

  /** A follower has answered. */
  note(from: NodeId, nowMs: number): void {
    const catchUp = this.#underWay?.catchUps.find(({ member }) => member.id === from);
    const progress = this.#replica.progress.get(from);
    if (catchUp === undefined || progress?.incarnation !== catchUp.member.incarnation) return;
    catchUp.note(progress, this.#replica.log.lastIndex, nowMs, this.#timings.electionTimeoutMsMin);
  }

  /** May the change itself be appended? Who is to vote has caught up, and the configuration before is committed. */
  isPrepared(): boolean {
    const { catchUps } = this.#underWay as UnderWay;
    return configurationIsCommitted(this.#replica) && catchUps.every(({ isDone }) => isDone);
  }

  /** Does it take a joint configuration? */
  takesTwoSteps(): boolean {
    return !isOneStep(this.#replica.configuration.data, (this.#underWay as UnderWay).target);
  }

  joint(): ConfigurationData {
    return jointly(this.#replica.configuration.data, (this.#underWay as UnderWay).target);
  }

  get target(): ConfigurationData {
    return (this.#underWay as UnderWay).target;
  }

  /** Why one of those who are to vote is not waited for any more; null while they all are. */
  #failure(nowMs: number): NotCaughtUpError | null {
    const silenceMsMax = this.#timings.electionTimeoutMsMax * silentTimeoutsMax;
    for (const catchUp of this.#underWay?.catchUps ?? []) {
      const { id } = catchUp.member;
      const failure = catchUp.isDone
        ? null
        : catchUp.failure(this.#replica.progress.get(id), nowMs, silenceMsMax);
      if (failure !== null) return new NotCaughtUpError(id, failure);
    }
    return null;
  }

  isLost(nowMs: number): boolean {
    return this.#failure(nowMs) !== null;
  }

  /** Who was to vote stays a learner. */
  giveUp(nowMs: number): void {
    this.#conclude(this.#failure(nowMs));
  }

  /** Gives up a change that is being prepared. */
  revoke(abort: ChangeRequest): void {
    this.#conclude(new ChangeAbortedError());
    abort.reply(null);
  }

  /** Gives up a joint configuration that is not committed. Returns the one to append. */
  abort(abort: ChangeRequest): ConfigurationData {
    (this.#underWay as UnderWay).abort = abort;
    return reverted(this.#replica.configuration.data);
  }

  /** The configuration that was wanted is committed, or that to which it went back. */
  conclude(): void {
    const abort = this.#underWay?.abort ?? null;
    this.#conclude(abort === null ? null : new ChangeAbortedError());
    abort?.reply(null);
  }

  #conclude(error: ConclaveError | null): void {
    this.#underWay?.request.reply(error);
    this.#underWay = null;
  }

  /** The leader leaves office, or falls silent: what it appended may be committed or not. */
  leave(): void {
    const { id, leaderId, currentTerm } = this.#replica;
    const [taken, underWay] = [this.#taken, this.#underWay];
    this.#taken = null;
    this.#underWay = null;
    taken?.reply(new NotLeaderError(id, leaderId, currentTerm));
    const unknown = new OutcomeUnknownError(
      `Node ${id} does not lead any more. The change of members may or may not take effect: look at the configuration, and ask again.`,
    );
    underWay?.request.reply(unknown);
    underWay?.abort?.reply(unknown);
  }

  get #nextIndex(): number {
    return this.#replica.log.lastIndex + 1;
  }

  /** The configuration that is wanted; null when it is none, or the present one. */
  #targetOf(change: ChangeRequest['change']): ConfigurationData | null {
    if (change === 'abort') return null;
    const { data } = this.#replica.configuration;
    const outcome = changed(data, change, this.#nextIndex);
    return 'why' in outcome || isSame(outcome, data) ? null : outcome;
  }
}
