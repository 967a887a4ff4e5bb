import type { NodeActionName } from '../../../machines/node.js';
import { NodeDeadError } from '../../ground/errors.js';
import type { LogIndex } from '../../raft/entry.js';
import type { Action } from '../chart-events.js';
import { messageIn, readIn } from '../chart-events.js';
import type { NodeParts } from '../parts.js';
import type { Read } from './client-requests.js';

/** Reads (thesis §6.4): confirmed by the leader without a log write, served by the node that was asked. */
export function readActions(parts: NodeParts) {
  const { replica, reads, outbox, clock, options } = parts;
  return {
    startRead: ({ event }) => reads.rounds.add(replica, readIn(event)),
    holdRead: ({ event }) => reads.hold(readIn(event)),
    releaseHeldReads: () => {
      for (const read of reads.takeHeld()) reads.rounds.add(replica, read);
    },
    forwardRead: ({ event }) => {
      const { id, leaderId, currentTerm: term } = replica;
      if (leaderId === null) return reads.refuse(readIn(event));
      const request = reads.forward(readIn(event), clock.now());
      outbox.send(leaderId, { type: 'readIndex', term, from: id, request });
    },
    redirectRead: ({ event }) => reads.refuse(readIn(event)),
    answerStaleRead: ({ event }) => reads.answer(readIn(event)),
    refuseReadDead: ({ event }) => reads.refuse(readIn(event), new NodeDeadError(replica.id)),
    refuseReadIndex: ({ event }) => {
      const { from, request } = messageIn(event, 'peer.readIndex');
      answerReadIndex(parts, from, request, null);
    },
    resumeForwardedRead: ({ event }) => {
      const { request, granted, index } = messageIn(event, 'peer.readIndexResponse');
      const read = reads.takeForwarded(request);
      if (read === null) return;
      if (granted) reads.serveAt(index, read);
      else reads.refuse(read);
    },
    expireForwardedReads: () => reads.expireForwarded(clock.now() - options.timings.electionTimeoutMsMax),
  } satisfies Partial<Record<NodeActionName, Action>>;
}

/** Passes on the reads whose round a majority has answered by now. */
export function confirmReads(parts: NodeParts): void {
  for (const { index, reads } of parts.reads.rounds.takeConfirmed(parts.replica)) {
    for (const read of reads) confirmRead(parts, index, read);
  }
}

function confirmRead(parts: NodeParts, index: LogIndex, read: Read): void {
  if (read.kind === 'client') parts.reads.serveAt(index, read);
  else answerReadIndex(parts, read.from, read.request, index);
}

/** @param index null refuses. */
function answerReadIndex(parts: NodeParts, to: number, request: number, index: LogIndex | null): void {
  const { id: from, currentTerm: term } = parts.replica;
  const granted = index !== null;
  parts.outbox.send(to, { type: 'readIndexResponse', term, from, request, granted, index: index ?? 0 });
}
