import type { Subscription } from 'xstate';
import { unpackBytes } from '../../ground/byte-strings.js';
import type { NodeActor } from '../../node/node-actor.js';
import { valueAfter } from '../../node/watch/chart-watch.js';
import { type Microstep, onMicrostep } from '../../node/watch/microsteps.js';
import type { ConfigurationData } from '../../raft/configuration.js';
import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { Message } from '../../raft/messages.js';
import { decodeConfiguration } from '../../wire/configuration.js';
import { standingOf } from '../invariants/oracle.js';
import type { SimulatedHost } from '../world/simulated-host.js';
import type { Role } from './line.js';
import type { Stance } from './server.js';

/** How a node stands, with what tells its own steps apart. */
export interface SeenStance extends Stance {
  readonly lastTerm: Term;
  /** The last index on its disk. */
  readonly durableIndex: LogIndex;
  /** Does it count its vote for itself? */
  readonly countsItself: boolean;
}

/** What a node did at one event of its chart. */
export interface Deed {
  readonly id: NodeId;
  readonly type: string;
  readonly message: Message | null;
  readonly before: SeenStance;
  after: SeenStance;
  /** The configurations that it appended as a leader, by the index of their entries. */
  configurations: ReadonlyMap<LogIndex, ConfigurationData>;
  /** The write that covers all that the node is afterwards. */
  covering: number;
}

const roles = { leader: 'StateLeader', candidate: 'StateCandidate', other: 'StateFollower' } as const;

/** Watches one life of a node, event by event. What a life does that is over without having noticed is not seen. */
export class WatchedNode {
  readonly actor: NodeActor;
  readonly #host: SimulatedHost;
  readonly #subscription: Subscription;
  #stance: SeenStance;
  #deed: Deed | null = null;
  #event: unknown = null;
  #durableSequence: number;

  /** @param done hears of what it did, when that is over. */
  constructor(host: SimulatedHost, actor: NodeActor, done: (deed: Deed) => void) {
    this.#host = host;
    this.actor = actor;
    this.#stance = stanceOf(actor, roles[standingOf(actor.chart.getSnapshot().value)]);
    this.#durableSequence = actor.disk.durableSequence;
    this.#subscription = onMicrostep(actor.chart, (step) => {
      if (step.actorRef === actor.chart && host.actor === actor) this.#stepped(step, done);
    });
  }

  /** As it was seen last. */
  get stance(): SeenStance {
    return this.#stance;
  }

  /** The last of its writes that was seen to be durable. */
  get durableSequence(): number {
    return this.#durableSequence;
  }

  /** The last index that was handed to its disk; null when it is no more. */
  get writtenIndex(): LogIndex | null {
    return this.#host.actor === this.actor ? this.actor.replica.log.writtenIndex : null;
  }

  /** What it does is over. */
  close(done: (deed: Deed) => void): void {
    const deed = this.#deed;
    this.#deed = null;
    this.#event = null;
    if (deed !== null) done(deed);
  }

  end(): void {
    this.#subscription.unsubscribe();
  }

  #appended(before: SeenStance, after: SeenStance): Deed['configurations'] {
    if (after.role !== 'StateLeader') return none;
    const { log } = this.actor.replica;
    const configurations = new Map<LogIndex, ConfigurationData>();
    for (const { kind, firstIndex, body } of log.range(before.lastIndex + 1, after.lastIndex)) {
      const data = kind === 'configuration' ? decodeConfiguration(unpackBytes(body)?.[0] ?? noBytes) : null;
      if (data !== null) configurations.set(firstIndex, data);
    }
    return configurations;
  }

  #stepped(step: Microstep, done: (deed: Deed) => void): void {
    const event = step.event as { readonly type: string; readonly message?: Message };
    const { message = null } = event;
    const { disk } = this.actor;
    // A message that the chart tells itself again is the same event.
    const isSame = event === this.#event || (message !== null && message === this.#deed?.message);
    if (!isSame) this.close(done);
    const before = this.#stance;
    const after = stanceOf(this.actor, roles[standingOf(valueAfter(step))]);
    const covering = disk.coveringSequence;
    this.#stance = after;
    this.#event = event;
    this.#durableSequence = disk.durableSequence;
    if (this.#deed === null) {
      const configurations = this.#appended(before, after);
      this.#deed = { id: this.#host.id, type: event.type, message, before, after, configurations, covering };
    } else {
      const configurations = this.#appended(this.#deed.before, after);
      Object.assign(this.#deed, { after, configurations, covering });
    }
  }
}

const noBytes = new Uint8Array(0);
const none: ReadonlyMap<LogIndex, ConfigurationData> = new Map();

function stanceOf({ replica }: NodeActor, role: Role): SeenStance {
  const { id, currentTerm, votedFor, commitIndex, log, votes } = replica;
  return {
    term: currentTerm,
    vote: votedFor,
    role,
    lastIndex: log.lastIndex,
    lastTerm: log.lastTerm,
    commit: commitIndex,
    durableIndex: log.durableIndex,
    countsItself: votes.get(id) === true,
  };
}
