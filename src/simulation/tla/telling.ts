import type { ConfigurationData } from '../../raft/configuration.js';
import type { LogIndex, NodeId } from '../../raft/entry.js';
import type {
  AppendEntriesResponse,
  InstallSnapshot,
  InstallSnapshotResponse,
  Message,
  RequestVote,
  RequestVoteResponse,
} from '../../raft/messages.js';
import { changeBetween } from './changes.js';
import type { EventName, Line, SpecifiedMessage } from './line.js';
import {
  type Append,
  appendKey,
  appendOf,
  recall,
  remember,
  type SentAppend,
  type SentVote,
  snapshotKey,
  voteKey,
} from './requests.js';
import { hasPending, isChanging, isDirty, voterReached } from './server.js';
import { NotSpecified, Specification } from './specification.js';
import type { Deed, SeenStance } from './watched-node.js';

/** Thrown where a trace cannot go on: the message says why. */
export class TraceEnd extends Error {}

/** What is of interest in the answer to it. */
type Answer = Pick<AppendEntriesResponse, 'term' | 'from' | 'success' | 'index'>;

/** Tells what nodes do in the specification's steps. */
export class Telling {
  readonly #specification: Specification;
  readonly #appends = new Map<string, SentAppend[]>();
  readonly #votes = new Map<string, SentVote[]>();
  /** By leader: how far each follower has said, in this term, that it matches. */
  readonly #acknowledged = new Map<NodeId, Map<NodeId, LogIndex>>();
  /** By leader: how much of its log it has handed to its disk. */
  readonly #handed = new Map<NodeId, LogIndex>();

  /** Members of whom a leader knew before the specification's did: they are ahead of what could be told. */
  readonly #ahead = new Set<NodeId>();
  /** What configuration entries say, as the nodes have it. */
  readonly #configurations = new WeakMap<object, ConfigurationData>();
  /** The first. */
  readonly #birth: ConfigurationData;

  constructor(configuration: ConfigurationData) {
    this.#birth = configuration;
    this.#specification = new Specification(configuration.voters.map(({ id }) => id));
  }

  /** A server, which need not be a member yet. */
  knows(id: NodeId): void {
    this.#specification.addServer(id);
  }

  get count(): number {
    return this.#specification.count;
  }

  get lines(): Line[] {
    return this.#specification.lines;
  }

