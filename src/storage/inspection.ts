import { Random } from '../ground/random.js';
import type { ConfigurationData } from '../raft/configuration.js';
import type { HardState, LogEntry, LogIndex, Term } from '../raft/entry.js';
import type { LogBase } from '../raft/log.js';
import { cutRun, entriesOf, lastIndexOf, type Run } from '../raft/run.js';
import type { RunSequence } from '../raft/run-sequence.js';
import type { SnapshotMark } from '../raft/snapshot.js';
import type { CipherOptions } from '../wire/cipher.js';
import { readConfiguration } from '../wire/configuration.js';
import { createCiphers } from '../wire/create-cipher.js';
import { logSealOf } from '../wire/log-seal.js';
import type { SealedRun } from '../wire/packed-runs.js';
import { RunSeals } from '../wire/run-seals.js';
import { holderOf } from './directory-lock.js';
import { WalDamagedError } from './errors.js';
import { type FileSystem, readBuffer } from './file-system.js';
import { decodeSegmentHeader, type Identity, segmentHeaderBytes } from './header.js';
import { reconcile } from './recovery.js';
import { replayToDamage } from './replay.js';
import { findLog, segmentName, segmentNumber } from './segment.js';
import { SnapshotStore, snapshotName } from './snapshots/snapshot-store.js';

/** A segment as it lies there. */
export interface InspectedSegment {
  readonly name: string;
  readonly formatVersion: number;
  readonly bytes: number;
  /** The first entry that may stand in it. */
  readonly firstIndex: LogIndex;
}

export interface InspectedSnapshot {
  readonly name: string;
  /** Null where it cannot be read. */
  readonly mark: SnapshotMark | null;
  readonly bytes: number;
  readonly chunks: number;
  /** What is wrong with it, in words; null when it is whole. */
  readonly flaw: string | null;
}

/** What a node's directory holds. */
export interface Inspection {
  readonly directory: string;
  readonly identity: Identity;
  /** The process that has it now: what that is just writing may look torn. */
  readonly holder: { readonly pid: number; readonly owner: string } | null;
  /** What the log says that it is sealed with. */
  readonly cipher: CipherOptions['kind'] | null;
  readonly hardState: HardState;
  /** The members that the cluster was made with, where the log says. */
  readonly birth: ConfigurationData | null;
  /** The latest in the log or in the newest snapshot, and the entry that brought it; null where none did, or it is sealed. */
  readonly configuration: { readonly index: LogIndex; readonly data: ConfigurationData } | null;
  readonly base: LogBase;
  readonly lastIndex: LogIndex;
  /** Of the last entry. */
  readonly lastTerm: Term;
  /** Bytes of a record that was under way; the next start cuts them off. */
  readonly tornBytes: number;
  readonly segments: readonly InspectedSegment[];
  /** Newest first. */
  readonly snapshots: readonly InspectedSnapshot[];
  /** The first damage; what comes after it is not shown. */
  readonly damage: { readonly file: string; readonly offset: number; readonly reason: string } | null;
  /** Entries, opened. Null where the cipher and key that were given do not open them. */
  entries(from: LogIndex, to: LogIndex): LogEntry[] | null;
}

/**
 * Looks at a node's directory, and changes nothing: no lock is taken.
 * @param key for a log that is sealed with one; without it what is sealed stays closed, and tags are not checked.
 * @returns null when there is no log.
 * @throws WrongKeyError, UnknownFormatError
 */
