import { InvalidOptionError } from '../src/ground/errors.js';

/** One line of the benchmark: what is run. Its name is `storage-nodes-bytes-inFlight`, such as `memory-3-16-1024`. */
export interface Row {
  readonly name: string;
  readonly storage: 'memory' | 'disk';
  readonly nodes: number;
  /** Bytes in a command. */
  readonly bytes: number;
  /** Commands that clients keep under way. */
  readonly inFlight: number;
}

export const allRows: readonly Row[] = [
  ...(['memory', 'disk'] as const).flatMap((storage) =>
    [3, 5].flatMap((nodes) =>
      [16, 256].flatMap((bytes) => [1, 64, 1024].map((inFlight) => newRow(storage, nodes, bytes, inFlight))),
    ),
  ),
  // What each further follower costs its leader,
  newRow('memory', 7, 16, 1024),
  newRow('memory', 9, 16, 1024),
  // and what is left of memory's rate with a disk that is waited for.
  newRow('memory', 3, 64, 256),
  newRow('disk', 3, 64, 256),
];

function newRow(storage: Row['storage'], nodes: number, bytes: number, inFlight: number): Row {
  return { name: `${storage}-${nodes}-${bytes}-${inFlight}`, storage, nodes, bytes, inFlight };
}

/**
 * Those of `candidates` that are named, in their order there. `*` stands for one part or several: `memory-3-*-1024`,
 * `memory-*`.
 * @throws {InvalidOptionError} when a name matches none.
 */
export function chooseRows<Named extends { readonly name: string }>(
  names: readonly string[],
  candidates: readonly Named[],
): Named[] {
  const matchers = names.map((name) => {
    const pattern = name
      .split('-')
      .map((part) => (part === '*' ? '.+' : part.replace(/[^a-z0-9]/gi, '')))
      .join('-');
    const matches = (row: Named) => new RegExp(`^${pattern}$`).test(row.name);
    if (!candidates.some(matches)) {
      throw new InvalidOptionError(
        `No row is called "${name}". A row is storage-nodes-bytes-inFlight, such as memory-3-16-1024, or one of those that --help names.`,
      );
    }
    return matches;
  });
  return candidates.filter((row) => matchers.some((matches) => matches(row)));
}
