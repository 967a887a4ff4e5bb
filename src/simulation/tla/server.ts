import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { ChangeAction, Role, SpecifiedMessage } from './line.js';

/** Who votes, and who only receives the log. */
export interface Conf {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

/** An entry of its log: of a command, only the term matters. */
export interface Entry {
  readonly term: Term;
  /** What a ConfigEntry says. */
  readonly conf: Conf | null;
}

interface Durable {
  readonly term: Term;
  readonly vote: NodeId | null;
  readonly lastIndex: LogIndex;
  readonly commit: LogIndex;
  readonly conf: Conf;
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
  /** The latest that it applied: etcd's is in force from then on, Conclave's from when it was appended. */
  conf: Conf;
  pendingConfChangeIndex: LogIndex;
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

export function newServer(id: NodeId, conf: Conf): Server {
  return {
    id,
    conf,
    pendingConfChangeIndex: 0,
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
    durable: { term: 0, vote: null, lastIndex: 0, commit: 0, conf },
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

/** How many entries from the first on two logs have in common, if they do through `start`. */
export function commonLength(log: readonly Entry[], other: readonly Entry[], start: LogIndex = 0): LogIndex {
  let same = start;
  while (same < Math.min(log.length, other.length) && termAt(log, same + 1) === termAt(other, same + 1))
    same++;
  return same;
}

/** The entries of the message through `last` are what follows `start`: what conflicts goes, what is new comes (§5.3). */
export function merged(
  log: readonly Entry[],
  senders: readonly Entry[],
  start: LogIndex,
  last: LogIndex,
): readonly Entry[] {
  const same = Math.min(commonLength(log, senders, start), last);
  return same === last ? log : [...log.slice(0, same), ...senders.slice(same, last)];
}

export function durableOf({ term, vote, log, commit, conf }: Server): Durable {
  return { term, vote, lastIndex: log.length, commit, conf };
}

/** The index of the last ConfigEntry through `last`; 0 if there is none. */
export function lastConfIndex({ log }: Pick<Server, 'log'>, last = log.length): LogIndex {
  for (let index = last; index > 0; index--) if (log[index - 1]?.conf != null) return index;
  return 0;
}

/** The highest index that a majority has reached. */
export function voterReached({ conf: { voters }, matchIndex }: Server): LogIndex {
  const reached = voters.map((voter) => matchIndex.get(voter) ?? 0).sort((one, other) => other - one);
  return reached[Math.floor(voters.length / 2)] ?? 0;
}

export function isMember({ conf: { voters, learners } }: Server, id: NodeId): boolean {
  return voters.includes(id) || learners.includes(id);
}

/** What the specification makes of a configuration; whoever is promoted stays among the learners. */
export function changed({ voters, learners }: Conf, action: ChangeAction, id: NodeId): Conf {
  switch (action) {
    case 'AddNewServer':
      return { voters: [...voters, id], learners };
    case 'AddLearner':
      return { voters, learners: [...learners, id] };
    case 'RemoveServer':
      return {
        voters: voters.filter((each) => each !== id),
        learners: learners.filter((each) => each !== id),
      };
  }
}

/** Does it have a configuration in its log that it has not applied, and that is in force for Conclave already? */
export function isChanging(server: Server): boolean {
  const index = lastConfIndex(server);
  return index > 0 && server.log[index - 1]?.conf !== server.conf;
}

/** Is there something to send? */
export function hasPending({ hasSent, pending }: Server): boolean {
  return hasSent || pending.length > 0;
}

/** Does its next Ready persist anything? */
export function isDirty(server: Server): boolean {
  const { term, vote, lastIndex, commit } = durableOf(server);
  const { durable } = server;
  const isSame = term === durable.term && vote === durable.vote && lastIndex === durable.lastIndex;
  return !isSame || commit !== durable.commit;
}
