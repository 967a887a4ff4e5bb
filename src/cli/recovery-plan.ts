import { UsageError } from '../console/usage-error.js';
import { ConclaveError } from '../ground/errors.js';
import { excerpt } from '../ground/printable.js';
import { Configuration, type ConfigurationData } from '../raft/configuration.js';
import type { LogIndex, NodeId, Term } from '../raft/entry.js';
import { DirectoryLockedError, WalDamagedError } from '../storage/errors.js';
import { cipherOptions, type Inspection, inspectDirectory } from '../storage/inspection.js';
import { NodeFileSystem } from '../storage/node-file-system.js';
import type { CipherOptions } from '../wire/cipher.js';

/** Where a log ends. */
interface End {
  readonly term: Term;
  readonly index: LogIndex;
}

/** A node's directory, as far as it can be read. */
export interface Remains {
  readonly directory: string;
  /** Null where nothing can be read. */
  readonly found: Inspection | null;
  /** Why no cluster can be made of it; null where one can. */
  readonly flaw: ConclaveError | string | null;
  readonly end: End;
}

/** The one that a new cluster is to be made of, and what that costs. */
export interface RecoveryPlan {
  readonly from: Remains & { readonly found: Inspection };
  readonly cipher: CipherOptions;
  /** By the latest configuration that it knows. */
  readonly members: Configuration | null;
  /** Of these voters there is a readable log; nothing that was committed is lost when they are a majority, and the best. */
  readonly readable: readonly NodeId[];
  readonly isMajority: boolean;
  /** Others of the same cluster whose log ends later, where the choice was not left to the program. */
  readonly better: readonly Remains[];
}

/** What is there of each node. Changes nothing. */
export function remainsIn(places: readonly string[], key: Uint8Array | null): Remains[] {
  return places.map((directory) => {
    const nothing = { directory, found: null, end: { term: 0, index: 0 } };
    try {
      const found = inspectDirectory(new NodeFileSystem('read'), directory, key);
      if (found === null) return { ...nothing, flaw: 'there is no log that can be read' };
      return { directory, found, flaw: flawOf(found, key), end: endOf(found) };
    } catch (error) {
      if (error instanceof ConclaveError) return { ...nothing, flaw: error };
      if (error instanceof Error && 'code' in error) return { ...nothing, flaw: error.message };
      throw error;
    }
  });
}

function flawOf(found: Inspection, key: Uint8Array | null): ConclaveError | string | null {
  const { directory, holder, damage } = found;
  if (holder !== null) return new DirectoryLockedError(directory, holder.pid, holder.owner);
  if (damage !== null) return new WalDamagedError(damage.file, damage.offset, damage.reason);
  if (cipherOptions(found.cipher, key) === null) return 'it is sealed: give its key with --key-file';
  return null;
}

/** A snapshot that was installed may be ahead of the log, or stand for other entries than it has. */
function endOf({ lastTerm, lastIndex, snapshots }: Inspection): End {
  const log = { term: lastTerm, index: lastIndex };
  const mark = snapshots.find(({ flaw }) => flaw === null)?.mark ?? null;
  return mark !== null && isLater(mark, log) ? { term: mark.term, index: mark.index } : log;
}

/** Is the log more up to date (§5.4.1)? */
function isLater(one: End, other: End): boolean {
  return one.term === other.term ? one.index > other.index : one.term > other.term;
}

/**
 * Chooses the survivor with the most up-to-date log of those that can be read, or that of the node that was named.
 * @throws {UsageError} none will do, or one runs
 */
export function planOf(
  remains: readonly Remains[],
  key: Uint8Array | null,
  wanted: NodeId | null,
): RecoveryPlan {
  const running = remains.find(({ flaw }) => flaw instanceof DirectoryLockedError);
  // Those who run may be a quorum after all, and would go on beside the new cluster.
  if (running !== undefined) throw new UsageError(saysOf(running.flaw));
  const from = chosen(remains, wanted);
  const { clusterId } = from.found.identity;
  const others = remains.filter(
    (each) => each !== from && each.flaw === null && each.found?.identity.clusterId === clusterId,
  );
  const data = from.found.configuration?.data ?? from.found.birth;
  const members = data === null ? null : new Configuration(data);
  const ids = [from, ...others].map(({ found }) => found?.identity.nodeId ?? -1);
  const readable = members?.voters.filter((id) => ids.includes(id)) ?? [];
  return {
    from,
    // Without a cipher it would have a flaw.
    cipher: cipherOptions(from.found.cipher, key) ?? { kind: 'none' },
    members,
    readable,
    isMajority: members !== null && data !== null && isMajorityOf(data, readable),
    better: others.filter(({ end }) => isLater(end, from.end)),
  };
}

