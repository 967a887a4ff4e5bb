import type { LogEntry, LogIndex } from '../../raft/entry.js';
import type { Log } from '../../raft/log.js';
import { headOf, lastIndexOf } from '../../raft/run.js';
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
export function pageEnd(log: Log, from: LogIndex, to: LogIndex): LogIndex {
  const endMax = Math.min(to, log.lastIndex, from + pageEntriesMax - 1);
  let end = from - 1;
  let bytes = 0;
  for (const run of log.range(from, endMax)) {
    const left = pageBytesMax - bytes;
    const head = headOf(run, left);
    // A head has one entry at least, which may be more than is left.
    if (head.body.length > left && end >= from) break;
    end = lastIndexOf(head);
    if (head !== run) break;
    bytes += run.body.length;
  }
  return end;
}
