import { expect } from 'chai';
import fc from 'fast-check';
import { packBytes, unpackBytes } from '../../src/ground/byte-strings.js';
import { Applier } from '../../src/node/clients/applier.js';
import { PendingProposals } from '../../src/node/clients/pending-proposals.js';
import { Configuration } from '../../src/raft/configuration.js';
import { ConfigurationHistory } from '../../src/raft/configuration-history.js';
import type { LogIndex, SessionPlace } from '../../src/raft/entry.js';
import { Log } from '../../src/raft/log.js';
import { newReplica } from '../../src/raft/replica.js';
import { cutRun, type Run } from '../../src/raft/run.js';
import { SessionTable } from '../../src/raft/sessions.js';
import { SessionModel } from '../../src/simulation/invariants/session-model.js';
import { readConfiguration } from '../../src/wire/configuration.js';
import { encodeSessionCommand, type SessionCommand } from '../../src/wire/sessions.js';
import { bytesOf, Ledger, textOf } from './ledger.js';

/** A run before it has a place in the log. */
interface Item {
  readonly manage?: SessionCommand;
  readonly commands: readonly string[];
  readonly session?: SessionPlace;
}

function runsOf(items: readonly Item[]): Run[] {
  let firstIndex = 1;
  return items.map(({ manage, commands, session }) => {
    const body = packBytes(manage === undefined ? commands.map(bytesOf) : [encodeSessionCommand(manage)]);
    const count = manage === undefined ? commands.length : 1;
    const kind = manage === undefined ? 'command' : 'session';
    const run = { firstIndex, count, term: 1, kind, leaderId: 0, body } as const;
    firstIndex += count;
    return session === undefined ? run : { ...run, session };
  });
}

/** The run in pieces of so many entries at most. */
function cut(run: Run, size: number): Run[] {
  const pieces: Run[] = [];
  for (let at = 0; at < run.count; at += size) {
    const from = run.firstIndex + at;
    pieces.push(cutRun(run, from, Math.min(from + size, run.firstIndex + run.count) - 1));
  }
  return pieces;
}

/** Feeds a log to a state machine, as a node does, so many entries at a time. */
function applied(runs: readonly Run[], atATime = Number.POSITIVE_INFINITY, lookMs = 0) {
  const application = new Ledger();
  const sessions = new SessionTable();
  const log = new Log(runs);
  const replica = newReplica(
    0,
    new ConfigurationHistory(Configuration.of([0]), readConfiguration),
    { term: 1, votedFor: null },
    log,
  );
  let nowMs = 0;
  const clock = { now: () => (nowMs += lookMs) };
  const proposals = new PendingProposals(replica, 100);
  const snapshots = { isRestoring: false, noteApplied: () => {} };
  const parts = { replica, application, proposals, sessions, snapshots };
  const applier = new Applier(parts, clock);
  while (replica.commitIndex < log.lastIndex) {
    replica.commitIndex = Math.min(replica.commitIndex + atATime, log.lastIndex);
    while (applier.applyCommitted());
  }
  return { commands: application.commands, known: known(sessions) };
}

/** All that a table knows, command by command. */
function known(table: SessionTable): unknown {
  const { logTimeMs, sessions } = table.capture();
  return {
    logTimeMs,
    sessions: sessions.map(({ stretches, ...session }) => ({
      ...session,
      results: stretches.flatMap(({ sequence, count, index, term, results }) =>
        (unpackBytes(results ?? new Uint8Array(0), count) ?? []).map((result, at) => ({
          sequence: sequence + at,
          index: index + at,
          term,
          result: textOf(result),
        })),
      ),
    })),
  };
}

/** What two clients with sessions and one without may leave in a log, repetitions and late comers included. */
const items: fc.Arbitrary<Item[]> = fc
  .array(
    fc.record({
      what: fc.constantFrom('open', 'propose', 'propose', 'propose', 'plain', 'keepAlive', 'end'),
      session: fc.nat(2),
      sequence: fc.integer({ min: 1, max: 12 }),
      count: fc.integer({ min: 1, max: 6 }),
      acknowledged: fc.nat(12),
      waitMs: fc.constantFrom(0, 1, 20, 60),
    }),
    { maxLength: 30 },
  )
  .map((drawn) => {
    let logTimeMs = 0;
    let next: LogIndex = 1;
    let number = 0;
    const ids: LogIndex[] = [];
    return drawn.map(({ what, session, sequence, count, acknowledged, waitMs }): Item => {
      logTimeMs += waitMs;
      const commands = Array.from({ length: count }, () => `c${++number}`);
      const index = next;
      const place = { id: ids.at(-1 - session) ?? 99, sequence, acknowledged, logTimeMs };
      next += what === 'propose' || what === 'plain' ? count : 1;
      if (what === 'plain') return { commands };
      if (what === 'propose') return { commands, session: place };
      if (what !== 'open') return { manage: { type: what }, commands: [], session: place };
      ids.push(index);
      return { manage: { type: 'open', timeoutMs: 100 }, commands: [], session: { ...place, id: 0 } };
    });
  });

describe('Commands of sessions, when they are applied', () => {
  it('have an effect as the plainest reading of the log says, however it is cut into runs and turns', () => {
    fc.assert(
      fc.property(
        items,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        (given, size, atATime) => {
          const runs = runsOf(given);
          const model = new SessionModel();
          const expected: string[] = [];
          for (const run of runs) {
            const commands = (unpackBytes(run.body) ?? []).map(textOf);
            for (const [at, command] of commands.entries()) {
              if (model.next(run.firstIndex + at, run)) expected.push(command);
            }
          }
          const whole = applied(runs);
          expect(whole.commands).to.deep.equal(expected);
          expect(applied(runs, atATime)).to.deep.equal(whole);
          // A turn ends after the first entry at which it is looked and so much time has passed.
          expect(applied(runs, undefined, 11 / size)).to.deep.equal(whole);
          expect(applied(runs.flatMap((run) => cut(run, size)))).to.deep.equal(whole);
        },
      ),
      { numRuns: 500 },
    );
  });
});
