import type { Mutant } from './mutant.js';

const table = 'src/raft/sessions.js';
const lease = 'src/raft/lease.js';
const thesis = 'thesis §6.3';

/** Worlds in which programs send again what was not answered. */
const once = {
  nodes: 3,
  virtualMs: 20_000,
  sessions: true,
  faults: ['crashes', 'stops', 'cuts', 'partitions', 'pauses'],
} as const;

/** Bugs in sessions of the log, and in leases. */
export const onceMutants: readonly Mutant[] = [
  {
    name: 'repetition-applied-again',
    bug: 'A command that stands in the log twice has its effect twice.',
    source: `${thesis}; §8`,
    catches: ['AppliesEachCommandOnce', 'AppliedOnce'],
    patches: [
      {
        file: table,
        find: `        const at = placeOf(session, sequence);
        const stretch = session.stretches[at];`,
        replace: '        const stretch = [].at(placeOf(session, sequence));',
      },
    ],
    world: once,
  },
  {
    name: 'session-expired-by-local-time',
    bug: 'Each node ends sessions by its own clock.',
    source: `${thesis}: session expiry must be deterministic`,
    catches: ['AppliesEachCommandOnce', 'AppliesInOrder', 'StateMachineSafety'],
    patches: [
      {
        file: 'src/node/parts.js',
        find: 'const sessions = new SessionTable();',
        replace: `const sessions = new SessionTable();
    const pass = sessions.pass.bind(sessions);
    sessions.pass = () => pass(Math.floor(clock.now()));`,
      },
    ],
    world: { ...once, virtualMs: 60_000 },
  },
  {
    name: 'session-result-forgotten-in-a-snapshot',
    bug: 'A snapshot says which commands of a session were applied, and not what came of them.',
    source: thesis,
    catches: ['Sessions in a snapshot are restored with all that is known of their commands'],
    patches: [
      {
        file: 'src/node/snapshots/content.js',
        find: 'results ?? false',
        replace: 'results === undefined',
      },
    ],
    tests: 'node/sessions-in-snapshots.test.js',
  },
  {
    name: 'duplicate-applied-twice-after-a-snapshot',
    bug: 'A snapshot has the sessions, and not which of their commands were applied.',
    source: thesis,
    catches: [
      'Sessions in a snapshot are restored with all that is known of their commands',
      'Sessions in a snapshot keep a command from being applied again that is repeated after it',
    ],
    patches: [
      {
        file: table,
        find: 'stretches: [...session.stretches],',
        replace: 'stretches: [], kept: 0, bytes: 0,',
      },
    ],
    tests: 'node/sessions-in-snapshots.test.js',
  },
  {
    name: 'lease-measured-from-the-response',
    bug: 'A leader’s lease begins when its entry is committed, not when it was appended.',
    source: 'LeaseGuard; thesis §6.4.1',
    catches: [
      'A lease lasts from the moment when an entry was appended that is committed, not from its commit',
      'A read by lease is answered by the age of the entry, not of its commit',
    ],
    patches: [
      {
        file: 'src/node/actions.js',
        find: 'lease.committed(replica.commitIndex);',
        replace: `lease.appended(replica.commitIndex, clock.now());
        lease.committed(replica.commitIndex);`,
      },
    ],
    tests: 'node/leases.test.js',
  },
  {
    name: 'lease-ignoring-drift',
    bug: 'A lease lasts as long by the leader’s clock as the next leader waits by its own.',
    source: 'LeaseGuard; thesis §6.4.1: bounded clock drift',
    catches: ['A lease is over, where clocks drift as far as they may, before the next leader commits'],
    patches: [
      {
        file: lease,
        find: '(electionTimeoutMsMin * (1 - clockDriftMax)) / (1 + clockDriftMax)',
        replace: 'electionTimeoutMsMin',
      },
    ],
    tests: 'raft/lease.test.js',
  },
  {
    name: 'lease-not-waited-out',
    bug: 'A new leader commits while the one before may still answer reads by its lease.',
    source: 'LeaseGuard',
    catches: [
      'A new leader where there are leases commits nothing before the old one certainly answers no read by itself',
    ],
    patches: [
      {
        file: 'src/node/actions.js',
        find: 'if (lease.remainingMs(clock.now()) > 0 || !',
        replace: 'if (!',
      },
    ],
    tests: 'node/leases.test.js',
  },
  {
    name: 'lease-kept-after-office',
    bug: 'What a leader appended in an earlier term of office lets it answer reads in the next.',
    source: 'LeaseGuard',
    catches: [
      'A lease is that of the latest of its entries that are committed, and is renewed when half of it is over',
    ],
    patches: [
      {
        file: lease,
        find: `    end() {
        this.#appended = [];
        this.#endsAtMs = Number.NEGATIVE_INFINITY;`,
        replace: `    end() {
        this.#appended = [];`,
      },
    ],
    tests: 'raft/lease.test.js',
  },
];
