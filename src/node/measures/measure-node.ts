import type { NodeStanding } from '../information.js';
import type { NodeParts } from '../parts.js';
import type { NodeMeasures, PeerMeasures } from './measures.js';
import type { Counts } from './node-counts.js';

/** Looks at a node's numbers. Its application is not asked anything. */
export function measureNode(parts: NodeParts, standing: NodeStanding, requestsOpen: number): NodeMeasures {
  const { counts, replica, reader, snapshots } = parts;
  return {
    ...standing,
    firstIndex: reader.firstIndex,
    lastLogIndex: replica.log.lastIndex,
    snapshotIndex: snapshots.newest?.mark.index ?? 0,
    voters: replica.configuration.voters.length,
    commitIndex: replica.commitIndex,
    height: replica.lastApplied,
    requestsOpen,
    preElections: counts.preElections,
    elections: counts.elections,
    electionsWon: counts.electionsWon,
    leaders: counts.leaders,
    commandsTaken: counts.commandsTaken,
    commandsApplied: counts.commandsApplied,
    commandsRefused: counts.commandsRefused.counts,
    readsTaken: counts.readsTaken,
    readsAnswered: counts.readsAnswered,
    readsRefused: counts.readsRefused.counts,
    messagesSent: counts.sent.counts,
    messagesReceived: counts.received.counts,
    framesDropped: droppedBy(parts),
    entriesWritten: counts.entriesWritten,
    bytesWritten: counts.bytesWritten,
    writes: counts.writes.spread,
    commits: counts.commits.spread,
    peers: standing.role === 'leader' ? peersOf(parts) : [],
  };
}

function peersOf({ replica, clock }: NodeParts): PeerMeasures[] {
  const now = clock.now();
  return [...replica.progress.values()].map(({ id, matchIndex, answeredAtMs }) => ({
    peer: id,
    matchIndex,
    silentMs: Number.isFinite(answeredAtMs) ? now - answeredAtMs : null,
  }));
}

/** Each has one reason. `noRoom` are those that found no room, or were no peer's. */
function droppedBy({ inbox }: NodeParts): Counts {
  const { framesDropped, badChecksum, malformed, refused, nonsense } = inbox.counters;
  const known = Object.values(refused).reduce((sum, count) => sum + count, badChecksum + malformed);
  return { badChecksum, malformed, ...refused, ...nonsense, noRoom: framesDropped - known };
}
