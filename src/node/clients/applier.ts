import type { Application, CommandContext } from '../../application/application.js';
import { requireBytes, requireMemory } from '../../application/contract.js';
import { BytePacker, lengthBytes } from '../../ground/byte-strings.js';
import type { Clock } from '../../ground/clock.js';
import {
  ApplicationError,
  type ConclaveError,
  ResultForgottenError,
  SessionExpiredError,
} from '../../ground/errors.js';
import { readU32 } from '../../ground/integers.js';
import { messageOf } from '../../ground/thrown.js';
import type { LogIndex, SessionPlace, Term } from '../../raft/entry.js';
import { invariant } from '../../raft/invariant.js';
import type { Replica } from '../../raft/replica.js';
import { cutRun, lastIndexOf, type Run } from '../../raft/run.js';
import type { SessionTable, Stretch } from '../../raft/sessions.js';
import { decodeSessionCommand, encodeSessionTimeout } from '../../wire/sessions.js';
import { reportOf } from '../host/error-report.js';
import type { Recovery } from '../information.js';
import type { SnapshotKeeper } from '../snapshots/snapshot-keeper.js';
import { ApplyPace } from './apply-pace.js';
import { outcomeUnknown } from './client-requests.js';
import type { PendingProposals } from './pending-proposals.js';

/** Entries applied in one turn; more wait for the next, as they do when its time is over. */
const entriesPerTurnMax = 4096;

const noResult = new Uint8Array(0);

type Snapshots = Pick<SnapshotKeeper, 'isRestoring' | 'noteApplied'>;

interface ApplierParts {
  readonly replica: Replica;
  readonly application: Application;
  readonly proposals: PendingProposals;
  readonly sessions: SessionTable;
  readonly snapshots: Snapshots;
}

/**
 * Feeds committed commands to the state machine, in order, each once, and their results to the proposals that wait. A
 * command of a session that was applied before, at another index, is passed over, and has its first result again
 * (thesis §6.3).
 */
export class Applier {
  readonly #replica: Replica;
  readonly #application: Application;
  readonly #proposals: PendingProposals;
  readonly #snapshots: Snapshots;
  readonly #sessions: SessionTable;
  /** For those who wait. */
  readonly #results = new BytePacker();
  /** For the session whose commands are being applied. */
  readonly #kept = new BytePacker();
  readonly #pace: ApplyPace;
  /** Where the log ended that the node started with, as far as that was not cut off since; 0 once it is applied. */
  #recoveredIndex: LogIndex;

  constructor(
    { replica, application, proposals, sessions, snapshots }: ApplierParts,
    clock: Pick<Clock, 'now'>,
  ) {
    this.#snapshots = snapshots;
    this.#replica = replica;
    this.#application = application;
    this.#proposals = proposals;
    this.#sessions = sessions;
    this.#pace = new ApplyPace(clock);
    this.#recoveredIndex = replica.log.lastIndex;
  }

  /** How far it has applied what the node started with, or null if all of that is. */
  get recovery(): Recovery | null {
    const { lastApplied, log } = this.#replica;
    this.#recoveredIndex = Math.min(this.#recoveredIndex, log.lastIndex);
    if (lastApplied >= this.#recoveredIndex) this.#recoveredIndex = 0;
    return this.#recoveredIndex === 0 ? null : { applied: lastApplied, total: this.#recoveredIndex };
  }

  /** How long it will take, at the pace so far, to apply all that is in the log: nothing that comes now is applied before. */
  get lagMs(): number {
    const { lastApplied, log } = this.#replica;
    return (log.lastIndex - lastApplied) * this.#pace.msPerEntry;
  }

  /** Applies what is committed, up to a bound. True when more is left. Nothing while the state is being restored. */
  applyCommitted(): boolean {
    if (this.#snapshots.isRestoring) return false;
    const replica = this.#replica;
    if (replica.lastApplied >= replica.commitIndex) return false;
    this.#pace.begin(replica.lastApplied);
    const until = Math.min(replica.commitIndex, replica.lastApplied + entriesPerTurnMax);
    let term: Term = 0;
    try {
      while (replica.lastApplied < until && !this.#pace.isOver) {
        const run = this.#next(until);
        if (run.term !== term) this.#tell(term);
        term = run.term;
        const before = replica.lastApplied;
        this.#apply(run);
        this.#snapshots.noteApplied((run.body.length * (replica.lastApplied - before)) / run.count);
      }
    } finally {
      // What was applied is told, also when the application fails at one of the commands after it.
      this.#tell(term);
    }
    this.#pace.end(replica.lastApplied);
    return replica.lastApplied < replica.commitIndex;
  }

  /** The next run to apply, as far as `until`. */
  #next(until: LogIndex): Run {
    const { lastApplied, log } = this.#replica;
    const index = lastApplied + 1;
    const run = log.runAt(index);
    invariant(run !== null, () => `Entry ${index} is committed and not in the log.`);
    return cutRun(run, index, Math.min(lastIndexOf(run), until));
  }

  /** Hands on the results since the last time, of entries of one term, at once: a client has one reply. */
  #tell(term: Term): void {
    const { count } = this.#results;
    if (count === 0) return;
    const firstIndex = this.#replica.lastApplied - count + 1;
    this.#proposals.applied({ firstIndex, count, term }, this.#results.take());
  }