/** While joint, of the old voters and of the new ones. */
function isMajorityOf({ voters, outgoing }: ConfigurationData, ids: readonly NodeId[]): boolean {
  return [voters, ...(outgoing === null ? [] : [outgoing])].every(
    (half) => 2 * half.filter(({ id }) => ids.includes(id)).length > half.length,
  );
}

function chosen(remains: readonly Remains[], wanted: NodeId | null): RecoveryPlan['from'] {
  const considered =
    wanted === null ? remains : remains.filter(({ found }) => found?.identity.nodeId === wanted);
  if (wanted !== null && considered.length === 0) {
    throw new UsageError(`--from ${wanted}: there is no log of node ${wanted} that can be read.`);
  }
  const fit = considered.filter(isFit);
  const [first] = fit;
  if (first === undefined) {
    const flaws = considered.map(({ directory, flaw }) => `${directory}: ${saysOf(flaw)}`).join('\n');
    throw new UsageError(`No new cluster can be made of what is there.\n${flaws}`);
  }
  const stranger = fit.find(({ found }) => found.identity.clusterId !== first.found.identity.clusterId);
  if (stranger !== undefined) {
    throw new UsageError(
      `${first.directory} and ${stranger.directory} hold logs of different clusters, "${excerpt(first.found.identity.clusterId)}" and "${excerpt(stranger.found.identity.clusterId)}", whose ends say nothing of each other. Name the node with --from.`,
    );
  }
  return fit.reduce((best, each) => (isLater(each.end, best.end) ? each : best));
}

function isFit(remains: Remains): remains is RecoveryPlan['from'] {
  return remains.found !== null && remains.flaw === null;
}

function saysOf(flaw: Remains['flaw']): string {
  return flaw instanceof ConclaveError ? flaw.message : `${flaw}`;
}

/** What is there, what is taken, and what may be lost: for people. */
export function describePlan(remains: readonly Remains[], plan: RecoveryPlan): string[] {
  const { from, members, readable, isMajority, better } = plan;
  const id = from.found.identity.nodeId;
  const { term, index } = from.end;
  const known = remains.map(({ found }) => found?.identity.nodeId);
  const missing = members?.members.map((member) => member.id).filter((each) => !known.includes(each)) ?? [];
  const role =
    members === null || members.isVoter(id)
      ? ''
      : ' It was no voter: it may lack what the voters committed last.';
  return [
    ...remains.map(remainsLine),
    ...(missing.length === 0 ? [] : [`no directory of node ${missing.join(', ')}`]),
    '',
    `Taken: node ${id}’s log, up to entry ${index} of term ${term}, in cluster "${excerpt(from.found.identity.clusterId)}".${role}`,
    ...(members === null ? [] : [`Its members, as it knows them: voters ${members.voters.join(', ')}.`]),
    ...better.map(
      ({ found, end }) =>
        `LOST: what node ${found?.identity.nodeId} has and node ${id} has not, which ends with entry ${end.index} of term ${end.term}. Without --from the most up-to-date log is taken.`,
    ),
    ...(isMajority
      ? [
          `Of the voters a majority can be read (${readable.join(', ')}): the quorum is not lost. ${better.length === 0 ? 'Nothing that was committed is lost, but the' : 'The'} cluster may go on by itself; mend it with "replace" or "remove" and "add" rather than by this.`,
        ]
      : [
          `MAY BE LOST: committed entries that only those had who are gone: any after entry ${index}, acknowledged commands among them. How many is not known here.`,
        ]),
    `Nobody wrote down which entries up to ${index} were committed: all of them take effect, those too whose callers never learned what became of them.`,
  ];
}

function remainsLine({ directory, found, flaw, end }: Remains): string {
  if (found === null) return `${directory}: ${saysOf(flaw)}`;
  const what = `node ${found.identity.nodeId} in ${directory}: term ${found.hardState.term}, last entry ${end.index} of term ${end.term}`;
  return flaw === null ? what : `${what}; cannot be taken: ${saysOf(flaw)}`;
}