export function inspectDirectory(
  fileSystem: FileSystem,
  directory: string,
  key: Uint8Array | null,
): Inspection | null {
  const identity = findLog(fileSystem, directory)?.identity;
  if (identity === undefined || identity === null) return null;
  const cipher = cipherIn(fileSystem, directory, identity);
  const options = cipherOptions(cipher, key);
  const ciphers = options === null ? null : createCiphers(options, new Random(1));
  const seal = options === null || ciphers === null ? null : logSealOf(options, ciphers.entries);
  const { found, damage } = replayToDamage(fileSystem, directory, identity, seal);
  const store = new SnapshotStore(fileSystem, directory, identity);
  const { whole, damaged } = store.find(seal);
  const snapshots: InspectedSnapshot[] = whole.map((file) => ({
    name: snapshotName(file.mark),
    mark: file.mark,
    bytes: file.bytes,
    chunks: file.chunks,
    flaw: store.flawIn(file),
  }));
  for (const [name, { reason }] of damaged) {
    snapshots.push({ name, mark: null, bytes: 0, chunks: 0, flaw: reason });
  }
  const seals = ciphers === null ? null : new RunSeals(ciphers.entries);
  const opened = (run: SealedRun): Run | null => seals?.openStored(run) ?? null;
  const newest = snapshots.find(({ mark, flaw }) => mark !== null && flaw === null)?.mark ?? null;
  const firstDamage =
    damage ?? gapIn(() => reconcile(found.map, { whole, damaged, unfinished: [] }, store, directory));
  return {
    directory,
    identity,
    holder: holderOf(directory),
    cipher,
    hardState: found.hardState,
    birth: found.birth,
    configuration: latestConfiguration(found.runs, opened, newest),
    base: found.map.base,
    lastIndex: found.map.lastIndex,
    lastTerm: found.map.termAt(found.map.lastIndex) ?? 0,
    tornBytes: found.tail === null ? 0 : found.tail.tornEnd - found.tail.position,
    segments: found.segments.map(({ path, number, formatVersion, baseIndex }) => ({
      name: segmentName(number),
      formatVersion,
      bytes: sizeOf(fileSystem, path),
      firstIndex: baseIndex + 1,
    })),
    snapshots,
    damage:
      firstDamage === null
        ? null
        : { file: firstDamage.file, offset: firstDamage.offset, reason: firstDamage.reason },
    entries: (from, to) => openedEntries(found.runs, opened, from, to),
  };
}

/**
 * What a log that says so is read with: without a key, what needs none; one of the first format does not say what it is
 * sealed with. Null where a key is needed and none was given.
 */
export function cipherOptions(
  kind: CipherOptions['kind'] | null,
  key: Uint8Array | null,
): CipherOptions | null {
  if (kind === 'aes-256-gcm') return key === null ? null : { kind, key };
  if (kind !== null) return { kind };
  return key === null ? { kind: 'pseudo' } : { kind: 'aes-256-gcm', key };
}

/** What the last segment says that it is sealed with. */
function cipherIn(
  fileSystem: FileSystem,
  directory: string,
  identity: Identity,
): CipherOptions['kind'] | null {
  const last = fileSystem.list(directory).findLast((name) => segmentNumber(name) !== null);
  if (last === undefined) return null;
  const path = `${directory}/${last}`;
  const file = fileSystem.open(path, 'existing');
  try {
    return decodeSegmentHeader(path, readBuffer(file, 0, segmentHeaderBytes), identity).seal?.kind ?? null;
  } catch (error) {
    // It comes up again, with its place, when the log is read.
    if (error instanceof WalDamagedError) return null;
    throw error;
  } finally {
    file.close();
  }
}

function latestConfiguration(
  runs: RunSequence<SealedRun>,
  opened: (run: SealedRun) => Run | null,
  newest: SnapshotMark | null,
): Inspection['configuration'] {
  const last = [...runs].findLast(({ kind }) => kind === 'configuration');
  const run = last === undefined ? null : opened(last);
  const configuration = run === null ? null : readConfiguration(run);
  if (configuration !== null && run !== null) return { index: run.firstIndex, data: configuration.data };
  if (last !== undefined || newest === null) return null;
  return { index: newest.configurationIndex, data: newest.configuration };
}

function openedEntries(
  runs: RunSequence<SealedRun>,
  opened: (run: SealedRun) => Run | null,
  from: LogIndex,
  to: LogIndex,
): LogEntry[] | null {
  const entries: LogEntry[] = [];
  for (const sealed of runs.runsFrom(Math.max(from, runs.baseIndex + 1))) {
    if (sealed.firstIndex > to) break;
    const run = opened(sealed);
    if (run === null) return null;
    const first = Math.max(from, run.firstIndex);
    entries.push(...entriesOf(cutRun(run, first, Math.min(to, lastIndexOf(sealed)))));
  }
  return entries;
}

/** Why log and snapshots do not fit each other; null when they do. */
function gapIn(judge: () => void): WalDamagedError | null {
  try {
    judge();
    return null;
  } catch (error) {
    if (error instanceof WalDamagedError) return error;
    throw error;
  }
}

function sizeOf(fileSystem: FileSystem, path: string): number {
  const file = fileSystem.open(path, 'existing');
  try {
    return file.size();
  } finally {
    file.close();
  }
}
