import type { AnyActor } from 'xstate';
import type { Configuration } from '../../raft/configuration.js';
import type { LogIndex, NodeId } from '../../raft/entry.js';
import { roles } from '../information.js';
import type { NodeParts } from '../parts.js';
import { activeStates } from './chart-watch.js';
import type { ObservedChange, ObservedLink, ObservedState, ObservedTransition } from './observation.js';
import { WatchedLog } from './watched-log.js';

type Change = { -readonly [Name in keyof ObservedChange]: ObservedChange[Name] };

/** How a node stands, and what has changed since that was last told. Reads the replica and changes nothing. */
export class StateWatch {
  readonly #parts: NodeParts;
  readonly #log: WatchedLog;
  /** The chart's state value, the same object as long as no other state is active. */
  #value: unknown;
  #state: ObservedState;
  #timerStartedAtMs: number;
  #leaderHeardAtMs: number;
  /** By what configuration the links were told last. */
  #configuration: Configuration;
  #linksChanged = new Map<NodeId, ObservedTransition | null>();
  /** How far it had come when that was last noted. */
  #last: LogIndex = 0;
  #commitIndex: LogIndex = 0;
  #height: LogIndex = 0;

  constructor(parts: NodeParts, chart: AnyActor) {
    this.#parts = parts;
    this.#configuration = parts.replica.configuration;
    this.#log = new WatchedLog(parts.replica.log, () => parts.reader.firstIndex);
    this.#value = chart.getSnapshot().value;
    this.#timerStartedAtMs = parts.timer.startedAtMs;
    this.#leaderHeardAtMs = parts.replica.leaderHeardAtMs;
    this.#state = this.#look(activeStates(this.#value));
    this.note();
  }

