import { Configuration } from '../../src/raft/configuration.js';
import type { Entry, LogIndex, NodeId, Term } from '../../src/raft/entry.js';
import { Log } from '../../src/raft/log.js';
import type { AppendEntries, AppendEntriesResponse, PreVote, RequestVote } from '../../src/raft/messages.js';
import { newReplica, type Replica } from '../../src/raft/replica.js';

/** An entry whose bytes tell which leader's it is: two entries of one index and term are the same one. */
export function entry(index: LogIndex, term: Term, size = 1): Entry {
  return { index, term, kind: 'command', bytes: new Uint8Array(size).fill(term) };
}

/** Entries 1, 2, … of these terms. */
export function entriesOf(...terms: readonly Term[]): Entry[] {
  return terms.map((term, at) => entry(at + 1, term));
}

/** The terms of a log's entries, in order: what two logs agree or differ in. */
export function termsOf(log: Log): Term[] {
  return log.range(1, log.lastIndex).map(({ term }) => term);
}

export interface ReplicaSketch {
  readonly id?: NodeId;
  readonly voters?: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  readonly term?: Term;
  readonly votedFor?: NodeId | null;
  readonly log?: readonly Term[];
}

/** Server 0 of three, in the term of its last entry, unless said otherwise. */
export function replicaOf(sketch: ReplicaSketch = {}): Replica {
  const { id = 0, voters = [0, 1, 2], learners = [], votedFor = null, log = [] } = sketch;
  const term = sketch.term ?? log.at(-1) ?? 0;
  return newReplica(id, Configuration.of(voters, learners), { term, votedFor }, new Log(entriesOf(...log)));
}

export function appendFrom(
  leader: NodeId,
  fields: Partial<AppendEntries> & { readonly term: Term },
): AppendEntries {
  return {
    type: 'appendEntries',
    from: leader,
    prevLogIndex: 0,
    prevLogTerm: 0,
    entries: [],
    leaderCommit: 0,
    round: 0,
    alive: [],
    ...fields,
  };
}

export function appendAnswer(from: NodeId, fields: Partial<AppendEntriesResponse>): AppendEntriesResponse {
  return {
    type: 'appendEntriesResponse',
    term: 1,
    from,
    success: true,
    round: 0,
    index: 0,
    conflictTerm: 0,
    conflictIndex: 0,
    ...fields,
  };
}

export function voteRequest(
  from: NodeId,
  term: Term,
  lastLogTerm: Term,
  lastLogIndex: LogIndex,
): RequestVote {
  return { type: 'requestVote', term, from, lastLogIndex, lastLogTerm };
}

export function preVoteRequest(from: NodeId, term: Term, lastLogTerm: Term, lastLogIndex: LogIndex): PreVote {
  return { type: 'preVote', term, from, lastLogIndex, lastLogTerm };
}
