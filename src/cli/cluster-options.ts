import { type LatencyRange, parseNodeId, parseNodeIds } from '../console/notation.js';
import { UsageError } from '../console/usage-error.js';
import type { Timings } from '../node/options.js';
import type { NodeId } from '../raft/entry.js';

/** Where the logs live. */
export type DataPlace =
  | { readonly kind: 'memory' }
  | { readonly kind: 'temporary' }
  | { readonly kind: 'directory'; readonly directory: string };

/** What the program is to do with the cluster; a source `-` is standard input. */
export type Mode =
  | { readonly kind: 'prompt' }
  | { readonly kind: 'script'; readonly source: string }
  | { readonly kind: 'input'; readonly source: string };

/** The command line, understood and checked. */
export interface CliOptions {
  readonly nodes: number;
  readonly data: DataPlace;
  /** Null: that of clusters that nobody gave another. */
  readonly clusterId: string | null;
  readonly latency: LatencyRange;
  readonly loss: number;
  readonly timings: Partial<Timings>;
  /** 0 is off. */
  readonly blockIntervalMs: number;
  /** Entries from one snapshot to the next; null: as the log grows. */
  readonly snapshotEvery: number | null;
  readonly leader: NodeId | null;
  readonly candidates: readonly NodeId[] | null;
  readonly seed: number | null;
  readonly mode: Mode;
  readonly json: boolean;
  /**
   * The port of the inspector's page; `default` takes the usual one or, if that is taken, any;
   * `stately` also tells Stately's own tools. Null: no page.
   */
  readonly inspect: number | 'default' | 'stately' | null;
}

/** The options as they were read one by one. */
export interface RawOptions {
  readonly nodes: number;
  readonly data?: string;
  readonly memory?: true;
  readonly clusterId?: string;
  readonly latency: LatencyRange;
  readonly loss: number;
  readonly electionTimeout?: LatencyRange;
  readonly heartbeat?: number;
  readonly blockInterval?: number;
  readonly snapshotEvery?: number;
  readonly leader?: string;
  readonly candidates?: string;
  readonly seed?: number;
  readonly script?: string;
  readonly input?: string;
  readonly json?: true;
  readonly inspect?: number | 'stately' | true;
}

export const defaultBlockIntervalMs = 100;

/** @throws {UsageError} for options that contradict each other. */
export function checkTogether(raw: RawOptions): CliOptions {
  const ids = Array.from({ length: raw.nodes }, (_, id) => id);
  const leader =
    raw.leader === undefined ? null : named('--leader', () => parseNodeId(raw.leader ?? '', ids));
  const candidates =
    raw.candidates === undefined
      ? null
      : named('--candidates', () => parseNodeIds(raw.candidates ?? '', ids));
  if (leader !== null && candidates !== null && !candidates.includes(leader)) {
    throw new UsageError(
      `--leader ${leader}: node ${leader} is not among --candidates ${candidates.join(',')}, so it may not stand for election. Add it there, or name another leader.`,
    );
  }
  const mode = modeOf(raw);
  return {
    nodes: raw.nodes,
    data: placeOf(raw),
    clusterId: raw.clusterId ?? null,
    latency: raw.latency,
    loss: raw.loss,
    timings: timingsOf(raw),
    blockIntervalMs: raw.blockInterval ?? (mode.kind === 'input' ? 0 : defaultBlockIntervalMs),
    snapshotEvery: raw.snapshotEvery ?? null,
    leader,
    candidates,
    seed: raw.seed ?? null,
    mode,
    json: raw.json ?? false,
    inspect: raw.inspect === true ? 'default' : (raw.inspect ?? null),
  };
}

/** What `--election-timeout` and `--heartbeat` say. */
export function timingsOf({
  electionTimeout,
  heartbeat,
}: {
  readonly electionTimeout?: LatencyRange | undefined;
  readonly heartbeat?: number | undefined;
}): Partial<Timings> {
  return {
    ...(electionTimeout === undefined
      ? {}
      : {
          electionTimeoutMsMin: electionTimeout.latencyMsMin,
          electionTimeoutMsMax: electionTimeout.latencyMsMax,
        }),
    ...(heartbeat === undefined ? {} : { heartbeatMs: heartbeat }),
  };
}

function modeOf({ script, input }: RawOptions): Mode {
  if (script !== undefined) return { kind: 'script', source: script };
  if (input !== undefined) return { kind: 'input', source: input };
  return { kind: 'prompt' };
}

function placeOf({ memory, data }: RawOptions): DataPlace {
  if (memory) return { kind: 'memory' };
  if (data === '') throw new UsageError('--data needs the name of a directory.');
  return data === undefined ? { kind: 'temporary' } : { kind: 'directory', directory: data };
}

function named<Value>(name: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${name}: ${error.message}`);
    throw error;
  }
}
