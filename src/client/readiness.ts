import { catchesUp, portion, serves } from '../node/information.js';
import type { Leader, Readiness } from '../node/when-ready.js';
import { Configuration } from '../raft/configuration.js';
import type { MemberInformation } from './events.js';

/** What is known of a member. */
export type Seen = Pick<
  MemberInformation,
  'id' | 'role' | 'state' | 'term' | 'commitIndex' | 'height' | 'failure'
>;

/**
 * Does the cluster serve: has its leader committed an entry of its term and applied all before it, so that it can
 * answer a linearizable read and a command at once?
 * @param seen the voters, as they were last heard of; of those that follow nothing is asked while a leader is known.
 */
export function readinessOf(seen: readonly Seen[], leader: Leader | null): Readiness {
  if (leader === null) return { leader, missing: missingLeader(seen) };
  const { id, term } = leader;
  const led = seen.find((each) => each.id === id && each.role === 'leader' && each.term === term);
  if (led === undefined) return { leader: null, missing: `node ${id} was elected and does not answer` };
  if (serves(led)) return { leader };
  const missing = catchesUp(led)
    ? `node ${id} leads and has applied ${portion(led.height, led.commitIndex)}`
    : `node ${id} is elected, and no majority has confirmed it yet`;
  return { leader: null, missing };
}

function missingLeader(seen: readonly Seen[]): string {
  const voters = seen.filter(({ role }) => role !== 'learner' && role !== 'removed');
  const down = voters.filter(({ role }) => role === 'dead');
  const isDown = (id: number) => down.some((each) => each.id === id);
  const configuration = Configuration.of(voters.map(({ id }) => id));
  if (configuration.hasQuorum((id) => !isDown(id))) return 'nobody is elected';
  const reasons = down.map(({ id, state, failure }) => {
    if (failure !== null) return `node ${id} is down (${failure.replace(/\.$/, '')})`;
    return state === 'starting' ? `node ${id} recovers` : `node ${id} is down`;
  });
  return `no majority runs: ${reasons.join(', ')}`;
}
