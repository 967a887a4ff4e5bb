import type { Mutant } from './mutant.js';

const store = 'src/storage/snapshots/snapshot-store.js';

const onSimulatedDisk =
  'The write-ahead log on the simulated disk is found as the account has it, whenever the power goes while snapshots come and the log is given up';

/** Bugs of segments, of snapshots and of a log that is given up behind them, which the storage's own tests show. */
export const storageMutants: readonly Mutant[] = [
  {
    name: 'log-cut-before-the-snapshot-is-durable',
    bug: 'A snapshot counts as stored before it is synced, and the log is given up for what the power takes.',
    source: '§7; Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014)',
    tests: 'storage/compaction-crash.test.js',
    catches: [
      'WriteAheadLog, when the power goes while snapshots are written and the log is given up has a snapshot and the log that goes on from it, at every call and after every kind of loss',
    ],
    patches: [
      {
        file: store,
        find: 'file.sync();\n                end();',
        replace: 'end();',
      },
    ],
  },
  {
    name: 'snapshot-name-not-synced',
    bug: 'A snapshot’s name is not made durable before the log is given up for it.',
    source: 'Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014)',
    tests: 'storage/compaction-crash.test.js',
    catches: [
      'WriteAheadLog, when the power goes while snapshots are written and the log is given up has a snapshot and the log that goes on from it, at every call and after every kind of loss',
    ],
    patches: [
      {
        file: store,
        find: 'this.#fileSystem.syncDirectory(this.#directory);',
        replace: '',
      },
    ],
  },
  {
    name: 'snapshot-overwritten-in-place',
    bug: 'A snapshot is written under its own name, where a crash leaves a part of it.',
    source: '§7; etcd-io/etcd: snap.Snapshotter writes under a temporary name',
    tests: 'storage/compaction-crash.test.js',
    catches: [
      'WriteAheadLog, when the power goes while snapshots are written and the log is given up has a snapshot and the log that goes on from it, at every call and after every kind of loss',
    ],
    patches: [
      {
        file: store,
        find: '}.new`;\n        if (this.#writers.has',
        replace: '}`;\n        if (this.#writers.has',
      },
    ],
  },
  {
    name: 'term-and-vote-lost-with-the-segment-that-held-them',
    bug: 'The log is given up with the only record of term and vote.',
    source: 'Figure 2, Persistent state: currentTerm, votedFor',
    tests: 'storage/compaction-crash.test.js',
    catches: [
      'WriteAheadLog, when the power goes while snapshots are written and the log is given up has a snapshot and the log that goes on from it, at every call and after every kind of loss',
    ],
    patches: [
      {
        file: 'src/storage/replay.js',
        find: 'this.isWithoutBeginning = false;\n        this.hardState = hardState;',
        replace: 'this.isWithoutBeginning = false;',
      },
    ],
  },
  {
    name: 'log-given-up-through-the-newest-snapshot',
    bug: 'The log is given up through the newest snapshot, and nothing goes on from the older one when that is damaged.',
    source: 'hashicorp/raft: snapshots retained, and trailing logs',
    tests: 'storage/memory-storage.test.js',
    catches: [
      "MemoryStorage keeps a storage's promises of snapshots gives up no entry that a kept snapshot needs after it",
    ],
    patches: [
      {
        file: 'src/storage/snapshot-rules.js',
        find: 'const oldest = snapshots.at(-1);',
        replace: 'const oldest = snapshots[0];',
      },
    ],
  },
  {
    name: 'log-not-begun-anew-behind-an-installed-snapshot',
    bug: 'After a crash between an installed snapshot and the new beginning of the log, the old log is taken for the one that follows it.',
    source: '§7, InstallSnapshot receiver’s rule 7: "Discard the entire log"',
    tests: 'storage/compaction-crash.test.js',
    catches: [
      'WriteAheadLog, when the power goes while snapshots are written and the log is given up has a snapshot and the log that goes on from it, at every call and after every kind of loss',
    ],
    patches: [
      {
        file: 'src/storage/write-ahead-log.js',
        find: 'if (restarts && newest !== undefined)',
        replace: 'if (false)',
      },
    ],
  },
  {
    name: 'snapshot-chunk-not-checked',
    bug: 'A state machine is restored from a chunk that was damaged on disk.',
    source: 'Ganesan et al., "Redundancy Does Not Imply Fault Tolerance" (FAST 2017)',
    tests: 'storage/snapshot-damage.test.js',
    catches: [
      'WriteAheadLog and damaged snapshots falls back to the older one for any flipped bit of the newer, and never gives what nobody wrote',
    ],
    patches: [
      {
        file: 'src/storage/snapshots/snapshot-file.js',
        find: 'if (bytes.readUInt32LE(4) !== crcOf(context, place.number, bytes.subarray(0, 4), sealed))',
        replace: 'if (false)',
      },
    ],
  },
  {
    name: 'replaced-entries-read-back',
    bug: 'What is read back from disk for a follower that lags is what once stood there, and was replaced.',
    source: '§5.3',
    tests: 'storage/write-ahead-log.test.js',
    catches: [
      "WriteAheadLog on the real file system, in segments of 65536 bytes, keeps a storage's promises of snapshots reads entries back, whole runs of about as many bytes as are asked for, one at least",
    ],
    patches: [
      {
        file: 'src/storage/log-map.js',
        find: 'const goesOn = firstIndex === this.#lastIndex + 1 &&\n            last',
        replace: 'const goesOn = last',
      },
    ],
  },
  {
    name: 'record-tags-not-checked',
    bug: 'A record that somebody altered without the key is believed, if its checksums are right.',
    source: 'Krawczyk, Bellare and Canetti, HMAC (RFC 2104)',
    tests: 'storage/tampering.test.js',
    catches: ['A log whose cipher has a key is refused with records in another order, twice, or taken out'],
    patches: [
      {
        file: 'src/storage/payload.js',
        find: 'return Buffer.compare(found, due) === 0;',
        replace: 'return due.length > 0;',
      },
    ],
  },
  {
    name: 'segment-made-ahead-of-another-length',
    bug: 'A file that was made ahead is used for a record that needs a longer segment.',
    source: 'src/storage/segment-ahead.ts',
    tests: 'simulation/simulated-disk.test.js',
    catches: [onSimulatedDisk],
    patches: [
      {
        file: 'src/storage/segment-ahead.js',
        find: 'this.#begun?.segment === segment && this.#begun.bytes === bytes',
        replace: 'this.#begun?.segment === segment',
      },
    ],
  },
  {
    name: 'segment-made-ahead-left-behind',
    bug: 'What a crash left of a file that was being made ahead stands in the way of the next.',
    source: 'src/storage/segment-ahead.ts',
    tests: 'simulation/simulated-disk.test.js',
    catches: [onSimulatedDisk],
    patches: [
      {
        file: 'src/storage/write-ahead-log.js',
        find: 'this.#settleDirectory([...found.unfinished, ...snapshots.unfinished]);',
        replace: 'this.#settleDirectory([...snapshots.unfinished]);',
      },
    ],
  },
];
