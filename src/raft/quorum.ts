/*
 * Majorities. Any two of them share a server, which is what every argument of the paper rests on.
 */

/** How many of `size` servers make a majority. */
export function majority(size: number): number {
  return Math.floor(size / 2) + 1;
}

/** Where `highestReachedByMajority` sorts; used again at each call, so that counting allocates nothing. */
const scratch: number[] = [];

/**
 * The highest value that a majority has reached: with one value a voter, the largest `n` such that a majority of
 * the values are at least `n`. Gives the commit index from match indexes, and the confirmed round from
 * acknowledged rounds. 0 without voters.
 */
export function highestReachedByMajority(values: Iterable<number>): number {
  let size = 0;
  for (const value of values) {
    let position = size++;
    for (; position > 0 && (scratch[position - 1] as number) < value; position--) {
      scratch[position] = scratch[position - 1] as number;
    }
    scratch[position] = value;
  }
  return size === 0 ? 0 : (scratch[majority(size) - 1] as number);
}
