import type { Observation, ObservedEvent, ObservedState } from '../../node/watch/observation.js';
import type { NodeId } from '../../raft/entry.js';
import type { Heard, Life, MarkStep, MembersStep, NetworkStep, OuterStep, Step, Words } from './format.js';

/*
 * Nodes tell in bundles, on clocks of their own. This puts what they tell into one order in which nothing stands before
 * what had it happen (Lamport's happened-before): a node's own events stay in their order, and a message is heard after
 * it was sent. Where that leaves a choice, times decide, as far as the clocks can be compared.
 *
 *     node 0   ─ sends a ────────────── hears b ─►     a queue for each node; of the first in each queue the earliest
 *     node 1   ──────── hears a ─ sends b ───────►     whose message has left goes next
 *
 * What was never told (a thread was killed with its last bundle, or counted what it sent) is not waited for: once its
 * sender is known to have told all of that time, or to be gone.
 */

/** What happens at a time is told within so many milliseconds: a bundle's interval, and the way here. */
const tellingMs = 160;
/** So far may two nodes' times be apart, in milliseconds, with nobody the wiser. */
const skewMs = 40;
/** So long is waited, in milliseconds, for a sender that says nothing at all. */
const patienceMs = 1000;
/** A watch has begun within so many milliseconds, at all nodes. */
const beginningMs = 500;
/** Sent messages are remembered for so long, in milliseconds. */
const rememberMs = 60_000;

type Unnumbered<S extends Step> = S extends Step ? Omit<S, 'nr'> : never;
/** A step that has yet to get its place. */
export type LooseStep = Unnumbered<Step>;
type Around = Unnumbered<NetworkStep | MembersStep | OuterStep | MarkStep>;

interface Item {
  readonly at: number;
  readonly step: LooseStep;
  /** What must have left before, by its key. */
  readonly needs: { readonly from: NodeId; readonly key: string | null } | null;
  /** Under which keys it sends. */
  readonly sends: readonly string[];
}

interface Queue {
  readonly items: Item[];
  /** The first item that has no place yet. */
  next: number;
  /** What it did until then is known, on its clock made comparable. */
  toldUntil: number;
  isDown: boolean;
  /** Nothing of it is earlier: a node does nothing before it is there. */
  readonly since: number;
}

/** Where a message is known to have been sent: null while that step has no place yet. */
interface Sent {
  nr: number | null;
  readonly at: number;
}

export class CausalOrder {
  readonly #emit: (step: Step) => void;
  readonly #startsAtMs: number;
  readonly #nodes = new Map<NodeId, Queue>();
  readonly #around: Queue = newQueue();
  readonly #sent = new Map<string, Sent>();
  #nr = 0;
  #at = 0;

  /** @param emit is given each step, in the order that is final. @param startsAtMs when the watch begins. */
  constructor(emit: (step: Step) => void, startsAtMs: number) {
    this.#emit = emit;
    this.#startsAtMs = startsAtMs;
  }

  /** The place of the last step. */
  get nr(): number {
    return this.#nr;
  }

