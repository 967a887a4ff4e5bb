import type { LogEntry, LogIndex } from '../../raft/entry.js';
import type { Log } from '../../raft/log.js';
import type { LogRecord } from './protocol.js';

/** What is opened for people in one turn: more, and a leader that is looked at misses its heartbeats. */
export const pageEntriesMax = 1024;
const pageBytesMax = 1024 * 1024;

/** An entry for people, with so much of its command. */
export function recordOf({ term, index, leaderId, kind, command }: LogEntry, bytesMax: number): LogRecord {
  // A copy: a view takes all that it is a part of along to another thread.
  return { term, index, leaderId, kind, command: command.slice(0, bytesMax), commandBytes: command.length };
}

/** Where a page of the log's entries from `from` on ends, at `to` at the latest; it has one entry if there is one. */
export function pageEnd(log: Pick<Log, 'at'>, from: LogIndex, to: LogIndex): LogIndex {
  const endMax = Math.min(to, from + pageEntriesMax - 1);
  let bytes = 0;
  for (let index = from; index <= endMax; index++) {
    const entry = log.at(index);
    if (entry === null) return index - 1;
    bytes += entry.bytes.length;
    if (bytes > pageBytesMax) return Math.max(from, index - 1);
  }
  return endMax;
}
