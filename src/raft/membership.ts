import { type ConfigurationData, isSameMember, type Member } from './configuration.js';
import type { LogIndex, NodeId } from './entry.js';
import type { Message, NotMember } from './messages.js';
import type { Progress } from './progress.js';
import type { Replica } from './replica.js';

/*
 * How members come and go (§6; thesis §4). Whatever differs from the present voters by one server at most is one entry:
 * any majority of the one configuration then shares a server with any majority of the other. All else goes through a
 * joint configuration. Who is to vote is a learner first, until it has caught up. And a leader changes nothing before
 * an entry of its own term is committed, nor before the change before it is (the erratum of 2015 to thesis §4.1).
 */

/** One thing that is to be different. */
export type ChangeStep =
  /** A server that is no member; to vote, unless it is to be a learner. */
  | { readonly kind: 'add'; readonly id: NodeId; readonly address: string; readonly learner: boolean }
  | { readonly kind: 'remove'; readonly id: NodeId }
  /** A learner is to vote. */
  | { readonly kind: 'promote'; readonly id: NodeId }
  /** A member is reached elsewhere. */
  | { readonly kind: 'update'; readonly id: NodeId; readonly address: string }
  | { readonly kind: 'prioritize'; readonly id: NodeId; readonly priority: number };

/** Steps that take effect together, or not at all. To replace a member is to remove it and to add another. */
export type Change = readonly ChangeStep[];

/** Why a change cannot be made. `notAMember` and `impossible` hold as long as the configuration does. */
export interface ChangeFlaw {
  readonly why: 'notAMember' | 'impossible';
  readonly text: string;
}

/**
 * The configuration that a change makes of a simple one; the same data when it changes nothing.
 * @param index of the entry that will add who is added: their incarnation
 */
export function changed(
  data: ConfigurationData,
  change: Change,
  index: LogIndex,
): ConfigurationData | ChangeFlaw {
  let voters = [...data.voters];
  let learners = [...data.learners];
  for (const step of change) {
    const { id } = step;
    const voter = voters.find((member) => member.id === id);
    const learner = learners.find((member) => member.id === id);
    const known = voter ?? learner;
    if (step.kind === 'add') {
      if (voter !== undefined && step.learner) return impossible(`Node ${id} votes. Remove it first`);
      if (voter !== undefined) continue;
      const member = learner ?? { id, address: step.address, incarnation: index, priority: 0 };
      learners = learners.filter((other) => other !== learner);
      if (step.learner) learners.push(member);
      else voters.push(member);
      continue;
    }
    if (known === undefined) return { why: 'notAMember', text: `Node ${id} is no member.` };
    const become = (member: Member) => {
      voters = voters.map((other) => (other.id === id ? member : other));
      learners = learners.map((other) => (other.id === id ? member : other));
    };
    switch (step.kind) {
      case 'remove':
        voters = voters.filter((member) => member !== known);
        learners = learners.filter((member) => member !== known);
        break;
      case 'promote':
        if (learner !== undefined) voters.push(learner);
        learners = learners.filter((member) => member !== learner);
        break;
      case 'update':
        become({ ...known, address: step.address });
        break;
      case 'prioritize':
        become({ ...known, priority: step.priority });
        break;
    }
  }
  if (voters.length === 0) return impossible('Nobody would vote. Add another voter first');
  return { voters, learners, outgoing: null };
}

function impossible(text: string): ChangeFlaw {
  return { why: 'impossible', text };
}

/** Is nothing different? */
export function isSame(one: ConfigurationData, other: ConfigurationData): boolean {
  return areSame(one.voters, other.voters) && areSame(one.learners, other.learners);
}

function areSame(some: readonly Member[], others: readonly Member[]): boolean {
  return (
    some.length === others.length && some.every((one) => others.some((other) => isSameMember(one, other)))
  );
}

/** Those who are to vote and do not yet: each must have caught up first. */
export function newVoters(from: ConfigurationData, target: ConfigurationData): Member[] {
  return target.voters.filter((member) => !hasServer(from.voters, member));
}

/** The present configuration, in which those who are to vote and are no members yet are learners; null if there are none. */
export function preparation(from: ConfigurationData, target: ConfigurationData): ConfigurationData | null {
  const present = [...from.voters, ...from.learners];
  const fresh = newVoters(from, target).filter((member) => !present.some(({ id }) => id === member.id));
  return fresh.length === 0 ? null : { ...from, learners: [...from.learners, ...fresh] };
}

