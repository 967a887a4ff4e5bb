import type { Mutant } from './mutant.js';

/** Bugs that Conclave had itself, and what found them. They stay here for good. */
export const mutantsFoundHere: readonly Mutant[] = [
  {
    name: 'own-vote-counted-before-it-is-durable',
    bug: 'A candidate takes office before its own vote is on its disk; after a crash it votes again in that term.',
    source: 'found by the tests of a lone node; §5.2, Figure 2: State',
    catches: ['VotesGranted'],
    patches: [
      {
        file: 'src/raft/elections.js',
        find: 'replica.votes = new Map();',
        replace: 'replica.votes = new Map([[replica.id, true]]);',
      },
    ],
    // With others to ask, the request for their votes waits for the same write.
    world: { nodes: 1 },
  },
  {
    name: 'superseded-command-answered-twice',
    bug: 'A command whose place another took is refused, and then reported as applied, with no result.',
    source: 'found by a sweep; src/node/clients/pending-proposals.ts',
    catches: ['AnsweredOnce', 'AnsweredWasApplied'],
    patches: [
      {
        file: 'src/node/clients/pending-proposals.js',
        find: 'this.#end(office, this.#notLeader());\n                this.#offices.splice(at, 1);',
        replace:
          "this.#end(office, this.#notLeader());\n                const [{ first, firstIndex: index, reply }] = office.pending;\n                reply({ type: 'applied', first, count: 1, index, term: office.term, results: new Uint8Array(4) });\n                this.#offices.splice(at, 1);",
      },
    ],
  },
  {
    name: 'read-back-before-it-was-settled',
    bug: 'What was read back from disk is kept with entries that memory still has, and that are replaced later: a follower is sent what nobody holds any more.',
    source: 'found by a sweep: seed 20',
    tests: 'node/log-reader.test.js',
    catches: [
      'A log that is read back from disk is as it is now, where the disk held other entries when it was read before',
    ],
    patches: [
      {
        file: 'src/node/disk/log-reader.js',
        find: 'return cutRuns(runs, from, this.#replica.log.baseIndex);',
        replace: 'return runs;',
      },
    ],
  },
  {
    name: 'who-stands-counts-as-who-follows',
    bug: 'Check-quorum counts whoever is heard, also a server that asks for votes because it does not hear its leader; a leader that hears and is not heard stays in office for ever.',
    source: 'found when the mutant of check-quorum was written; thesis §6.2',
    tests: 'raft/liveness.test.js',
    catches: [
      'Liveness does not take a voter that is heard for one that hears: it may be standing for election',
    ],
    patches: [
      {
        file: 'src/raft/liveness.js',
        find: 'nowMs - answeredAt(replica, voter) < electionTimeoutMs',
        replace: 'nowMs - heardAt(replica, voter) < electionTimeoutMs',
      },
    ],
  },
  {
    name: 'refusal-of-an-older-term-acknowledges-its-round',
    bug: 'The refusal of an AppendEntries of an older term repeats its round, and its sender, who leads anew, takes that for one of its new rounds.',
    source: 'found by review; thesis §6.4, step 3',
    tests: 'raft/replication.test.js',
    catches: [
      'AppendEntries, the receiver (Figure 2) answers an older term with its own, which deposes the sender, and acknowledges no round of it',
    ],
    patches: [
      {
        file: 'src/raft/replication.js',
        find: 'return { ...refusal, round: 0 };',
        replace: 'return refusal;',
      },
    ],
  },
  {
    name: 'frames-for-an-earlier-life-are-heard',
    bug: 'What was said to an earlier life of a node is heard by the present one. Forwarded reads are numbered alike in each, so a late answer is taken for one to a question that was asked later.',
    source: 'found by review; thesis §6.4',
    // In worlds the late answer hardly ever meets a question that has its number and is open.
    tests: 'node/lives.test.js',
    catches: [
      'Lives are told again to who addresses one that is over',
      'Lives do not give way to a tape of all that was ever said, however long they are silent',
    ],
    patches: [
      {
        file: 'src/node/peers/lives.js',
        find: 'if (receiverLife !== this.#own.life) {',
        replace: 'if (receiverLife === 0) {',
      },
    ],
  },
  {
    name: 'promise-of-a-write-that-never-comes',
    bug: 'What a node promises of entries that a snapshot replaces before they are written waits for a write that is not begun, and all later promises behind it: nobody hears of its snapshot.',
    source: 'found by a sweep, liveness, seed 7100415; src/node/disk/disk-lane.ts',
    tests: 'node/disk-lane.test.js',
    catches: [
      'What a node promises waits for no write that never comes, because a snapshot took the place of what was to be written',
    ],
    patches: [
      {
        file: 'src/node/disk/disk-lane.js',
        find: 'return isAtRest ? this.#begun + 1 : this.#finished;',
        replace: 'return this.#finished;',
      },
    ],
  },
  {
    name: 'undecided-though-all-have-answered',
    bug: 'A command that the voters which are there cannot decide keeps its place, and the room of others, as long as if they still owed an answer.',
    source: 'found by a sweep, liveness, seed 7002580; src/node/clients/client-actions.ts',
    tests: 'node/proposals.test.js',
    catches: [
      'A proposal that must be verified that is not decided, since too many voters do not answer, is handed back and holds up the others no longer after an election timeout where all who are heard have answered',
    ],
    patches: [
      {
        file: 'src/node/clients/client-actions.js',
        find: '(owes(round) ? verdictTimeouts : 1)',
        replace: 'verdictTimeouts',
      },
    ],
  },
];
