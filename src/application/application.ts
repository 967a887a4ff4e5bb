import type { LogIndex, NodeId, Term } from '../raft/entry.js';

/** Where in the replicated log a command stands. */
export interface CommandContext {
  readonly index: LogIndex;
  readonly term: Term;
}

/**
 * Takes a snapshot's bytes, in order and cut anywhere, portion by portion between a node's turns. Until `end` the
 * application is as it was, answers queries from its old state, and may be left so for good: a snapshot that turns out
 * to be damaged is given up. A throw says that these bytes are none of its snapshots.
 */
export interface SnapshotSink {
  /** Copy what is to be kept: the memory is not the application's. */
  write(chunk: Uint8Array): void;
  /** That was all: from now on the application is as it was when the snapshot was taken. */
  end(): void;
}

/** What a leader knows of itself when it produces a block. */
export interface ProduceContext {
  readonly leaderId: NodeId;
  readonly term: Term;
}

/**
 * The replicated state machine. Every node runs one instance in its own thread and feeds it the same commands in
 * the same order; so `apply` must be deterministic: no clock, no chance, no I/O. All methods are synchronous.
 *
 * A throw from `apply` or `produce` kills the node (its state could no longer be trusted), and as every node runs
 * the same, that may be all of them (event `applicationFailed`); a throw from `query` or `verify` fails that call alone. To return something of
 * another type counts as a throw. Refuse a bad command by returning a result that says so.
 *
 * With `snapshot` and `restore`, nodes drop the log's beginning from time to time, and a node that starts or lags far
 * behind begins with the state instead of all the commands that led to it. An application without the two keeps its log
 * whole on disk, and a node that starts applies all of it again; its nodes say so once (event `warning`).
 */
export interface Application {
  /**
   * Applies a committed command and returns its result, which goes to the proposer; undefined counts as an empty one.
   * The command is a view into the log's memory, between those of other commands: copy what is to be kept (the view
   * keeps far more memory than its own from being freed) or to be transferred to another thread (to transfer the view's
   * buffer counts as a throw), and change nothing in it. The result is copied before the next command is applied.
   */
  apply(command: Uint8Array, context: CommandContext): Uint8Array;
  /** Answers a question about the state without changing it. */
  query(query: Uint8Array): Uint8Array;
  /**
   * The whole state as bytes, digest included: `restore` of it makes an equal application. What is returned shows the
   * state as it is now, whatever is applied before it is read to its end, which may be minutes later: copy on write, in
   * an ordered map with a cheap clone, say. The call itself takes a moment at most, and so does each step of the
   * iteration, whose chunks may have any size: about 64 KiB serves well. Nobody waits for it meanwhile: the node pulls
   * chunks between its turns. One snapshot is read at a time, and some are given up halfway.
   */
  snapshot?(): Iterable<Uint8Array>;
  /** Begins to replace the state with a snapshot's. Goes with `snapshot`. */
  restore?(): SnapshotSink;
  /**
   * A short text, asked for whenever somebody looks at the node, that is equal on two nodes exactly when they applied
   * the same commands in the same order.
   */
  digest(): string;
  /**
   * When present, a command is appended to the log only after a majority of voters found it valid (and is refused
   * with `CommandRejectedError` otherwise); which commands, `verifies` says. Only `true` is a yes; a text is a no that
   * says why. Judge by the command and the state at hand, which is that of this node; need not be deterministic.
   */
  verify?(command: Uint8Array): boolean | string;
  /** Which commands are verified: `every` one, or those alone that are `asked` for with `propose(…, { verify: true })` (every). */
  readonly verifies?: 'every' | 'asked';
  /** The command that the leader proposes each time it is to produce a block (`produceBlocks`). */
  produce?(context: ProduceContext): Uint8Array;
}

/**
 * What an application module exports, under this name. `options` is the structured-cloneable value given at start. It
 * may be asynchronous, to load what the application needs; the methods may not. Thirty seconds after it began to load
 * the module, a node that is still at it is ended.
 */
export type CreateApplication = (options?: unknown) => Application | Promise<Application>;

/** Which application the nodes run. */
export interface ApplicationSource {
  /** The URL, absolute path or package of a module that exports `createApplication: CreateApplication`. */
  readonly module: string | URL;
  /** Handed to `createApplication`; must be structured-cloneable. */
  readonly options?: unknown;
}
