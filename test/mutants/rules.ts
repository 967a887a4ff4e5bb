import type { Mutant } from './mutant.js';

const chart = 'machines/node.js';
const configuration = 'src/raft/configuration.js';
const elections = 'src/raft/elections.js';
const nonsense = 'src/raft/nonsense.js';
const progress = 'src/raft/progress.js';
const table = 'machines/event-table.js';
const terms = 'src/raft/terms.js';
const timer = 'src/node/peers/election-timer.js';

/** Rules of terms, votes, replication and quorums that are dropped, one a mutant, and shown by a simulated world. */
export const ruleMutants: readonly Mutant[] = [
  {
    name: 'append-of-an-older-term-accepted',
    bug: 'A follower takes entries from a leader of an older term.',
    source: '§5.1; Figure 2, AppendEntries receiver’s rule 1',
    catches: [
      'AssertionOfTheNode',
      'LogMatching',
      'MatchedIsOnDisk',
      'CommittedIsOnQuorumDisks',
      'WhatIsSaidMakesSense',
      'LeaderAppendOnly',
    ],
    patches: [
      {
        file: terms,
        find: "if (message.type === 'preVoteResponse')\n",
        replace:
          "if (message.type === 'appendEntries') return false;\nif (message.type === 'preVoteResponse')\n",
      },
    ],
  },
  {
    name: 'second-vote-in-a-term',
    bug: 'A voter votes for every candidate of a term whose log is up-to-date.',
    source: '§5.2: "first-come-first-served"; Figure 2, RequestVote receiver’s rule 2',
    catches: ['OneVoteATerm', 'ElectionSafety', 'VoteOnce', 'VotesGranted'],
    patches: [
      {
        file: elections,
        find: 'return free && isUpToDate(replica, request);',
        replace: 'return isUpToDate(replica, request);',
      },
    ],
  },
  {
    name: 'minority-decides',
    bug: 'One voter less than a majority is enough.',
    source: '§5.2; §5.3; etcd-io/raft: quorum/majority.go',
    catches: ['ElectionSafety', 'LeaderCompleteness', 'CommittedEntriesNeverChange', 'StateMachineSafety'],
    patches: [
      {
        file: configuration,
        find: 'return Math.floor(size / 2) + 1;',
        replace: 'return Math.max(1, Math.floor(size / 2));',
      },
    ],
  },
  {
    name: 'window-lost-for-good',
    bug: 'What was under way to a follower that refused counts as under way for ever, so that a follower that lost a whole window is sent nothing more.',
    source: 'reported of other implementations; etcd-io/raft: Inflights.reset in becomeProbe',
    catches: ['Progress'],
    patches: [{ file: progress, find: 'progress.inFlight = [];', replace: '' }],
    world: { mode: 'liveness', virtualMs: 5000 },
  },
  {
    name: 'refusals-of-a-lost-window-ignored',
    bug: 'A refusal behind what is taken for sent is held to be outdated, also when it is the only news that all of it was lost.',
    source: '§5.3; etcd-io/raft: MaybeDecrTo',
    catches: ['Progress'],
    patches: [
      {
        file: progress,
        find: 'return probedIndex !== null && index !== probedIndex && index !== nextIndex - 1;',
        replace: 'return index !== probedIndex;',
      },
    ],
    world: { mode: 'liveness', virtualMs: 5000 },
  },
  {
    name: 'table-hears-the-outer-states-too',
    bug: 'The table of events takes what an outer state does, though an inner one did something already.',
    source: 'SCXML §3.13, selectTransitions: the innermost that is enabled preempts those around it',
    catches: ['AssertionOfTheNode', 'RefusedWasNotApplied'],
    patches: [{ file: table, find: 'if (isHeard)\n        return true;', replace: '' }],
  },
];

/*
 * What no simulated world shows, because nothing that must never happen comes of it: see `unobservable.ts` for why. A
 * unit test each must fail.
 */
