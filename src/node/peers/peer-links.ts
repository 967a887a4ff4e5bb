import { type Actor, type AnyActor, createActor } from 'xstate';
import { withEventTable } from '../../../machines/event-table.js';
import { type Owed, type PeerEvent, peerMachine } from '../../../machines/peer.js';
import type { Configuration } from '../../raft/configuration.js';
import type { LogIndex, NodeId } from '../../raft/entry.js';
import type {
  AppendEntries,
  AppendEntriesResponse,
  InstallSnapshot,
  InstallSnapshotResponse,
} from '../../raft/messages.js';
import {
  backtrack,
  isOutdatedRefusal,
  type Progress,
  recordInstalled,
  recordMatch,
} from '../../raft/progress.js';
import type { Replica } from '../../raft/replica.js';
import { nextAppendEntries } from '../../raft/replication.js';
import {
  continueTransfer,
  mayContinue,
  newTransfer,
  nextInstallSnapshot,
  repeatTransfer,
  type SnapshotTransfer,
} from '../../raft/snapshot.js';
import type { LogStore } from '../../storage/disk.js';
import { SnapshotDamagedError } from '../../storage/errors.js';
import type { SnapshotPortion } from '../../storage/storage.js';
import type { LogReader } from '../disk/log-reader.js';
import type { Limits } from '../options.js';

/** Chunks of a snapshot under way to one follower: with the usual 256 KiB, 1 MiB that waits in a network’s queue at most. */
const chunksInFlightMax = 4;

interface Link {
  readonly progress: Progress;
  readonly actor: Actor<typeof peerMachine>;
  readonly owed: Owed;
}

/** A leader's links to its followers: one chart each, and what the charts have it send at the end of the turn. */
export class PeerLinks {
  readonly #replica: Replica;
  readonly #limits: Limits;
  readonly #reader: LogReader;
  readonly #store: LogStore;
  readonly #links = new Map<NodeId, Link>();
  #open = false;
  /** The configuration whose members have the links. */
  #followed: Configuration | null = null;
  #watched: ((actor: AnyActor, peer: NodeId) => void) | null = null;

  constructor(replica: Replica, limits: Limits, reader: LogReader, store: LogStore) {
    this.#reader = reader;
    this.#store = store;
    this.#replica = replica;
    this.#limits = limits;
  }

  /** Is this server in office? */
  get isOpen(): boolean {
    return this.#open;
  }

  /**
   * Opens a link to every follower; each begins with a probe, and before that has nothing to hear. (Their charts start
   * when the turn flushes: within an action of the node's own, where this is called, none may be made.)
   */
  open(): void {
    this.#open = true;
  }

  /** Members may have come or gone: a leader has a link to whoever it tracks now, and to nobody else. */
  #followMembers(): void {
    const { progress, configuration } = this.#replica;
    this.#followed = configuration;
    for (const [id, link] of this.#links) {
      if (progress.get(id) === link.progress) continue;
      link.actor.stop();
      this.#links.delete(id);
    }
    for (const [id, tracked] of progress) {
      if (this.#links.has(id)) continue;
      const link = this.#newLink(tracked);
      this.#links.set(id, link);
      this.#watched?.(link.actor, id);
      link.actor.start();
    }
  }

