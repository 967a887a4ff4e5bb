import type { Configuration } from './configuration.js';
import type { NodeId } from './entry.js';
import type { VerifyResponse } from './messages.js';

type Answer = Pick<VerifyResponse, 'from' | 'approved' | 'reasons'>;

/** What became of one command in its round. */
export interface Decision {
  readonly approved: boolean;
  /** Why voters refused it, by voter. */
  readonly reasons: ReadonlyMap<NodeId, Uint8Array>;
}

/**
 * One verification round: may these commands be appended? The verdicts of voters are counted for each command by
 * itself, each voter once, until a quorum approves it or so many refuse that none can.
 */
export class VerificationRound {
  readonly #size: number;
  readonly #isGranted: (command: number) => boolean;
  readonly #answers = new Map<NodeId, Answer>();

  /** @param isGranted is the command past being asked about, because it was appended before? */
  constructor(size: number, isGranted: (command: number) => boolean = () => false) {
    this.#size = size;
    this.#isGranted = isGranted;
  }

  count(answer: Answer): void {
    if (answer.approved.length === this.#size && !this.#answers.has(answer.from)) {
      this.#answers.set(answer.from, answer);
    }
  }

  hasAnswered(id: NodeId): boolean {
    return this.#answers.has(id);
  }

  /** One decision a command, or null while any of them is open. */
  decisions(configuration: Configuration): Decision[] | null {
    const decisions: Decision[] = [];
    for (let command = 0; command < this.#size; command++) {
      const verdictOf = (voter: NodeId) => this.#answers.get(voter)?.approved[command];
      const isApproved =
        this.#isGranted(command) || configuration.hasQuorum((voter) => verdictOf(voter) === true);
      if (isApproved) decisions.push({ approved: true, reasons: new Map() });
      else if (configuration.hasQuorum((voter) => verdictOf(voter) !== false)) return null;
      else decisions.push({ approved: false, reasons: this.#reasonsAgainst(command) });
    }
    return decisions;
  }

  #reasonsAgainst(command: number): Map<NodeId, Uint8Array> {
    const reasons = new Map<NodeId, Uint8Array>();
    for (const [voter, { approved, reasons: given }] of this.#answers) {
      if (approved[command] !== false) continue;
      const place = approved.slice(0, command).filter((each) => !each).length;
      const reason = given?.[place];
      if (reason !== undefined && reason.length > 0) reasons.set(voter, reason);
    }
    return reasons;
  }
}