  #apply(run: Run): void {
    const { session, kind } = run;
    if (session === undefined) this.#applyCommands(run);
    else if (kind === 'session') this.#manage(run, session);
    else this.#applyInSession(run, session);
  }

  #applyCommands(run: Run): void {
    const replica = this.#replica;
    const isAwaited = this.#proposals.isAwaiting;
    const { firstIndex, body, term, kind } = run;
    const lastIndex = lastIndexOf(run);
    let at = 0;
    for (let index = firstIndex; index <= lastIndex; index++) {
      const start = at + lengthBytes;
      at = start + readU32(body, at);
      const result = kind === 'command' ? this.#resultOf(body, start, at, { index, term }) : noResult;
      replica.lastApplied = index;
      if (isAwaited) this.#results.add(result);
      if (this.#pace.applied(index)) return;
    }
  }

  /** A run may hold commands that were applied before, some of them or all: a client sends again what was not answered. */
  #applyInSession(run: Run, place: SessionPlace): void {
    const sessions = this.#sessions;
    const { firstIndex, count, term } = run;
    sessions.pass(place.logTimeMs);
    sessions.hear(place);
    for (let done = 0; done < count && !this.#pace.isOver; ) {
      const fate = sessions.fateOf(place.id, place.sequence + done, count - done);
      const index = firstIndex + done;
      switch (fate.type) {
        case 'fresh':
          done += this.#applyFresh(
            cutRun(run, index, index + fate.count - 1),
            place.sequence + done,
            place.id,
          );
          continue;
        case 'known':
          this.#answerAgain(index, term, fate.stretch);
          break;
        case 'settled':
          this.#passOver(
            index,
            fate.count,
            term,
            outcomeUnknown('Its session has said that it awaits no answer to the command'),
          );
          break;
        case 'expired':
          this.#passOver(index, fate.count, term, new SessionExpiredError());
      }
      done += fate.count;
    }
  }

  /** Applies commands for the first time, as many as their results leave room for others'. Returns how many. */
  #applyFresh(run: Run, sequence: number, session: LogIndex): number {
    const replica = this.#replica;
    const { firstIndex, count, body, term } = run;
    let at = 0;
    let done = 0;
    try {
      while (done < count && (done === 0 || !this.#sessions.overflows(this.#kept.bytes))) {
        const start = at + lengthBytes;
        at = start + readU32(body, at);
        const index = firstIndex + done;
        this.#kept.add(this.#resultOf(body, start, at, { index, term }));
        replica.lastApplied = index;
        done++;
        if (this.#pace.applied(index)) break;
      }
    } finally {
      const results = this.#kept.take();
      if (this.#proposals.isAwaiting) this.#results.addPacked(results, done);
      if (done > 0) this.#sessions.keep(session, { sequence, count: done, index: firstIndex, term, results });
    }
    return done;
  }

  #answerAgain(index: LogIndex, term: Term, stretch: Stretch): void {
    const { count, results } = stretch;
    if (results === null) {
      this.#passOver(index, count, term, new ResultForgottenError(stretch.index, stretch.term));
      return;
    }
    this.#tell(term);
    this.#replica.lastApplied = index + count - 1;
    this.#proposals.applied({ firstIndex: index, count, term }, results.slice(), {
      firstIndex: stretch.index,
      term: stretch.term,
    });
  }

  /** Entries that are committed and have no effect. */
  #passOver(firstIndex: LogIndex, count: number, term: Term, error: ConclaveError): void {
    this.#tell(term);
    this.#replica.lastApplied = firstIndex + count - 1;
    if (this.#proposals.isAwaiting) this.#proposals.refused({ firstIndex, count, term }, reportOf(error));
  }

  /** A session is opened, kept alive or ended. */
  #manage({ firstIndex: index, term, body }: Run, place: SessionPlace): void {
    const sessions = this.#sessions;
    const command = decodeSessionCommand(body.subarray(lengthBytes));
    invariant(
      command !== null,
      () => `Entry ${index} does with a session what this version of Conclave does not know.`,
    );
    sessions.pass(place.logTimeMs);
    let result = noResult;
    if (command.type === 'open') {
      sessions.open(index, command.timeoutMs);
      result = encodeSessionTimeout(command.timeoutMs);
    } else if (command.type === 'end') sessions.end(place.id);
    else if (sessions.hear(place) === null) {
      this.#passOver(index, 1, term, new SessionExpiredError());
      return;
    }
    this.#replica.lastApplied = index;
    if (this.#proposals.isAwaiting) this.#results.add(result);
  }

  #resultOf(body: Uint8Array, start: number, end: number, context: CommandContext): Uint8Array {
    try {
      const result: unknown = this.#application.apply(body.subarray(start, end), context);
      requireMemory(body);
      return result === undefined ? noResult : requireBytes('apply', result);
    } catch (cause) {
      throw new ApplicationError(
        `The application failed to apply entry ${context.index}: ${messageOf(cause)}. It must be mended before the node can go on.`,
        { cause },
        context.index,
      );
    }
  }
}
