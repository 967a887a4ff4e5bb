import { lastIndexOf } from '../../raft/run.js';
import type { Spoken } from '../../wire/messages.js';

/** A message in one line, for the reader of a trace. */
export function describeMessage(message: Spoken | null): string {
  if (message === null) return 'unreadable';
  const { type, term } = message;
  const head = `${type} term ${term}`;
  switch (message.type) {
    case 'appendEntries': {
      const { prevLogIndex, prevLogTerm, runs, leaderCommit, round } = message;
      const places = runs.map((run) => `${run.firstIndex}-${lastIndexOf(run)}:${run.term}`).join(' ');
      return `${head} prev ${prevLogIndex}:${prevLogTerm} [${places}] commit ${leaderCommit} round ${round}`;
    }
    case 'appendEntriesResponse': {
      const { success, index, conflictTerm, conflictIndex, round } = message;
      if (success) return `${head} matched ${index} round ${round}`;
      return `${head} refused ${index} conflict ${conflictIndex}:${conflictTerm} round ${round}`;
    }
    case 'requestVote':
    case 'preVote':
      return `${head} last ${message.lastLogIndex}:${message.lastLogTerm}`;
    case 'requestVoteResponse':
      return `${head} ${message.granted ? 'granted' : 'refused'}`;
    case 'preVoteResponse':
      return `${head} ${message.granted ? 'granted' : 'refused'} for term ${message.proposedTerm}`;
    case 'readIndexResponse':
      return `${head} request ${message.request} ${message.granted ? `index ${message.index}` : 'refused'}`;
    case 'installSnapshot': {
      const { lastIncludedIndex, lastIncludedTerm, position, chunk, done } = message;
      const end = done ? ' done' : '';
      return `${head} snapshot ${lastIncludedIndex}:${lastIncludedTerm} at ${position} +${chunk.length}${end}`;
    }
    case 'installSnapshotResponse':
      return `${head} snapshot ${message.index} ${message.success ? 'installed' : `from ${message.position}`}`;
    case 'hello':
      return message.asks ? 'hello, and who are you' : 'hello';
    case 'readIndex':
    case 'verify':
    case 'verifyResponse':
      return `${head} request ${message.request}`;
  }
}
