import type { LogIndex, NodeId } from '../../raft/entry.js';
import {
  type ChangeAction,
  type ConfChange,
  type EventName,
  keyOf,
  type Line,
  nameOf,
  type SpecifiedMessage,
} from './line.js';
import { Lines } from './lines.js';
import {
  appendAfter,
  type Carried,
  heartbeatOf,
  type SentAppend,
  type SentVote,
  withMessage,
} from './requests.js';
import {
  type Conf,
  changed,
  commonLength,
  durableOf,
  isMember,
  lastConfIndex,
  merged,
  newServer,
  type Server,
  type Stance,
  termAt,
  updateTerm,
  voterReached,
} from './server.js';

/** Thrown after a step was told that the specification does not have: TLC will refuse its line. */
export class NotSpecified extends Error {}

/**
 * `tla/etcdraft.tla` of etcd-io/raft as far as a trace needs it: its variables, its steps under their names, and a line
 * for each step taken. It decides nothing about a trace, TLC does: it knows how the specification stands, so that what
 * a node does can be told in its words.
 *
 * Answers need no line when they are sent: receiving a request makes them, `Ready` sends them.
 */
export class Specification {
  readonly #servers = new Map<NodeId, Server>();
  readonly #lines = new Lines();
  /** The answers in `messages`, and how many of each. */
  readonly #answers = new Map<string, number>();

  /** @param voters the first configuration's. */
  constructor(voters: readonly NodeId[]) {
    const conf = { voters, learners: [] };
    for (const id of voters) this.#add(id, conf);
  }

  /** A server that may be no member yet. All are named at the beginning: there its line comes, whenever it is known. */
  addServer(id: NodeId): void {
    if (!this.#servers.has(id)) this.#add(id, { voters: [], learners: [] });
  }

  #add(id: NodeId, conf: Conf): void {
    this.#servers.set(id, newServer(id, conf));
    this.#lines.insert(this.#servers.size - 1, this.#line(id, 'InitState'));
  }

  /** How many lines there are. */
  get count(): number {
    return this.#lines.count;
  }

  get lines(): Line[] {
    return this.#lines.all;
  }

  server(id: NodeId): Readonly<Server> {
    return this.#server(id);
  }

  /** @param commit what of the commit index the node comes back with */
  restart(id: NodeId, commit: LogIndex): void {
    const server = this.#server(id);
    const { term, vote, lastIndex, conf, commit: durableCommit } = server.durable;
    Object.assign(server, {
      term,
      vote,
      role: 'StateFollower',
      log: server.log.slice(0, lastIndex),
      commit: durableCommit,
      commitOfLife: commit,
      conf,
      pendingConfChangeIndex: 0,
      votesResponded: new Set(),
      votesGranted: new Set(),
      pending: [],
      hasSent: false,
    } satisfies Partial<Server>);
    server.matchIndex.clear();
    this.#tell(id, 'InitState');
  }

  /** Timeout(i) */
  becomeCandidate(id: NodeId): void {
    const server = this.#server(id);
    const mayStand = server.role !== 'StateLeader';
    server.role = 'StateCandidate';
    server.term++;
    server.vote = id;
    server.votesResponded = new Set();
    server.votesGranted = new Set();
    this.#tell(id, 'BecomeCandidate');
    require(mayStand, () => `node ${id} stands while it leads`);
  }

  /** RequestVote(i, j) */
  requestVote(id: NodeId, to: NodeId): SentVote {
    const server = this.#server(id);
    const { role, term, log, votesResponded } = server;
    const isToMember = isMember(server, to);
    const index = log.length;
    const logTerm = termAt(log, index);
    const message = { type: 'MsgVote', term, from: id, to, index, logTerm } as const;
    const line = this.#line(id, 'SendRequestVoteRequest', message);
    server.hasSent = true;
    const slot: Line[] = isToMember ? [line] : [];
    this.#lines.put(slot);
    require(role === 'StateCandidate', () => `node ${id} asks for votes and is no candidate`);
    require(!votesResponded.has(to), () => `node ${id} asks node ${to} again, which has answered`);
    return { isToMember, message, line, slot, receipts: 0 };
  }

  /** RequestVote(i, i): the vote for itself is a message to itself. */
  voteForItself(id: NodeId): void {
    const server = this.#server(id);
    const message = { type: 'MsgVoteResp', term: server.term, from: id, to: id } as const;
    server.pending.push(message);
    this.#tell(id, 'SendRequestVoteResponse', message);
  }

  receiveVoteRequest(id: NodeId, sent: SentVote): void {
    const { message, slot, line } = sent;
    if (sent.receipts++ > 0) this.#lines.more(slot, line);
    this.#tell(id, 'ReceiveRequestVoteRequest', message);
    const server = this.#server(id);
    updateTerm(server, message.term);
    const { index = 0, logTerm = 0, from, term } = message;
    const lastTerm = termAt(server.log, server.log.length);
    const isLogOk = logTerm > lastTerm || (logTerm === lastTerm && index >= server.log.length);
    const isGranted = term === server.term && isLogOk && (server.vote === null || server.vote === from);
    if (isGranted) server.vote = from;
    server.pending.push({ type: 'MsgVoteResp', term: server.term, from: id, to: from, reject: !isGranted });
  }

