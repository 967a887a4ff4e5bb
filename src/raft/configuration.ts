import type { NodeId } from './entry.js';

/** Who belongs to the cluster (§6). Voters elect and commit; learners only receive the log. */
export interface Configuration {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

export function isVoter(configuration: Configuration, id: NodeId): boolean {
  return configuration.voters.includes(id);
}

/** All members but one. */
export function peersOf(configuration: Configuration, id: NodeId): NodeId[] {
  return [...configuration.voters, ...configuration.learners].filter((member) => member !== id);
}
