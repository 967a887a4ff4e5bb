import { randomInt } from 'node:crypto';
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ApplicationSource } from '../application/application.js';
import { keyValueModule } from '../application/key-value/module.js';
import { InvalidOptionError } from '../ground/errors.js';
import { refuseUnknown, requireBoolean, requireInteger, shown } from '../ground/option-checks.js';
import { Random } from '../ground/random.js';
import type { Limits, SnapshotSettings, Timings } from '../node/options.js';
import {
  completed,
  defaultLimits,
  defaultTimings,
  snapshotSettings,
  validateElections,
  validateLeases,
  validateLimits,
  validateTimings,
} from '../node/validate-options.js';
import type { NodeId } from '../raft/entry.js';
import type { LeaseOptions } from '../raft/lease.js';
import { cleanLink, type LinkPolicy, mergePolicy } from '../router/link-policy.js';
import { checkSegmentBytes, segmentBytesDefault } from '../storage/segment.js';
import type { CipherOptions } from '../wire/cipher.js';
import { createCipher } from '../wire/create-cipher.js';
import { type Logger, requireLogger } from './logger.js';

/** Where the nodes keep their logs. */
export type ClusterStorage =
  /** In memory: a node that crashes stays down (`MemoryLostError`). */
  | { readonly kind: 'memory' }
  /**
   * In `directory`, made if it is not there: node N in `directory/node-N`, in files of `segmentBytes`, a multiple of
   * 512 from 4 KiB to 1 GiB (16 MiB).
   */
  | { readonly kind: 'disk'; readonly directory: string; readonly segmentBytes?: number };

/** What `RaftCluster.start` takes. Everything has a default. */
export interface ClusterOptions {
  /** Voting nodes, 1 to 99, with ids from 0 (5). */
  readonly nodes?: number;
  /** Light nodes that receive the log and never vote; their ids follow the voters' (0). */
  readonly learners?: number;
  /** Names the cluster in its files, which no other cluster then opens ('conclave'). */
  readonly clusterId?: string;
  /** The replicated state machine (the key-value store). */
  readonly application?: ApplicationSource;
  /** Where the logs live (memory). */
  readonly storage?: ClusterStorage;
  /** What seals entries on their way and on disk (`pseudo`, which is no protection). All lives need the same. */
  readonly cipher?: CipherOptions;
  /** The policy of all links at first (clean). */
  readonly link?: Partial<LinkPolicy>;
  readonly timings?: Partial<Timings>;
  readonly limits?: Partial<Limits>;
  /** A node takes a snapshot of its state after so many entries (0: not for their number). */
  readonly snapshotEvery?: number;
  /** And after so many bytes of commands, or as many as the last snapshot has if those are more (64 MiB). */
  readonly snapshotLogBytes?: number;
  /** Default true (thesis §9.6). It needs `checkQuorum`. */
  readonly preVote?: boolean;
  /** Default true (thesis §6.2). */
  readonly checkQuorum?: boolean;
  /**
   * Is a command to be applied once, however often it has to be sent (true; thesis §6.3)? It costs an entry in the log when
   * the first command is proposed, and one every few minutes of silence. Without, its outcome is unknown more often.
   */
  readonly sessions?: boolean;
  /**
   * Lets leaders answer reads with `consistency: 'lease'` without a round of messages (off: they are answered as
   * linearizable ones are). It is safe as long as no node's clock runs faster or slower than true time by more than
   * `clockDriftMax` of it (0.05), nor jumps or stands still. In directories that are opened again, the same as before.
   */
  readonly leases?: boolean | Partial<LeaseOptions>;
  /** Seeds election timeouts and the network's chance (drawn at random). */
  readonly seed?: number;
  /** Who is to lead first. A wish: if it cannot win within ten election timeouts, the others may stand, too. */
  readonly leader?: NodeId;
  /** Which voters may stand for election (all). */
  readonly candidates?: readonly NodeId[];
  /** The leader proposes a block this often; 0 turns it off (0). */
  readonly blockIntervalMs?: number;
  /** Takes what happens, as a logger of pino does (nobody). */
  readonly logger?: Logger;
}

