import { type Actor, type AnyActor, createActor } from 'xstate';
import { type Owed, type PeerEvent, peerMachine } from '../../../machines/peer.js';
import type { Configuration } from '../../raft/configuration.js';
import type { NodeId } from '../../raft/entry.js';
import type { AppendEntries, AppendEntriesResponse } from '../../raft/messages.js';
import { backtrack, isOutdatedRefusal, type Progress, recordMatch } from '../../raft/progress.js';
import type { Replica } from '../../raft/replica.js';
import { nextAppendEntries } from '../../raft/replication.js';
import type { Limits } from '../options.js';

interface Link {
  readonly progress: Progress;
  readonly actor: Actor<typeof peerMachine>;
  readonly owed: Owed;
}

/** A leader's links to its followers: one chart each, and what the charts have it send at the end of the turn. */
export class PeerLinks {
  readonly #replica: Replica;
  readonly #limits: Limits;
  readonly #links = new Map<NodeId, Link>();
  #open = false;
  /** The configuration whose members have the links. */
  #followed: Configuration | null = null;
  #watched: ((actor: AnyActor, peer: NodeId) => void) | null = null;

  constructor(replica: Replica, limits: Limits) {
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

  heartbeat(): void {
    for (const { actor } of this.#links.values()) actor.send({ type: 'leader.heartbeat' });
  }

  receive(response: AppendEntriesResponse, nowMs: number): void {
    const link = this.#links.get(response.from);
    if (link === undefined) return;
    link.progress.answeredAtMs = nowMs;
    link.progress.acknowledgedRound = Math.max(link.progress.acknowledgedRound, response.round);
    link.actor.send({ type: response.success ? 'follower.accepted' : 'follower.refused', response });
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
  flush(alive: AppendEntries['alive'], send: (to: NodeId, message: AppendEntries) => void): void {
    if (this.#open && this.#followed !== this.#replica.configuration) this.#followMembers();
    for (const [id, { owed, progress }] of this.#links) {
      let sent = 0;
      for (const message of this.#withEntries(owed, progress, alive)) {
        send(id, message);
        sent++;
      }
      const newsOfCommit = owed.commit && progress.sentCommit < this.#replica.commitIndex;
      if (sent === 0 && (owed.heartbeat || newsOfCommit)) {
        send(id, nextAppendEntries(this.#replica, progress, 0, alive));
      }
      owed.probe = owed.entries = owed.commit = owed.heartbeat = false;
    }
  }

  /** A probe is one message, with or without entries; a supplied follower gets all that its window allows. */
  *#withEntries(owed: Owed, progress: Progress, alive: AppendEntries['alive']): Iterable<AppendEntries> {
    const { appendBytesMax, appendsInFlightMax } = this.#limits;
    const { log } = this.#replica;
    if (owed.probe) yield nextAppendEntries(this.#replica, progress, appendBytesMax, alive);
    else if (owed.entries) {
      while (progress.nextIndex <= log.lastIndex && progress.inFlight.length < appendsInFlightMax) {
        yield nextAppendEntries(this.#replica, progress, appendBytesMax, alive);
      }
    }
  }

  #newLink(progress: Progress): Link {
    const owed: Owed = { probe: false, entries: false, commit: false, heartbeat: false };
    const input = { progress, log: this.#replica.log, owed };
    return { progress, actor: createActor(boundPeerMachine, { input }), owed };
  }
}

/** Bound once for all links: which link an action works on it learns from the context. */
const boundPeerMachine = peerMachine.provide({
  guards: {
    isOutdatedRefusal: ({ context, event }) => isOutdatedRefusal(context.progress, responseIn(event)),
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
    ignore: () => {},
  },
});

function responseIn(event: PeerEvent): AppendEntriesResponse {
  if (!('response' in event)) throw new Error(`"${event.type}" carries no answer.`);
  return event.response;
}
