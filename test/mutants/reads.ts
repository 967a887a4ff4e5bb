import type { Mutant } from './mutant.js';
import { readContextReused } from './replication.js';

const chart = 'machines/node.js';
const reads = 'src/raft/reads.js';
const rounds = 'const confirmedRound = configuration.reached(';

/** Bugs in linearizable reads. */
export const readMutants: readonly Mutant[] = [
  {
    name: 'read-index-before-the-no-op',
    bug: 'A new leader takes its commit index for current before an entry of its own term has committed.',
    source: '§8; thesis §6.4, step 1',
    catches: ['ReadIndexIsCurrent', 'Linearizability'],
    patches: [
      {
        file: chart,
        find: "always: { guard: 'noopIsCommitted', target: 'catchingUp' },",
        replace: "always: { target: 'catchingUp' },",
      },
    ],
  },
  {
    name: 'read-index-without-a-round',
    bug: 'A leader serves a read without asking whether it still leads.',
    source: '§8; thesis §6.4, step 3',
    catches: ['ReadIndexIsCurrent', 'Linearizability'],
    patches: [
      {
        file: reads,
        find: rounds,
        replace: 'const confirmedRound = ((valueOf) => replica.round)(',
      },
    ],
    world: { nodes: 3, faults: ['partitions'] },
  },
  readContextReused,
  {
    name: 'read-served-before-apply-reaches-its-index',
    bug: 'A confirmed read is answered from whatever has been applied so far.',
    source: 'thesis §6.4, step 4',
    catches: ['ReadIndexIsCurrent', 'Linearizability'],
    patches: [
      {
        file: 'src/node/clients/pending-reads.js',
        find: 'const due = this.#waiting.filter((waiting) => waiting.index <= lastApplied);',
        replace: 'const due = this.#waiting.splice(0);',
      },
    ],
  },
  {
    name: 'read-quorum-one-short',
    bug: 'A round counts as confirmed by one voter less than a majority.',
    source: 'thesis §6.4, step 3',
    catches: ['ReadIndexIsCurrent', 'Linearizability'],
    patches: [
      {
        file: reads,
        find: rounds,
        replace:
          'const confirmedRound = ((valueOf) => configuration.voters.map(valueOf).sort((a, b) => b - a)[(configuration.voters.length >> 1) - 1])(',
      },
    ],
    world: { nodes: 3, faults: ['partitions'] },
  },
];
