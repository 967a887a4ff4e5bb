import type { LogEntry, LogIndex } from '../../raft/entry.js';
import { cutRun, lastIndexOf, type Run } from '../../raft/run.js';
import type { LogReader } from '../disk/log-reader.js';
import type { LogRecord } from './protocol.js';

/** What is opened for people in one turn: more, and a leader that is looked at misses its heartbeats. */
export const pageEntriesMax = 1024;
const pageBytesMax = 1024 * 1024;

/** An entry for people, with so much of its command. */
export function recordOf({ term, index, leaderId, kind, command }: LogEntry, bytesMax: number): LogRecord {
  // A copy: a view takes all that it is a part of along to another thread.
  return { term, index, leaderId, kind, command: command.slice(0, bytesMax), commandBytes: command.length };
}

/** The first of the log's entries from `from` through `to` that are still there, a page of them; one at least if there is one. */
export function pageOf(log: Pick<LogReader, 'firstIndex' | 'slice'>, from: LogIndex, to: LogIndex): Run[] {
  const page: Run[] = [];
  const first = Math.max(from, log.firstIndex);
  const endMax = Math.min(to, first + pageEntriesMax - 1);
  if (first > endMax) return page;
  for (const run of log.slice(first, pageBytesMax)) {
    if (run.firstIndex > endMax) break;
    page.push(cutRun(run, run.firstIndex, Math.min(lastIndexOf(run), endMax)));
  }
  return page;
}
