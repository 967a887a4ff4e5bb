import type { Replica } from './replica.js';

/**
 * May this server stand for election? Voters may; and one that the latest configuration leaves out, as long as that
 * one is not known to be committed: the others may need it to commit that very entry (thesis §4.2.2).
 */
export function mayLead({ id, configuration, configurations, commitIndex }: Replica): boolean {
  if (configuration.isVoter(id)) return true;
  return commitIndex < configurations.latestIndex && configurations.previous.isVoter(id);
}