  /** As it was last told; the timer as it is now. */
  get state(): ObservedState {
    return { ...this.#state, timer: this.#timer(), log: this.#log.shown, links: this.#links() };
  }

  get role(): ObservedState['role'] {
    return this.#state.role;
  }

  /** Has nothing been applied since that was last noted? */
  get hasAppliedAll(): boolean {
    return this.#parts.replica.lastApplied === this.#height;
  }

  /** Notes how far the node has come: should it turn next, what was before that is told first. */
  note(): void {
    const { log, commitIndex, lastApplied } = this.#parts.replica;
    this.#last = log.lastIndex;
    this.#commitIndex = commitIndex;
    this.#height = lastApplied;
  }

  /** Has anything changed that elections are about: role, term, votes, leader; or was the log cut, or begins another term? */
  hasTurned(value: unknown): boolean {
    const { replica } = this.#parts;
    const { role, term, votedFor, leaderId } = this.#state;
    return (
      value !== this.#value ||
      replica.currentTerm !== term ||
      replica.votedFor !== votedFor ||
      replica.leaderId !== leaderId ||
      this.#log.hasTurned ||
      // Nobody else counts votes.
      ((role === 'candidate' || role === 'preCandidate') && this.#votesChanged())
    );
  }

  /** A link's chart has taken a transition, or its follower has answered. */
  noteLink(peer: NodeId, transition: ObservedTransition | null): void {
    if (transition !== null || !this.#linksChanged.has(peer)) this.#linksChanged.set(peer, transition);
  }

  /** What has changed since last asked; null if nothing has. */
  take(value: unknown): ObservedChange | null {
    const change: Change = {};
    this.#takeRole(change, value);
    this.#takeReplica(change);
    this.#takeTimer(change);
    const log = this.#log.change();
    if (log !== null) change.log = log;
    const links = this.#takeLinks();
    if (links.length > 0) change.links = links;
    const closed = this.#closedLinks();
    if (closed.length > 0) change.linksClosed = closed;
    this.note();
    return this.#taken(change);
  }

  /** How far it had come when that was last noted; nothing else had changed by then. */
  takeNoted(): ObservedChange | null {
    const change: Change = {};
    const log = this.#log.growth(this.#last);
    if (log !== null) change.log = log;
    if (this.#commitIndex !== this.#state.commitIndex) change.commitIndex = this.#commitIndex;
    if (this.#height !== this.#state.height) change.height = this.#height;
    return this.#taken(change);
  }

  #taken(change: Change): ObservedChange | null {
    if (Object.keys(change).length === 0) return null;
    const { log, links, linksClosed, timeoutMs, heardLeader, ...told } = change;
    this.#state = { ...this.#state, ...told };
    return change;
  }

  #takeRole(change: Change, value: unknown): void {
    if (value === this.#value) return;
    this.#value = value;
    change.active = activeStates(value);
    const role = roleOf(change.active);
    if (role !== this.#state.role) change.role = role;
  }

  #takeReplica(change: Change): void {
    const { replica, settings } = this.#parts;
    const state = this.#state;
    if (replica.currentTerm !== state.term) change.term = replica.currentTerm;
    if (replica.votedFor !== state.votedFor) change.votedFor = replica.votedFor;
    if (replica.leaderId !== state.leaderId) change.leaderId = replica.leaderId;
    if (replica.commitIndex !== state.commitIndex) change.commitIndex = replica.commitIndex;
    if (replica.lastApplied !== state.height) change.height = replica.lastApplied;
    if (settings.candidacy !== state.candidacy) change.candidacy = settings.candidacy;
    if (this.#votesChanged()) change.votes = [...replica.votes];
  }

  #votesChanged(): boolean {
    const { votes } = this.#parts.replica;
    const told = this.#state.votes;
    if (votes.size !== told.length) return true;
    for (const [voter, granted] of told) if (votes.get(voter) !== granted) return true;
    return false;
  }

  #takeTimer(change: Change): void {
    const { timer, replica } = this.#parts;
    if (timer.startedAtMs !== this.#timerStartedAtMs) {
      this.#timerStartedAtMs = timer.startedAtMs;
      change.timeoutMs = timer.timeoutMs;
    }
    if (replica.leaderHeardAtMs === this.#leaderHeardAtMs) return;
    this.#leaderHeardAtMs = replica.leaderHeardAtMs;
    // A leader's is when it took office.
    if (replica.leaderId !== null && replica.leaderId !== replica.id) change.heardLeader = true;
  }

  #takeLinks(): NonNullable<ObservedChange['links']>[number][] {
    if (this.#linksChanged.size === 0) return [];
    const changed = this.#linksChanged;
    this.#linksChanged = new Map();
    return this.#links().flatMap((link) => {
      const transition = changed.get(link.peer);
      if (transition === undefined) return [];
      return [transition === null ? link : { ...link, transition }];
    });
  }

  #closedLinks(): NodeId[] {
    const { id, configuration } = this.#parts.replica;
    if (configuration === this.#configuration) return [];
    const before = this.#configuration.peersOf(id);
    this.#configuration = configuration;
    return before.filter((peer) => !configuration.isMember(peer));
  }

  #look(active: readonly string[]): ObservedState {
    const { replica, settings } = this.#parts;
    return {
      role: roleOf(active),
      active,
      term: replica.currentTerm,
      votedFor: replica.votedFor,
      leaderId: replica.leaderId,
      candidacy: settings.candidacy,
      log: this.#log.shown,
      commitIndex: replica.commitIndex,
      height: replica.lastApplied,
      votes: [...replica.votes],
      timer: this.#timer(),
      links: this.#links(),
    };
  }

  #timer(): ObservedState['timer'] {
    const { timer, replica, clock } = this.#parts;
    const since = Math.max(timer.startedAtMs, replica.leaderHeardAtMs);
    return { timeoutMs: rounded(timer.timeoutMs), elapsedMs: rounded(clock.now() - since) };
  }

  #links(): ObservedLink[] {
    const { links, replica } = this.#parts;
    return [...links.states()].flatMap(([peer, state]) => {
      // A link to one that is no member any more is closed at the end of the turn.
      if (!replica.configuration.isMember(peer)) return [];
      const { matchIndex = 0 } = replica.progress.get(peer) ?? {};
      return [{ peer, state, matchIndex }];
    });
  }
}

function roleOf(active: readonly string[]): ObservedState['role'] {
  const path = active[0]?.split('.') ?? [];
  return roles.find((role) => path.includes(role)) ?? 'dead';
}

/** To the microsecond. */
export function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
