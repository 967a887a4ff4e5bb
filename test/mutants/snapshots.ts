import type { Mutant } from './mutant.js';

const install = 'src/raft/install-snapshot.js';
const transfer = 'src/raft/snapshot.js';
const keeper = 'src/node/snapshots/snapshot-keeper.js';
const arriving = 'src/node/snapshots/arriving.js';
const content = 'src/node/snapshots/content.js';

const ruleTests = 'raft/install-snapshot.test.js';
const transferTests = 'raft/snapshot-transfer.test.js';
const nodeTests = 'node/snapshots.test.js';

/** Worlds with nodes that are away for long, and logs that do not wait for them. */
const away: Mutant['world'] = {
  nodes: 3,
  virtualMs: 20_000,
  faults: ['crashes', 'partitions', 'cuts', 'loss', 'stops'],
};

/** Bugs in what takes the place of a log's beginning. */
export const snapshotMutants: readonly Mutant[] = [
  {
    name: 'snapshot-keeps-the-old-configuration',
    bug: 'A follower that installs a snapshot goes on with the configuration that its own log had.',
    source: '§7: a snapshot has the latest configuration as of its last entry',
    tests: ruleTests,
    catches: [
      'A leader’s snapshot takes the place of a log that conflicts with it, of its configurations too, and is committed',
    ],
    patches: [
      {
        file: install,
        find: 'replica.configurations.restore(mark.configurationIndex, new Configuration(mark.configuration));',
        replace: '',
      },
    ],
  },
  {
    name: 'snapshot-keeps-a-conflicting-log',
    bug: 'A log that is long enough is taken for one that matches the snapshot, whatever it has there.',
    source: 'Figure 13, InstallSnapshot receiver’s rules 6 and 7',
    tests: ruleTests,
    catches: ['A leader’s snapshot is wanted where the log ends before it, or has another entry there'],
    patches: [
      {
        file: install,
        find: 'log.termAt(index) === term ?',
        replace: 'index <= log.lastIndex ?',
      },
    ],
  },
  {
    name: 'matching-log-dropped',
    bug: 'A snapshot takes the place of a log that has its last entry, and with it of entries that were acknowledged.',
    source: 'Figure 13, InstallSnapshot receiver’s rule 6',
    tests: 'raft/install-snapshot.test.js',
    catches: [
      'A leader’s snapshot matches a log that has its last entry, which is kept with all that follows',
    ],
    patches: [
      { file: install, find: "log.termAt(index) === term ? 'matching' : 'wanted'", replace: "'wanted'" },
    ],
  },
  {
    name: 'older-snapshot-over-newer-state',
    bug: 'A snapshot that comes late takes the place of a newer state.',
    source: 'etcd-io/raft, restore: a snapshot below the commit index is ignored',
    tests: ruleTests,
    catches: [
      'A leader’s snapshot is known to whom has as much committed: nobody goes back to an older state',
    ],
    patches: [{ file: install, find: 'index <= commitIndex', replace: 'index < 0' }],
  },
  {
    name: 'log-purged-under-a-follower-that-is-installing',
    bug: 'Snapshot after snapshot takes away the one that a follower is being sent, and the log after it.',
    source: 'thesis §5.1.3',
    tests: nodeTests,
    catches: [
      'A follower that lacks what its leader gave up keeps the one that is being sent to it from being replaced, within a bound',
    ],
    patches: [{ file: keeper, find: 'this.#isSendingOlder() ? patience : 1', replace: '1' }],
  },
  {
    name: 'chunks-are-not-heard',
    bug: 'A follower that is sent a snapshot does not count its chunks as hearing the leader, and stands for election.',
    source: 'Figure 13, receiver’s rules; §5.2',
    tests: nodeTests,
    catches: [
      'A follower that lacks what its leader gave up hears its leader in each chunk, and does not stand for election',
    ],
    patches: [
      {
        file: 'src/node/actions.js',
        find: `acceptSnapshot(parts, { message }) {
        replication.acceptLeader(parts.replica, message, parts.clock.now());`,
        replace: 'acceptSnapshot(parts, { message }) {',
      },
    ],
  },
  {
    name: 'chunk-taken-after-a-gap',
    bug: 'A follower puts a chunk behind the one that came before it, though one between them was lost.',
    source: 'Figure 13, InstallSnapshot receiver’s rule 3: at the offset',
    tests: nodeTests,
    catches: ['A follower that lacks what its leader gave up is sent what is lost again, and little else'],
    patches: [
      {
        file: arriving,
        find: 'if (message.position !== copy.position)',
        replace: 'if (message.position < copy.position)',
      },
    ],
  },
  {
    name: 'lost-chunk-never-repeated',
    bug: 'A leader waits for the answer to chunks that were lost, all of them.',
    source: 'found while this was written',
    tests: transferTests,
    catches: [
      'A snapshot on its way costs a silent follower’s leader one chunk a heartbeat, and goes on at once when it is there again',
    ],
    patches: [{ file: transfer, find: 'transfer.seenPosition === transfer.position', replace: 'false' }],
  },
  {
    name: 'answer-beyond-what-is-under-way',
    bug: 'A leader that went back takes no answer but to what it has sent since: a follower that had more by then is asked for the same for ever.',
    source: 'found here by a property test of the transfer',
    tests: transferTests,
    catches: ['A snapshot on its way leaves out what arrived before its answers were lost'],
    patches: [
      {
        file: transfer,
        find: 'position > transfer.sentTo ||',
        replace: '!transfer.inFlight.includes(position) ||',
      },
    ],
  },
  {
    name: 'snapshot-begun-for-nobody',
    bug: 'A follower that turns out to have the snapshot in the turn in which it was to be sent is sent it all the same, and its entries wait for that.',
    source: 'found here by a liveness world',
    tests: 'node/peer-links.test.js',
    catches: [
      'A leader’s links sends no snapshot to who turns out to have it in the turn in which it was to be sent',
    ],
    patches: [
      {
        file: 'src/node/peers/peer-links.js',
        find: 'owed.snapshot = false;\n            progress.transfer',
        replace: 'progress.transfer',
      },
    ],
    world: { mode: 'liveness', nodes: 5, virtualMs: 6000 },
  },
  {
    name: 'sessions-forgotten-in-a-snapshot',
    bug: 'A snapshot is restored without what is known of clients’ commands: one that is sent again is applied again.',
    source: 'thesis §6.3',
    tests: 'node/snapshot-content.test.js',
    catches: [
      'What a snapshot holds is clients’ sessions and the application’s state, wherever it is cut into chunks',
    ],
    patches: [{ file: content, find: 'this.#sessions.restore(this.#logTimeMs, this.#read);', replace: '' }],
  },
  {
    name: 'results-forgotten-in-a-snapshot',
    bug: 'A snapshot keeps which commands were applied and not what came of them.',
    source: 'thesis §6.3: the first result again',
    tests: 'node/snapshot-content.test.js',
    catches: [
      'What a snapshot holds is clients’ sessions and the application’s state, wherever it is cut into chunks',
    ],
    patches: [{ file: content, find: 'results ?? false', replace: 'false' }],
  },
  {
    name: 'snapshot-named-after-the-commit-index',
    bug: 'A snapshot says that it stands for all that is committed, and the state has not come so far.',
    source: '§7: last applied',
    catches: [
      'StateIsThatOfTheEntry',
      'AppliesInOrder',
      'AppliesEachCommandOnce',
      'AssertionOfTheNode',
      'StateMachineSafety',
    ],
    patches: [
      {
        file: keeper,
        find: 'const { lastApplied: index, log } = replica;',
        replace: 'const { commitIndex: index, log } = replica;',
      },
    ],
    world: { ...away, faults: ['crashes', 'slowApplications'] },
  },
  {
    name: 'restored-state-applied-again',
    bug: 'After it was restored a state machine is given the snapshot’s last entry once more.',
    source: 'Figure 13, receiver’s rule 8',
    catches: ['AppliesInOrder', 'AppliesEachCommandOnce', 'StateIsThatOfTheEntry'],
    patches: [
      { file: keeper, find: 'replica.lastApplied = index;', replace: 'replica.lastApplied = index - 1;' },
    ],
    world: away,
  },
  {
    name: 'memory-given-up-before-it-is-applied',
    bug: 'The beginning of a log is given up in memory although the state machine has not come so far.',
    source: 'found while this was written',
    catches: ['AssertionOfTheNode', 'NodeSurvives', 'LogFollowsCommittedEntry'],
    patches: [
      {
        file: 'src/node/node-actor.js',
        find: 'Math.min(log.indexBefore(logMemoryBytes), applied, log.durableIndex)',
        replace: 'Math.min(log.indexBefore(logMemoryBytes), log.durableIndex)',
      },
    ],
    world: { nodes: 3, virtualMs: 10_000 },
  },
];
