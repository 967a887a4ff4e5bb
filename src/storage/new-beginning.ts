import { Random } from '../ground/random.js';
import type { ConfigurationData } from '../raft/configuration.js';
import type { HardState } from '../raft/entry.js';
import { cutRun, lastIndexOf, type Run } from '../raft/run.js';
import type { SnapshotMark } from '../raft/snapshot.js';
import type { CipherOptions } from '../wire/cipher.js';
import { configurationBody } from '../wire/configuration.js';
import { createCipher } from '../wire/create-cipher.js';
import { type LogSeal, logSealOf } from '../wire/log-seal.js';
import type { SealedRun } from '../wire/packed-runs.js';
import { RunSeals } from '../wire/run-seals.js';
import { UnreadableLogError, WalDamagedError } from './errors.js';
import type { FileSystem } from './file-system.js';
import type { Identity } from './header.js';
import { reconcile } from './recovery.js';
import { replay } from './replay.js';
import { SnapshotStore } from './snapshots/snapshot-store.js';
import type { Storage, WriteBatch } from './storage.js';

/*
 * A quorum that is lost for good takes with it the only ones who may change the members (§6). Who goes on all the same
 * makes another cluster, out of what one survivor has:
 *
 *     survivor      snapshot ─ entries, whether committed or not          only read
 *     new cluster   the same ─ term of its own, no vote                   other members, from the first entry on
 *
 * The configurations that the survivor's snapshot and log name are not taken along, nor is a new one appended after
 * them: a member that is added later gets the log from its beginning, and while it stood at an old entry those who vote
 * by that could elect a leader of their own. So each of them names the new members instead, at its index and in its term.
 */

/** Sealed bytes in a batch, about, so that no record is longer than it need be. */
const batchBytes = 1024 * 1024;

/** What a survivor's directory leaves to a new cluster. It is only read. */
export interface Inheritance {
  readonly seal: LogSeal;
  /** The newest that is whole, and has the rest of the log after it. */
  readonly snapshot: SnapshotMark | null;
  chunks(): Iterable<Uint8Array>;
  /** Runs after the snapshot, opened. @throws UnreadableLogError */
  runs(): Iterable<Run>;
  sealed(run: Run): SealedRun;
}

/**
 * @throws WalDamagedError, UnknownFormatError, WrongKeyError, UnreadableLogError as the start of a node on it would
 */
export function inheritanceOf(
  fileSystem: FileSystem,
  directory: string,
  identity: Identity,
  cipher: CipherOptions,
): Inheritance {
  const entries = createCipher(cipher, new Random(1));
  const seal = logSealOf(cipher, entries);
  const found = replay(fileSystem, directory, identity, seal);
  const store = new SnapshotStore(fileSystem, directory, identity);
  const { serving, restarts } = reconcile(found.map, store.find(seal), store, directory);
  const snapshot = serving.find((each) => store.flawIn(each) === null)?.mark ?? null;
  if (snapshot === null && found.map.base.index > 0) {
    const reason = `its log begins after entry ${found.map.base.index}, and no snapshot that reaches that far is whole`;
    throw new WalDamagedError(directory, 0, reason);
  }
  store.keep(serving);
  const seals = new RunSeals(entries);
  const last = snapshot?.index ?? 0;
  return {
    seal,
    snapshot,
    *chunks() {
      let position: number | null = snapshot === null ? null : 0;
      while (snapshot !== null && position !== null) {
        const portion = store.read(snapshot, position);
        yield portion.chunk;
        position = portion.next;
      }
    },
    *runs() {
      if (restarts) return;
      for (const sealed of found.runs) {
        const { firstIndex, term } = sealed;
        if (lastIndexOf(sealed) <= last) continue;
        const run = seals.openStored(sealed);
        if (run === null) throw new UnreadableLogError(identity.nodeId, firstIndex, term);
        yield firstIndex > last ? run : cutRun(run, last + 1, lastIndexOf(run));
      }
    },
    sealed: (run) => seals.sealed(run),
  };
}

/**
 * Writes what is inherited into storage that holds nothing yet; durable when it returns.
 * @param members of the new cluster, from its first entry on
 */
export function beginAnew(
  storage: Storage,
  inheritance: Inheritance,
  hardState: HardState,
  members: ConfigurationData,
): void {
  const { snapshot } = inheritance;
  storage.recover(inheritance.seal, members);
  if (snapshot !== null) {
    const writer = storage.beginSnapshot({ ...snapshot, configuration: members });
    for (const chunk of inheritance.chunks()) writer.write(chunk);
    writer.commit();
    storage.restartAt(snapshot);
  }
  storage.write({ hardState, runs: [] });
  for (const batch of batches(inheritance, members)) storage.write(batch);
  storage.sync();
}

function* batches(inheritance: Inheritance, members: ConfigurationData): Iterable<WriteBatch> {
  let runs: SealedRun[] = [];
  let bytes = 0;
  for (const run of inheritance.runs()) {
    const own = run.kind === 'configuration' ? { ...run, body: configurationBody(members) } : run;
    runs.push(inheritance.sealed(own));
    bytes += own.body.length;
    if (bytes < batchBytes) continue;
    yield { hardState: null, runs };
    runs = [];
    bytes = 0;
  }
  if (runs.length > 0) yield { hardState: null, runs };
}
