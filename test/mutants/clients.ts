import type { Mutant } from './mutant.js';

const proposals = 'src/node/clients/pending-proposals.js';

/** Bugs between a node, its clients and its state machine. */
export const clientMutants: readonly Mutant[] = [
  {
    name: 'verified-by-one-voter',
    bug: 'A command is appended as soon as one voter has found it valid.',
    source: 'the first design; src/raft/verification.ts',
    catches: ['AppliedWasApproved'],
    patches: [
      {
        file: 'src/raft/verification.js',
        find: 'configuration.hasQuorum((voter) => verdictOf(voter) === true)',
        replace: '[...this.#answers.values()].some(({ approved }) => approved[command] === true)',
      },
    ],
    world: { nodes: 5, virtualMs: 10_000, faults: ['verifications'] },
  },
  {
    name: 'deposed-leader-answers-pending-proposals-as-committed',
    bug: 'A leader that was deposed answers its waiting clients with whatever was committed at their indexes.',
    source: '§8; Figure 8; MIT 6.5840 lab notes: check the term at the index',
    catches: ['AnsweredWasApplied'],
    patches: [
      {
        file: proposals,
        find: 'if (office.term < entries.term || (isDue && office.term !== entries.term)) {',
        replace: 'if (false) {',
      },
    ],
  },
  {
    name: 'refused-proposal-applied-twice',
    bug: 'A deposed leader refuses waiting proposals as if nothing had been appended; the client asks again and the command is applied twice.',
    source: '§8: "a command can be executed multiple times"; thesis §6.3',
    catches: ['RefusedWasNotApplied', 'Linearizability'],
    patches: [
      {
        file: proposals,
        find: `    abandon(cause) {
        const error = `,
        replace: `    refuseAll() {
        for (const office of this.#offices.splice(0)) this.#end(office, this.#notLeader());
    }
    abandon(cause) {
        const error = `,
      },
      {
        file: 'src/node/actions.js',
        find: 'proposals.handBack();',
        replace: 'proposals.refuseAll();',
      },
    ],
  },
  {
    name: 'applied-out-of-order-after-a-restart',
    bug: 'A node that catches up after a restart applies what is committed from the newest entry to the oldest.',
    source: 'Figure 3, State Machine Safety; §5.3: "in log order"',
    catches: ['AppliesInOrder'],
    patches: [
      {
        file: 'src/node/clients/applier.js',
        find: '            while (replica.lastApplied < until && !this.#pace.isOver) {',
        replace: `            if (replica.lastApplied === 0 && until > 1) {
                for (let index = until; index > 0; index--)
                    this.#apply(cutRun(replica.log.runAt(index), index, index));
                replica.lastApplied = until;
            }
            while (replica.lastApplied < until && !this.#pace.isOver) {`,
      },
    ],
  },
];