/** The options, complete and checked. */
export interface ClusterSettings {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly clusterId: string;
  readonly application: ApplicationSource;
  readonly storage: ClusterStorage;
  readonly cipher: CipherOptions;
  readonly link: Partial<LinkPolicy>;
  readonly timings: Timings;
  readonly limits: Limits;
  readonly snapshots: SnapshotSettings;
  readonly preVote: boolean;
  readonly checkQuorum: boolean;
  readonly sessions: boolean;
  readonly leases: LeaseOptions | null;
  readonly seed: number;
  readonly leader: NodeId | null;
  readonly candidates: readonly NodeId[];
  readonly blockIntervalMs: number;
}

const votersMax = 99;
const learnersMax = 99;
/** Names a cluster in a file's header. */
const clusterIdLengthMax = 64;
export const blockIntervalMsMax = 3_600_000;
/** A quartz is a thousand times as good; what steers clocks slowly to the right time is not always. */
const clockDriftMaxDefault = 0.05;

const known: Record<keyof ClusterOptions, true> = {
  nodes: true,
  learners: true,
  clusterId: true,
  application: true,
  storage: true,
  cipher: true,
  link: true,
  timings: true,
  limits: true,
  snapshotEvery: true,
  snapshotLogBytes: true,
  preVote: true,
  checkQuorum: true,
  sessions: true,
  leases: true,
  seed: true,
  leader: true,
  candidates: true,
  blockIntervalMs: true,
  logger: true,
};

