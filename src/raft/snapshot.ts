import type { ConfigurationData } from './configuration.js';
import type { LogIndex, NodeId, Term } from './entry.js';
import { invariant } from './invariant.js';
import type { InstallSnapshot } from './messages.js';

/*
 * A snapshot stands for all entries up to one that is committed (§7, thesis chapter 5). Whoever lacks entries that its
 * leader has given up is sent the leader's snapshot in their place, chunk by chunk:
 *
 *     leader     chunk 0 ─ chunk 1 ─ chunk 2 ────────►          as many under way as the window allows
 *     follower   ◄──── wants 1 ─ wants 2 ─ wants 3              each answer says where its copy ends
 *                   … the last chunk: synced, the log begins after it
 *                ◄──── has it                                    the entries after it follow
 *
 * A chunk that is lost makes a gap: what comes after it is not taken, and the answer, which names the same place again,
 * has the leader go back there. A follower that has begun anew wants the first byte.
 */

/** The entry that a snapshot ends with, and the configuration in force there. */
export interface SnapshotMark {
  readonly index: LogIndex;
  readonly term: Term;
  readonly configuration: ConfigurationData;
  /** Of the entry that the configuration stands in; 0 for the one that the cluster was made with. */
  readonly configurationIndex: LogIndex;
}

/** The most bytes in one chunk. */
export const chunkBytesMax = 1024 * 1024;

/** A snapshot on its way to one follower. Always position <= the ends of what is under way, ascending. */
export interface SnapshotTransfer {
  readonly mark: SnapshotMark;
  /** The length of all its chunks together. */
  readonly bytes: number;
  /** How much of it the follower has. */
  position: number;
  /** Where the next chunk to send begins; null when all are sent. */
  nextPosition: number | null;
  /** Where the furthest chunk that was ever sent ends. */
  sentTo: number;
  /** Where each chunk that is under way ends, oldest first. Bounded by its user. */
  inFlight: number[];
  /** Where it last went back to, so that one gap is mended once; null since the follower moved on. */
  rewoundTo: number | null;
  /** What the follower had at the last heartbeat. */
  seenPosition: number | null;
  /** Nothing was heard for a heartbeat: one chunk a heartbeat asks whether the follower is there. */
  isSilent: boolean;
}

export function newTransfer(mark: SnapshotMark, bytes: number): SnapshotTransfer {
  return {
    mark,
    bytes,
    position: 0,
    nextPosition: 0,
    sentTo: 0,
    inFlight: [],
    rewoundTo: null,
    seenPosition: null,
    isSilent: false,
  };
}

/** The next chunk, read from where the transfer stands. */
export function nextInstallSnapshot(
  { id: from, currentTerm: term }: { readonly id: NodeId; readonly currentTerm: Term },
  transfer: SnapshotTransfer,
  { chunk, next }: { readonly chunk: Uint8Array; readonly next: number | null },
  incarnation = 0,
): InstallSnapshot {
  const { mark, nextPosition: position } = transfer;
  invariant(position !== null, () => 'All chunks of the snapshot are sent.');
  transfer.nextPosition = next;
  transfer.inFlight.push(position + chunk.length);
  transfer.sentTo = Math.max(transfer.sentTo, position + chunk.length);
  return {
    type: 'installSnapshot',
    term,
    from,
    lastIncludedIndex: mark.index,
    lastIncludedTerm: mark.term,
    configuration: mark.configuration,
    configurationIndex: mark.configurationIndex,
    position,
    chunk,
    done: next === null,
    incarnation,
  };
}

/** May another chunk be sent, with so many under way at most? */
export function mayContinue({ nextPosition, inFlight, isSilent }: SnapshotTransfer, window: number): boolean {
  return nextPosition !== null && inFlight.length < (isSilent ? 1 : window);
}

/** The follower has the chunks before `position`, and wants what comes there. Answers of an earlier state change nothing. */
export function continueTransfer(transfer: SnapshotTransfer, position: number): void {
  if (position > transfer.position) {
    // Nobody has more than was sent; and who has all says so otherwise.
    if (position > transfer.sentTo || position >= transfer.bytes) return;
    transfer.position = position;
    // What arrived before its answers were lost need not be sent again.
    if (transfer.nextPosition !== null) transfer.nextPosition = Math.max(transfer.nextPosition, position);
    transfer.inFlight = transfer.inFlight.filter((end) => end > position);
    transfer.rewoundTo = null;
    transfer.isSilent = false;
  } else if (position === transfer.position || position === 0) {
    if (transfer.rewoundTo === position) return;
    rewindTransfer(transfer, position);
  }
}

/** Called with each heartbeat: where nothing has moved since the last one, what is under way is taken for lost. */
export function repeatTransfer(transfer: SnapshotTransfer): void {
  if (transfer.seenPosition === transfer.position) {
    transfer.isSilent = true;
    rewindTransfer(transfer, transfer.position);
  }
  transfer.seenPosition = transfer.position;
}

function rewindTransfer(transfer: SnapshotTransfer, position: number): void {
  transfer.position = position;
  transfer.nextPosition = position;
  transfer.inFlight = [];
  transfer.rewoundTo = position;
}
