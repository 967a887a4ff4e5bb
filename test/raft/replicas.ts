import { packBytes } from '../../src/ground/byte-strings.js';
import { Configuration } from '../../src/raft/configuration.js';
import { ConfigurationHistory } from '../../src/raft/configuration-history.js';
import type { LogEntry, LogIndex, NodeId, Term } from '../../src/raft/entry.js';
import { Log } from '../../src/raft/log.js';
import type { AppendEntries, AppendEntriesResponse, PreVote, RequestVote } from '../../src/raft/messages.js';
import { newReplica, type Replica } from '../../src/raft/replica.js';
import { entriesOf as entriesOfRun, type Run } from '../../src/raft/run.js';
import { configurationBody, readConfiguration } from '../../src/wire/configuration.js';

/** The run of the entry at `index` that brings the configuration. */
export function configurationRun(index: LogIndex, term: Term, { data }: Configuration): Run {
  const body = configurationBody(data);
  return { firstIndex: index, count: 1, term, kind: 'configuration', leaderId: term, body };
}

/** Entries of a term in one run. Their commands tell what they are: entries of one index and term are the same. */
export function runOf(firstIndex: LogIndex, count: number, term: Term, commandBytes = 2): Run {
  const commands = Array.from({ length: count }, (_, at) =>
    new Uint8Array(commandBytes).fill(term * 16 + firstIndex + at),
  );
  return { firstIndex, count, term, kind: 'command', leaderId: term, body: packBytes(commands) };
}

/** A run of one entry. */
export function entry(index: LogIndex, term: Term, commandBytes = 2): Run {
  return runOf(index, 1, term, commandBytes);
}

/** Entries 1, 2, … of these terms, each a run of its own. */
export function entriesOf(...terms: readonly Term[]): Run[] {
  return terms.map((term, at) => entry(at + 1, term));
}

/** Entries 1, 2, … of these terms in as few runs as can be. */
export function runsOf(...terms: readonly Term[]): Run[] {
  const runs: Run[] = [];
  for (const [at, term] of terms.entries()) {
    if (term === terms[at - 1]) continue;
    const next = terms.findIndex((other, after) => after > at && other !== term);
    runs.push(runOf(at + 1, (next < 0 ? terms.length : next) - at, term));
  }
  return runs;
}

/** The terms of a log's entries, in order: what two logs agree or differ in. */
export function termsOf(log: Log): Term[] {
  return Array.from({ length: log.lastIndex }, (_, at) => log.termAt(at + 1) ?? 0);
}

/** What runs say of each of their entries. */
export function entriesIn(runs: readonly Run[]): LogEntry[] {
  return runs.flatMap((run) => {
    const entries = entriesOfRun(run);
    if (entries.length !== run.count) throw new Error(`${run.count} entries with ${entries.length} commands`);
    return entries;
  });
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
  const configurations = new ConfigurationHistory(Configuration.of(voters, learners), readConfiguration);
  return newReplica(id, configurations, { term, votedFor }, new Log(runsOf(...log)));
}

export function appendFrom(
  leader: NodeId,
  fields: Partial<AppendEntries> & { readonly term: Term },
): AppendEntries {
  return {
    type: 'appendEntries',
    incarnation: 0,
    from: leader,
    prevLogIndex: 0,
    prevLogTerm: 0,
    runs: [],
    leaderCommit: 0,
    round: 0,
    alive: [],
    ...fields,
  };
}

export function appendAnswer(from: NodeId, fields: Partial<AppendEntriesResponse>): AppendEntriesResponse {
  return {
    type: 'appendEntriesResponse',
    incarnation: 0,
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
  return { type: 'requestVote', isTransfer: false, term, from, lastLogIndex, lastLogTerm };
}

export function preVoteRequest(from: NodeId, term: Term, lastLogTerm: Term, lastLogIndex: LogIndex): PreVote {
  return { type: 'preVote', term, from, lastLogIndex, lastLogTerm };
}
