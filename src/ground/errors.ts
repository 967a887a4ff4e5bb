import type { LogIndex, NodeId, Term } from './ids.js';

/**
 * The base of every error that Conclave raises on purpose. `code` is stable and meant for programs; the message
 * says what happened, to what, and what to do next.
 */
export class ConclaveError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }

  /** An error of another thread: an instance of the class, or else of the one with this code, or else of this base. */
  static reported(code: string, message: string, ofClass?: ReportedClass): ConclaveError {
    const made = new ConclaveError(code, message);
    const reportedClass = ofClass ?? reportedClasses().get(code);
    if (reportedClass === undefined) return made;
    Object.setPrototypeOf(made, reportedClass.prototype);
    made.name = reportedClass.name;
    return made;
  }
}

/** A setting is out of range, contradicts another, or is unknown. Nothing was started. */
export class InvalidOptionError extends ConclaveError {
  constructor(message: string) {
    super('INVALID_OPTION', message);
  }
}

/** No snapshot could be taken: the application gives none, or there is nothing yet that one could hold. */
export class SnapshotUnavailableError extends ConclaveError {
  constructor(message: string, options?: ErrorOptions) {
    super('SNAPSHOT_UNAVAILABLE', message, options);
  }
}

/** The node that was asked does not lead. Nothing was appended: the request may be sent again. */
export class NotLeaderError extends ConclaveError {
  /** The leader as far as the asked node knows, or null. */
  readonly leaderId: NodeId | null;
  readonly term: Term;

  constructor(nodeId: NodeId, leaderId: NodeId | null, term: Term) {
    super(
      'NOT_LEADER',
      leaderId === null
        ? `Node ${nodeId} is not the leader and knows of none (term ${term}). Try again once a leader is elected.`
        : `Node ${nodeId} is not the leader; the leader is node ${leaderId} (term ${term}). Send the request there, or let RaftCluster route it.`,
    );
    this.leaderId = leaderId;
    this.term = term;
  }

  /** The error of another thread. */
  static reportedWith(message: string, leaderId: NodeId | null, term: Term): NotLeaderError {
    const made = new NotLeaderError(-1, leaderId, term);
    made.message = message;
    return made;
  }
}

/** The cluster, or the node that was asked, does not serve yet; the message says what is missing. Nothing was appended. */
export class NotReadyError extends ConclaveError {
  constructor(message: string) {
    super('NOT_READY', message);
  }
}

/** No leader could be found, or no majority answered, in time. Nothing was appended. */
export class QuorumUnavailableError extends ConclaveError {
  constructor(message: string) {
    super('QUORUM_UNAVAILABLE', message);
  }
}

/**
 * The command was handed to a leader, and whether it will be committed is not known. It may take effect now,
 * later or never. Propose it again only if applying it twice does no harm.
 */
export class OutcomeUnknownError extends ConclaveError {
  /** @param options `cause`: what the node died of that had the command, or why it is not waited for */
  constructor(message: string, options?: ErrorOptions) {
    super('OUTCOME_UNKNOWN', message, options);
  }
}

/**
 * The session that the command was sent in has expired, or was ended. This attempt had no effect and no later one in
 * that session can have any: a command that was sent but once was not applied, and may be proposed anew.
 */
export class SessionExpiredError extends ConclaveError {
  constructor() {
    super(
      'SESSION_EXPIRED',
      'The session of this command has expired: its client was silent for longer than limits.sessionTimeoutMs, or others have taken its place. The command was not applied this time. If it was sent only once it had no effect, so open another session and propose it again.',
    );
  }
}

/** The command was applied, exactly once, and its result is no longer kept: there were too many bytes of results. */
export class ResultForgottenError extends ConclaveError {
  /** Where it was applied. */
  declare readonly index: LogIndex;
  declare readonly term: Term;

  constructor(index: LogIndex, term: Term) {
    super(
      'RESULT_FORGOTTEN',
      `The command was applied once, at index ${index} in term ${term}, and its result is no longer kept. Do not propose it again; read what it did instead.`,
    );
    this.index = index;
    this.term = term;
  }
}

/** The caller's signal ended the call before anything was appended. `cause` is the signal's reason. */
export class AbortedError extends ConclaveError {
  constructor(message: string, options?: ErrorOptions) {
    super('ABORTED', message, options);
  }
}

