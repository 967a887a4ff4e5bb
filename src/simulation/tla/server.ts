import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { Role, SpecifiedMessage } from './line.js';

/** An entry of its log: of what is in it, only the term matters. */
export interface Entry {
  readonly term: Term;
}

interface Durable {
  readonly term: Term;
  readonly vote: NodeId | null;
  readonly lastIndex: LogIndex;
  readonly commit: LogIndex;
}

/** How a node stands, as it was seen. */
export interface Stance {
  readonly term: Term;
  readonly vote: NodeId | null;
  readonly role: Role;
  readonly lastIndex: LogIndex;
  readonly commit: LogIndex;
}

/** The variables of one server. */
export interface Server {
  readonly id: NodeId;
  readonly voters: readonly NodeId[];
  term: Term;
  vote: NodeId | null;
  role: Role;
  log: readonly Entry[];
  commit: LogIndex;
  /** What of the commit index this life has learned: etcd persists it, and Conclave begins at 0 again. */
  commitOfLife: LogIndex;
  votesResponded: Set<NodeId>;
  votesGranted: Set<NodeId>;
  readonly matchIndex: Map<NodeId, LogIndex>;
  /** Its pendingMessages, answers alone: what it will have said with its next Ready. */
  pending: SpecifiedMessage[];
  /** Other messages that its next Ready sends. */
  hasSent: boolean;
  durable: Durable;
}

export function newServer(id: NodeId, voters: readonly NodeId[]): Server {
  return {
    id,
    voters,
    term: 0,
    vote: null,
    role: 'StateFollower',
    log: [],
    commit: 0,
    commitOfLife: 0,
    votesResponded: new Set(),
    votesGranted: new Set(),
    matchIndex: new Map(),
    pending: [],
    hasSent: false,
    durable: { term: 0, vote: null, lastIndex: 0, commit: 0 },
  };
}

export function termAt(log: readonly Entry[], index: LogIndex): Term {
  return log[index - 1]?.term ?? 0;
}

/** UpdateTerm(i, j, m) */
export function updateTerm(server: Server, term: Term): void {
  if (term <= server.term) return;
  server.term = term;
  server.vote = null;
  server.role = 'StateFollower';
}

/** The entries of the message through `last` are what follows `start`: what conflicts goes, what is new comes (§5.3). */
export function merged(
  log: readonly Entry[],
  senders: readonly Entry[],
  start: LogIndex,
  last: LogIndex,
): readonly Entry[] {
  let same = start;
  while (same < last && same < log.length && termAt(log, same + 1) === termAt(senders, same + 1)) same++;
  return same === last ? log : [...log.slice(0, same), ...senders.slice(same, last)];
}

export function durableOf({ term, vote, log, commit }: Server): Durable {
  return { term, vote, lastIndex: log.length, commit };
}

/** The highest index that a majority has reached. */
export function voterReached({ voters, matchIndex }: Server): LogIndex {
  const reached = voters.map((voter) => matchIndex.get(voter) ?? 0).sort((one, other) => other - one);
  return reached[Math.floor(voters.length / 2)] ?? 0;
}