  receiveVoteResponse(id: NodeId, message: SpecifiedMessage): void {
    this.#take(message);
    this.#tell(id, 'ReceiveRequestVoteResponse', message);
    const server = this.#server(id);
    updateTerm(server, message.term);
    if (message.term < server.term) return;
    server.votesResponded.add(message.from);
    if (message.reject !== true) server.votesGranted.add(message.from);
  }

  becomeLeader(id: NodeId): void {
    const server = this.#server(id);
    const { votesGranted, role, term } = server;
    const { voters } = server.conf;
    const granted = voters.filter((voter) => votesGranted.has(voter)).length;
    server.role = 'StateLeader';
    server.matchIndex.clear();
    server.matchIndex.set(id, server.log.length);
    this.#tell(id, 'BecomeLeader');
    require(role === 'StateCandidate' && granted * 2 > voters.length, () =>
      `node ${id} leads term ${term} with the votes of ${granted} of ${voters.length}`);
  }

  /** StepDownToFollower(i) */
  stepDown(id: NodeId): void {
    this.#server(id).role = 'StateFollower';
    this.#tell(id, 'BecomeFollower');
  }

  /** ClientRequest(i, v) */
  replicate(id: NodeId): void {
    const server = this.#server(id);
    server.log = [...server.log, { term: server.term, conf: null }];
    this.#tell(id, 'Replicate');
  }

  /** AddNewServer(i, j), AddLearner(i, j), DeleteServer(i, j): an entry, which takes effect where it is applied. */
  changeConf(id: NodeId, action: ChangeAction, subject: NodeId): void {
    const server = this.#server(id);
    const conf = changed(server.conf, action, subject);
    server.log = [...server.log, { term: server.term, conf }];
    server.pendingConfChangeIndex = server.log.length;
    this.#tellOfConf(id, 'ChangeConf', { changes: [{ nid: nameOf(subject), action }] });
  }

