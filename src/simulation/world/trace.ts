import type { NodeId } from '../../raft/entry.js';
import type { VirtualTime } from './virtual-time.js';

/** What is traced, and what its three numbers mean. The place in this list is folded into the hash. */
export const traceKinds = {
  turn: ['term', 'commit', 'last'],
  timer: ['term', 'commit', 'last'],
  send: ['to', 'checksum', 'bytes'],
  receive: ['from', 'checksum', 'bytes'],
  write: ['term', 'entries', 'last'],
  durable: ['term', 'last', ''],
  apply: ['index', 'term', ''],
  start: ['life', 'term', 'last'],
  crash: ['life', 'power', ''],
  died: ['life', '', ''],
  refused: ['life', '', ''],
  pause: ['ms', 'clock stands', ''],
  wake: ['', '', ''],
  stop: ['', '', ''],
  revive: ['', '', ''],
  candidacy: ['allowed', '', ''],
  role: ['term', 'leader', ''],
  fault: ['', '', ''],
  call: ['client', 'operation', ''],
  answer: ['client', 'operation', 'ok'],
  asked: ['client', 'first', 'count'],
  answered: ['client', 'first', 'count'],
  snapshot: ['index', 'bytes', ''],
  wipe: ['', '', ''],
} as const satisfies Record<string, readonly [string, string, string]>;

export type TraceKind = keyof typeof traceKinds;

/** One event of a run, for a reader. */
export interface TraceEvent {
  readonly timeMs: number;
  /** Null when the event is the world's own. */
  readonly node: NodeId | null;
  readonly kind: TraceKind;
  readonly numbers: Readonly<Record<string, number>>;
  readonly text: string;
}

const kindNumbers = new Map(Object.keys(traceKinds).map((kind, number) => [kind, number]));

/**
 * Folds every event of a run into one hash: two runs of one seed are the same run exactly when their hashes are.
 * Writes the events out only when somebody reads them.
 */
export class Trace {
  readonly #time: VirtualTime;
  readonly #reader: ((event: TraceEvent) => void) | null;
  #low = 0x811c9dc5 | 0;
  #high = 0x9e3779b9 | 0;

  constructor(time: VirtualTime, reader: ((event: TraceEvent) => void) | null) {
    this.#time = time;
    this.#reader = reader;
  }

  /** Is anybody reading, so that texts are worth making? */
  get isRead(): boolean {
    return this.#reader !== null;
  }

  event(node: NodeId | null, kind: TraceKind, a = 0, b = 0, c = 0, text = ''): void {
    const timeMs = this.#time.now();
    this.#fold(((timeMs * 1000) % 0x1_0000_0000) | 0);
    this.#fold(((kindNumbers.get(kind) as number) << 16) | ((node ?? -1) & 0xffff));
    this.#fold(a);
    this.#fold(b);
    this.#fold(c);
    if (this.#reader === null) return;
    const numbers: Record<string, number> = {};
    for (const [at, name] of traceKinds[kind].entries()) if (name !== '') numbers[name] = [a, b, c][at] ?? 0;
    this.#reader({ timeMs, node, kind, numbers, text });
  }

  /** 16 hexadecimal digits. */
  hash(): string {
    return hex(this.#high) + hex(this.#low);
  }

  #fold(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193);
    this.#high = (Math.imul(this.#high ^ (this.#low >>> 15), 0x85ebca6b) + value) | 0;
  }
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
