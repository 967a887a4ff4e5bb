import { Random } from '../../ground/random.js';
import type { NodeId } from '../../raft/entry.js';
import { entriesIn } from '../../raft/run.js';
import { createCiphers } from '../../wire/create-cipher.js';
import { FrameDecoder } from '../../wire/messages.js';
import { RunSeals } from '../../wire/run-seals.js';
import type { SimulationOptions } from '../options.js';
import type { Spectator, World } from '../world/world.js';
import type { Line } from './line.js';
import { Telling, TraceEnd } from './telling.js';
import { type Deed, type SeenStance, WatchedNode } from './watched-node.js';

/** TLC takes minutes for some thousands: a trace is cut off here. */
const linesMax = 10_000;

/** A run as the specification could have gone. */
export interface TracedRun {
  readonly lines: readonly Line[];
  /** Why the trace ends before the run does; null when it does not. */
  readonly end: { readonly reason: string; readonly atMs: number } | null;
}

/** What a node did, not told yet: it is once it is durable, for nothing of it can be known before. */
interface Watched {
  node: WatchedNode | null;
  untold: Deed[];
  /** How it was seen last, in this life or the one before. */
  stance: SeenStance | null;
  durableSequence: number;
}

/**
 * Writes a simulated run down as a trace that TLC checks against etcd's specification of Raft (docs/tla.md). It looks
 * on, and the run is the same with it and without.
 */
export class TlaTrace implements Spectator {
  readonly #decoder: FrameDecoder;
  readonly #watched = new Map<NodeId, Watched>();
  readonly #touched = new Set<NodeId>();
  #world: World | null = null;
  #telling: Telling | null = null;
  #end: TracedRun['end'] = null;

  constructor({ cipher }: SimulationOptions) {
    const { frames, entries } = createCiphers(cipher, new Random(0));
    this.#decoder = new FrameDecoder(frames, new RunSeals(entries));
  }

  begins(world: World): void {
    this.#world = world;
    this.#telling = new Telling(world.configuration.data);
  }

  sent(from: NodeId, to: NodeId, frame: Uint8Array): void {
    this.#closeDeed(from);
    this.#try((telling) => {
      const message = this.#decoder.decode(frame);
      if (message?.type === 'appendEntries') {
        telling.sendsAppend(from, to, { ...message, count: entriesIn(message.runs) });
      } else if (message?.type === 'installSnapshot') telling.sendsSnapshot(from, to, message);
      else if (message?.type === 'requestVote') telling.asksForVote(from, to, message);
      this.#touched.add(from);
    });
  }

  wiped(node: NodeId): void {
    this.#try(() => {
      throw new TraceEnd(`node ${node} has an empty disk now, which the specification knows nothing of`);
    });
  }

  stepped(): void {
    const { hosts } = this.#world as World;
    for (const { id } of hosts) this.#closeDeed(id);
    this.#try((telling) => {
      for (const { id, actor } of hosts) {
        const watched = this.#of(id);
        if (watched.node !== null && actor !== watched.node.actor) {
          watched.node.end();
          watched.node = null;
        }
        if (watched.node !== null || actor === null) continue;
        watched.node = new WatchedNode(this.#host(id), actor, (deed) => this.#done(deed));
        this.#starts(id, watched, telling);
      }
      for (const id of this.#touched) {
        telling.handsToDisk(id, this.#of(id).node?.writtenIndex ?? null);
        telling.endsTurn(id);
      }
      this.#touched.clear();
      if (telling.count > linesMax) throw new TraceEnd(`it is cut off after ${linesMax} events`);
    });
  }

  /** What was traced. The run is over. */
  finish(): TracedRun {
    if (this.#world !== null) this.stepped();
    for (const { node } of this.#watched.values()) node?.end();
    return { lines: this.#telling?.lines.slice(0, linesMax) ?? [], end: this.#end };
  }

  /** A node comes back. What it did and had not said is told if it was on its disk all the same. */
  #starts(id: NodeId, watched: Watched, telling: Telling): void {
    const { stance: last, untold, durableSequence } = watched;
    const { stance } = watched.node as WatchedNode;
    watched.untold = [];
    watched.stance = stance;
    watched.durableSequence = 0;
    if (last === null) return;
    if (!telling.couldRestart(id, stance)) {
      for (const deed of untold) if (deed.covering <= durableSequence + 1) telling.did(deed);
    }
    telling.restarts(id, stance, last.durableIndex);
  }

  #closeDeed(id: NodeId): void {
    this.#of(id).node?.close((deed) => this.#done(deed));
  }

  #done(deed: Deed): void {
    this.#try((telling) => {
      const { id, type, before, after } = deed;
      const watched = this.#of(id);
      const node = watched.node as WatchedNode;
      watched.stance = after;
      watched.durableSequence = node.durableSequence;
      this.#touched.add(id);
      const isDurable = ({ covering }: Deed) => covering <= node.durableSequence;
      if (type === 'disk.durable') {
        while (watched.untold[0] !== undefined && isDurable(watched.untold[0])) {
          telling.did(watched.untold.shift() as Deed);
        }
      }
      // A leader's entries leave before they are durable; it has nothing else that could be lost.
      const leads =
        after.role === 'StateLeader' && (before.role !== 'StateLeader' || after.term === before.term);
      if (watched.untold.length === 0 && (leads || isDurable(deed) || type === 'disk.durable')) {
        telling.did(deed);
      } else watched.untold.push(deed);
    });
  }

  /** Nothing is told after the end. */
  #try(tell: (telling: Telling) => void): void {
    if (this.#telling === null || this.#end !== null) return;
    try {
      tell(this.#telling);
    } catch (error) {
      if (!(error instanceof TraceEnd)) throw error;
      this.#end = { reason: error.message, atMs: (this.#world as World).time.now() };
    }
  }

  #of(id: NodeId): Watched {
    const known = this.#watched.get(id);
    if (known !== undefined) return known;
    const watched = { node: null, untold: [], stance: null, durableSequence: 0 };
    this.#watched.set(id, watched);
    this.#telling?.knows(id);
    return watched;
  }

  #host(id: NodeId) {
    return (this.#world as World).host(id);
  }
}
