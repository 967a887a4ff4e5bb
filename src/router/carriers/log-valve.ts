import type { Clock } from '../../ground/clock.js';
import type { CarrierTally } from './counters.js';
import type { CarrierEvent } from './events.js';

/** What was told is told again after this many milliseconds at the earliest. */
const repeatMsMin = 30_000;
const repeatable = new Set<CarrierEvent['type']>([
  'refused',
  'unreachable',
  'reloadFailed',
  'busLost',
  'busError',
]);
/** Different events that are remembered as told. */
const rememberedMax = 256;

/**
 * Spares the log: whoever can reach a port, and whoever tries in vain for a week, must not fill the disk. What is
 * kept from it is counted, and the count told.
 */
export class LogValve {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #perSecond: number;
  readonly #tally: CarrierTally;
  readonly #tell: (event: CarrierEvent) => void;
  readonly #toldMs = new Map<string, number>();
  #secondMs = Number.NEGATIVE_INFINITY;
  #inSecond = 0;
  #suppressed = 0;
  #summaryMs = Number.NEGATIVE_INFINITY;

  constructor(
    clock: Pick<Clock, 'now'>,
    perSecond: number,
    tally: CarrierTally,
    tell: (event: CarrierEvent) => void,
  ) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#tally = tally;
    this.#tell = tell;
  }

  tell(event: CarrierEvent): void {
    const now = this.#clock.now();
    if (now - this.#secondMs >= 1000) {
      this.#secondMs = now;
      this.#inSecond = 0;
    }
    if (this.#inSecond >= this.#perSecond || this.#isRepeated(event, now)) {
      this.#suppressed++;
      this.#tally.eventsSuppressed++;
      return;
    }
    this.#inSecond++;
    if (this.#suppressed > 0 && now - this.#summaryMs >= repeatMsMin) {
      this.#summaryMs = now;
      this.#tell({ type: 'suppressed', events: this.#suppressed });
      this.#suppressed = 0;
    }
    this.#tell(event);
  }

  /** Failures that are told already, except that they come from another port. */
  #isRepeated(event: CarrierEvent, now: number): boolean {
    if (!repeatable.has(event.type)) return false;
    const key = JSON.stringify({
      ...event,
      address: 'address' in event && event.address.replace(/:\d+$/, ''),
    });
    if (now - (this.#toldMs.get(key) ?? Number.NEGATIVE_INFINITY) < repeatMsMin) return true;
    this.#toldMs.delete(key);
    for (const oldest of this.#toldMs.keys()) {
      if (this.#toldMs.size < rememberedMax) break;
      this.#toldMs.delete(oldest);
    }
    this.#toldMs.set(key, now);
    return false;
  }
}