/** @throws {InvalidOptionError} naming the option, what it is, and what it may be. */
export function resolveOptions(options: ClusterOptions): ClusterSettings {
  refuseUnknown('option', options, known);
  const nodes = options.nodes ?? 5;
  const learners = options.learners ?? 0;
  requireInteger('nodes', nodes, 1, votersMax);
  requireInteger('learners', learners, 0, learnersMax);
  const voters = Array.from({ length: nodes }, (_, id) => id);
  const seed = options.seed ?? randomInt(2 ** 47);
  requireInteger('seed', seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const candidates = resolveCandidates(options.candidates ?? voters, nodes);
  const blockIntervalMs = options.blockIntervalMs ?? 0;
  if (options.logger !== undefined) requireLogger(options.logger);
  requireBlockInterval('blockIntervalMs', blockIntervalMs);
  const elections = { preVote: options.preVote ?? true, checkQuorum: options.checkQuorum ?? true };
  validateElections(elections);
  mergePolicy(cleanLink, options.link ?? {});
  return {
    voters,
    learners: Array.from({ length: learners }, (_, at) => nodes + at),
    clusterId: resolveClusterId(options.clusterId ?? 'conclave'),
    application: resolveApplication(options.application ?? { module: keyValueModule }),
    storage: resolveStorage(options.storage ?? { kind: 'memory' }),
    cipher: resolveCipher(options.cipher ?? { kind: 'pseudo' }),
    link: options.link ?? {},
    timings: resolveTimings(options.timings ?? {}),
    limits: resolveLimits(options.limits ?? {}),
    snapshots: snapshotSettings(options),
    ...elections,
    sessions: requireBoolean('sessions', options.sessions ?? true),
    leases: resolveLeases(options.leases ?? false),
    seed,
    leader: resolveLeader(options.leader, nodes, candidates),
    candidates,
    blockIntervalMs,
  };
}

function resolveLeases(leases: boolean | Partial<LeaseOptions>): LeaseOptions | null {
  if (leases === false) return null;
  const given = leases === true ? {} : leases;
  refuseUnknown('lease setting', given, { clockDriftMax: true });
  const resolved = { clockDriftMax: given.clockDriftMax ?? clockDriftMaxDefault };
  validateLeases(resolved);
  return resolved;
}

/** @throws {InvalidOptionError} */
export function requireBlockInterval(name: string, intervalMs: number): void {
  if (Number.isFinite(intervalMs) && intervalMs >= 0 && intervalMs <= blockIntervalMsMax) return;
  throw new InvalidOptionError(
    `${name} is ${shown(intervalMs)}. Give milliseconds up to ${blockIntervalMsMax}, or 0 to produce no blocks.`,
  );
}

function resolveCandidates(candidates: readonly NodeId[], nodes: number): readonly NodeId[] {
  if (!Array.isArray(candidates) || candidates.length === 0) {
    throw new InvalidOptionError('candidates names nobody, so there could never be a leader. Name a voter.');
  }
  for (const id of candidates) {
    if (Number.isSafeInteger(id) && id >= 0 && id < nodes) continue;
    throw new InvalidOptionError(
      `candidates names ${shown(id)}, which is no voter. Voters are 0 to ${nodes - 1}.`,
    );
  }
  return [...new Set(candidates)];
}

function resolveLeader(
  leader: NodeId | undefined,
  nodes: number,
  candidates: readonly NodeId[],
): NodeId | null {
  if (leader === undefined) return null;
  requireInteger('leader', leader, 0, nodes - 1);
  if (candidates.includes(leader)) return leader;
  throw new InvalidOptionError(
    `leader is ${leader}, who may not stand: candidates are ${candidates.join(', ')}. Add it to them, or choose one of them.`,
  );
}

function resolveClusterId(clusterId: string): string {
  if (typeof clusterId === 'string' && clusterId.length > 0 && clusterId.length <= clusterIdLengthMax) {
    return clusterId;
  }
  throw new InvalidOptionError(
    `clusterId is ${shown(clusterId)}. Give 1 to ${clusterIdLengthMax} characters.`,
  );
}

function resolveApplication(application: ApplicationSource): ApplicationSource {
  refuseUnknown('application setting', application, { module: true, options: true });
  const { module, options } = application;
  if (!(module instanceof URL) && (typeof module !== 'string' || module === '')) {
    throw new InvalidOptionError(
      `The application's module is ${shown(module)}. Give the URL or the absolute path of a module that exports createApplication.`,
    );
  }
  const href = moduleUrl(module);
  try {
    return { module: href, options: structuredClone(options) };
  } catch {
    throw new InvalidOptionError(
      "The application's options cannot be sent to another thread. Give plain data, without functions.",
    );
  }
}

/** Another thread imports it, from a file of this package: what is relative would be looked for beside that. */
function moduleUrl(module: string | URL): string {
  if (typeof module === 'string' && /^\.\.?[/\\]/.test(module)) {
    throw new InvalidOptionError(
      `The application's module is the relative path ${module}, and it is not known to what. Give new URL('${module}', import.meta.url).`,
    );
  }
  return typeof module === 'string' && isAbsolute(module) ? pathToFileURL(module).href : String(module);
}

function resolveStorage(storage: ClusterStorage): ClusterStorage {
  refuseUnknown('storage setting', storage, { kind: true, directory: true, segmentBytes: true });
  if (storage.kind === 'memory') return { kind: 'memory' };
  if (storage.kind !== 'disk') {
    throw new InvalidOptionError(
      `The storage's kind is ${shown((storage as { kind: unknown }).kind)}. Give 'memory' or 'disk'.`,
    );
  }
  const { directory, segmentBytes = segmentBytesDefault } = storage;
  if (typeof directory !== 'string' || directory === '') {
    throw new InvalidOptionError(`The storage's directory is ${shown(directory)}. Give a path.`);
  }
  checkSegmentBytes(segmentBytes);
  return { kind: 'disk', directory: resolve(directory), segmentBytes };
}

function resolveCipher(cipher: CipherOptions): CipherOptions {
  refuseUnknown('cipher setting', cipher, { kind: true, key: true, oldKeys: true });
  if (!['none', 'pseudo', 'aes-256-gcm'].includes(cipher.kind)) {
    throw new InvalidOptionError(
      `The cipher's kind is ${shown(cipher.kind)}. Give 'none', 'pseudo' or 'aes-256-gcm'.`,
    );
  }
  createCipher(cipher, new Random(0));
  // Nodes that restart need it again, and whoever gave it may have wiped it by then.
  if (cipher.kind !== 'aes-256-gcm') return cipher;
  const oldKeys = (cipher.oldKeys ?? []).map((key) => new Uint8Array(key));
  return { ...cipher, key: new Uint8Array(cipher.key), oldKeys };
}

function resolveTimings(given: Partial<Timings>): Timings {
  refuseUnknown('timing', given, defaultTimings);
  const timings = completed(defaultTimings, given);
  validateTimings(timings);
  return timings;
}

function resolveLimits(given: Partial<Limits>): Limits {
  refuseUnknown('limit', given, defaultLimits);
  const limits = completed(defaultLimits, given);
  validateLimits(limits);
  return limits;
}
