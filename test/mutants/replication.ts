import type { Mutant } from './mutant.js';

const links = 'src/node/peers/peer-links.js';
const progress = 'src/raft/progress.js';
const configuration = 'src/raft/configuration.js';
const replication = 'src/raft/replication.js';
const sequence = 'src/raft/run-sequence.js';

/** Worlds that lose messages, and in the end must be level all the same. */
const losing = { mode: 'liveness', nodes: 3, virtualMs: 5000, faults: ['loss', 'cuts', 'clogs'] } as const;

/** An answer to an AppendEntries of an earlier term is not dropped at the door. */
const oldAppendResponsesPass = {
  file: 'src/raft/terms.js',
  find: "if (message.type === 'preVoteResponse')\n",
  replace:
    "if (message.type === 'appendEntriesResponse') return false;\nif (message.type === 'preVoteResponse')\n",
};

/**
 * No bug, and other implementations do so: a probe without entries. Here the first message that a follower accepts
 * from a leader carries the entry that conflicts, for `backtrack` ends at it exactly; so no tail is ever left that the
 * follower could commit or acknowledge, and bugs that do so could not show.
 */
const emptyProbes = {
  file: links,
  find: 'if (owed.probe)\n            yield nextAppendEntries(this.#replica, progress, this.#reader, appendBytesMax, alive);',
  replace:
    'if (owed.probe)\n            yield nextAppendEntries(this.#replica, progress, this.#reader, 0, alive);',
};

/** Worlds in which logs part within a run, which hardly ever happens by chance. */
const runsInParts: Mutant['world'] = { nodes: 3, virtualMs: 30_000, faults: ['halfRuns'] };

