import type { Clock } from '../../ground/clock.js';
import { NodeDeadError, TimeoutError } from '../../ground/errors.js';
import type { HostRequest, NodeReport } from '../../node/host/protocol.js';
import type { NodeId } from '../../raft/entry.js';

/** A node that says nothing for so long is not going to. */
const answerTimeoutMs = 5000;

/** How a node stands in its cluster, as it last reported. */
export type Standing = Extract<NodeReport, { type: 'roleChanged' }>;

interface Question {
  readonly isAnsweredBy: (report: NodeReport) => boolean;
  readonly settle: (outcome: NodeReport | Error) => void;
}

/** What a node was asked and has not answered. Each question is answered, runs out of time, or dies with the node. */
export class NodeQuestions {
  readonly #nodeId: NodeId;
  readonly #clock: Clock;
  readonly #post: (request: HostRequest) => boolean;
  readonly #open = new Set<Question>();
  #nextRequest = 0;

  /** @param post is false if there is no thread to hear it. */
  constructor(nodeId: NodeId, clock: Clock, post: (request: HostRequest) => boolean) {
    this.#nodeId = nodeId;
    this.#clock = clock;
    this.#post = post;
  }

  /**
   * Asks what is answered under a number.
   * @param timeoutMs null: it may take as long as it takes
   * @throws {NodeDeadError} {TimeoutError}
   */
  ask(
    make: (request: number) => HostRequest,
    timeoutMs: number | null = answerTimeoutMs,
  ): Promise<NodeReport> {
    const request = this.#nextRequest++;
    if (!this.#post(make(request))) return Promise.reject(this.#dead());
    const isAnswer = (report: NodeReport) => 'request' in report && report.request === request;
    return this.#until(isAnswer, 'an answer', timeoutMs);
  }

  /** Waits until the node says that it stands as described. @throws {NodeDeadError} {TimeoutError} */
  async untilItStands(matches: (standing: Pick<Standing, 'role'>) => boolean): Promise<void> {
    const stands = (report: NodeReport) => report.type === 'roleChanged' && matches(report);
    await this.#until(stands, 'another role', answerTimeoutMs);
  }

  hear(report: NodeReport): void {
    for (const question of this.#open) if (question.isAnsweredBy(report)) question.settle(report);
  }

  /** The node's thread is gone, and nobody left to answer. */
  abandon(): void {
    for (const question of this.#open) question.settle(this.#dead());
  }

  #until(
    isAnsweredBy: (report: NodeReport) => boolean,
    what: string,
    timeoutMs: number | null,
  ): Promise<NodeReport> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: NodeReport | Error) => {
        if (timer !== null) this.#clock.clearTimeout(timer);
        this.#open.delete(question);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      const giveUp = () => settle(new TimeoutError(`${what} of node ${this.#nodeId}`, timeoutMs ?? 0));
      // If it was this thread that had no time, the answer is here already and is heard before the next turn.
      const timer =
        timeoutMs === null ? null : this.#clock.setTimeout(() => this.#clock.soon(giveUp), timeoutMs);
      const question = { isAnsweredBy, settle };
      this.#open.add(question);
    });
  }

  #dead(): NodeDeadError {
    return new NodeDeadError(this.#nodeId, 'has crashed');
  }
}