/** The command is larger than an entry may be. Nothing was appended. */
export class CommandTooLargeError extends ConclaveError {
  constructor(bytes: number, bytesMax: number) {
    super(
      'COMMAND_TOO_LARGE',
      `The command has ${bytes} bytes and an entry holds at most ${bytesMax}. Split it, or store it elsewhere and propose a reference.`,
    );
  }
}

/** A client asked for what its certificate does not allow. */
export class AccessDeniedError extends ConclaveError {
  /** @param who for people: `client web (reader)`. @param role what it would have to be */
  constructor(who: string, role: 'writer' | 'operator' = 'writer') {
    super(
      'ACCESS_DENIED',
      role === 'writer'
        ? `${who} may read and not write. Nothing was appended: give the program a certificate with the role writer.`
        : `${who} may not change the cluster. Nothing was changed: give the program a certificate with the role operator.`,
    );
  }
}

/** An operator orders chaos, and the process was not started so that it may. Nothing was changed. */
export class ChaosNotAllowedError extends ConclaveError {
  constructor(id: number) {
    super(
      'CHAOS_NOT_ALLOWED',
      `Node ${id} lets nobody cut or slow down its links, or stop it. It changed nothing: start its process with --chaos (chaos: true), which is for experiments.`,
    );
  }
}

/** The node's state is older than a stale read was to be answered from, or its age is not known. */
export class TooStaleError extends ConclaveError {
  constructor(nodeId: NodeId, ageMs: number | null, maxStaleMs: number) {
    super(
      'TOO_STALE',
      `The state of node ${nodeId} ${ageMs === null ? 'is of an unknown age' : `was current ${Math.ceil(ageMs)} ms ago`}, and at most ${maxStaleMs} ms were asked for. Ask another node, or read linearizably.`,
    );
  }
}

/** The query is larger than a node takes. */
export class QueryTooLargeError extends ConclaveError {
  constructor(bytes: number, bytesMax: number) {
    super(
      'QUERY_TOO_LARGE',
      `The query has ${bytes} bytes and a node takes at most ${bytesMax}. Split it, or raise limits.queryBytesMax.`,
    );
  }
}

/** A bounded queue is full. Nothing was appended: slow down and send it again, or wait for `room()` first. */
export class OverloadedError extends ConclaveError {
  constructor(message: string) {
    super('OVERLOADED', message);
  }
}

/** The node is stopped, crashed or closed. */
export class NodeDeadError extends ConclaveError {
  constructor(nodeId: NodeId, what = 'is dead') {
    const remedy = what === 'has crashed' ? 'Restart it' : 'Revive or restart it';
    super('NODE_DEAD', `Node ${nodeId} ${what}. ${remedy}, or ask another node.`);
  }
}

/** A majority of voters found the command invalid, so it was not appended. */
export class CommandRejectedError extends ConclaveError {
  /** Why, one line for each voter that said so. */
  readonly reasonLines: string;

  constructor(reasons: readonly string[] = []) {
    super(
      'COMMAND_REJECTED',
      `A majority of voters refused the command in its verification round. It was not appended.${reasons.map((reason) => ` ${reason}`).join('')}`,
    );
    this.reasonLines = reasons.join('\n');
  }

  /** Why, as each voter that said so put it: `Node 2: …`. */
  get reasons(): readonly string[] {
    return this.reasonLines === '' ? [] : this.reasonLines.split('\n');
  }
}

/** One change of members at a time: another is under way. Nothing was changed: ask again when it is done. */
export class ChangeInProgressError extends ConclaveError {
  constructor(nodeId: NodeId) {
    super(
      'CHANGE_IN_PROGRESS',
      `Node ${nodeId} carries out another change of members. Nothing was changed: ask again when that one is done, or abort it.`,
    );
  }
}

/** The change names a server that does not belong to the cluster. Nothing was changed. */
export class NotAMemberError extends ConclaveError {
  constructor(text: string) {
    super('NOT_A_MEMBER', `${text} Nothing was changed: see the configuration in \`info\` for who is.`);
  }
}

/** A change of members that cannot be: it would leave nobody to vote, say. Nothing was changed. */
export class ChangeRefusedError extends ConclaveError {
  constructor(text: string) {
    super('CHANGE_REFUSED', `${text.replace(/\.$/, '')}. Nothing was changed.`);
  }
}

