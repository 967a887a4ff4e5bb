import type { AnyActor, Subscription } from 'xstate';
import type { Clock } from '../../ground/clock.js';
import type { NodeId } from '../../raft/entry.js';
import type { Message } from '../../raft/messages.js';
import type { NodeInformation } from '../information.js';
import type { NodeParts } from '../parts.js';
import { activeStates, ChartWatch } from './chart-watch.js';
import { CommitLatency } from './commit-latency.js';
import { bundleIntervalMs, type Observation, type ObservedMessages } from './observation.js';
import { WatchedLog } from './watched-log.js';

type Tally = { -readonly [K in keyof Omit<ObservedMessages, 'sample'>]: ObservedMessages[K] } & {
  latest: Message;
};

type Tallies = Map<ObservedMessages['kind'], Tally>;

/** What a watch looks at. */
export interface Watched {
  readonly parts: NodeParts;
  readonly chart: AnyActor;
  readonly describe: () => NodeInformation;
  /** Times the bundles. */
  readonly clock: Clock;
}

/**
 * Watches one node and tells of it in bundles. It exists only while somebody looks, and looks at the replica only
 * when a bundle is due, so that a node under load pays for counting and little else.
 */
export class NodeWatch {
  readonly #watched: Watched;
  readonly #heard: (observation: Observation) => void;
  readonly #charts: ChartWatch;
  readonly #log: WatchedLog;
  /** By the peer whose link it is; the node's own chart is at null. */
  readonly #subscriptions = new Map<NodeId | null, Subscription>();
  readonly #messages: Record<ObservedMessages['direction'], Map<NodeId, Tallies>> = {
    sent: new Map(),
    received: new Map(),
  };
  readonly #latency: CommitLatency;
  #events = 0;
  #timer: unknown = null;

  constructor(watched: Watched, heard: (observation: Observation) => void) {
    const { parts, chart, clock } = watched;
    this.#watched = watched;
    this.#heard = heard;
    this.#charts = new ChartWatch(() => this.#note());
    this.#latency = new CommitLatency(parts.replica, clock);
    this.#log = new WatchedLog(parts.replica.log);
    this.#subscriptions.set(null, this.#charts.watch(chart, 'node', null));
    parts.links.watch((actor, peer) => {
      // A term in office has links of its own.
      this.#subscriptions.get(peer)?.unsubscribe();
      this.#subscriptions.set(peer, this.#charts.watch(actor, 'peer', peer));
    });
    this.#note();
  }

  sent(to: NodeId, message: Message): void {
    this.#count('sent', to, message);
  }

  received(message: Message): void {
    this.#count('received', message.from, message);
  }

  end(): void {
    const { clock, parts } = this.#watched;
    parts.links.watch(null);
    for (const subscription of this.#subscriptions.values()) subscription.unsubscribe();
    if (this.#timer !== null) clock.clearTimeout(this.#timer);
  }

  /** Something happened: it is told of when the interval that begins now is over. */
  #note(): void {
    this.#events++;
    this.#latency.look();
    this.#timer ??= this.#watched.clock.setTimeout(() => {
      this.#timer = null;
      this.#heard(this.#bundle());
    }, bundleIntervalMs);
  }

  #count(direction: ObservedMessages['direction'], peer: NodeId, message: Message): void {
    const carried = message.type === 'appendEntries' ? message.entries.length : 0;
    const kind = message.type === 'appendEntries' && carried === 0 ? 'heartbeat' : message.type;
    const tallies = this.#talliesOf(direction, peer);
    const tally = tallies.get(kind);
    if (tally === undefined) {
      tallies.set(kind, { direction, peer, kind, count: 1, entries: carried, latest: message });
    } else {
      tally.count++;
      tally.entries += carried;
      tally.latest = message;
    }
    this.#note();
  }

  #talliesOf(direction: ObservedMessages['direction'], peer: NodeId): Tallies {
    const known = this.#messages[direction].get(peer);
    if (known !== undefined) return known;
    const tallies: Tallies = new Map();
    this.#messages[direction].set(peer, tallies);
    return tallies;
  }

  #takeMessages(): ObservedMessages[] {
    const taken: ObservedMessages[] = [];
    for (const tallies of [...this.#messages.sent.values(), ...this.#messages.received.values()]) {
      for (const { latest, ...tally } of tallies.values()) taken.push({ ...tally, sample: inWords(latest) });
      tallies.clear();
    }
    return taken;
  }

  #bundle(): Observation {
    const { parts, chart, describe } = this.#watched;
    const { digest, ...information } = describe();
    const events = this.#events;
    this.#events = 0;
    return {
      events,
      information,
      active: activeStates(chart.getSnapshot().value),
      transitions: this.#charts.take(),
      messages: this.#takeMessages(),
      log: this.#log.show(),
      links: linksOf(parts),
      commitLatency: this.#latency.take(),
    };
  }
}

function linksOf({ links, replica }: NodeParts): Observation['links'] {
  return [...links.states()].map(([peer, state]) => {
    const { matchIndex = 0, nextIndex = 1 } = replica.progress.get(peer) ?? {};
    return { peer, state, matchIndex, nextIndex };
  });
}

/** A message in words, for people. */
function inWords(message: Message): string {
  const term = `term ${message.term}`;
  switch (message.type) {
    case 'appendEntries': {
      const first = message.entries[0];
      if (first === undefined) return `heartbeat, ${term}, commit ${message.leaderCommit}`;
      const last = message.prevLogIndex + message.entries.length;
      return `append ${first.index}…${last} after ${message.prevLogIndex} (term ${message.prevLogTerm}), ${term}`;
    }
    case 'appendEntriesResponse':
      return message.success
        ? `has all through ${message.index}, ${term}`
        : `does not match at ${message.index}, ${term}`;
    case 'requestVote':
      return `asks for a vote, ${term}, last entry ${message.lastLogIndex} of term ${message.lastLogTerm}`;
    case 'preVote':
      return `would you vote for me in term ${message.term}?`;
    case 'requestVoteResponse':
    case 'preVoteResponse':
      return `${message.granted ? 'grants' : 'refuses'} the vote, ${term}`;
    case 'readIndex':
      return `asks at which index to read, ${term}`;
    case 'readIndexResponse':
      return message.granted ? `read at ${message.index}, ${term}` : `cannot say where to read, ${term}`;
    case 'verify':
      return `asks whether ${message.commands.length} commands are valid, ${term}`;
    case 'verifyResponse':
      return `gives ${message.approved.length} verdicts, ${term}`;
  }
}