  sendsAppend(from: NodeId, to: NodeId, message: Append): void {
    this.#step(from, () => {
      const { prevLogIndex: prev, count, leaderCommit } = message;
      if (leaderCommit > this.#specification.server(from).commitOfLife && this.#isTransitional(from)) {
        throw new TraceEnd(
          `node ${from} says that entry ${leaderCommit} is committed; ${this.#judged(from)}`,
        );
      }
      const carried = { kind: 'entries', prev, count, leaderCommit } as const;
      const sent = this.#specification.appendEntries(from, to, carried);
      remember(this.#appends, appendKey(to, message), sent);
    });
  }

  /** A snapshot is the entries that it stands for, sent with its last chunk; the others are heartbeats. */
  sendsSnapshot(from: NodeId, to: NodeId, message: InstallSnapshot): void {
    this.#step(from, () => {
      const { lastIncludedIndex: prev, done } = message;
      const kind = done ? 'snapshot' : 'pulse';
      const carried = { kind, prev, count: 0, leaderCommit: done ? prev : 0 } as const;
      const sent = this.#specification.appendEntries(from, to, carried);
      remember(this.#appends, snapshotKey(to, message), sent);
    });
  }

  asksForVote(from: NodeId, to: NodeId, message: RequestVote): void {
    this.#step(from, () => {
      remember(this.#votes, voteKey(to, message), this.#specification.requestVote(from, to));
    });
  }

  /** A leader has handed its log to its disk through this index: it will match as far as that once it is durable. */
  handsToDisk(id: NodeId, index: LogIndex | null): void {
    const { role, log, matchIndex } = this.#specification.server(id);
    if (role !== 'StateLeader' || index === null) return;
    if (index <= Math.max(this.#handed.get(id) ?? 0, matchIndex.get(id) ?? 0) || index !== log.length) return;
    this.#specification.appendToItself(id);
    this.#handed.set(id, index);
  }

  /** A turn is over: what it has to say leaves, and what that promises is durable. */
  endsTurn(id: NodeId): void {
    const isLeader = this.#specification.server(id).role === 'StateLeader';
    if (
      hasPending(this.#specification.server(id)) ||
      (!isLeader && isDirty(this.#specification.server(id)))
    ) {
      this.#specification.ready(id);
    }
  }

  /** Would the specification's node come back so? */
  couldRestart(id: NodeId, { term, vote, lastIndex, lastTerm }: SeenStance): boolean {
    const { durable, log } = this.#specification.server(id);
    return (
      term === durable.term &&
      vote === durable.vote &&
      lastIndex === durable.lastIndex &&
      lastTerm === (log[lastIndex - 1]?.term ?? 0)
    );
  }

  /** @param durableIndex what of its log was surely on its disk. */
  restarts(id: NodeId, stance: SeenStance, durableIndex: LogIndex): void {
    const { durable, term, vote, log, commit } = this.#specification.server(id);
    // A snapshot keeps what was committed, too.
    if (!this.couldRestart(id, stance) || stance.commit > durable.commit) {
      const isSame = term === stance.term && vote === stance.vote && log.length === stance.lastIndex;
      if (isSame && stance.commit <= commit) this.#specification.ready(id);
      else if (stance.commit > durable.commit) {
        throw new TraceEnd(`node ${id} comes back with a snapshot, and without what it had promised with it`);
      } else if (stance.lastIndex >= durableIndex && stance.lastIndex < durable.lastIndex) {
        throw new TraceEnd(
          `node ${id} has lost entries ${stance.lastIndex + 1} to ${durable.lastIndex}, which it had sent before they were on its disk`,
        );
      }
    }
    this.#specification.restart(id, stance.commit);
    this.#compare(id, { ...stance, role: 'StateFollower' });
  }

  did(deed: Deed): void {
    const { id, message, after } = deed;
    if (this.#isUntold(deed)) return;
    this.#step(id, () => {
      if (message !== null) this.#hears(id, message);
      this.#moves(deed);
    });
    this.#compare(id, after);
    this.#ahead.delete(id);
  }

  /**
   * A leader supplies who is a member from when it appends that, etcd's from when it applies it. What was heard meanwhile
   * could not be told; it is made up for with the first message that can.
   */
  #isUntold({ id, message, before, after }: Deed): boolean {
    const sent = this.#appendIn(id, message);
    if (sent?.isToMember === false) this.#ahead.add(id);
    if (!this.#ahead.has(id)) return false;
    if (after.role !== 'StateFollower' || message?.type === 'requestVote') {
      throw new TraceEnd(
        `node ${id} votes or stands before its leader could send to it, as the specification has it`,
      );
    }
    return sent?.isToMember !== true || (sent.kind !== 'snapshot' && before.lastIndex < sent.prev);
  }

  /** How the message was sent, if it brings entries. */
  #appendIn(id: NodeId, message: Message | null): SentAppend | null {
    switch (message?.type) {
      case 'appendEntries':
        return recall(this.#appends, appendKey(id, appendOf(message)));
      case 'installSnapshot':
        return recall(this.#appends, snapshotKey(id, message));
      default:
        return null;
    }
  }

  #moves({ id, type, after, configurations }: Deed): void {
    const specification = this.#specification;
    const server = specification.server(id);
    if (type === 'disk.durable' && server.role === 'StateCandidate' && after.countsItself) {
      if (!server.votesGranted.has(id)) this.#countsItself(id);
    }
    if (after.role === 'StateLeader' && server.role !== 'StateLeader') {
      specification.becomeLeader(id);
      this.#acknowledged.delete(id);
      this.#handed.delete(id);
    }
    if (after.role === 'StateCandidate' && server.term < after.term) specification.becomeCandidate(id);
    if (after.role === 'StateFollower' && server.role !== 'StateFollower') specification.stepDown(id);
    if (after.role !== 'StateLeader') return;
    while (server.log.length < after.lastIndex) {
      const configuration = configurations.get(server.log.length + 1);
      if (configuration === undefined) specification.replicate(id);
      else this.#changes(id, configuration);
    }
    if (after.durableIndex > (server.matchIndex.get(id) ?? 0)) this.#hasStored(id, after.durableIndex);
    // By the configuration before, the specification's may have to hear from one more.
    const isLate = isChanging(server) && voterReached(server) < after.commit;
    if (after.commit > server.commitOfLife && !isLate) specification.advanceCommitIndex(id);
  }

  #changes(id: NodeId, next: ConfigurationData): void {
    const specification = this.#specification;
    const server = specification.server(id);
    const entry = server.log.findLast((each) => this.#configurations.has(each)) ?? this.#birth;
    const change = changeBetween(this.#configurations.get(entry) ?? this.#birth, next);
    if (change === 'joint') {
      throw new TraceEnd(
        `node ${id} changes the members by a joint configuration, or more than one at a time`,
      );
    }
    if (change === null) specification.replicate(id);
    else if (server.pendingConfChangeIndex > 0 || isChanging(server)) {
      throw new TraceEnd(`node ${id} changes the members before an earlier change was applied`);
    } else specification.changeConf(id, ...change);
    this.#configurations.set(server.log.at(-1) as object, next);
  }

  /** Its own vote counts once it is durable. */
  #countsItself(id: NodeId): void {
    const { term } = this.#specification.server(id);
    this.#specification.voteForItself(id);
    this.#specification.ready(id);
    this.#specification.receiveVoteResponse(id, { type: 'MsgVoteResp', term, from: id, to: id });
  }

  /** A leader counts itself as far as its disk has answered. */
  #hasStored(id: NodeId, index: LogIndex): void {
    const { term } = this.#specification.server(id);
    if ((this.#handed.get(id) ?? 0) < index) {
      this.#specification.appendToItself(id);
      this.#handed.set(id, index);
    }
    if (hasPending(this.#specification.server(id))) this.#specification.ready(id);
    this.#specification.receiveAppendResponse(id, { type: 'MsgAppResp', term, from: id, to: id, index });
  }

  #hears(id: NodeId, message: Message): void {
    switch (message.type) {
      case 'appendEntries':
        this.#hearsAppend(id, appendOf(message));
        break;
      case 'appendEntriesResponse':
        this.#hearsAnswer(id, message);
        break;
      case 'installSnapshot':
        this.#hearsSnapshot(id, message);
        break;
      case 'installSnapshotResponse':
        this.#hearsSnapshotResponse(id, message);
        break;
      case 'requestVote':
        this.#hearsVoteRequest(id, message);
        break;
      case 'requestVoteResponse':
        this.#hearsVoteResponse(id, message);
        break;
      case 'preVote':
        break;
      default:
        if (message.term > this.#specification.server(id).term) {
          throw new TraceEnd(
            `node ${id} learns of term ${message.term} by a ${message.type}, which the specification does not have`,
          );
        }
    }
  }

  #hearsAppend(id: NodeId, message: Append): void {
    const sent = recall(this.#appends, appendKey(id, message));
    if (sent === null) {
      const { term, from, count: entries, prevLogTerm: logTerm, prevLogIndex: index } = message;
      const commit = Math.min(message.leaderCommit, index + entries);
      const append = { type: 'MsgApp', term, from, to: id, entries, logTerm, index, commit } as const;
      this.#unheardOf(id, 'ReceiveAppendEntriesRequest', append);
    } else this.#specification.receiveAppend(id, sent, this.#ahead.has(id));
  }

  #hearsSnapshot(id: NodeId, message: InstallSnapshot): void {
    const { term, role } = this.#specification.server(id);
    const sent = recall(this.#appends, snapshotKey(id, message));
    const matters = message.done || message.term !== term || role !== 'StateFollower';
    if (sent === null) {
      const { from, lastIncludedIndex: index, lastIncludedTerm: logTerm } = message;
      const append = { type: 'MsgApp', term: message.term, from, to: id, logTerm, index } as const;
      this.#unheardOf(id, 'ReceiveAppendEntriesRequest', append);
    } else if (matters) this.#specification.receiveAppend(id, sent);
  }

  /** What a follower wants of a snapshot matters as little as a heartbeat's answer, unless it is of a newer term. */
  #hearsSnapshotResponse(id: NodeId, message: InstallSnapshotResponse): void {
    const { term, from, success, index } = message;
    const isNewer = term > this.#specification.server(id).term;
    if (success || isNewer) this.#hearsAnswer(id, { term, from, success, index });
  }

  #hearsVoteRequest(id: NodeId, message: RequestVote): void {
    const sent = recall(this.#votes, voteKey(id, message));
    if (sent === null) {
      const { term, from, lastLogTerm: logTerm, lastLogIndex: index } = message;
      const request = { type: 'MsgVote', term, from, to: id, logTerm, index } as const;
      this.#unheardOf(id, 'ReceiveRequestVoteRequest', request);
    } else if (sent.isToMember) this.#specification.receiveVoteRequest(id, sent);
    else
      throw new TraceEnd(
        `node ${id} is asked for its vote before it is a voter, as the specification has it`,
      );
  }

  #hearsVoteResponse(id: NodeId, { term, from, granted }: RequestVoteResponse): void {
    const answer = { type: 'MsgVoteResp', term, from, to: id, reject: !granted } as const;
    if (this.#specification.isUnderWay(answer)) {
      this.#specification.receiveVoteResponse(id, answer);
      return;
    }
    const { term: own, role, votesResponded } = this.#specification.server(id);
    const counts = term === own && role === 'StateCandidate' && !votesResponded.has(from);
    // A copy of an answer says nothing, and there is no other of it in the specification.
    if (counts || term > own) this.#unheardOf(id, 'ReceiveRequestVoteResponse', answer);
  }

  #hearsAnswer(id: NodeId, { term, from, success, index }: Answer): void {
    const { term: own, role } = this.#specification.server(id);
    const counts = term === own && role === 'StateLeader' && success;
    const isNews = term > own || (counts && this.#acknowledges(id, from, index));
    const answer = { type: 'MsgAppResp', term, from, to: id, index, reject: !success } as const;
    // What amounted to a heartbeat was told as one, and so is its answer.
    const pulse = { ...answer, type: 'MsgHeartbeatResp', index: 0 } as const;
    const given = [answer, pulse].find((each) => this.#specification.isUnderWay(each));
    if (given !== undefined) this.#specification.receiveAppendResponse(id, given);
    else if (isNews) this.#unheardOf(id, 'ReceiveAppendEntriesResponse', answer);
  }

  /** Has the follower acknowledged more than ever in this term? */
  #acknowledges(leader: NodeId, follower: NodeId, index: LogIndex): boolean {
    const known = this.#acknowledged.get(leader) ?? new Map<NodeId, LogIndex>();
    this.#acknowledged.set(leader, known);
    const isMore = index > (known.get(follower) ?? 0);
    if (isMore) known.set(follower, index);
    return isMore;
  }

  #unheardOf(id: NodeId, name: EventName, message: SpecifiedMessage): void {
    const { term, from, type } = message;
    if (this.#ahead.has(from) && term === this.#specification.server(id).term) return;
    this.#specification.testifyTo(id, name, message);
    throw new TraceEnd(
      `node ${id} hears a ${type} of node ${from} that the specification's has not sent; TLC will refuse that`,
    );
  }

  /** Takes a step, or, if the specification does not have it, ends. */
  #step(id: NodeId, take: () => void): void {
    try {
      take();
    } catch (error) {
      if (!(error instanceof NotSpecified)) throw error;
      throw new TraceEnd(`${error.message}; ${this.#judged(id)}`);
    }
  }

  #judged(id: NodeId): string {
    if (!this.#isTransitional(id)) return 'TLC will refuse that';
    return "a configuration is in force that the specification's has not applied yet";
  }

  /** Between the time that a configuration is appended and that it is applied, the two count by different ones. */
  #isTransitional(id: NodeId): boolean {
    return this.#ahead.has(id) || isChanging(this.#specification.server(id));
  }

  /** Does the node stand as the specification has it? */
  #compare(id: NodeId, seen: SeenStance): void {
    const { term, vote, role, log, commitOfLife } = this.#specification.server(id);
    const lastTerm = log.at(-1)?.term ?? 0;
    const specified = { term, vote, role, lastIndex: log.length, lastTerm, commit: commitOfLife };
    for (const [name, value] of Object.entries(specified)) {
      const found = seen[name as keyof typeof specified];
      const isLate = name === 'commit' && role === 'StateLeader' && seen.commit > commitOfLife;
      if (found === value || (isLate && this.#isTransitional(id))) continue;
      if (!this.#isTransitional(id)) this.#specification.testify(id, seen);
      const text = `node ${id} has ${name} ${found} where the specification has ${value}`;
      throw new TraceEnd(`${text}; ${this.#judged(id)}`);
    }
  }
}
