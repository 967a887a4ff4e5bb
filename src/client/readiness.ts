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
 * @param seen the voters, as they were last heard of; of those that follow it is asked only whether they run.
 */
export function readinessOf(seen: readonly Seen[], leader: Leader | null): Readiness {
  const led =
    leader &&
    seen.find(({ id, role, term }) => id === leader.id && role === 'leader' && term === leader.term);
  if (led === undefined)
    return { leader: null, missing: `node ${leader?.id} was elected and does not answer` };
  // A leader that has lost its majority does not know so before an election timeout.
  const lacking = missingMajority(seen);
  if (lacking !== null) return { leader: null, missing: lacking };
  if (leader === null || led === null) return { leader: null, missing: 'nobody is elected' };
  const { id } = leader;
  if (serves(led)) return { leader };
  const missing = catchesUp(led)
    ? `node ${id} leads and has applied ${portion(led.height, led.commitIndex)}`
    : `node ${id} is elected, and no majority has confirmed it yet`;
  return { leader: null, missing };
}

/** What keeps a majority of those that were heard of from running; null if nothing does. */
function missingMajority(seen: readonly Seen[]): string | null {
  const voters = seen.filter(({ role }) => role !== 'learner' && role !== 'removed');
  const down = voters.filter(({ role }) => role === 'dead');
  if (down.length === 0) return null;
  const isDown = (id: number) => down.some((each) => each.id === id);
  if (Configuration.of(voters.map(({ id }) => id)).hasQuorum((id) => !isDown(id))) return null;
  const reasons = down.map(({ id, state, failure }) => {
    if (failure !== null) return `node ${id} is down (${failure.replace(/\.$/, '')})`;
    return state === 'starting' ? `node ${id} recovers` : `node ${id} is down`;
  });
  return `no majority runs: ${reasons.join(', ')}`;
}
