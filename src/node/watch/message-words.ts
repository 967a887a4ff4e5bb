import type { Message } from '../../raft/messages.js';
import { entriesIn } from '../../raft/run.js';
import type { ObservedKind, ObservedMessage } from './observation.js';

export function kindOf(message: Message): ObservedKind {
  return message.type === 'appendEntries' && message.runs.length === 0 ? 'heartbeat' : message.type;
}

export function entriesCarried(message: Message): number {
  return message.type === 'appendEntries' ? entriesIn(message.runs) : 0;
}

/** A message as people read of it. */
export function describeMessage(message: Message): ObservedMessage {
  return { message: kindOf(message), entries: entriesCarried(message), text: inWords(message) };
}

function inWords(message: Message): string {
  const term = `term ${message.term}`;
  switch (message.type) {
    case 'appendEntries': {
      const first = message.prevLogIndex + 1;
      const last = message.prevLogIndex + entriesIn(message.runs);
      if (last < first) return `heartbeat, ${term}, commit ${message.leaderCommit}`;
      return `append ${first}…${last} after ${message.prevLogIndex} (term ${message.prevLogTerm}), ${term}`;
    }
    case 'appendEntriesResponse':
      return message.success
        ? `has all through ${message.index}, ${term}`
        : `does not match at ${message.index}, ${term}`;
    case 'requestVote':
      return `asks for a vote, ${term}, last entry ${message.lastLogIndex} of term ${message.lastLogTerm}`;
    case 'preVote':
      return `would you vote for me in term ${message.term}?`;
    case 'requestVoteResponse':
      return `${message.granted ? 'grants' : 'refuses'} the vote, ${term}`;
    case 'preVoteResponse':
      return `${message.granted ? 'would' : 'would not'} vote for you in term ${message.proposedTerm}`;
    case 'readIndex':
      return `asks at which index to read, ${term}`;
    case 'readIndexResponse':
      return message.granted ? `read at ${message.index}, ${term}` : `cannot say where to read, ${term}`;
    case 'verify':
      return `asks whether ${message.commands.length} commands are valid, ${term}`;
    case 'installSnapshot': {
      const { lastIncludedIndex, lastIncludedTerm, position, chunk, done } = message;
      const bytes = `bytes ${position}…${position + chunk.length}${done ? ', the last' : ''}`;
      return `snapshot through ${lastIncludedIndex} (term ${lastIncludedTerm}), ${bytes}, ${term}`;
    }
    case 'installSnapshotResponse':
      return message.success
        ? `has all that the snapshot through ${message.index} stands for, ${term}`
        : `wants the snapshot through ${message.index} from byte ${message.position} on, ${term}`;
    case 'verifyResponse':
      return `gives ${message.approved.length} verdicts, ${term}`;
  }
}
