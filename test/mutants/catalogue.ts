import { clientMutants } from './clients.js';
import { durabilityMutants } from './durability.js';
import { electionMutants } from './elections.js';
import { onceMutants } from './exactly-once.js';
import { mutantsFoundHere } from './found-here.js';
import { membershipMutants } from './membership.js';
import type { Mutant } from './mutant.js';
import { readMutants } from './reads.js';
import { replicationMutants } from './replication.js';
import { ruleMutants, testedMutants } from './rules.js';
import { sessionMutants } from './sessions.js';
import { snapshotMutants } from './snapshots.js';
import { storageMutants } from './storage.js';

/** Every known way of getting Raft wrong that the oracle, or a unit test, must catch. */
export const catalogue: readonly Mutant[] = [
  ...electionMutants,
  ...replicationMutants,
  ...durabilityMutants,
  ...readMutants,
  ...clientMutants,
  ...onceMutants,
  ...sessionMutants,
  ...snapshotMutants,
  ...mutantsFoundHere,
  ...ruleMutants,
  ...testedMutants,
  ...membershipMutants,
  ...storageMutants,
];

/** @throws when there is none of that name. */
export function mutantNamed(name: string): Mutant {
  const mutant = catalogue.find((each) => each.name === name);
  if (mutant === undefined) {
    throw new Error(
      `There is no mutant "${name}". There are: ${catalogue.map((each) => each.name).join(', ')}.`,
    );
  }
  return mutant;
}
