import type { NodeInformation } from '../../node/information.js';
import type { Observation } from '../../node/watch/observation.js';

/** What a node told of itself before its thread ended, for whoever comes to look afterwards. */
export class LastWords {
  #isListening = false;
  #latest: Observation | null = null;

  /** The node is watched from now on, or no longer: then what it told grows old. */
  listen(on: boolean): void {
    this.#isListening = on;
    if (!on) this.#latest = null;
  }

  hear(observation: Observation): void {
    if (this.#isListening) this.#latest = observation;
  }

  /** A new life of the node begins. */
  forget(): void {
    this.#latest = null;
  }

  /**
   * The dead node as it last stood. If nobody watched, only what every node reports is known: no active state, no
   * entry's term, and the vote may be one of an earlier term. Null if it never reported anything.
   */
  of({ digest, ...known }: NodeInformation): Observation | null {
    const told = { events: 0, transitions: [], messages: [], links: [], commitLatency: null };
    if (this.#latest !== null) {
      const { information, active, log } = this.#latest;
      const { role, state } = known;
      return {
        ...told,
        information: { ...information, role, state },
        active,
        log: { ...log, truncated: [] },
      };
    }
    if (known.term === 0) return null;
    const first = known.lastLogIndex + 1;
    const log = { first, terms: [], durableIndex: 0, truncated: [] };
    return { ...told, information: known, active: [], log };
  }
}