export const testedMutants: readonly Mutant[] = [
  {
    name: 'leader-stickiness-dropped',
    bug: 'A voter that hears a leader helps a candidate against it, and is deposed with it.',
    source: 'thesis §4.2.3, §6.2; etcd-io/raft: inLease',
    tests: 'raft/terms.test.js',
    catches: [
      'A message, judged by its term (§5.1) that asks for a vote disturbs a leader heard within the shortest election timeout (thesis §4.2.3)',
    ],
    patches: [
      {
        file: terms,
        find: "return disturbs ? 'disturbsLeader' : 'newerTerm';",
        replace: "return 'newerTerm';",
      },
    ],
  },
  {
    name: 'pre-vote-without-log-check',
    bug: 'A pre-vote is granted to a server whose log is behind: it could not win, and spends a term.',
    source: 'thesis §9.6',
    tests: 'raft/elections.test.js',
    catches: [
      'Elections: pre-votes (thesis §9.6) are refused where the vote would be: older term, spent vote, shorter log',
    ],
    patches: [
      {
        file: elections,
        find: 'votedForAnother)\n        return false;\n    return isUpToDate(replica, request);',
        replace: 'votedForAnother)\n        return false;\n    return true;',
      },
    ],
  },
  {
    name: 'pre-vote-without-leader-check',
    bug: 'A pre-vote is granted by a server that hears a leader, which is then deposed for nothing.',
    source: 'thesis §9.6; etcd-io/etcd#8334',
    tests: 'raft/elections.test.js',
    catches: [
      'Elections: pre-votes (thesis §9.6) are refused by whoever hears a leader, for as long as nobody may stand who does not',
    ],
    patches: [{ file: elections, find: 'if (hearsLeader(replica, nowMs, rules) || ', replace: 'if (' }],
  },
  {
    name: 'candidate-does-not-yield',
    bug: 'A candidate takes no notice of the leader of its own term, and deposes it with the next one.',
    source: '§5.2: "the candidate recognizes the leader as legitimate and returns to follower state"',
    tests: 'node/elections.test.js',
    catches: ['A candidate gives up when it is refused, when a leader speaks, and when a newer term begins'],
    patches: [
      {
        file: chart,
        find: "'peer.requestVoteResponse': { actions: 'recordVote' },\n                        'peer.appendEntries': {\n                            target: 'follower',\n                            actions: 'redeliver',",
        replace:
          "'peer.requestVoteResponse': { actions: 'recordVote' },\n                        'peer.appendEntries': {\n                            actions: [],",
      },
    ],
  },
  {
    name: 'backtracking-entry-by-entry',
    bug: 'A leader goes back one entry a refusal, so that a follower with a long wrong tail costs as many round trips.',
    source: '§5.3, end; MIT 6.5840: "fast backup"',
    tests: 'raft/progress.test.js',
    catches: ['Progress of a follower goes back over a whole term that the leader lacks, in one step'],
    patches: [
      {
        file: progress,
        find: 'Math.min(candidate, response.index))',
        replace: 'Math.min(Math.max(candidate, response.index), response.index))',
      },
    ],
  },
  {
    name: 'backtracking-behind-the-match',
    bug: 'A leader goes back behind what it knows to match, and sends it again.',
    source: '§5.3; etcd-io/raft: "Match < Next"',
    tests: 'raft/progress.test.js',
    catches: ['Progress of a follower never goes back behind what is known to match'],
    patches: [
      {
        file: progress,
        find: 'Math.max(progress.matchIndex + 1, Math.min(candidate, response.index))',
        replace: 'Math.max(1, Math.min(candidate, response.index))',
      },
    ],
  },
  {
    name: 'joint-decides-by-either-half',
    bug: 'While the configuration is joint, a majority of the old or of the new voters is enough.',
    source: '§6: "separate majorities from both the old and new configurations"',
    tests: 'raft/configuration.test.js',
    catches: [
      'A configuration: who can decide (§5.2, §6) has a quorum when more than half of each half agree',
    ],
    patches: [{ file: configuration, find: 'this.#halves.every(', replace: 'this.#halves.some(' }],
  },
  {
    name: 'joint-counted-as-one',
    bug: 'While the configuration is joint, a majority of all who vote is enough.',
    source: '§6, Figure 10',
    tests: 'raft/configuration.test.js',
    catches: [
      'A configuration: who can decide (§5.2, §6) has a quorum when more than half of each half agree',
    ],
    patches: [
      {
        file: configuration,
        find: 'this.#halves.every((half) => hasMajority(half, holds))',
        replace: 'hasMajority(this.voters, holds)',
      },
    ],
  },
  {
    name: 'joint-commits-by-the-better-half',
    bug: 'While the configuration is joint, what a majority of either half has reached counts as reached.',
    source: '§6; etcd-io/raft: JointConfig.CommittedIndex takes the minimum',
    tests: 'raft/configuration.test.js',
    catches: [
      'A configuration: who can decide (§5.2, §6) has reached the highest value that such a quorum has',
    ],
    patches: [
      {
        file: configuration,
        find: `let lowest = Number.POSITIVE_INFINITY;
        for (const half of this.#halves)
            lowest = Math.min(`,
        replace: `let lowest = 0;
        for (const half of this.#halves)
            lowest = Math.max(`,
      },
    ],
  },
  {
    name: 'learners-vote',
    bug: 'Learners are counted with the voters.',
    source: 'thesis §4.2.1: non-voting members',
    tests: 'raft/configuration.test.js',
    catches: [
      'A configuration: who can decide (§5.2, §6) asks each voter of a half once, and learners never',
    ],
    patches: [
      {
        file: configuration,
        find: 'this.#halves = [voters, ...(outgoing === null ? [] : [outgoing])].map(idsOf);',
        replace:
          'this.#halves = [[...voters, ...learners], ...(outgoing === null ? [] : [outgoing])].map(idsOf);',
      },
    ],
  },
  {
    name: 'left-members-still-tracked',
    bug: 'A leader goes on supplying, and counting, a server that is no member any more.',
    source: '§6; etcd-io/raft: switchToConfig',
    tests: 'raft/configuration.test.js',
    catches: [
      'A server’s configuration is in force at a leader from the moment that it is appended: it follows new members and forgets who left (§6)',
    ],
    patches: [
      {
        file: 'src/raft/replication.js',
        find: 'progress.delete(id);',
        replace: ';',
      },
    ],
  },
  {
    name: 'waits-never-lengthen',
    bug: 'After a lost round of votes a server waits no longer than before, so that many of them stand against each other for ever.',
    source: '§5.2, §9.3; found here with 51 voters',
    tests: 'node/many-voters.test.js',
    catches: [
      'A cluster of fifty-one voters on a loaded machine comes to a leader that commits, because rounds that are lost lengthen the wait for the next',
    ],
    patches: [{ file: timer, find: 'this.#spread * 2', replace: 'this.#spread' }],
  },
  {
    name: 'nonsense-heard-second-leader',
    bug: 'A message of a second leader of a term reaches the rules, which die of it.',
    source: 'Figure 3, Election Safety; a frame that anybody can send',
    tests: 'node/hostile-messages.test.js',
    catches: [
      'What peers say, whatever it is ends no node, in no role: ten thousand attacks',
      'What peers say, whatever it is is counted by what is wrong with it, and not heard',
    ],
    patches: [
      {
        file: nonsense,
        find: "isOfSecondLeader(replica, message) ? 'secondLeader' : nonsenseInEntries(replica, message)",
        replace: 'nonsenseInEntries(replica, message)',
      },
    ],
  },
  {
    name: 'commands-taken-with-a-log-to-apply',
    bug: 'A leader takes commands however much it has to apply first, so that their outcome is unknown to clients of an idle, healthy cluster.',
    source: 'a report of a cluster with 910,000 entries',
    tests: 'node/recovery.test.js',
    catches: [
      'A leader with a log to apply takes no command that would wait longer than an election timeout, before and after its no-op is committed',
    ],
    patches: [
      {
        file: 'src/node/chart.js',
        find: 'applier.lagMs > options.timings.electionTimeoutMsMax',
        replace: 'applier.lagMs < 0',
      },
    ],
  },
  {
    name: 'turn-applies-without-end',
    bug: 'A turn applies as many entries as it is allowed, however long that takes, and the heartbeats are late.',
    source: 'a report of a cluster with 910,000 entries',
    tests: 'node/recovery.test.js',
    catches: [
      'A leader with a log to apply applies for some milliseconds a turn, so that its heartbeats keep their time',
    ],
    patches: [
      {
        file: 'src/node/clients/apply-pace.js',
        find: 'this.#clock.now() - this.#beganMs >= turnMsMax',
        replace: 'this.#clock.now() < 0',
      },
    ],
  },
  {
    name: 'table-stops-where-the-chart-goes-on',
    bug: 'After an event that the table took, the chart takes no transition of itself.',
    source: 'SCXML §3.13: eventless transitions are taken until there is none',
    catches: ['A chart with a table of its events does, tells and becomes what the interpreter makes of it'],
    patches: [{ file: table, find: "return always === 'unknown' ||", replace: 'return false &&' }],
    tests: 'machines/event-table.test.js',
  },
];