/** Is one entry enough, since every majority of the one shares a server with every majority of the other? (thesis §4.1) */
export function isOneStep(from: ConfigurationData, target: ConfigurationData): boolean {
  const leaving = from.voters.filter((member) => !hasServer(target.voters, member));
  return newVoters(from, target).length + leaving.length <= 1;
}

/** A server is another one if it bears the id for another time. */
function hasServer(members: readonly Member[], { id, incarnation }: Member): boolean {
  return members.some((member) => member.id === id && member.incarnation === incarnation);
}

/** C-old,new: everything takes a majority of both. */
export function jointly(from: ConfigurationData, target: ConfigurationData): ConfigurationData {
  const kept = [...target.voters, ...target.learners];
  const outgoing = from.voters.map((member) => kept.find(({ id }) => id === member.id) ?? member);
  return { ...target, outgoing };
}

/** C-new, once the joint configuration is committed. */
export function settled({ voters, learners }: ConfigurationData): ConfigurationData {
  return { voters, learners, outgoing: null };
}

/**
 * C-old, when the joint configuration is given up: who was to vote is a learner.
 *
 * A leader may append it as long as it knows the joint one not to be committed, which it can only if it appended that
 * itself. Then nobody has C-new, for that is appended after the joint one is committed, by this leader or by one who
 * was elected since; and to be elected takes a majority of C-old, whose members refuse this leader from then on.
 * So in force are C-old and the joint configuration alone, and both take a majority of C-old.
 */
export function reverted({ voters, learners, outgoing }: ConfigurationData): ConfigurationData {
  const back = outgoing ?? voters;
  const others = [...learners, ...voters].filter(({ id }) => !back.some((member) => member.id === id));
  return { voters: back, learners: others, outgoing: null };
}

/** Is the configuration in force known to be committed? */
export function configurationIsCommitted({ commitIndex, configurations }: Replica): boolean {
  return commitIndex >= configurations.latestIndex;
}

/**
 * May this server stand for election? Voters may; and one that the latest configuration leaves out, as long as that
 * one is not known to be committed: the others may need it to commit that very entry (thesis §4.2.2).
 */
export function mayLead(replica: Replica): boolean {
  const { id, configuration, configurations } = replica;
  if (configuration.isVoter(id)) return true;
  return !configurationIsCommitted(replica) && configurations.previous.isVoter(id);
}

/** Was this server a member by its own log, and left out by a configuration that is committed? */
export function isRemoved(replica: Replica): boolean {
  const { id, configuration, configurations, joinsAfter } = replica;
  if (configuration.isMember(id) || !configurationIsCommitted(replica)) return false;
  return configurations.hasNamed(id, joinsAfter ?? undefined);
}

/**
 * Does this server join, and has its log yet to tell that it was added? Then a member that bears its id in the log is a
 * server of before, which may have voted and acknowledged entries in its time: of all that this one knows nothing.
 */
export function isJoining({ id, joinsAfter, configurations }: Replica): boolean {
  return joinsAfter !== null && !configurations.hasNamed(id, joinsAfter);
}

/**
 * Is the message meant for the server that bore this one's id before? If its votes were given anew, or what it had
 * acknowledged were acknowledged by one that has lost it, two leaders could have a majority each. What this server has
 * been added for comes from a leader that knows as much, and nobody needs its vote before it has caught up (§6).
 */
export function isForFormerBearer(replica: Replica, message: Message): boolean {
  if (replica.joinsAfter === null) return false;
  switch (message.type) {
    case 'appendEntries':
    case 'installSnapshot':
      return message.incarnation <= replica.joinsAfter;
    case 'requestVote':
    case 'preVote':
    case 'timeoutNow':
      return isJoining(replica);
    default:
      return false;
  }
}

/** Is who speaks no member, by a configuration that is committed? Unless it knows of a later one, it was removed. */
export function isStranger(replica: Replica, id: NodeId): boolean {
  return configurationIsCommitted(replica) && !replica.configuration.isMember(id);
}

