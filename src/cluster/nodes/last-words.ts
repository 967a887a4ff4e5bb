import type { NodeInformation } from '../../node/information.js';
import type { Observation, ObservedState } from '../../node/watch/observation.js';

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
  of(known: NodeInformation): ObservedState | null {
    const { role } = known;
    if (this.#latest !== null) return { ...this.#latest.state, role };
    if (known.term === 0) return null;
    const { term, votedFor, leaderId, candidacy, lastLogIndex, commitIndex, height } = known;
    return {
      role,
      active: [],
      term,
      votedFor,
      leaderId,
      candidacy,
      log: { last: lastLogIndex, runs: [] },
      commitIndex,
      height,
      votes: [],
      timer: { timeoutMs: 0, elapsedMs: 0 },
      links: [],
    };
  }
}
