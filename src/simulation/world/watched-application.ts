import { crc32 } from 'node:zlib';
import type {
  Application,
  CommandContext,
  ProduceContext,
  SnapshotSink,
} from '../../application/application.js';
import type { LogIndex, Term } from '../../raft/entry.js';
import { contentOf, marked, markOf } from './marks.js';

/** What a state machine did with one entry. */
export interface Applied {
  readonly index: LogIndex;
  readonly term: Term;
  readonly command: Uint8Array;
  readonly result: Uint8Array;
}

/** One that snapshots are taken of. */
type Snapshotted = Application & Required<Pick<Application, 'snapshot' | 'restore'>>;

/** An application that tells what it applies. To what clients have marked it answers with the same mark. */
export class WatchedApplication implements Application {
  /** There only where commands are verified. */
  readonly verify?: (command: Uint8Array) => boolean;
  readonly verifies = 'asked';
  readonly #application: Snapshotted;
  readonly #applied: (applied: Applied) => void;
  /** Hears that the state is captured now. */
  readonly #captured: () => void;

  constructor(
    application: Snapshotted,
    applied: (applied: Applied) => void,
    captured: () => void,
    verify: ((command: Uint8Array) => boolean) | null,
  ) {
    this.#captured = captured;
    if (verify !== null) this.verify = verify;
    this.#application = application;
    this.#applied = applied;
  }

  apply(command: Uint8Array, context: CommandContext): Uint8Array {
    const result = answerTo(command, this.#application.apply(contentOf(command), context));
    this.#applied({ index: context.index, term: context.term, command, result });
    return result;
  }

  query(query: Uint8Array): Uint8Array {
    return answerTo(query, this.#application.query(contentOf(query)));
  }

  snapshot(): Iterable<Uint8Array> {
    this.#captured();
    return this.#application.snapshot();
  }

  restore(): SnapshotSink {
    return this.#application.restore();
  }

  /** A number for the whole state. */
  stateNumber(): number {
    let number = 0;
    for (const chunk of this.#application.snapshot()) number = crc32(chunk, number);
    return number;
  }

  digest(): string {
    return this.#application.digest();
  }

  produce(context: ProduceContext): Uint8Array {
    if (this.#application.produce === undefined) throw new Error('The application produces no blocks.');
    return this.#application.produce(context);
  }
}

function answerTo(asked: Uint8Array, answer: Uint8Array): Uint8Array {
  const number = markOf(asked);
  return number === null ? answer : marked(number, answer);
}