/** A server that was to vote could not be brought up to date. It is a learner, and nobody waits for it. */
export class NotCaughtUpError extends ConclaveError {
  constructor(nodeId: NodeId, why: string) {
    super(
      'NOT_CAUGHT_UP',
      `Node ${nodeId} ${why}, so it does not vote. It is a learner: see what keeps it from being supplied, then promote it, or remove it.`,
    );
  }
}

/** A change of members was given up by command. Who was to vote is a learner, and who was to leave votes. */
export class ChangeAbortedError extends ConclaveError {
  constructor() {
    super('CHANGE_ABORTED', 'The change of members was aborted: the voters are those of before.');
  }
}

/** Leadership was not handed over. The leader goes on, or another was elected. */
export class TransferFailedError extends ConclaveError {
  constructor(nodeId: NodeId, why: string) {
    super('TRANSFER_FAILED', `Leader ${nodeId} ${why}.`);
  }
}

/** What was waited for did not happen in time. */
export class TimeoutError extends ConclaveError {
  constructor(what: string, timeoutMs: number) {
    super('TIMEOUT', `Waited ${timeoutMs} ms for ${what}, in vain.`);
  }
}

/** The application threw while applying or querying. A throw while applying is the node's death. */
export class ApplicationError extends ConclaveError {
  /** The entry that it failed to apply; undefined when it failed at something else. */
  declare readonly index?: LogIndex;

  constructor(message: string, options?: ErrorOptions, index?: LogIndex) {
    super('APPLICATION_FAILED', message, options);
    if (index !== undefined) this.index = index;
  }
}

/** The cluster is closing or closed. */
export class ClosedError extends ConclaveError {
  constructor(what: string, how = 'is closed.', options?: ErrorOptions) {
    super('CLOSED', `${what} ${how} Start another one.`, options);
  }
}

/** A thread could not be started, or not load its file. What it was to do was not begun. */
export class ThreadStartError extends ConclaveError {
  constructor(name: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      'THREAD_NOT_STARTED',
      `The thread of ${name} could not be started: ${reason.split('\n', 1)[0]}. ${adviceAfter(cause)}`,
      { cause },
    );
  }
}

/** What keeps a thread from starting is the system's refusal, or a file. */
function adviceAfter(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  switch (code) {
    case 'EMFILE':
    case 'ENFILE':
    case 'EAGAIN':
    case 'ENOMEM':
    case 'ERR_WORKER_INIT_FAILED':
    case 'ERR_WORKER_OUT_OF_MEMORY':
      return 'The process has used up its files, threads or memory: close some of what it has open, or raise its limits (ulimit -n, -u, -v), and start it again.';
    default:
      return "See that conclave's files are where they were when this process began, whole and of one version: install the package again if not, and start the process anew. A bundler has to leave the package out, as an external one.";
  }
}

/** A class whose errors cross threads. */
export interface ReportedClass {
  readonly name: string;
  readonly prototype: ConclaveError;
}

/** Those of this file, by code. */
function reportedClasses(): ReadonlyMap<string, ReportedClass> {
  return new Map<string, ReportedClass>([
    ['INVALID_OPTION', InvalidOptionError],
    ['NOT_READY', NotReadyError],
    ['QUORUM_UNAVAILABLE', QuorumUnavailableError],
    ['OUTCOME_UNKNOWN', OutcomeUnknownError],
    ['SESSION_EXPIRED', SessionExpiredError],
    ['RESULT_FORGOTTEN', ResultForgottenError],
    ['ABORTED', AbortedError],
    ['COMMAND_TOO_LARGE', CommandTooLargeError],
    ['QUERY_TOO_LARGE', QueryTooLargeError],
    ['OVERLOADED', OverloadedError],
    ['ACCESS_DENIED', AccessDeniedError],
    ['CHAOS_NOT_ALLOWED', ChaosNotAllowedError],
    ['TOO_STALE', TooStaleError],
    ['NODE_DEAD', NodeDeadError],
    ['COMMAND_REJECTED', CommandRejectedError],
    ['APPLICATION_FAILED', ApplicationError],
    ['CLOSED', ClosedError],
    ['CHANGE_IN_PROGRESS', ChangeInProgressError],
    ['NOT_A_MEMBER', NotAMemberError],
    ['CHANGE_REFUSED', ChangeRefusedError],
    ['NOT_CAUGHT_UP', NotCaughtUpError],
    ['CHANGE_ABORTED', ChangeAbortedError],
    ['TRANSFER_FAILED', TransferFailedError],
  ]);
}
