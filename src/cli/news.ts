import type { ClusterWarning, NodeFailure } from '../client/events.js';
import type { EventSource, ToldEvents } from '../console/commanded-cluster.js';
import { describeLinkChange } from '../console/link-words.js';
import { membersInWords } from '../console/members.js';
import { excerpt } from '../ground/printable.js';
import { portion } from '../node/information.js';
import type { NodeId, Term } from '../raft/entry.js';

/** Something that happened, in words; `nodes` are those it happened to. */
export interface News {
  readonly nodes: readonly NodeId[];
  /** A sentence. */
  readonly text: string;
  /** A few words, where the node is named beside them. */
  readonly short: string;
  /** Follows from something that is told anyway, such as an election. */
  readonly isMinor: boolean;
  /** Somebody changed the network. Where a command did, its answer says so, too. */
  readonly isAct: boolean;
}

type Teller<Name extends keyof ToldEvents> = (event: ToldEvents[Name]) => News | null;

const tellers: { readonly [Name in keyof ToldEvents]: Teller<Name> } = {
  leaderElected: ({ id, term }) =>
    of(id, `node ${id} is elected leader of term ${term}`, `elected in term ${term}`),
  membersChanged: (members) =>
    act(members.voters, `the members are ${membersInWords(members)}`, 'members changed'),
  roleChanged: ({ id, role, term, leaderId }) => {
    switch (role) {
      case 'preCandidate':
        return of(id, `node ${id} hears no leader and asks for pre-votes`, 'asks for pre-votes');
      case 'candidate':
        return of(id, `node ${id} stands for election in term ${term}`, `stands in term ${term}`);
      case 'follower':
      case 'learner':
        return leaderId === null
          ? minor(of(id, `node ${id} knows of no leader in term ${term}`, 'knows no leader'))
          : minor(of(id, `node ${id} follows node ${leaderId} in term ${term}`, `follows node ${leaderId}`));
      case 'removed':
        return of(id, `node ${id} is no member of the cluster any more`, 'was removed');
      default:
        return null;
    }
  },
  // Its members' change was told.
  nodeRemoved: () => null,
  nodeStarted: ({ id, tornBytes }) => {
    const recovered = recovery(tornBytes);
    return minor(of(id, `node ${id} ${recovered}`, recovered));
  },
  recovering: ({ id, applied, total }) => {
    const progress = `applied ${portion(applied, total)} of its log`;
    return of(id, `node ${id} has ${progress}`, progress);
  },
  nodeFailed: (failure) => describeFailure('cannot start', failure),
  nodeDied: (failure) => describeFailure('died', failure),
  nodeRestarted: ({ id, tornBytes }) => {
    const recovered = recovery(tornBytes);
    return of(id, `node ${id} ${recovered}`, recovered);
  },
  snapshotTaken: ({ id, index, bytes }) =>
    minor(of(id, `node ${id} took a snapshot through ${index} (${bytes} bytes)`, `snapshot at ${index}`)),
  snapshotInstalled: ({ id, index, bytes }) =>
    of(id, `node ${id} was sent the snapshot through ${index} (${bytes} bytes)`, `sent snapshot ${index}`),
  snapshotRestored: ({ id, index }) =>
    minor(of(id, `node ${id} has its state from the snapshot through ${index}`, `state of ${index}`)),
  nodeStopped: ({ id }) => of(id, `node ${id} is stopped`, 'stopped'),
  nodeRevived: ({ id }) => of(id, `node ${id} is revived`, 'revived'),
  nodeCrashed: ({ id }) => of(id, `node ${id} crashed`, 'crashed'),
  partitioned: ({ groups }) => {
    const alone = groups.length === 2 ? groups.find((group) => group.length === 1) : undefined;
    if (alone !== undefined) return act(alone, `node ${alone[0]} is cut off`, 'cut off');
    const sides = groups.map((group) => `{${group.join(' ')}}`).join(' and ');
    return act(groups.flat(), `the network is cut into ${sides}`, `cut: ${sides}`);
  },
  healed: () => act([], 'the network is whole', 'network whole'),
  linkChanged: ({ change, of, from, to }) => {
    const touched = [of, from, to].filter((id) => id !== undefined);
    const what = describeLinkChange(change, { of, from, to });
    return act(touched, what, what);
  },
  warning: (warning) => ({
    nodes: [],
    text: `warning: ${warningInWords(warning)}`,
    short: 'warning',
    isMinor: false,
    isAct: false,
  }),
  failed: ({ error }) => ({
    nodes: [],
    text: `the cluster failed and closes: ${excerpt(error.message)}`,
    short: 'cluster failed',
    isMinor: false,
    isAct: false,
  }),
};

/** What is to be done is said in options of the command line. */
function warningInWords(warning: ClusterWarning): string {
  if (warning.code !== 'TIMINGS') return warning.message;
  const { fears, advice } = warning.timings;
  const { electionTimeoutMsMin, electionTimeoutMsMax, heartbeatMs } = advice;
  const options = `--election-timeout ${electionTimeoutMsMin}-${electionTimeoutMsMax} --heartbeat ${heartbeatMs}`;
  return [...fears, `Start the cluster with ${options}.`].join(' ');
}

function recovery(tornBytes: number): string {
  return tornBytes === 0 ? 'has recovered' : `has recovered, ${tornBytes} torn bytes cut off`;
}

function describeFailure(how: string, { id, error, restartInMs }: NodeFailure): News {
  const what = excerpt(error.message);
  const next =
    restartInMs === null ? `it stays down until restart ${id}` : `started again in ${restartInMs} ms`;
  return of(id, `node ${id} ${how}: ${what} (${next})`, `${how}: ${what}`);
}

function of(id: NodeId, text: string, short: string): News {
  return { nodes: [id], text, short, isMinor: false, isAct: false };
}

function act(nodes: readonly NodeId[], text: string, short: string): News {
  return { nodes, text, short, isMinor: false, isAct: true };
}

function minor(news: News): News {
  return { ...news, isMinor: true };
}

/** A cluster that can be followed. */
export interface Followed {
  readonly events: EventSource;
  leader(): { readonly id: NodeId; readonly term: Term } | null;
  failures(): readonly NodeFailure[];
  warnings(): readonly ClusterWarning[];
}

/** Tells what happens in a cluster until the returned function is called. */
export function follow(cluster: Followed, tell: (news: News) => void): () => void {
  const stops = (Object.keys(tellers) as (keyof ToldEvents)[]).map((name) =>
    followOne(cluster.events, name, tell),
  );
  // What happened while the cluster started nobody could hear of: nodes failed, and the others may have elected one.
  for (const failure of cluster.failures()) {
    const news = tellers.nodeFailed(failure);
    if (news !== null) tell(news);
  }
  for (const warning of cluster.warnings()) {
    const news = tellers.warning(warning);
    if (news !== null) tell(news);
  }
  const elected = cluster.leader();
  const news = elected === null ? null : tellers.leaderElected(elected);
  if (news !== null) tell(news);
  return () => {
    for (const stop of stops) stop();
  };
}

function followOne<Name extends keyof ToldEvents>(
  events: EventSource,
  name: Name,
  tell: (news: News) => void,
): () => void {
  const listener = (event: ToldEvents[Name]) => {
    const news = (tellers[name] as Teller<Name>)(event);
    if (news !== null) tell(news);
  };
  events.on(name, listener);
  return () => {
    events.off(name, listener);
  };
}
