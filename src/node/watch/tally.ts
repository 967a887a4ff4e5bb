import type { NodeId } from '../../raft/entry.js';
import type { Message } from '../../raft/messages.js';
import { entriesCarried, kindOf } from './message-words.js';
import type {
  ObservedChange,
  ObservedKind,
  ObservedTally,
  ObservedTransition,
  TallyEvent,
} from './observation.js';

type Count = { -readonly [Name in keyof ObservedTally]: ObservedTally[Name] };

/** Counts what is too much to be told one by one. */
export class Tally {
  readonly since: number;
  readonly #messages: Record<ObservedTally['direction'], Map<NodeId, Map<ObservedKind, Count>>> = {
    sent: new Map(),
    received: new Map(),
  };
  readonly #taken = new Map<string, { transition: ObservedTransition; count: number }>();

  constructor(since: number) {
    this.since = since;
  }

  countMessage(direction: ObservedTally['direction'], peer: NodeId, message: Message): void {
    const kind = kindOf(message);
    const ofPeer = this.#messages[direction].get(peer) ?? new Map<ObservedKind, Count>();
    this.#messages[direction].set(peer, ofPeer);
    const known = ofPeer.get(kind);
    if (known === undefined) {
      ofPeer.set(kind, { direction, peer, message: kind, count: 1, entries: entriesCarried(message) });
    } else {
      known.count++;
      known.entries += entriesCarried(message);
    }
  }

  countTransition(transition: ObservedTransition): void {
    const known = this.#taken.get(transition.id);
    if (known === undefined) this.#taken.set(transition.id, { transition, count: 1 });
    else known.count++;
  }

  event(at: number, change: ObservedChange | null): TallyEvent {
    const { sent, received } = this.#messages;
    return {
      kind: 'tally',
      at,
      since: this.since,
      messages: [...sent.values(), ...received.values()].flatMap((ofPeer) => [...ofPeer.values()]),
      taken: [...this.#taken.values()].map(({ transition, count }) => ({ ...transition, count })),
      ...(change === null ? {} : { change }),
    };
  }
}
