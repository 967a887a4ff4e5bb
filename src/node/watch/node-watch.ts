import type { AnyActor, Subscription } from 'xstate';
import type { Clock } from '../../ground/clock.js';
import type { NodeId } from '../../raft/entry.js';
import type { Message } from '../../raft/messages.js';
import { CommitTimer } from '../measures/commit-timer.js';
import type { NodeParts } from '../parts.js';
import { Arrivals } from './arrivals.js';
import { type Caused, causeOf, isPassing, transitionOf, valueAfter } from './chart-watch.js';
import { CommitLatency } from './commit-latency.js';
import { describeMessage } from './message-words.js';
import { type Microstep, onMicrostep } from './microsteps.js';
import {
  bundleIntervalMs,
  type ChartEvent,
  detailsMax,
  type Observation,
  type ObservedChange,
  type ObservedEvent,
  type ObservedTransition,
  type SendEvent,
  turningPointsMax,
} from './observation.js';
import { rounded, StateWatch } from './state-watch.js';
import { Tally } from './tally.js';

/** So many common events are told one by one after one that matters to elections, however busy the node is. */
const detailsAfterTurn = 40;
/** A busy node's tallies are cut into slices of so many milliseconds. */
const tallyMs = 25;

/** What a watch looks at. */
export interface Watched {
  readonly parts: NodeParts;
  readonly chart: AnyActor;
  /** Times the events and the bundles. */
  readonly clock: Clock;
}

type Heard = (observation: Observation) => void;

/**
 * Watches one node and tells all who look in bundles, event by event. It exists only while somebody does. A node under
 * load pays for counting and little else: only so many events a bundle are told one by one.
 */
export class NodeWatch {
  readonly #watched: Watched;
  readonly #watchers = new Set<Heard>();
  /** Who is told how the node stands when the interval is over: what happens in it is for the others alone. */
  readonly #newcomers = new Set<Heard>();
  readonly #state: StateWatch;
  readonly #latency = new CommitLatency();
  readonly #commitTimer: CommitTimer;
  /** By the peer whose link it is; the node's own chart is at null. */
  readonly #subscriptions = new Map<NodeId | null, Subscription>();
  readonly #arrivals = new Arrivals();
  #events: ObservedEvent[] = [];
  #turningPoints = 0;
  /** Common events that may yet be told one by one. */
  #detailsLeft = detailsMax;
  #common = 0;
  #count = 0;
  #isCut = false;
  #tally: Tally | null = null;
  /** The chart's transitions since it last stood still. */
  #passed: ObservedTransition[] = [];
  #lastHeard: Message | null = null;
  #timer: unknown = null;

  constructor(watched: Watched) {
    const { parts, chart, clock } = watched;
    this.#watched = watched;
    this.#state = new StateWatch(parts, chart);
    this.#commitTimer = new CommitTimer(parts.replica, clock, (tookMs) => this.#latency.count(tookMs));
    this.#hear(null, chart, (step) => this.#stepped(step));
    parts.links.watch((actor, peer) => {
      this.#state.noteLink(peer, null);
      this.#hear(peer, actor, (step) => this.#linkStepped(peer, step));
    });
  }

  /** How many look. */
  get watchers(): number {
    return this.#watchers.size + this.#newcomers.size;
  }

  /** One more looks, and is told first how the node stands. */
  add(heard: Heard): void {
    this.#newcomers.add(heard);
    // The others' bundles come no sooner for that, however often somebody comes.
    if (this.#timer === null) this.#welcome();
  }

  remove(heard: Heard): void {
    this.#watchers.delete(heard);
    this.#newcomers.delete(heard);
  }

  sent(to: NodeId, message: Message, key: number): void {
    this.#note();
    if (!isVote(message) && !this.#hasRoom()) {
      this.#openTally().countMessage('sent', to, message);
      return;
    }
    this.#closeTally();
    const change = this.#change();
    const described = describeMessage(message);
    const last = this.#events.at(-1);
    if (change === null && last?.kind === 'send' && isAlike(last, described)) {
      this.#events[this.#events.length - 1] = {
        ...last,
        to: [...last.to, to],
        keys: [...last.keys, key],
      };
      return;
    }
    this.#tell(
      { kind: 'send', ...this.#now(), ...described, to: [to], keys: [key], ...change },
      isVote(message),
    );
  }

  received(message: Message, key: number): void {
    this.#arrivals.add(message, key);
  }

