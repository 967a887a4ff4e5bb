import type { Mutant } from './mutant.js';

const actions = 'src/node/actions.js';
const lane = 'src/node/disk/disk-lane.js';
const log = 'src/raft/log.js';
const wal = 'src/storage/log-segments.js';
const write = 'this.#disk.write(batch, () => durable(sequence), failed);';
const batch = '{ hardState: changed ? this.#stored : null, runs }';

/** Bugs between a node and its disk: promises that leave too early, and recoveries that get it wrong. */
export const durabilityMutants: readonly Mutant[] = [
  {
    name: 'vote-not-persisted',
    bug: 'The term is written and the vote is not.',
    source: 'Figure 2, Persistent state: votedFor',
    catches: ['VotesGranted'],
    patches: [
      {
        file: lane,
        find: batch,
        replace: '{ hardState: changed ? { term, votedFor: null } : null, runs }',
      },
    ],
  },
  {
    name: 'term-not-persisted',
    bug: 'A new term is written only together with a vote cast in it.',
    source: 'Figure 2, Persistent state: currentTerm',
    catches: ['LogTermsAscend', 'AnswersAreOfThisTerm'],
    patches: [
      {
        file: lane,
        find: batch,
        replace: '{ hardState: changed && votedFor !== null ? this.#stored : null, runs }',
      },
    ],
  },
  {
    name: 'term-and-vote-in-two-writes',
    bug: 'The vote is written before the term that it was cast in, so that a crash in between moves it to the term before.',
    source: 'Figure 2, Persistent state: one record (design §7)',
    catches: ['VoteOnce'],
    patches: [
      {
        file: lane,
        find: write,
        replace: `if (changed && votedFor !== null && this.#durable.term > 0)
            this.#disk.write(
                { hardState: { term: this.#durable.term, votedFor }, runs: [] },
                () => this.#disk.write(batch, () => durable(sequence), failed),
                failed,
            );
        else ${write}`,
      },
    ],
  },
  {
    name: 'acknowledgement-before-fsync',
    bug: 'A follower acknowledges entries before they are on its disk.',
    source: 'Figure 2: "updated on stable storage before responding to RPCs"',
    catches: ['MatchedIsOnDisk'],
    patches: [
      {
        file: actions,
        find: 'forgoSnapshot(parts);\n        sendOnceDurable(parts, message.from, response);',
        replace: 'forgoSnapshot(parts);\n        parts.outbox.send(message.from, response);',
      },
    ],
  },
  {
    name: 'vote-sent-before-fsync',
    bug: 'A vote leaves before it is on the voter’s disk.',
    source: 'Figure 2: "updated on stable storage before responding to RPCs"',
    catches: ['VotesGranted'],
    patches: [
      {
        file: actions,
        find: 'parts.timer.restart();\n        sendOnceDurable(parts, message.from, response);',
        replace: 'parts.timer.restart();\n        parts.outbox.send(message.from, response);',
      },
    ],
  },
  {
    name: 'leader-counts-itself-before-its-own-fsync',
    bug: 'A leader counts its own copy of an entry for the majority before it is on its disk.',
    source: 'thesis §10.2.1, Writing to the leader’s disk in parallel',
    catches: ['CommittedIsOnQuorumDisks'],
    patches: [
      {
        file: 'src/raft/replication.js',
        find: 'log.durableIndex',
        replace: 'log.lastIndex',
      },
    ],
  },
  {
    name: 'entries-written-before-the-term-that-covers-them',
    bug: 'Entries are written first and the term after them, so that a crash in between leaves entries of a term that the server never entered.',
    source: 'Figure 2, Persistent state; etcd-io/raft: HardState before Entries',
    catches: ['EntriesAreOfEnteredTerms', 'LogTermsAscend'],
    patches: [
      {
        file: lane,
        find: write,
        replace: `if (changed && batch.runs.length > 0)
            this.#disk.write(
                { hardState: null, runs: batch.runs },
                () => this.#disk.write({ hardState: batch.hardState, runs: [] }, () => durable(sequence), failed),
                failed,
            );
        else ${write}`,
      },
    ],
  },
  {
    name: 'fsync-retried-after-failure-and-trusted',
    bug: 'A sync that failed is tried again and succeeds, for the kernel has forgotten what it could not write.',
    source:
      'Rebello et al., "Can Applications Recover from fsync Failures?" (ATC 2020); PostgreSQL’s fsyncgate',
    catches: ['RecoversWhatWasSynced', 'TornTailIsRepaired', 'NodeSurvives'],
    patches: [
      {
        file: wal,
        find: `        this.#segment?.file.sync();
        this.#isDirty = false;`,
        replace: `        try { this.#segment?.file.sync(); } catch { this.#segment?.file.sync(); }
        this.#isDirty = false;`,
      },
    ],
  },
  {
    name: 'directory-not-synced-after-a-new-segment',
    bug: 'A new segment’s name is not made durable, so that a loss of power takes the whole segment.',
    source: 'Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014)',
    catches: ['RecoversWhatWasSynced'],
    patches: [
      {
        file: 'src/storage/segment.js',
        find: 'fileSystem.syncDirectory(directory);',
        replace: '',
      },
    ],
  },
  {
    name: 'torn-tail-mistaken-for-damage',
    bug: 'A node whose last write was torn by a loss of power refuses to start.',
    source: 'Alagappan et al., "Protocol-Aware Recovery" (FAST 2018), §3.3',
    catches: ['TornTailIsRepaired'],
    patches: [
      {
        file: 'src/storage/torn-tail.js',
        find: 'if (end < recordEnd)\n            return null;',
        replace: "if (end < recordEnd)\n            return 'the record there is not whole';",
      },
    ],
  },
  {
    name: 'damage-mistaken-for-a-torn-tail',
    bug: 'A record that does not check is cut off with all that follow it, though it was synced and promised.',
    source: 'Alagappan et al., "Protocol-Aware Recovery" (FAST 2018), §2',
    catches: ['RecoversWhatWasSynced'],
    patches: [
      {
        file: 'src/storage/replay.js',
        find: 'if (damage !== null)\n                throw new WalDamagedError',
        replace: 'if (false)\n                throw new WalDamagedError',
      },
    ],
  },
  {
    name: 'in-memory-log-not-truncated-with-the-file',
    bug: 'After a truncation the node still takes the replaced entries for written and durable.',
    source: '§5.3; etcd-io/raft: unstable.truncateAndAppend',
    catches: ['DurableIsOnDisk', 'MatchedIsOnDisk'],
    patches: [
      {
        file: log,
        find: `this.#writtenIndex = Math.min(this.#writtenIndex, index - 1);
        this.#durableIndex = Math.min(this.#durableIndex, index - 1);`,
        replace: '',
      },
    ],
  },
];
