import type { KeyValueClient } from '../application/key-value/client.js';
import type { NodeId } from '../raft/entry.js';
import type { BlockPace } from './block-pace.js';
import type { CommandedCluster } from './commanded-cluster.js';
import type { Arguments } from './words.js';

/** What a command works on. */
export interface CommandContext {
  readonly cluster: CommandedCluster;
  readonly store: KeyValueClient;
  readonly blocks: BlockPace;
  /** What is shown of a log at once; all of a million entries unless told. */
  readonly logMax?: { readonly entries: number; readonly bytesOfEach: number };
}

/** What a command found or did, for programs and for people. */
export interface Answer {
  /** Joins `command` and `ok` in the JSON object. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly lines: readonly string[];
  /** Nothing is to be read after this command. */
  readonly quits?: true;
}

/**
 * A command that was understood and can be carried out. Rejects with a `ConclaveError`, and with an `AbortError` when
 * it ends because nobody waits for its answer any more.
 * @param asker is aborted when whoever asked is gone.
 */
export type Run = (context: CommandContext, asker: AbortSignal) => Promise<Answer>;

/** A line of the table that parsing, help and completion derive from. */
export interface Command {
  readonly name: string;
  /** Other names that are understood. */
  readonly aliases?: readonly string[];
  /**
   * Its forms without the name, such as `leader [not N]`. Words in small letters are typed as they are, `N`,
   * `FROM` and `TO` are nodes, `[…]` may be left out.
   */
  readonly forms: readonly string[];
  readonly help: string;
  /** One line that somebody may type. */
  readonly example?: string;
  /** What its answer may have to wait for, where that can take long. */
  readonly waitsFor?: string;
  /** It takes as long as its asker likes and only looks on: what bounds the commands under way counts it apart. */
  readonly isPatient?: true;
  /** @throws {UsageError} when the arguments make no sense in a cluster of these nodes. */
  parse(args: Arguments, ids: readonly NodeId[]): Run;
}

/** How long a command or a linearizable read may look for a leader and a majority. */
export const requestTimeoutMs = 5_000;
