/** Something that happens at a moment. */
export interface Due {
  readonly dueMs: number;
  /** Ascending: of two that are due together, the first put in comes out first. */
  readonly order: number;
}

/** A binary heap: what is due first comes out first. Bounded by whoever puts in. */
export class DueQueue<Item extends Due> {
  #heap: Item[] = [];

  get size(): number {
    return this.#heap.length;
  }

  peek(): Item | undefined {
    return this.#heap[0];
  }

  push(item: Item): void {
    this.#heap.push(item);
    this.#rise(this.#heap.length - 1);
  }

  pop(): Item | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink();
    }
    return first;
  }

  /** Takes out all that match, in no particular order. */
  removeWhere(matches: (item: Item) => boolean): Item[] {
    const removed: Item[] = [];
    const kept: Item[] = [];
    for (const item of this.#heap) (matches(item) ? removed : kept).push(item);
    if (removed.length > 0) {
      kept.sort((a, b) => (isBefore(a, b) ? -1 : 1));
      this.#heap = kept;
    }
    return removed;
  }

  #rise(start: number): void {
    const heap = this.#heap;
    const item = heap[start] as Item;
    let at = start;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as Item;
      if (!isBefore(item, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = item;
  }

  #sink(): void {
    const heap = this.#heap;
    const item = heap[0] as Item;
    let at = 0;
    for (let down = 1; down < heap.length; down = 2 * at + 1) {
      const right = heap[down + 1];
      if (right !== undefined && isBefore(right, heap[down] as Item)) down++;
      const child = heap[down] as Item;
      if (!isBefore(child, item)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = item;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