  /** ApplySimpleConfChange(i): what is committed of configurations takes effect. */
  #applyConf(id: NodeId): void {
    const server = this.#server(id);
    const index = lastConfIndex(server, server.commit);
    const conf = server.log[index - 1]?.conf ?? null;
    if (conf === null || conf === server.conf) return;
    server.conf = conf;
    if (server.role === 'StateLeader' && server.pendingConfChangeIndex >= index)
      server.pendingConfChangeIndex = 0;
    this.#tellOfConf(id, 'ApplyConfChange', { newconf: conf.voters.map(nameOf) });
  }

  /** AppendEntries(i, j, range) */
  appendEntries(id: NodeId, to: NodeId, carried: Carried): SentAppend {
    const server = this.#server(id);
    const { role, term, log, commit, matchIndex } = server;
    const { kind, prev, count } = carried;
    const line = this.#line(id, 'SendAppendEntriesRequest');
    const sender = { log, commit, match: matchIndex.get(to) ?? 0 };
    const isToMember = isMember(server, to);
    const sent: SentAppend = {
      ...carried,
      from: id,
      to,
      term,
      isToMember,
      sender,
      line,
      slot: [],
      receipts: 0,
    };
    // What is known to match is not sent; should it be received all the same, it is told from there on.
    if (isToMember && kind !== 'pulse' && prev >= sender.match) {
      sent.slot.push(withMessage(line, appendAfter(sent, prev)));
    }
    server.hasSent = true;
    this.#lines.put(sent.slot);
    require(role === 'StateLeader', () => `node ${id} sends entries and is no leader`);
    require(prev + count <= log.length, () => `node ${id} sends entry ${prev + count} and has ${log.length}`);
    return sent;
  }

  /**
   * What lies at or before the receiver's commit index, etcd's receiver does not look at; so the message is told as it
   * would be, had it been sent from there on, or, where nothing is left of it, as the heartbeat that it amounts to.
   * Where more is missing before it than was told, or a snapshot stands for it, the message brings that, too.
   */
  receiveAppend(id: NodeId, sent: SentAppend, isAhead = false): void {
    const server = this.#server(id);
    const { kind, from, prev, count, term, sender, leaderCommit } = sent;
    const isOlder = term < server.term;
    const fills = isAhead || kind === 'snapshot';
    const before = fills ? Math.min(prev, commonLength(server.log, sender.log)) : prev;
    const start = Math.max(before, sender.match, isOlder ? 0 : server.commit);
    const isHeartbeat = kind === 'pulse' || start > prev + count;
    const message = isHeartbeat ? heartbeatOf(sent) : appendAfter(sent, start);
    if (sent.receipts++ === 0) this.#lines.told(sent.slot, withMessage(sent.line, message));
    else this.#lines.more(sent.slot, withMessage(sent.line, message));
    this.#tell(id, 'ReceiveAppendEntriesRequest', message);
    if (isOlder) {
      server.pending.push({ type: 'MsgAppResp', term: server.term, from: id, to: from, reject: true });
      return;
    }
    updateTerm(server, term);
    require(server.role !== 'StateLeader', () => `nodes ${id} and ${from} both lead term ${term}`);
    server.role = 'StateFollower';
    const { commit = 0 } = message;
    let index = 0;
    if (!isHeartbeat) {
      if (start > 0 && termAt(server.log, start) !== termAt(sender.log, start)) {
        server.pending.push({ type: 'MsgAppResp', term, from: id, to: from, reject: true });
        return;
      }
      index = prev + count;
      server.log = merged(server.log, sender.log, start, index);
    }
    server.commit = Math.max(
      server.commit,
      isHeartbeat && server.commit > 0 ? commit : Math.min(commit, index),
    );
    server.commitOfLife = Math.max(server.commitOfLife, Math.min(leaderCommit, prev + count));
    const type = isHeartbeat ? 'MsgHeartbeatResp' : 'MsgAppResp';
    server.pending.push({ type, term, from: id, to: from, index });
    this.#applyConf(id);
  }

  receiveAppendResponse(id: NodeId, message: SpecifiedMessage): void {
    this.#take(message);
    this.#tell(id, 'ReceiveAppendEntriesResponse', message);
    const server = this.#server(id);
    updateTerm(server, message.term);
    if (message.term < server.term || message.reject === true) return;
    const { from, index = 0 } = message;
    server.matchIndex.set(from, Math.max(server.matchIndex.get(from) ?? 0, index));
  }

  /** AppendEntriesToSelf(i): what the leader will have stored is a message to itself. */
  appendToItself(id: NodeId): SpecifiedMessage {
    const server = this.#server(id);
    const message = {
      type: 'MsgAppResp',
      term: server.term,
      from: id,
      to: id,
      index: server.log.length,
    } as const;
    server.pending.push(message);
    this.#tell(id, 'SendAppendEntriesResponse', message);
    return message;
  }

  advanceCommitIndex(id: NodeId): void {
    const server = this.#server(id);
    const reached = voterReached(server);
    if (reached > 0 && termAt(server.log, reached) === server.term) {
      server.commit = Math.max(server.commit, reached);
      server.commitOfLife = Math.max(server.commitOfLife, reached);
    }
    this.#tell(id, 'Commit');
    this.#applyConf(id);
  }

  /** Persists what it is, and sends what it has to say. */
  ready(id: NodeId): void {
    const server = this.#server(id);
    server.durable = durableOf(server);
    for (const answer of server.pending) {
      const key = keyOf(answer);
      this.#answers.set(key, (this.#answers.get(key) ?? 0) + 1);
    }
    server.pending = [];
    server.hasSent = false;
    this.#tell(id, 'Ready');
  }

  /** Was the answer sent, and not received yet? */
  isUnderWay(answer: SpecifiedMessage): boolean {
    return this.#answers.has(keyOf(answer));
  }

  /**
   * Writes down how a node was seen, though the specification has no step that leads there: TLC refuses it, since
   * nobody becomes a follower after a Ready but who was none, and as no other than it was.
   */
  testify(id: NodeId, seen: Stance): void {
    this.#tell(id, 'Ready');
    const { event } = this.#line(id, 'BecomeFollower');
    const { term, vote, role, lastIndex, commit } = seen;
    const state = { term, vote: nameOf(vote), commit };
    this.#lines.put([{ tag: 'trace', event: { ...event, state, role, log: lastIndex } }]);
  }

  /** Writes down that a message was heard that, as far as the specification goes, nobody sent. TLC refuses it. */
  testifyTo(id: NodeId, name: EventName, message: SpecifiedMessage): void {
    this.#tell(id, name, message);
  }

  #take(answer: SpecifiedMessage): void {
    const key = keyOf(answer);
    const left = (this.#answers.get(key) ?? 0) - 1;
    if (left > 0) this.#answers.set(key, left);
    else this.#answers.delete(key);
  }

  #server(id: NodeId): Server {
    const server = this.#servers.get(id);
    if (server === undefined) throw new Error(`Node ${id} is none of the trace's.`);
    return server;
  }

  #tell(id: NodeId, name: EventName, message?: SpecifiedMessage): void {
    this.#lines.put([this.#line(id, name, message)]);
  }

  #tellOfConf(id: NodeId, name: 'ChangeConf' | 'ApplyConfChange', cc: ConfChange): void {
    const { tag, event } = this.#line(id, name);
    this.#lines.put([{ tag, event: { ...event, prop: { cc } } }]);
  }

  #line(id: NodeId, name: EventName, message?: SpecifiedMessage): Line {
    const { conf, term, vote, commit, role, log } = this.#server(id);
    const line: Line = {
      tag: 'trace',
      event: {
        name,
        nid: nameOf(id),
        state: { term, vote: nameOf(vote), commit },
        role,
        log: log.length,
        conf: [conf.voters.map(nameOf), []],
      },
    };
    return message === undefined ? line : withMessage(line, message);
  }
}

function require(holds: boolean, text: () => string): void {
  if (!holds) throw new NotSpecified(text());
}
