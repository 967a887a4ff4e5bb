import type { LogIndex, Term } from '../../../raft/entry.js';
import { isLeading, type LogCut, type NodeSeen, termAt } from '../../recording/node-seen.js';

/** An entry's place in the table. */
export interface Cell {
  readonly text: string;
  readonly kind: string;
  readonly label: string;
}

/** How long what was cut off stays in sight, in milliseconds of the recording. */
const cutMs = 8_000;

/** What was cut off a node's log lately. */
export function recentCut({ cut }: NodeSeen, at: number): LogCut | null {
  return cut !== null && at - cut.at <= cutMs ? cut : null;
}

/** The log ends before what is on show. */
export function endCell({ state, levels }: NodeSeen): Cell {
  const lastTerm = state === null ? null : termAt(state.log, levels.last);
  const term = lastTerm === null ? '' : `, term ${lastTerm}`;
  return {
    text: `← ends at ${levels.last}${term}`,
    kind: 'behind',
    label: `the log ends at entry ${levels.last}${term}`,
  };
}

export function cellAt(index: LogIndex, node: NodeSeen, leader: NodeSeen | null, cut: LogCut | null): Cell {
  const { id, state, levels } = node;
  const empty = { text: '', kind: 'none', label: '' };
  if (state === null || index < 1) return empty;
  if (index < (state.log.begins ?? 1) && index <= levels.last) {
    const label = `node ${id}, entry ${index} is in its snapshot, and no longer in its log`;
    return { text: '▪', kind: 'compacted', label };
  }
  const was = cut !== null && index >= cut.from ? termAt({ runs: cut.runs, last: cut.last }, index) : null;
  const term = index > levels.last ? null : termAt(state.log, index);
  if (term === null) {
    if (index <= levels.last) {
      return { text: '·', kind: 'earlier', label: `node ${id}, entry ${index}, its term was not told` };
    }
    if (was === null) return empty;
    return { text: `${was}`, kind: 'truncated', label: `entry ${index} of term ${was} was truncated` };
  }
  const standing = standingOf(index, term, node, leader);
  const replaced = was !== null && was !== term ? ` in place of one of term ${was}` : '';
  return {
    text: `${term}`,
    kind: `${standing} t${term % 8}${replaced === '' ? '' : ' replaced'}`,
    label: `node ${id}, entry ${index}, term ${term}, ${standingTexts[standing]}${replaced}`,
  };
}

type Standing = keyof typeof standingTexts;

const standingTexts = {
  applied: 'applied',
  committed: 'committed',
  divergent: 'not committed and not what the leader has',
  open: 'not committed',
} as const;

function standingOf(index: LogIndex, term: Term, { levels }: NodeSeen, leader: NodeSeen | null): Standing {
  if (index <= levels.height) return 'applied';
  if (index <= levels.commit) return 'committed';
  return differsFrom(leader, index, term) ? 'divergent' : 'open';
}

/** Has the leader another entry there, or none? */
function differsFrom(leader: NodeSeen | null, index: LogIndex, term: Term): boolean {
  if (leader === null || leader.state === null || !isLeading(leader)) return false;
  const { log } = leader.state;
  if (index < (log.runs[0]?.[0] ?? 1)) return false;
  const leadersTerm = index > leader.levels.last ? null : termAt(log, index);
  // Entries of its own term that it has not told of are no others'.
  return leadersTerm === null ? term < leader.state.term : leadersTerm !== term;
}
