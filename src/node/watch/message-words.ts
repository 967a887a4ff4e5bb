import type { Message } from '../../raft/messages.js';
import { entriesIn, lastIndexOf, type Run } from '../../raft/run.js';
import type { Spoken } from '../../wire/messages.js';
import type { ObservedKind, ObservedMessage } from './observation.js';

export function kindOf(message: Message): ObservedKind {
  return message.type === 'appendEntries' && message.runs.length === 0 ? 'heartbeat' : message.type;
}

export function entriesCarried(message: Message): number {
  return message.type === 'appendEntries' ? entriesIn(message.runs) : 0;
}

/** A message as people read of it. */
export function describeMessage(message: Message): ObservedMessage {
  return { message: kindOf(message), entries: entriesCarried(message), text: messageInWords(message) };
}

/** What a message says, all that a rule looks at: on the page, and in the trace of a simulated world. */
export function messageInWords(message: Spoken): string {
  const term = `term ${message.term}`;
  switch (message.type) {
    case 'appendEntries': {
      const { runs, prevLogIndex, prevLogTerm, leaderCommit, round } = message;
      const what = runs.length === 0 ? 'heartbeat' : `append ${runs.map(runInWords).join(', ')}`;
      return `${what} after ${prevLogIndex} (term ${prevLogTerm}), ${term}, commit ${leaderCommit}, round ${round}`;
    }
    case 'appendEntriesResponse': {
      const { success, index, conflictTerm, conflictIndex, round } = message;
      if (success) return `has all through ${index}, ${term}, round ${round}`;
      return `does not match at ${index} (conflict at ${conflictIndex}, term ${conflictTerm}), ${term}, round ${round}`;
    }
    case 'requestVote':
      return `asks for a vote, ${term}, ${lastInWords(message)}`;
    case 'preVote':
      return `would you vote for me in ${term}? ${lastInWords(message)}`;
    case 'requestVoteResponse':
      return `${message.granted ? 'grants' : 'refuses'} the vote, ${term}`;
    case 'preVoteResponse':
      return `${message.granted ? 'would' : 'would not'} vote for you in term ${message.proposedTerm}, ${term}`;
    case 'readIndex':
      return `asks at which index to read, ${term}, request ${message.request}`;
    case 'readIndexResponse': {
      const answer = message.granted ? `read at ${message.index}` : 'cannot say where to read';
      return `${answer}, ${term}, request ${message.request}`;
    }
    case 'verify':
      return `asks whether ${message.commands.length} commands are valid, ${term}, request ${message.request}`;
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
      return `gives ${message.approved.length} verdicts, ${term}, request ${message.request}`;
    case 'hello':
      return message.asks === 0 ? 'hello' : 'hello, and who are you?';
    case 'timeoutNow':
      return `hands leadership over: stand now, ${term}`;
    case 'transferDeclined':
      return `may not stand, ${term}`;
    case 'notMember':
      return `you are no member as of entry ${message.commitIndex} (term ${message.commitTerm}), ${term}`;
  }
}

function runInWords(run: Run): string {
  return `${run.firstIndex}…${lastIndexOf(run)} of term ${run.term}`;
}

function lastInWords({ lastLogIndex, lastLogTerm }: { lastLogIndex: number; lastLogTerm: number }): string {
  return `last entry ${lastLogIndex} of term ${lastLogTerm}`;
}