  /**
   * A node tells of itself.
   * @param shiftMs what has to be added to its times.
   */
  told(
    node: NodeId,
    { at, isFirst, isCut, events, state, commitLatency }: Observation,
    shiftMs: number,
  ): void {
    const queue = this.#queue(node);
    const until = at + shiftMs;
    const items = events.map((event) => itemOf(node, event, shiftMs));
    if (isFirst || isCut) {
      // Where all begin to tell, how they stand comes first: nobody has done anything yet.
      const isBeginning = queue.items.length === 0 && until <= this.#startsAtMs + beginningMs;
      items.push(bare({ kind: 'stand', at: isBeginning ? this.#startsAtMs : until, node, state }));
    }
    const last = items.at(-1);
    if (last !== undefined && commitLatency !== null) {
      const { samples, meanMs } = commitLatency;
      items[items.length - 1] = {
        ...last,
        step: { ...last.step, latency: { samples, meanMs } } as LooseStep,
      };
    }
    if (isFirst) queue.isDown = false;
    if (queue.isDown) this.#addLastWords(queue, items);
    else for (const item of items) this.#add(queue, item);
    queue.toldUntil = until;
  }

  /** They were on their way here when their node was known to be down. Once that has its place they come too late. */
  #addLastWords({ items, next }: Queue, words: readonly Item[]): void {
    const end = items.length - 1;
    const last = items[end];
    if (last?.step.kind !== 'life' || end < next) return;
    const after = items[end - 1]?.at ?? Number.NEGATIVE_INFINITY;
    items.splice(
      end,
      0,
      ...words.map((word) => ({ ...word, at: Math.min(last.at, Math.max(after, word.at)) })),
    );
    this.#noteSends(words);
  }

  /** How a node that is down last stood. */
  remains(node: NodeId, state: ObservedState, at: number): void {
    const queue = this.#queue(node);
    this.#add(queue, bare({ kind: 'stand', at, node, state }));
    queue.isDown = true;
  }

  /**
   * A node's host changes its life. A node that ends has told before whatever it will; of one that is stopped or paused
   * more may come that was before.
   */
  lives(node: NodeId, life: Life, at: number, told: Words | null = null): void {
    const queue = this.#queue(node);
    const item = bare({ kind: 'life', at, node, life, ...(told === null ? {} : { told }) });
    const isSilent = life === 'crashed' || life === 'unreachable';
    this.#add(isSilent || queue.isDown ? queue : this.#around, item);
    if (isSilent) queue.isDown = true;
  }

  /** Something outside the nodes. */
  around(step: Around): void {
    this.#add(this.#around, bare(step));
  }

  /** Gives its place to everything that can be ordered now. */
  settle(nowMs: number): void {
    while (this.#place(nowMs));
    this.#forgetSent(nowMs - rememberMs);
  }

  /** Nobody tells anything more. */
  finish(): void {
    this.settle(Number.POSITIVE_INFINITY);
  }

  #queue(node: NodeId): Queue {
    const known = this.#nodes.get(node);
    if (known !== undefined) return known;
    const queue = newQueue(this.#around.items.at(-1)?.at);
    this.#nodes.set(node, queue);
    return queue;
  }

  #add(queue: Queue, item: Item): void {
    const before = queue.items.at(-1)?.at ?? queue.since;
    queue.items.push(item.at < before ? { ...item, at: before } : item);
    this.#noteSends([item]);
  }

  #noteSends(items: readonly Item[]): void {
    for (const { sends, at } of items) {
      for (const key of sends) if (!this.#sent.has(key)) this.#sent.set(key, { nr: null, at });
    }
  }

  /** Places the next step, if there is one that may have its place. */
  #place(nowMs: number): boolean {
    let queue: Queue | null = null;
    for (const each of [this.#around, ...this.#nodes.values()]) queue = earlier(queue, each);
    const at = atHead(queue);
    if (queue === null || (at > nowMs - tellingMs && !this.#isToldUntil(at))) return false;
    const next = this.#firstCause(queue, nowMs);
    if (next !== null) this.#take(next);
    return next !== null;
  }

  /** The queue whose first item has to have its place before that of another, or is that; null if it is still untold. */
  #firstCause(queue: Queue, nowMs: number): Queue | null {
    let cause = queue;
    // In circles go only messages that are taken for others: so many steps lead to the first of any chain.
    for (let steps = 0; steps <= this.#nodes.size; steps++) {
      const { at, needs } = cause.items[cause.next] as Item;
      if (needs === null) return cause;
      const sent = needs.key === null ? undefined : this.#sent.get(needs.key);
      if (sent !== undefined && sent.nr !== null) return cause;
      const sender = this.#queue(needs.from);
      if (sent === undefined) {
        if (this.#isUntold(sender, at, nowMs)) return cause;
        // What it could not tell before its end left before: that comes first.
        if (!sender.isDown) return null;
      }
      cause = sender;
    }
    return queue;
  }

  /** Is it certain, of a message heard at a time, that its sender will not tell when it was sent? */
  #isUntold({ isDown, toldUntil, items, next }: Queue, at: number, nowMs: number): boolean {
    return (isDown && next === items.length) || toldUntil >= at + skewMs || at <= nowMs - patienceMs;
  }

  #isToldUntil(at: number): boolean {
    for (const { isDown, toldUntil } of this.#nodes.values()) if (!isDown && toldUntil < at) return false;
    return true;
  }

  #take(queue: Queue): void {
    const item = queue.items[queue.next++] as Item;
    const nr = ++this.#nr;
    this.#at = Math.max(this.#at, item.at);
    this.#emit({ ...this.#linked(item), nr, at: this.#at } as Step);
    for (const key of item.sends) this.#sent.set(key, { nr, at: item.at });
    // Now and then, so that it costs nothing by itself.
    if (queue.next < 256) return;
    queue.items.splice(0, queue.next);
    queue.next = 0;
  }

  /** With the place of what was sent for what was heard. */
  #linked({ step, needs }: Item): LooseStep {
    if (needs === null || step.kind !== 'chart' || step.heard === undefined) return step;
    const nr = (needs.key === null ? null : this.#sent.get(needs.key)?.nr) ?? null;
    return { ...step, heard: { ...step.heard, nr } };
  }

  #forgetSent(beforeMs: number): void {
    for (const [key, { at, nr }] of this.#sent) {
      if (at >= beforeMs || nr === null) return;
      this.#sent.delete(key);
    }
  }
}

function newQueue(since = Number.NEGATIVE_INFINITY): Queue {
  return { items: [], next: 0, toldUntil: Number.NEGATIVE_INFINITY, isDown: false, since };
}

function earlier(one: Queue | null, other: Queue): Queue | null {
  return atHead(other) < atHead(one) ? other : one;
}

function atHead(queue: Queue | null): number {
  return queue?.items[queue.next]?.at ?? Number.POSITIVE_INFINITY;
}

function bare(step: LooseStep): Item {
  return { at: step.at, step, needs: null, sends: [] };
}

function itemOf(node: NodeId, event: ObservedEvent, shiftMs: number): Item {
  const at = rounded(event.at + shiftMs);
  switch (event.kind) {
    case 'chart': {
      const { heard, ...rest } = event;
      if (heard === undefined) return bare({ ...rest, at, node });
      const { from, key, ...message } = heard;
      const told: Heard = { from, nr: null, ...message };
      const needs = { from, key: key === 0 ? null : keyOf(from, node, key) };
      return { at, step: { ...rest, at, node, heard: told }, needs, sends: [] };
    }
    case 'send': {
      const { keys, ...rest } = event;
      const sends = event.to.map((to, nth) => keyOf(node, to, keys[nth] ?? 0));
      return { at, step: { ...rest, at, node }, needs: null, sends };
    }
    case 'tally':
      return bare({ ...event, at, since: rounded(event.since + shiftMs), node });
    case 'apply':
      return bare({ ...event, at, node });
  }
}

/** Names a message on its way: the same bytes from the same node to the same node are one. */
function keyOf(from: NodeId, to: NodeId, key: number): string {
  return `${from} ${to} ${key}`;
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