/** Bugs in the log's replication and in what counts as committed. */
export const replicationMutants: readonly Mutant[] = [
  {
    name: 'commit-of-an-earlier-term-by-counting',
    bug: 'A leader commits an entry of an earlier term because a majority stores it.',
    source: '§5.4.2, Figure 8',
    catches: ['LeaderCommitsItsOwnTerm', 'LeaderCompleteness'],
    patches: [
      {
        file: replication,
        find: ' || log.termAt(reached) !== replica.currentTerm',
        replace: '',
      },
    ],
  },
  {
    name: 'unconditional-truncation',
    bug: 'A follower cuts its log behind prevLogIndex at every message, also where nothing conflicts.',
    source: 'Figure 2, AppendEntries receiver’s rule 3; Ongaro’s raft-dev note on delayed messages',
    catches: [
      'CommittedEntriesNeverChange',
      'CommittedIsOnQuorumDisks',
      'MatchedIsOnDisk',
      'AssertionOfTheNode',
      'DurableIsOnDisk',
    ],
    patches: [
      {
        file: replication,
        find: '    storeEntries(replica, message.runs);',
        replace: `    if (message.prevLogIndex < log.lastIndex) log.truncateFrom(message.prevLogIndex + 1);
    storeEntries(replica, message.runs);`,
      },
    ],
  },
  {
    name: 'conflict-keeps-the-tail',
    bug: 'An entry that conflicts is replaced, and those that followed it stay.',
    source: 'Figure 2, AppendEntries receiver’s rule 3: "and all that follow it"',
    catches: ['LogTermsAscend', 'LogMatching', 'CommittedEntriesNeverChange'],
    patches: [
      {
        file: replication,
        find: 'log.truncateFrom(first.firstIndex);\n        replica.configurations.truncateFrom(first.firstIndex);\n    }',
        replace: `const tail = log.range(lastIndexOf(fresh.at(-1)) + 1, log.lastIndex);
        log.truncateFrom(first.firstIndex);
        log.append([...fresh, ...tail]);
        return;
    }`,
      },
      { file: 'src/raft/log.js', find: ' && run.term >= this.lastTerm', replace: '' },
    ],
    world: { nodes: 3, faults: ['partitions', 'cuts'] },
  },
  {
    name: 'truncation-cuts-one-entry-too-many',
    bug: 'A conflict within a run takes the entry before it, too.',
    source: 'Figure 2, AppendEntries receiver’s rule 3; src/raft/run-sequence.ts',
    catches: ['AssertionOfTheNode', 'RunsAreWhole'],
    patches: [
      {
        file: sequence,
        find: 'this.#runs.push(this.#cut(run, run.firstIndex, index - 1));',
        replace: 'this.#runs.push(this.#cut(run, run.firstIndex, Math.max(run.firstIndex, index - 2)));',
      },
    ],
    world: runsInParts,
  },
  {
    name: 'truncation-cuts-one-entry-too-few',
    bug: 'A conflict within a run leaves the entry that conflicts.',
    source: 'Figure 2, AppendEntries receiver’s rule 3; src/raft/run-sequence.ts',
    catches: ['AssertionOfTheNode', 'RunsAreWhole'],
    patches: [
      {
        file: sequence,
        find: 'this.#runs.push(this.#cut(run, run.firstIndex, index - 1));',
        replace: 'this.#runs.push(this.#cut(run, run.firstIndex, index));',
      },
    ],
    world: runsInParts,
  },
  {
    name: 'truncation-to-the-edge-of-a-run',
    bug: 'A conflict within a run takes all of it, though its beginning agrees.',
    source: 'Figure 2, AppendEntries receiver’s rule 3; src/raft/run-sequence.ts',
    catches: ['AssertionOfTheNode', 'RunsAreWhole'],
    patches: [
      {
        file: sequence,
        find: 'if (run.firstIndex < index)',
        replace: 'if (false)',
      },
    ],
    world: runsInParts,
  },
  {
    name: 'beginning-of-a-run-taken-for-all-of-it',
    bug: 'A follower that has the first entries of a run takes it to have all of them.',
    source: '§5.3, Log Matching; src/raft/log.ts',
    // A leader begins anew where its follower's log ends. In worlds a message that comes late hardly ever meets a resend of less.
    tests: 'raft/replication.test.js',
    catches: [
      'AppendEntries, the receiver (Figure 2) stores what the list of entries would be, wherever runs begin and end here and there',
    ],
    patches: [
      {
        file: 'src/raft/log.js',
        find: 'index = lastIndexOf(held) + 1;',
        replace: 'index = Math.max(lastIndexOf(held), lastIndexOf(run)) + 1;',
      },
    ],
  },
  {
    name: 'rest-of-a-run-with-the-commands-of-its-beginning',
    bug: 'A run that is cut at its beginning keeps the commands that stood there.',
    source: '§5.3, Log Matching; src/raft/run.ts',
    catches: [
      'LogMatching',
      'CommittedEntriesNeverChange',
      'StateMachineSafety',
      'AnsweredWasApplied',
      'AppliedOnce',
    ],
    patches: [
      {
        file: 'src/raft/run.js',
        find: 'cutPacked(body, from - firstIndex, to - firstIndex + 1)',
        replace: 'cutPacked(body, 0, to - from + 1)',
      },
    ],
  },
  {
    name: 'cut-run-with-a-command-less',
    bug: 'A run that is cut has one command less than it has entries.',
    source: 'src/raft/run.ts: whoever works on a run takes for granted that it is sound',
    catches: ['RunsAreWhole'],
    patches: [
      {
        file: 'src/raft/run.js',
        find: 'cutPacked(body, from - firstIndex, to - firstIndex + 1)',
        replace: 'cutPacked(body, from - firstIndex, to - firstIndex + (to > from ? 0 : 1))',
      },
    ],
  },
  {
    name: 'commit-not-clamped-to-the-last-match',
    bug: 'A follower takes the leader’s commit index for its own entries, though the last of them are not known to match.',
    source: 'Figure 2, AppendEntries receiver’s rule 5: "index of last new entry"',
    catches: ['CommittedEntriesNeverChange', 'CommittedIsOnQuorumDisks', 'AppliesInOrder'],
    patches: [
      {
        file: replication,
        find: 'Math.min(message.leaderCommit, lastMatched)',
        replace: 'Math.min(message.leaderCommit, log.lastIndex)',
      },
      emptyProbes,
    ],
  },
  {
    name: 'follower-acknowledges-its-own-last-index',
    bug: 'A follower acknowledges all of its log, and not only what this message showed to match.',
    source: '§5.3; raft.tla: mmatchIndex is mprevLogIndex + Len(mentries)',
    catches: ['MatchedIsOnDisk', 'WhatIsSaidMakesSense'],
    patches: [
      { file: replication, find: 'index: lastMatched,', replace: 'index: log.lastIndex,' },
      emptyProbes,
    ],
  },
  {
    name: 'append-response-of-an-earlier-term-trusted',
    bug: 'A leader counts an acknowledgement that answered an earlier term of its own.',
    source: '§5.1; raft.tla: DropStaleResponse',
    catches: ['AcknowledgedRoundWasBegun', 'MatchedIsOnDisk'],
    patches: [oldAppendResponsesPass],
  },
  {
    name: 'stale-append-response-moves-match-backwards',
    bug: 'A late acknowledgement lowers what the leader knows the follower to have.',
    source: 'Figure 2: matchIndex "increases monotonically"; ccfraft.tla: MonotonicMatchIndexProp',
    catches: ['MonotonicMatchIndex'],
    patches: [
      {
        file: progress,
        find: 'progress.matchIndex = Math.max(progress.matchIndex, response.index);',
        replace: 'progress.matchIndex = response.index;',
      },
    ],
  },
  {
    name: 'quorum-over-an-unsorted-list',
    bug: 'The middle of the match indexes is taken without sorting them.',
    source: '§5.3; Figure 2, Rules for Servers: Leaders',
    catches: ['CommittedIsOnQuorumDisks', 'MatchedIsOnDisk'],
    patches: [
      {
        file: configuration,
        find: 'position > 0 && scratch[position - 1] < value',
        replace: 'false && position > 0 && scratch[position - 1] < value',
      },
    ],
  },
  {
    name: 'step-down-leaves-the-leaders-timers-running',
    bug: 'A leader that was deposed leaves its timers and links as they are, and they speak on in a term it does not lead.',
    source: '§5.1: reverts to follower state; a common bug of student implementations',
    catches: [
      'WhatIsSaidMakesSense',
      'AssertionOfTheNode',
      'ElectionSafety',
      'LogMatching',
      'LeaderAppendOnly',
    ],
    patches: [
      {
        file: 'src/node/actions.js',
        find: 'links.close();\n        commits.cancel();\n',
        replace: '',
      },
    ],
  },
  {
    name: 'check-quorum-counts-answers-of-an-earlier-term',
    bug: 'A leader takes an answer to an earlier term for a sign that its followers hear it in this one.',
    source: 'thesis §6.2; etcd-io/raft: RecentActive',
    catches: ['AnswersAreOfThisTerm'],
    patches: [
      oldAppendResponsesPass,
      {
        file: links,
        find: 'link.progress.answeredAtMs = nowMs;\n        link.progress.acknowledgedRound',
        replace:
          'link.progress.answeredAtMs = nowMs;\nif (response.term < this.#replica.currentTerm) return;\n        link.progress.acknowledgedRound',
      },
    ],
    world: { nodes: 3, faults: ['clogs', 'cuts'] },
  },
  {
    name: 'lost-window-is-not-noticed',
    bug: 'A heartbeat asks whether the follower has what it is known to have, not what it was sent: that a whole window was lost never shows, and nothing is sent until it has an answer.',
    source: '§5.3: retries indefinitely; etcd-io/raft: MsgHeartbeatResp and a full inflight window',
    catches: ['Progress'],
    patches: [
      {
        file: replication,
        find: 'placeBefore(replica, progress, source);',
        replace:
          'placeBefore(replica, entryBytesMax > 0 || progress.probedIndex !== null ? progress : { ...progress, nextIndex: progress.matchIndex + 1 }, source);',
      },
    ],
    world: losing,
  },
  {
    name: 'lost-window-stays-full',
    bug: 'What was lost goes on counting as under way: a follower that lost a whole window is never sent anything but heartbeats again.',
    source: '§5.3: retries indefinitely; etcd-io/raft: Inflights are reset on becoming a probe',
    catches: ['Progress'],
    patches: [{ file: progress, find: 'progress.inFlight = [];', replace: '' }],
    world: losing,
  },
  {
    name: 'probe-is-sent-at-every-heartbeat',
    bug: 'A follower that has everything is sent the last entries anew, again and again.',
    source: 'src/node/peers/peer-links.ts: what is owed is sent once',
    catches: ['NothingIsResentWithoutEnd'],
    patches: [
      {
        file: links,
        find: 'if (sent === 0 && (owed.heartbeat || newsOfCommit)) {',
        replace:
          'if (owed.heartbeat && progress.nextIndex > 1) {\n                progress.nextIndex--;\n                send(id, nextAppendEntries(this.#replica, progress, this.#reader, 1, alive));\n            } else if (sent === 0 && (owed.heartbeat || newsOfCommit)) {',
      },
    ],
    world: { ...losing, faults: [] },
  },
];

/** What a read's round may be confirmed by is in `reads.ts`; the answer of an earlier term that confirms one is here. */
export const readContextReused: Mutant = {
  name: 'read-context-reused-across-leaders',
  bug: 'Rounds are numbered anew by each leader, and an answer to a round of an earlier term confirms the one of the same number.',
  source: 'thesis §6.4; etcd-io/etcd: readOnly contexts that repeat after a change of leaders',
  catches: ['AcknowledgedRoundWasBegun'],
  patches: [
    oldAppendResponsesPass,
    {
      file: links,
      find: "link.actor.send({ type: response.success ? 'follower.accepted'",
      replace:
        "if (response.term === this.#replica.currentTerm) link.actor.send({ type: response.success ? 'follower.accepted'",
    },
  ],
  world: { nodes: 3, faults: ['echoes', 'partitions'] },
};
