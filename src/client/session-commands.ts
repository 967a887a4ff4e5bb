import { packBytes, unpackBytes } from '../ground/byte-strings.js';
import type { ProposeOptions } from '../ground/call-options.js';
import { ConclaveError, NodeDeadError } from '../ground/errors.js';
import { ownMemory } from '../ground/memory.js';
import { aborted, onAbort, timeoutMsDefault } from '../ground/waiting.js';
import type { Proposed, ReplyOf } from '../node/clients/client-requests.js';
import { type ErrorReport, errorOf } from '../node/host/error-report.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import { decodeSessionTimeout, type SessionCommand } from '../wire/sessions.js';
import { abortedTooLate, noQuorum, outcomeUnknown, type Settle } from './calls.js';
import { type Command, newCommand, unheard, unknownOf } from './command.js';
import { SentCommands } from './sent-commands.js';
import { Sequence } from './sequence.js';
import type { CallNews, SessionHost, SessionLimits } from './session-host.js';

/** Nothing was appended there, so the command may go elsewhere. */
const retryableCodes: ReadonlySet<string> = new Set(['NOT_LEADER', 'NOT_READY', 'NODE_DEAD']);

/** What is true of a command wherever it was sent before. */
const saysAll: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'RESULT_FORGOTTEN']);

const noBytes = new Uint8Array(0);

/**
 * The commands of a session, sent in batches. Those that have numbers in a session of the log are sent again until
 * their outcome is known, for they are applied once; others only when it is certain that nothing was appended.
 *
 *     waiting ── sent ──→ applied        resolved
 *        ↑         └──→ refused          nothing was appended: waiting again, or rejected
 *        └───────────────┘  node gone, or another leads: waiting again; without a session OutcomeUnknownError
 *     deadline:  waiting → QuorumUnavailableError    sent, ever → OutcomeUnknownError
 *     aborted:   waiting → AbortedError              sent, ever → OutcomeUnknownError
 */
export class SessionCommands {
  readonly #host: SessionHost;
  readonly #limits: SessionLimits;
  readonly #news: CallNews;
  readonly #sent: SentCommands;
  readonly #sequence: Sequence;
  /** For the leader: those that have numbers first, ascending, then the others as they came. */
  #waiting: Command[] = [];
  #isInOrder = true;
  /** For one node each. */
  #pinned: Command[] = [];
  /** The session's own, for the leader: before all others. */
  #own: Command[] = [];
  /** Which of its own are waiting, or sent and not answered: one of a kind at most. */
  readonly #ownUnderWay = new Set<SessionCommand['type']>();
  #aborted: Command[] = [];
  #count = 0;
  #bytes = 0;
  /** Has the leader heard of the session since it was last to be kept alive? */
  #wasHeard = false;

  constructor(host: SessionHost, limits: SessionLimits, news: CallNews) {
    this.#host = host;
    this.#limits = limits;
    this.#news = news;
    this.#sent = new SentCommands(limits);
    this.#sequence = new Sequence(limits.commandsMax);
  }

