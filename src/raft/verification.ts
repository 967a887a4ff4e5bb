import type { NodeId } from './entry.js';
import type { VerifyResponse } from './messages.js';
import { majority } from './quorum.js';

/**
 * One verification round: may these commands be appended? The verdicts of voters are counted for each command by
 * itself, each voter once, until a majority approves it or so many refuse that none can.
 */
export class VerificationRound {
  readonly #voters: readonly NodeId[];
  readonly #size: number;
  readonly #verdicts = new Map<NodeId, readonly boolean[]>();

  constructor(voters: readonly NodeId[], size: number) {
    this.#voters = voters;
    this.#size = size;
  }

  count(response: Pick<VerifyResponse, 'from' | 'approved'>): void {
    const counts = this.#voters.includes(response.from) && response.approved.length === this.#size;
    if (counts && !this.#verdicts.has(response.from)) this.#verdicts.set(response.from, response.approved);
  }

  hasAnswered(id: NodeId): boolean {
    return this.#verdicts.has(id);
  }

  /** One decision a command, or null while any of them is open. */
  decisions(): boolean[] | null {
    const needed = majority(this.#voters.length);
    const decisions: boolean[] = [];
    for (let command = 0; command < this.#size; command++) {
      let approvals = 0;
      let refusals = 0;
      for (const verdicts of this.#verdicts.values()) verdicts[command] === true ? approvals++ : refusals++;
      if (approvals >= needed) decisions.push(true);
      else if (this.#voters.length - refusals < needed) decisions.push(false);
      else return null;
    }
    return decisions;
  }
}
