import type { ClusterEvents } from '../client/events.js';
import { nextLeader } from '../client/leader-wait.js';
import type { WaitOptions } from '../ground/call-options.js';
import type { Clock } from '../ground/clock.js';
import { type ClosedError, ConclaveError, TransferFailedError } from '../ground/errors.js';
import { abortedBefore } from '../ground/waiting.js';
import type { Leader } from '../node/when-ready.js';
import type { NodeId } from '../raft/entry.js';
import type { Change } from '../raft/membership.js';

/** How long a change of members may take: a server that is to vote may first have to receive all of the log. */
const changeTimeoutMs = 60_000;
const transferTimeoutMs = 5_000;
const retryMs = 50;

/** The node did not take it, or it is not known whether it did. A change says how all is to be, so it is asked again. */
const retryableCodes: ReadonlySet<string> = new Set(['NOT_LEADER', 'NODE_DEAD', 'OUTCOME_UNKNOWN']);

/** What changes of members need of their cluster. */
export interface MembershipHost {
  readonly clock: Clock;
  readonly events: ClusterEvents;
  leader(): Leader | null;
  closed(): ClosedError | null;
  /** @throws what the node answers */
  change(leader: NodeId, change: Change | 'abort'): Promise<void>;
  transfer(leader: NodeId, to: NodeId | null): Promise<void>;
}

/** Changes of members and transfers of leadership as the cluster's caller asks for them: of whoever leads, until one answers. */
export class MembershipCalls {
  readonly #host: MembershipHost;

  constructor(host: MembershipHost) {
    this.#host = host;
  }

  /** @throws what the leader answers; {TimeoutError} when none does in time; {AbortedError} {ClosedError} */
  async change(
    change: Change | 'abort',
    { timeoutMs = changeTimeoutMs, signal }: WaitOptions,
  ): Promise<void> {
    const { clock } = this.#host;
    const deadlineMs = clock.now() + timeoutMs;
    let mayBeDone = false;
    for (;;) {
      const leader = await this.#leader(deadlineMs, signal);
      try {
        return await this.#host.change(leader.id, change);
      } catch (error) {
        const code = error instanceof ConclaveError ? error.code : '';
        // A member that an earlier attempt removed is none any more.
        if (mayBeDone && code === 'NOT_A_MEMBER') return;
        const isOwn = mayBeDone && code === 'CHANGE_IN_PROGRESS';
        if (!(retryableCodes.has(code) || isOwn) || clock.now() + retryMs >= deadlineMs) throw error;
        mayBeDone ||= code === 'OUTCOME_UNKNOWN' || code === 'NODE_DEAD';
      }
      await this.#pause(retryMs);
    }
  }

  /** Resolves with who leads then. @throws {TransferFailedError} {TimeoutError} {AbortedError} {ClosedError} */
  async transfer(to: NodeId | null, { timeoutMs = transferTimeoutMs, signal }: WaitOptions): Promise<Leader> {
    const { clock, events } = this.#host;
    const deadlineMs = clock.now() + timeoutMs;
    const before = await this.#leader(deadlineMs, signal);
    if (before.id === to) return before;
    await this.#host.transfer(before.id, to);
    const now = this.#host.leader();
    const isNew = now !== null && now.term > before.term;
    const options = { timeoutMs: Math.max(1, deadlineMs - clock.now()), ...(signal ? { signal } : {}) };
    const after = isNew
      ? now
      : await nextLeader(events, clock, new Set([before.id]), options, () => this.#host.closed());
    if (to !== null && after.id !== to) {
      throw new TransferFailedError(before.id, `handed over, and node ${after.id} was elected`);
    }
    return after;
  }

  #leader(deadlineMs: number, signal: AbortSignal | undefined): Promise<Leader> {
    const { clock, events } = this.#host;
    const options = { timeoutMs: Math.max(1, deadlineMs - clock.now()), ...(signal ? { signal } : {}) };
    const reason = this.#host.closed() ?? abortedBefore('wait', options);
    if (reason !== null) return Promise.reject(reason);
    const leader = this.#host.leader();
    return leader === null
      ? nextLeader(events, clock, new Set(), options, () => this.#host.closed())
      : Promise.resolve(leader);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#host.clock.setTimeout(resolve, ms);
    });
  }
}
