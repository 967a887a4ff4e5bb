import type { LogIndex, NodeId } from '../../raft/entry.js';
import type {
  AppendEntries,
  AppendEntriesResponse,
  Message,
  RequestVote,
  RequestVoteResponse,
} from '../../raft/messages.js';
import { entriesIn } from '../../raft/run.js';
import type { EventName, Line, SpecifiedMessage } from './line.js';
import type { SentAppend, SentVote } from './requests.js';
import { NotSpecified, Specification } from './specification.js';
import type { Deed, SeenStance } from './watched-node.js';

/** Thrown where a trace cannot go on: the message says why. */
export class TraceEnd extends Error {}

/** What a leader's message says of its entries. */
type Append = Omit<AppendEntries, 'runs'> & { readonly count: number };

/** Tells what nodes do in the specification's steps. */
export class Telling {
  readonly #specification: Specification;
  readonly #appends = new Map<string, SentAppend[]>();
  readonly #votes = new Map<string, SentVote[]>();
  /** By leader: how far each follower has said, in this term, that it matches. */
  readonly #acknowledged = new Map<NodeId, Map<NodeId, LogIndex>>();
  /** By leader: how much of its log it has handed to its disk. */
  readonly #handed = new Map<NodeId, LogIndex>();

  constructor(voters: readonly NodeId[]) {
    this.#specification = new Specification(voters);
  }

  get count(): number {
    return this.#specification.count;
  }

  get lines(): Line[] {
    return this.#specification.lines;
  }

  sendsAppend(from: NodeId, to: NodeId, message: Append): void {
    this.#step(() => {
      const { prevLogIndex, count, leaderCommit } = message;
      const sent = this.#specification.appendEntries(from, to, prevLogIndex, count, leaderCommit);
      remember(this.#appends, appendKey(to, message), sent);
    });
  }

  asksForVote(from: NodeId, to: NodeId, message: RequestVote): void {
    this.#step(() => {
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
    if (this.#specification.hasPending(id) || (!isLeader && this.#specification.isDirty(id))) {
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
    if (!this.couldRestart(id, stance)) {
      const { durable, term, vote, log } = this.#specification.server(id);
      const isSame = term === stance.term && vote === stance.vote && log.length === stance.lastIndex;
      if (isSame) this.#specification.ready(id);
      else if (stance.lastIndex >= durableIndex && stance.lastIndex < durable.lastIndex) {
        throw new TraceEnd(
          `node ${id} has lost entries ${stance.lastIndex + 1} to ${durable.lastIndex}, which it had sent before they were on its disk`,
        );
      }
    }
    this.#specification.restart(id);
    this.#compare(id, { ...stance, role: 'StateFollower' });
  }

  did(deed: Deed): void {
    const { id, message, after } = deed;
    this.#step(() => {
      if (message !== null) this.#hears(id, message);
      this.#moves(deed);
    });
    this.#compare(id, after);
  }

  #moves({ id, type, before, after }: Deed): void {
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
    while (server.log.length < after.lastIndex) specification.replicate(id);
    if (after.durableIndex > (server.matchIndex.get(id) ?? 0)) this.#hasStored(id, after.durableIndex);
    if (after.commit > before.commit) specification.advanceCommitIndex(id);
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
    if (this.#specification.hasPending(id)) this.#specification.ready(id);
    this.#specification.receiveAppendResponse(id, { type: 'MsgAppResp', term, from: id, to: id, index });
  }

  #hears(id: NodeId, message: Message): void {
    switch (message.type) {
      case 'appendEntries':
        this.#hearsAppend(id, { ...message, count: entriesIn(message.runs) });
        break;
      case 'appendEntriesResponse':
        this.#hearsAppendResponse(id, message);
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
    } else this.#specification.receiveAppend(id, sent);
  }

  #hearsVoteRequest(id: NodeId, message: RequestVote): void {
    const sent = recall(this.#votes, voteKey(id, message));
    if (sent === null) {
      const { term, from, lastLogTerm: logTerm, lastLogIndex: index } = message;
      const request = { type: 'MsgVote', term, from, to: id, logTerm, index } as const;
      this.#unheardOf(id, 'ReceiveRequestVoteRequest', request);
    } else this.#specification.receiveVoteRequest(id, sent);
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

  #hearsAppendResponse(id: NodeId, { term, from, success, index }: AppendEntriesResponse): void {
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

  #unheardOf(id: NodeId, name: EventName, message: SpecifiedMessage): never {
    this.#specification.testifyTo(id, name, message);
    throw new TraceEnd(
      `node ${id} hears a ${message.type} of node ${message.from} that the specification's has not sent; TLC will refuse that`,
    );
  }

  /** Takes a step, or, if the specification does not have it, ends. */
  #step(take: () => void): void {
    try {
      take();
    } catch (error) {
      if (!(error instanceof NotSpecified)) throw error;
      throw new TraceEnd(`${error.message}; TLC will refuse that`);
    }
  }

  /** Does the node stand as the specification has it? */
  #compare(id: NodeId, seen: SeenStance): void {
    const { term, vote, role, log, commitOfLife } = this.#specification.server(id);
    const lastTerm = log.at(-1)?.term ?? 0;
    const specified = { term, vote, role, lastIndex: log.length, lastTerm, commit: commitOfLife };
    for (const [name, value] of Object.entries(specified)) {
      const found = seen[name as keyof typeof specified];
      if (found === value) continue;
      this.#specification.testify(id, seen);
      throw new TraceEnd(
        `node ${id} has ${name} ${found} where the specification has ${value}; TLC will refuse that`,
      );
    }
  }
}

function remember<Sent>(all: Map<string, Sent[]>, key: string, sent: Sent): void {
  const same = all.get(key);
  if (same === undefined) all.set(key, [sent]);
  else same.push(sent);
}

/** The first that was not received; if all were, it is a copy of the last. */
function recall<Sent extends { readonly receipts: number }>(
  all: Map<string, Sent[]>,
  key: string,
): Sent | null {
  const same = all.get(key) ?? [];
  return same.find(({ receipts }) => receipts === 0) ?? same.at(-1) ?? null;
}

function appendKey(to: NodeId, message: Append): string {
  const { from, term, prevLogIndex, prevLogTerm, count, leaderCommit, round } = message;
  return `${from} ${to} ${term} ${prevLogIndex} ${prevLogTerm} ${count} ${leaderCommit} ${round}`;
}

function voteKey(to: NodeId, { from, term, lastLogIndex, lastLogTerm }: RequestVote): string {
  return `${from} ${to} ${term} ${lastLogIndex} ${lastLogTerm}`;
}
