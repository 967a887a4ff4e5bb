import { requireText } from '../application/contract.js';
import type { Configuration, Member } from '../raft/configuration.js';
import type { NodeId } from '../raft/entry.js';
import { membersHeard } from '../raft/liveness.js';
import type { Replica } from '../raft/replica.js';
import type { NodeChart } from './chart.js';
import { type MembersInformation, type NodeInformation, type NodeStanding, roles } from './information.js';
import type { NodeParts } from './parts.js';

type NodeSnapshot = ReturnType<NodeChart['getSnapshot']>;

export function standingOf(snapshot: NodeSnapshot, replica: Replica): NodeStanding {
  const path = mainPath(snapshot.value as StateValue);
  return {
    role: roles.find((role) => path.includes(role)) ?? 'dead',
    state: path.join('.'),
    term: replica.currentTerm,
    leaderId: replica.leaderId,
  };
}

export function describeNode(parts: NodeParts, snapshot: NodeSnapshot): NodeInformation {
  const { replica, settings, application, applier, reader, snapshots } = parts;
  const newest = snapshots.newest?.mark;
  return {
    id: replica.id,
    ...standingOf(snapshot, replica),
    votedFor: replica.votedFor,
    candidacy: settings.candidacy,
    configuration: membersOf(replica.configuration),
    lastLogIndex: replica.log.lastIndex,
    firstIndex: reader.firstIndex,
    lastIndex: replica.log.lastIndex,
    snapshotIndex: newest?.index ?? 0,
    snapshotTerm: newest?.term ?? 0,
    commitIndex: replica.commitIndex,
    height: replica.lastApplied,
    peers: peersAlive(parts),
    digest: requireText('digest', application.digest()),
    recovery: applier.recovery,
  };
}

export function membersOf({ data, members }: Configuration): MembersInformation {
  const known = members.filter(({ address }) => address !== '');
  const idsOf = (members: readonly Member[] | null) =>
    (members ?? []).map(({ id }) => id).sort((a, b) => a - b);
  return {
    voters: idsOf(data.voters),
    votersOutgoing: idsOf(data.outgoing),
    learners: idsOf(data.learners),
    ...(known.length === 0
      ? {}
      : { addresses: Object.fromEntries(known.map(({ id, address }) => [id, address])) }),
  };
}

/**
 * The other members that this server believes alive: a follower believes its leader, everyone else whom it has
 * heard within an election timeout.
 */
function peersAlive({ replica, clock, options }: NodeParts): NodeId[] {
  const { id, leaderId } = replica;
  const believesLeader = leaderId !== null && leaderId !== id;
  const alive = believesLeader
    ? replica.aliveByLeader
    : membersHeard(replica, clock.now(), options.timings.electionTimeoutMsMax);
  return alive.filter((member) => member !== id);
}

type StateValue = string | { readonly [state: string]: StateValue };

/** The path to the innermost active state, through the first region where several are active. */
function mainPath(value: StateValue): string[] {
  if (typeof value === 'string') return [value];
  const first = Object.entries(value)[0];
  return first === undefined ? [] : [first[0], ...mainPath(first[1])];
}