/**
 * Is one who says that this server is no member to be believed? It speaks of what is committed through (commitIndex,
 * commitTerm); the latest configuration that this server has may be of an entry that is not. These places compare as the
 * ends of logs do (§5.4.1), and for the same reason:
 *
 * - Of an earlier term, this server's entry was committed before the sender's, or never is: whoever led the sender's term had
 *   all that was committed before it (Leader Completeness, §5.4.3), and all later leaders have what it committed.
 * - Of the same term, one leader made both: the entry is among what is committed if its index is not higher.
 * - Otherwise this server may know of more.
 *
 * An index alone does not tell: entries that nobody committed reach as far as one likes. Nor does the term of the entry that
 * brought the sender's configuration: a leader of a later term may have committed it, after one in between whose
 * configuration came to nothing.
 */
export function isRemovalNews(
  { log, configurations }: Replica,
  { commitIndex, commitTerm }: NotMember,
): boolean {
  const { latestIndex } = configurations;
  // One that is not in the log any more is in force where the log begins.
  const ownTerm = log.termAt(Math.max(latestIndex, log.baseIndex)) ?? 0;
  return commitTerm === ownTerm ? commitIndex >= latestIndex : commitTerm > ownTerm;
}

/** How rounds of replication to a new voter go before it may vote (thesis §4.2.1). */
const roundsMax = 10;

/** A server that is brought up to date before it votes. */
export class CatchUp {
  readonly member: Member;
  readonly #startedAtMs: number;
  #targetIndex: LogIndex;
  #roundAtMs: number;
  #rounds = 1;
  #isDone = false;

  constructor(member: Member, lastIndex: LogIndex, nowMs: number) {
    this.member = member;
    this.#targetIndex = lastIndex;
    this.#roundAtMs = nowMs;
    this.#startedAtMs = nowMs;
  }

  /** Did the last round take less than an election timeout, so that what is left keeps nobody waiting? */
  get isDone(): boolean {
    return this.#isDone;
  }

  /**
   * The server has answered: when it has all that the log had when the round began, the next one begins.
   * @param electionTimeoutMs a round that takes less is the last
   */
  note({ matchIndex }: Progress, lastIndex: LogIndex, nowMs: number, electionTimeoutMs: number): void {
    if (this.#isDone || matchIndex < this.#targetIndex) return;
    this.#isDone = nowMs - this.#roundAtMs < electionTimeoutMs;
    this.#targetIndex = lastIndex;
    this.#roundAtMs = nowMs;
    this.#rounds++;
  }

  /** Why it is not waited for any more, in words; null while it is. */
  failure(progress: Progress | undefined, nowMs: number, silenceMsMax: number): string | null {
    const heardAtMs = Math.max(this.#startedAtMs, progress?.answeredAtMs ?? 0);
    if (nowMs - heardAtMs >= silenceMsMax) return `has not answered for ${Math.round(nowMs - heardAtMs)} ms`;
    return this.#rounds > roundsMax ? `was not level after ${roundsMax} rounds of replication` : null;
  }
}

/** Whom a leader that leaves office had best hand over to: of the voters that answer, the most preferred of the most level. */
export function successorOf(replica: Replica, nowMs: number, withinMs: number): NodeId | null {
  let best: { readonly progress: Progress; readonly priority: number } | null = null;
  for (const progress of replica.progress.values()) {
    const member = replica.configuration.member(progress.id);
    if (member === null || !replica.configuration.isVoter(progress.id)) continue;
    if (nowMs - progress.answeredAtMs >= withinMs) continue;
    const { priority } = member;
    const isBetter =
      best === null ||
      progress.matchIndex > best.progress.matchIndex ||
      (progress.matchIndex === best.progress.matchIndex && priority > best.priority);
    if (isBetter) best = { progress, priority };
  }
  return best?.progress.id ?? null;
}

/** A voter that is preferred to this leader, answers, and has all that is committed: leadership is its own to have. */
export function preferredVoter(replica: Replica, nowMs: number, withinMs: number): NodeId | null {
  const { id: self, configuration, commitIndex, progress } = replica;
  if (configuration.rankOf(self) === 0) return null;
  for (const { id, matchIndex, answeredAtMs } of progress.values()) {
    if (configuration.rankOf(id) > 0 || !configuration.isVoter(id)) continue;
    if (matchIndex >= commitIndex && nowMs - answeredAtMs < withinMs) return id;
  }
  return null;
}