  /** Committed entries may have been applied. */
  applied(): void {
    if (this.#state.hasAppliedAll) return;
    this.#note();
    if (!this.#hasRoom()) {
      this.#openTally();
      this.#state.note();
      return;
    }
    this.#closeTally();
    const change = this.#change();
    if (change !== null) this.#tell({ kind: 'apply', ...this.#now(), ...change }, false);
  }

  /** Tells what is yet untold, and nothing more. */
  end(): void {
    this.#watched.parts.links.watch(null);
    for (const subscription of this.#subscriptions.values()) subscription.unsubscribe();
    this.#tellAll();
    this.#watchers.clear();
    this.#newcomers.clear();
  }

  /** What is yet untold, before the interval is over. */
  #tellAll(): void {
    if (this.#timer === null) return;
    this.#watched.clock.clearTimeout(this.#timer);
    this.#timer = null;
    const observation = this.#bundle(false);
    for (const heard of this.#watchers) heard(observation);
    this.#welcome();
  }

  #welcome(): void {
    if (this.#newcomers.size === 0) return;
    const newcomers = [...this.#newcomers];
    this.#newcomers.clear();
    const observation = this.#bundle(true);
    for (const heard of newcomers) {
      this.#watchers.add(heard);
      heard(observation);
    }
  }

  /** A term in office has links of its own. */
  #hear(peer: NodeId | null, actor: AnyActor, stepped: (step: Microstep) => void): void {
    this.#subscriptions.get(peer)?.unsubscribe();
    this.#subscriptions.set(
      peer,
      onMicrostep(actor, (step) => {
        if (step.actorRef === actor) stepped(step);
      }),
    );
  }

  /** Something happened: it is told of when the interval that begins now is over. */
  #note(): void {
    this.#count++;
    this.#timer ??= this.#watched.clock.setTimeout(() => this.#tellAll(), bundleIntervalMs);
  }

  #stepped(step: Microstep): void {
    this.#note();
    this.#commitTimer.look();
    const value = valueAfter(step);
    const isTurn = this.#state.hasTurned(value);
    if (!isTurn && this.#passed.length === 0 && !this.#hasRoom()) {
      this.#countStep(step);
      return;
    }
    this.#closeTally(true);
    for (const taken of step._transitions) this.#passed.push(transitionOf(taken));
    if (isPassing(step)) return;
    const transitions = this.#passed;
    this.#passed = [];
    this.#tellStep(step, transitions, isTurn);
  }

  #tellStep(step: Microstep, transitions: readonly ObservedTransition[], isTurn: boolean): void {
    const { event } = step;
    const wasDeaf = this.#state.role === 'dead';
    const change = this.#change(valueAfter(step));
    const heard = wasDeaf ? null : this.#hearing(event);
    if (change === null && heard === null && transitions.every(({ target }) => target === null)) return;
    this.#tell(
      {
        kind: 'chart',
        ...this.#now(),
        transitions,
        cause: causeOf(event),
        ...(heard === null ? {} : { heard }),
        ...change,
      },
      isTurn,
    );
  }

  #countStep({ event, _transitions }: Microstep): void {
    const tally = this.#openTally();
    const message = (event as Caused).message;
    if (message !== undefined && message !== this.#lastHeard) {
      this.#lastHeard = message;
      this.#arrivals.take(message);
      tally.countMessage('received', message.from, message);
    }
    for (const taken of _transitions) {
      const transition = transitionOf(taken);
      if (transition.target !== null) tally.countTransition(transition);
    }
    this.#state.note();
  }

  #linkStepped(peer: NodeId, { event, _transitions }: Microstep): void {
    const moved = _transitions.map(transitionOf).find(({ target }) => target !== null) ?? null;
    if (moved !== null || event.type === 'follower.accepted') this.#state.noteLink(peer, moved);
  }

  /** The message that an event brings, the first time that it does. */
  #hearing(event: Caused): NonNullable<ChartEvent['heard']> | null {
    const { message } = event;
    if (message === undefined || message === this.#lastHeard) return null;
    this.#lastHeard = message;
    return { from: message.from, key: this.#arrivals.take(message), ...describeMessage(message) };
  }

  get #value(): unknown {
    return this.#watched.chart.getSnapshot().value;
  }

  /** As a part of an event. */
  #change(value = this.#value): { readonly change: ObservedChange } | null {
    const change = this.#state.take(value);
    return change === null ? null : { change };
  }

  #now(): { readonly at: number } {
    return { at: rounded(this.#watched.clock.now()) };
  }

  #tell(event: ObservedEvent, isTurn: boolean): void {
    if (isTurn) {
      this.#turningPoints++;
      this.#detailsLeft = Math.max(this.#detailsLeft, detailsAfterTurn);
      if (this.#turningPoints > turningPointsMax) this.#isCut = true;
    } else {
      this.#common++;
      this.#detailsLeft--;
    }
    if (!this.#isCut) this.#events.push(event);
  }

  /** May a common event be told by itself? */
  #hasRoom(): boolean {
    return this.#detailsLeft > 0 && this.#tally === null;
  }

  #openTally(): Tally {
    const nowMs = this.#watched.clock.now();
    if (this.#tally !== null && nowMs - this.#tally.since >= tallyMs) this.#closeTally();
    this.#common++;
    this.#tally ??= new Tally(rounded(nowMs));
    return this.#tally;
  }

  /** What was counted comes before what follows. @param hasTurned since what was counted last. */
  #closeTally(hasTurned = false): void {
    const tally = this.#tally;
    if (tally === null) return;
    this.#tally = null;
    const change = hasTurned ? this.#state.takeNoted() : this.#state.take(this.#value);
    if (!this.#isCut) this.#events.push(tally.event(this.#now().at, change));
  }

  #bundle(isFirst: boolean): Observation {
    this.#closeTally();
    const told = { events: this.#events, isCut: this.#isCut, count: this.#count };
    // Who had more to tell than there is room for tallies from the beginning next time.
    this.#detailsLeft = this.#common > detailsMax ? 0 : detailsMax;
    this.#events = [];
    this.#turningPoints = this.#common = this.#count = 0;
    this.#isCut = false;
    return {
      ...this.#now(),
      isFirst,
      ...told,
      state: this.#state.state,
      commitLatency: this.#latency.take(),
    };
  }
}

function isVote({ type }: Message): boolean {
  return (
    type === 'requestVote' ||
    type === 'requestVoteResponse' ||
    type === 'preVote' ||
    type === 'preVoteResponse'
  );
}

function isAlike(a: SendEvent, b: { readonly message: string; readonly text: string }): boolean {
  return a.message === b.message && a.text === b.text;
}