  /** How many are under way. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many more of `bytes` each can be taken; one of any size while there is none. */
  roomFor(bytes: number): number {
    if (this.#count === 0) return this.#limits.commandsMax;
    const { commandsMax, commandsBytesMax } = this.#limits;
    const fitting = bytes === 0 ? commandsMax : Math.floor((commandsBytesMax - this.#bytes) / bytes);
    return Math.min(commandsMax - this.#count, fitting);
  }

  /** Is there anything that a node could be given? */
  get anyWaits(): boolean {
    return this.#waiting.length + this.#pinned.length + this.#own.length > 0;
  }

  /** Is there anything for the leader, whoever that is? */
  get anyForLeader(): boolean {
    return this.#waiting.length > 0;
  }

  add(bytes: Uint8Array, settle: Settle<Proposed>, options: ProposeOptions, deadlineMs: number): void {
    const { timeoutMs = timeoutMsDefault, signal, node: only = null, verify = false } = options;
    this.#count++;
    this.#bytes += bytes.length;
    const command = newCommand({ bytes, only, timeoutMs, deadlineMs, signal, settle, verify, what: null });
    if (signal !== undefined) {
      command.forget = onAbort(signal, () => {
        this.#aborted.push(command);
        this.#news.turnDue();
      });
    }
    if (only === null) this.#waiting.push(command);
    else this.#pinned.push(command);
  }

  /** Asks the leader for a session. Called when none is open and none asked for. */
  askForSession(): void {
    const refuse = (error: Error) => this.#news.session({ type: 'session.refused', error });
    this.#ask('open', {
      resolve: ({ index: id, result }) => {
        const timeoutMs = decodeSessionTimeout(result);
        if (timeoutMs !== null) this.#news.session({ type: 'session.opened', id, timeoutMs });
        else
          refuse(new ConclaveError('MALFORMED', 'What a node says of the session it opened makes no sense.'));
      },
      reject: refuse,
    });
  }

  /** From now on commands are numbered in this session. */
  beginSession(id: LogIndex): void {
    this.#sequence.begin(id);
    this.#wasHeard = true;
    this.#news.turnDue();
  }

  /** The log knows the session no longer. What waits and cannot have been applied goes into the next. */
  leaveSession(): void {
    this.#sequence.end();
    for (const command of this.#waiting) this.#leave(command);
    this.#waiting = this.#waiting.filter(({ isOver }) => !isOver);
    this.#news.turnDue();
  }

  /** The leader is to hear of the session, if it has not for a while. */
  keepAlive(): void {
    if (!this.#wasHeard) this.#ask('keepAlive', { resolve: () => {}, reject: () => {} });
    this.#wasHeard = false;
  }

  /** No session is to be had, and so nothing can be proposed. */
  refuseWaiting(error: Error): void {
    for (const command of this.#waiting.splice(0)) this.#fail(command, error);
  }

  sendPinned(): void {
    const pinned = this.#pinned;
    this.#pinned = [];
    for (const command of pinned) {
      const node = command.only as NodeId;
      if (!this.#sendBatch(node, [command])) this.#fail(command, new NodeDeadError(node, 'has crashed'));
    }
  }

  /** False if nobody is there to hear. */
  sendWaiting(leaderId: NodeId): boolean {
    while (this.#own.length > 0) {
      if (!this.#sendOwn(leaderId, this.#own[0] as Command)) return false;
      this.#own.shift();
    }
    if (this.#host.sessions && this.#sequence.id === null) return true;
    this.#putInOrder();
    const waiting = this.#waiting;
    let sent = 0;
    let isHeard = true;
    while (isHeard && sent < waiting.length) {
      const batch = this.#numbered(this.#sent.fitting(leaderId, waiting, sent));
      if (batch.length === 0) break;
      isHeard = this.#sendBatch(leaderId, batch);
      if (isHeard) sent += batch.length;
    }
    if (sent > 0) this.#waiting = waiting.slice(sent);
    return isHeard;
  }

  /** Those of the commands that have a number, or can have one now. */
  #numbered(batch: readonly Command[]): readonly Command[] {
    if (!this.#host.sessions) return batch;
    let room = this.#sequence.room;
    for (const [at, command] of batch.entries()) {
      if (command.sequence > 0) continue;
      if (room-- <= 0) return batch.slice(0, at);
      this.#sequence.number(command);
    }
    return batch;
  }

  #putInOrder(): void {
    if (this.#isInOrder) return;
    this.#isInOrder = true;
    const placeOf = ({ sequence }: Command) => (sequence > 0 ? sequence : Number.MAX_SAFE_INTEGER);
    this.#waiting.sort((a, b) => placeOf(a) - placeOf(b));
  }

  /**
   * Numbers in a message run on, those of its answer and those of the session; where they do not, another message
   * begins.
   */
  #sendBatch(node: NodeId, commands: readonly Command[]): boolean {
    let run: Command[] = [];
    let isHeard = true;
    for (const command of commands) {
      const last = run.at(-1);
      const runsOn =
        last === undefined ||
        (command.verify === last.verify &&
          this.#sent.nextNumber() === last.number + 1 &&
          (command.sequence === 0 ? last.sequence === 0 : command.sequence === last.sequence + 1));
      if (!runsOn) {
        isHeard = this.#post(node, run) && isHeard;
        run = [];
      }
      this.#sent.add(command, node);
      run.push(command);
    }
    isHeard = this.#post(node, run) && isHeard;
    if (!isHeard) for (const { number } of commands) this.#sent.take(number);
    return isHeard;
  }

  #post(node: NodeId, run: readonly Command[]): boolean {
    const [head] = run;
    if (head === undefined) return true;
    const commands = packBytes(
      run.map(({ bytes }) => bytes),
      ownMemory,
    );
    const verify = head.verify ? { verify: true as const } : {};
    const request = { type: 'propose', first: head.number, count: run.length, commands, ...verify } as const;
    if (head.sequence === 0) return this.#host.post(node, request);
    this.#wasHeard = true;
    return this.#host.post(node, { ...request, session: this.#sequence.placeOf(head) });
  }

  #ask(what: SessionCommand['type'], settle: Settle<Proposed>): void {
    if (this.#ownUnderWay.has(what)) return;
    this.#ownUnderWay.add(what);
    const never = Number.POSITIVE_INFINITY;
    const command = { bytes: noBytes, only: null, timeoutMs: never, deadlineMs: never, signal: undefined };
    this.#own.push(newCommand({ ...command, settle, verify: false, what }));
    this.#news.turnDue();
  }

  #sendOwn(node: NodeId, command: Command): boolean {
    this.#sent.add(command, node);
    const { number: first, what } = command;
    const session = this.#sequence.placeOf(command);
    if (what !== null && this.#host.post(node, { type: 'session', first, what, session })) return true;
    this.#sent.take(first);
    return false;
  }

  /** Tells the leader that the session is over. Nobody waits for an answer. */
  endSession(leaderId: NodeId | null): void {
    if (leaderId === null || this.#sequence.id === null) return;
    const session = this.#sequence.placeOf({ sequence: 0 });
    this.#host.post(leaderId, { type: 'session', first: this.#sent.nextNumber(), what: 'end', session });
  }

  applied({ first, count, index, term, results: packed }: ReplyOf<'applied'>): void {
    const results = unpackBytes(packed, count);
    if (results === null) return;
    for (let at = 0; at < count; at++) {
      const command = this.#sent.take(first + at);
      if (command === null) continue;
      this.#over(command);
      command.settle.resolve({ index: index + at, term, result: results[at] as Uint8Array });
    }
  }

  refused(from: NodeId, { first, count, error }: ReplyOf<'refused'>): void {
    const refusal = errorOf(error);
    let isToRetry = false;
    for (let number = first; number < first + count; number++) {
      const command = this.#sent.take(number);
      if (command === null) continue;
      if (this.#mayRetry(command, error)) {
        if (!retryableCodes.has(error.code)) command.mayBeAt ??= from;
        this.#waitAgain(command);
        isToRetry = true;
      } else if (error.code === 'SESSION_EXPIRED') this.#expired(command);
      else if (command.mayBeAt === null || saysAll.has(error.code)) this.#fail(command, refusal);
      else this.#fail(command, unknownOf(command, refusal));
    }
    if (isToRetry) this.#news.refused({ type: 'node.refused', by: from, leaderId: error.leaderId ?? null });
  }

  /** Is the command to be sent again, here or elsewhere? */
  #mayRetry(command: Command, { code, cause }: ErrorReport): boolean {
    if (command.only !== null) return false;
    if (retryableCodes.has(code)) return command.what !== 'keepAlive';
    if (command.what !== null)
      return command.what === 'open' && (code === 'OVERLOADED' || code === 'OUTCOME_UNKNOWN');
    if (command.session === null) return false;
    // A command that the application cannot apply would kill one node after the other.
    if (code === 'OUTCOME_UNKNOWN') return cause?.code !== 'APPLICATION_FAILED';
    // That it is refused now says nothing of what was sent before.
    return code === 'OVERLOADED' && command.mayBeAt !== null;
  }

  /** Its session is over. Whoever is the first to hear so has the others leave it, too. */
  #expired(command: Command): void {
    const isNews = command.session === this.#sequence.id || command.what === 'keepAlive';
    if (command.what === null) {
      this.#leave(command);
      this.#waitAgain(command);
    } else this.#over(command);
    if (isNews) this.#news.session({ type: 'session.expired' });
  }

  /** Gives up its number, if it was certainly not applied under it; it fails otherwise. */
  #leave(command: Command): void {
    if (command.mayBeAt !== null && command.session !== null) {
      const why = `Its session expired after the command had been sent to node ${command.mayBeAt}, which did not say what became of it`;
      this.#fail(command, outcomeUnknown(why));
    }
    command.session = null;
    command.sequence = 0;
    this.#isInOrder = false;
  }

  /** Nobody will learn there what became of the commands it had: those of a session are sent to the next leader. */
  nodeEnded(id: NodeId): void {
    this.#withdraw(({ sentTo }) => sentTo === id);
    const error = outcomeUnknown(`Node ${id} went down after the command was sent to it`);
    for (const command of this.#sent.takeWhere(({ sentTo }) => sentTo === id)) this.#fail(command, error);
  }

  /** Another node leads: it is given what others have, and have not answered. */
  leaderIs(id: NodeId): void {
    if (this.#host.sessions) this.#withdraw(({ sentTo }) => sentTo !== id);
  }

  #withdraw(isMeant: (command: Command) => boolean): void {
    const isRepeatable = ({ session, what, only }: Command) =>
      only === null && (session !== null || what !== null);
    for (const command of this.#sent.takeWhere((each) => isRepeatable(each) && isMeant(each))) {
      command.mayBeAt = command.sentTo;
      this.#waitAgain(command);
    }
  }

  #waitAgain(command: Command): void {
    command.sentTo = null;
    if (command.what === 'open') this.#own.push(command);
    else if (command.what === 'keepAlive') this.#over(command);
    if (command.what !== null) return;
    if (command.session !== null && command.session !== this.#sequence.id) this.#leave(command);
    if (command.isOver) return;
    if (command.sequence > 0) this.#isInOrder = false;
    this.#waiting.push(command);
  }

  /** Ends what its callers have aborted since the last call. */
  endAborted(): void {
    if (this.#aborted.length === 0) return;
    for (const command of this.#aborted.splice(0)) {
      if (command.isOver) continue;
      const { sentTo, number, mayBeAt } = command;
      if (sentTo !== null) this.#sent.take(number);
      const node = sentTo ?? mayBeAt;
      this.#fail(command, node === null ? aborted('command', command.signal) : abortedTooLate(command, node));
    }
    this.#waiting = this.#waiting.filter(({ isOver }) => !isOver);
    this.#pinned = this.#pinned.filter(({ isOver }) => !isOver);
  }

  /** Rejects what is past its deadline and is with no node: it must not be sent any more. Returns when the next deadline is. */
  expireUnsent(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    const keep = (command: Command) => {
      if (command.deadlineMs > nowMs) nextMs = Math.min(nextMs, command.deadlineMs);
      else this.#fail(command, command.mayBeAt === null ? noQuorum(command.timeoutMs) : unheard(command));
      return !command.isOver;
    };
    this.#waiting = this.#waiting.filter(keep);
    this.#pinned = this.#pinned.filter(keep);
    return nextMs;
  }

  /** Rejects all that is past its deadline. Returns when the next deadline is. */
  expire(nowMs: number): number {
    let nextMs = this.expireUnsent(nowMs);
    const isDue = (command: Command) => {
      if (command.deadlineMs > nowMs) nextMs = Math.min(nextMs, command.deadlineMs);
      return command.deadlineMs <= nowMs;
    };
    for (const command of this.#sent.takeWhere(isDue)) this.#fail(command, unheard(command));
    return nextMs;
  }

  close(error: ConclaveError): void {
    const unknown = outcomeUnknown('The cluster was closed after the command was sent');
    for (const command of [...this.#waiting.splice(0), ...this.#pinned.splice(0)]) {
      this.#fail(command, command.mayBeAt === null ? error : unknown);
    }
    this.#own = [];
    for (const command of this.#sent.takeWhere(() => true)) {
      if (command.what === null) this.#fail(command, unknown);
    }
  }

  /** One error may serve many commands: it is the stack trace that makes errors dear. */
  #fail(command: Command, error: Error): void {
    this.#over(command);
    command.settle.reject(error);
  }

  #over(command: Command): void {
    command.isOver = true;
    if (command.what !== null) {
      this.#ownUnderWay.delete(command.what);
      return;
    }
    this.#count--;
    this.#bytes -= command.bytes.length;
    command.forget?.();
  }
}
