/** A bucket that grows beyond this is split in two. */
const bucketLengthMax = 512;

/**
 * Keys in order of their UTF-16 code units: sorted buckets in a sorted list. Adding and removing one costs two
 * binary searches and the shift of a bucket's half, whatever the number of keys.
 */
export class OrderedKeys {
  /** Never empty, and no bucket in it is empty but a lone one. */
  readonly #buckets: string[][] = [[]];

  /** Adds a key that is not there. */
  add(key: string): void {
    const at = this.#bucketOf(key);
    const bucket = this.#buckets[at] as string[];
    const last = bucket[bucket.length - 1];
    if (last === undefined || last < key) bucket.push(key);
    else bucket.splice(firstNotBelow(bucket, key), 0, key);
    if (bucket.length > bucketLengthMax) {
      this.#buckets.splice(at + 1, 0, bucket.splice(bucketLengthMax / 2));
    }
  }

  /** Removes a key that is there. */
  remove(key: string): void {
    const at = this.#bucketOf(key);
    const bucket = this.#buckets[at] as string[];
    bucket.splice(firstNotBelow(bucket, key), 1);
    if (bucket.length === 0 && this.#buckets.length > 1) this.#buckets.splice(at, 1);
  }

  /** The keys that are not below `from`, in order. */
  *startingAt(from: string): Generator<string, void> {
    const first = this.#bucketOf(from);
    for (let at = first; at < this.#buckets.length; at++) {
      const bucket = this.#buckets[at] as string[];
      const start = at === first ? firstNotBelow(bucket, from) : 0;
      for (let i = start; i < bucket.length; i++) yield bucket[i] as string;
    }
  }

  /** The last bucket that starts at or below the key, else the first. */
  #bucketOf(key: string): number {
    let low = 0;
    let high = this.#buckets.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#buckets[middle]?.[0] as string) <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function firstNotBelow(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
