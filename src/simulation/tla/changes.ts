import type { ConfigurationData, Member } from '../../raft/configuration.js';
import type { NodeId } from '../../raft/entry.js';
import type { ChangeAction } from './line.js';

/**
 * The one step that the specification has from a configuration to the next: a server comes or goes, or a learner is to
 * vote. Null where the members stay as they are, for of addresses and the like it knows nothing; `joint` where it has no
 * such step, nor as many as it takes.
 */
export function changeBetween(
  last: ConfigurationData,
  next: ConfigurationData,
): readonly [ChangeAction, NodeId] | 'joint' | null {
  const before = { voters: idsOf(last.voters), all: idsOf([...last.voters, ...last.learners]) };
  const after = { voters: idsOf(next.voters), all: idsOf([...next.voters, ...next.learners]) };
  const steps: (readonly [ChangeAction, NodeId])[] = [];
  for (const id of after.all) {
    const votes = after.voters.includes(id);
    if (votes && !before.voters.includes(id)) steps.push(['AddNewServer', id]);
    else if (!before.all.includes(id)) steps.push(['AddLearner', id]);
    else if (!votes && before.voters.includes(id)) return 'joint';
  }
  for (const id of before.all) if (!after.all.includes(id)) steps.push(['RemoveServer', id]);
  if (steps.length > 1 || last.outgoing !== null || next.outgoing !== null) return 'joint';
  return steps[0] ?? null;
}

function idsOf(members: readonly Member[]): NodeId[] {
  return members.map(({ id }) => id);
}