  close(): void {
    this.#open = false;
    for (const { actor } of this.#links.values()) actor.stop();
    this.#links.clear();
    this.#followed = null;
  }

  /** Every follower is to get the new entries. */
  replicate(): void {
    for (const { actor } of this.#links.values()) actor.send({ type: 'leader.replicate' });
  }

  /** Every follower that has not heard how far the log is committed is to hear it now. */
  tellCommit(): void {
    for (const { actor } of this.#links.values()) actor.send({ type: 'leader.committed' });
  }

  /** The beginning of the log is gone: who needs it is sent a snapshot. */
  noteCompaction(): void {
    for (const { actor } of this.#links.values()) actor.send({ type: 'leader.compacted' });
  }

  heartbeat(): void {
    for (const { actor } of this.#links.values()) actor.send({ type: 'leader.heartbeat' });
  }

  receive(response: AppendEntriesResponse, nowMs: number): void {
    const link = this.#linkTo(response);
    if (link === undefined) return;
    link.progress.answeredAtMs = nowMs;
    link.progress.acknowledgedRound = Math.max(link.progress.acknowledgedRound, response.round);
    link.actor.send({ type: response.success ? 'follower.accepted' : 'follower.refused', response });
  }

  receiveSnapshotResponse(response: InstallSnapshotResponse, nowMs: number): void {
    const link = this.#linkTo(response);
    if (link === undefined) return;
    link.progress.answeredAtMs = nowMs;
    link.actor.send({ type: response.success ? 'follower.installed' : 'follower.wants', response });
  }

  /** What another server of that id has stored, or this one before it was removed, says nothing of what it has now. */
  #linkTo({ from, incarnation }: AppendEntriesResponse | InstallSnapshotResponse): Link | undefined {
    const link = this.#links.get(from);
    return link?.progress.incarnation === incarnation ? link : undefined;
  }

  /** Shows `watched` the chart of every link, those that are open and those to come, until given null. */
  watch(watched: ((actor: AnyActor, peer: NodeId) => void) | null): void {
    this.#watched = watched;
    if (watched !== null) for (const [id, { actor }] of this.#links) watched(actor, id);
  }

  /** The states of the links' charts, for people. */
  states(): Map<NodeId, string> {
    return new Map([...this.#links].map(([id, { actor }]) => [id, String(actor.getSnapshot().value)]));
  }

  /** Sends what is owed and forgets that it was. */
  flush(
    alive: AppendEntries['alive'],
    send: (to: NodeId, message: AppendEntries | InstallSnapshot) => void,
  ): void {
    if (this.#open && this.#followed !== this.#replica.configuration) this.#followMembers();
    for (const [id, link] of this.#links) {
      const { owed, progress } = link;
      let sent = 0;
      for (const message of this.#withEntries(owed, progress, alive)) {
        send(id, message);
        sent++;
      }
      const newsOfCommit = owed.commit && progress.sentCommit < this.#replica.commitIndex;
      if (sent === 0 && (owed.heartbeat || newsOfCommit)) {
        send(id, nextAppendEntries(this.#replica, progress, this.#reader, 0, alive));
      }
      if (owed.snapshot) for (const chunk of this.#chunks(link)) send(id, chunk);
      owed.probe = owed.entries = owed.commit = owed.heartbeat = owed.snapshot = false;
    }
  }

  /** A probe is one message, with or without entries; a supplied follower gets all that its window allows. */
  *#withEntries(owed: Owed, progress: Progress, alive: AppendEntries['alive']): Iterable<AppendEntries> {
    const { appendBytesMax, appendsInFlightMax } = this.#limits;
    const { log } = this.#replica;
    if (progress.transfer !== null) return;
    if (owed.probe) yield nextAppendEntries(this.#replica, progress, this.#reader, appendBytesMax, alive);
    else if (owed.entries) {
      while (progress.nextIndex <= log.lastIndex && progress.inFlight.length < appendsInFlightMax) {
        yield nextAppendEntries(this.#replica, progress, this.#reader, appendBytesMax, alive);
      }
    }
  }

  /** The chunks of a snapshot that the window has room for. */
  *#chunks({ progress, actor }: Link): Iterable<InstallSnapshot> {
    const transfer = progress.transfer ?? this.#beginTransfer(progress);
    if (transfer === null) return;
    while (mayContinue(transfer, chunksInFlightMax)) {
      let portion: SnapshotPortion;
      try {
        portion = this.#store.readSnapshot(transfer.mark, transfer.nextPosition as number);
      } catch (error) {
        if (!(error instanceof SnapshotDamagedError)) throw error;
        actor.send({ type: 'leader.snapshotLost' });
        return;
      }
      yield nextInstallSnapshot(this.#replica, transfer, portion, progress.incarnation);
    }
  }

  /** Null while there is no snapshot to send: the heartbeats ask again. */
  #beginTransfer(progress: Progress): SnapshotTransfer | null {
    const newest = this.#store.snapshots[0];
    progress.transfer = newest === undefined ? null : newTransfer(newest.mark, newest.bytes);
    return progress.transfer;
  }

  #newLink(progress: Progress): Link {
    const owed: Owed = { probe: false, entries: false, commit: false, heartbeat: false, snapshot: false };
    const knows = (index: LogIndex) => this.#reader.knows(index);
    const input = { progress, log: this.#replica.log, knows, owed };
    return { progress, actor: createActor(boundPeerMachine, { input }), owed };
  }
}

/** Bound once for all links: which link an action works on it learns from the context. */
const boundPeerMachine = withEventTable(
  peerMachine.provide({
    guards: {
      isOutdatedRefusal: ({ context, event }) => isOutdatedRefusal(context.progress, responseIn(event)),
      isBehindLog: ({ context: { progress, knows } }) => !knows(progress.nextIndex - 1),
      hasSnapshotsEnd: ({ context: { progress }, event }) =>
        progress.transfer !== null && responseIn(event).index >= progress.transfer.mark.index,
    },
    actions: {
      recordMatch: ({ context, event }) => recordMatch(context.progress, responseIn(event)),
      backtrack: ({ context, event }) => backtrack(context.progress, responseIn(event), context.log),
      sendProbe: ({ context }) => {
        context.owed.probe = true;
      },
      sendEntries: ({ context }) => {
        context.owed.entries = true;
      },
      sendCommit: ({ context }) => {
        context.owed.commit = true;
      },
      sendHeartbeat: ({ context }) => {
        context.owed.heartbeat = true;
      },
      beginSnapshot: ({ context: { progress, owed } }) => {
        owed.probe = owed.entries = false;
        progress.inFlight = [];
        progress.transfer = null;
      },
      continueSnapshot: ({ context: { progress }, event }) => {
        const { index, position } = snapshotResponseIn(event);
        if (index === progress.transfer?.mark.index) continueTransfer(progress.transfer, position);
      },
      repeatSnapshot: ({ context: { progress } }) => {
        if (progress.transfer !== null) repeatTransfer(progress.transfer);
      },
      sendSnapshot: ({ context }) => {
        context.owed.snapshot = true;
      },
      recordInstalled: ({ context, event }) =>
        recordInstalled(context.progress, snapshotResponseIn(event).index),
      endSnapshot: ({ context: { progress, owed } }) => {
        // Also what is owed since this turn began: nothing may be begun that nobody sees to.
        owed.snapshot = false;
        progress.transfer = null;
      },
      ignore: () => {},
    },
  }),
);

function responseIn(event: PeerEvent): AppendEntriesResponse {
  if (event.type === 'follower.accepted' || event.type === 'follower.refused') return event.response;
  throw new Error(`"${event.type}" carries no answer.`);
}

function snapshotResponseIn(event: PeerEvent): InstallSnapshotResponse {
  if (event.type === 'follower.installed' || event.type === 'follower.wants') return event.response;
  throw new Error(`"${event.type}" carries no answer to a snapshot.`);
}
