import type { Configuration } from './configuration.js';
import type { NodeId } from './entry.js';
import type { VerifyResponse } from './messages.js';

/**
 * One verification round: may these commands be appended? The verdicts of voters are counted for each command by
 * itself, each voter once, until a quorum approves it or so many refuse that none can.
 */
export class VerificationRound {
  readonly #size: number;
  readonly #verdicts = new Map<NodeId, readonly boolean[]>();

  constructor(size: number) {
    this.#size = size;
  }

  count({ from, approved }: Pick<VerifyResponse, 'from' | 'approved'>): void {
    if (approved.length === this.#size && !this.#verdicts.has(from)) this.#verdicts.set(from, approved);
  }

  hasAnswered(id: NodeId): boolean {
    return this.#verdicts.has(id);
  }

  /** One decision a command, or null while any of them is open. */
  decisions(configuration: Configuration): boolean[] | null {
    const decisions: boolean[] = [];
    for (let command = 0; command < this.#size; command++) {
      const verdictOf = (voter: NodeId) => this.#verdicts.get(voter)?.[command];
      if (configuration.hasQuorum((voter) => verdictOf(voter) === true)) decisions.push(true);
      else if (!configuration.hasQuorum((voter) => verdictOf(voter) !== false)) decisions.push(false);
      else return null;
    }
    return decisions;
  }
}
