import type { WaitOptions } from '../ground/call-options.js';
import type { Clock } from '../ground/clock.js';
import { ConclaveError, InvalidOptionError, TimeoutError, TransferFailedError } from '../ground/errors.js';
import { refuseUnknown, requireBoolean, requireInteger } from '../ground/option-checks.js';
import { aborted, abortedBefore, onAbort, waitOptions, wrongWait } from '../ground/waiting.js';
import type { Order, SnapshotTaken } from '../node/host/orders.js';
import type { Leader } from '../node/when-ready.js';
import type { NodeId } from '../raft/entry.js';
import type { Change } from '../raft/membership.js';
import { addressBytesMax, priorityMax } from '../wire/configuration.js';

/** How long a change of members may take: a server that is to vote may first have to receive all of the log. */
const changeTimeoutMs = 60_000;
const transferTimeoutMs = 5_000;
const retryMs = 50;

/** The node did not take it, or it is not known whether it did. A change says how all is to be, so it is asked again. */
const retryableCodes: ReadonlySet<string> = new Set(['NOT_LEADER', 'NODE_DEAD', 'OUTCOME_UNKNOWN']);

/** How a member is added. */
export interface AddMemberOptions extends WaitOptions {
  /** It receives the log and does not vote (false). */
  readonly learner?: boolean;
  /** Where it is reached, for whoever carries messages to it. */
  readonly address?: string;
}

/** What calls about members need of who makes them. */
export interface MembershipHost {
  readonly clock: Clock;
  readonly idMax: NodeId;
  /** Who leads, as far as is known. */
  leader(): Leader | null | Promise<Leader | null>;
  /** The next leader that is none of these. @throws {TimeoutError} {AbortedError} {ClosedError} */
  nextLeader(others: ReadonlySet<NodeId>, options: WaitOptions): Promise<Leader>;
  isLearner(id: NodeId): boolean | Promise<boolean>;
  /** Why nothing is to be asked any more, or null. */
  closed(): ConclaveError | null;
  /** @param timeoutMs of an answer, where it could be lost on its way. @throws what the node answers; {NodeDeadError} */
  order(to: NodeId, order: Order, timeoutMs: number): Promise<SnapshotTaken | null>;
  /** A node is to be added: where it lives in this process, it is started. */
  comes?(id: NodeId): Promise<unknown>;
  /** A node was removed. */
  goes?(id: NodeId): Promise<void>;
}

/** Changes of members and transfers of leadership as a caller asks for them: of whoever leads, until one answers. */
export class MembershipCalls {
  readonly #host: MembershipHost;

  constructor(host: MembershipHost) {
    this.#host = host;
  }

  async add(id: NodeId, options: AddMemberOptions = {}): Promise<void> {
    requireOptions(options, { ...waitOptions, learner: true, address: true });
    const { learner = false, address = '', ...waiting } = options;
    this.#requireId('id', id);
    requireBoolean('learner', learner);
    requireAddress(address);
    await this.#host.comes?.(id);
    await this.#change([{ kind: 'add', id, address, learner }], waiting);
  }

  async remove(id: NodeId, options: WaitOptions = {}): Promise<void> {
    requireOptions(options);
    this.#requireId('id', id);
    await this.#yieldLeadership(id, options);
    await this.#change([{ kind: 'remove', id }], options);
    await this.#host.goes?.(id);
  }

  async replace(id: NodeId, by: NodeId, options: Omit<AddMemberOptions, 'learner'> = {}): Promise<void> {
    requireOptions(options, { ...waitOptions, address: true });
    const { address = '', ...waiting } = options;
    this.#requireId('id', id);
    this.#requireId('by', by);
    requireAddress(address);
    if (by === id) {
      throw new InvalidOptionError(`Node ${id} cannot take its own place: remove it, then add it again.`);
    }
    const learner = await this.#host.isLearner(id);
    await this.#host.comes?.(by);
    await this.#yieldLeadership(id, waiting);
    const steps: Change = [
      { kind: 'remove', id },
      { kind: 'add', id: by, address, learner },
    ];
    await this.#change(steps, waiting);
    await this.#host.goes?.(id);
  }

  async promote(id: NodeId, options: WaitOptions = {}): Promise<void> {
    requireOptions(options);
    this.#requireId('id', id);
    await this.#change([{ kind: 'promote', id }], options);
  }

  async update(id: NodeId, address: string, options: WaitOptions = {}): Promise<void> {
    requireOptions(options);
    this.#requireId('id', id);
    requireAddress(address);
    await this.#change([{ kind: 'update', id, address }], options);
  }

  async prioritize(id: NodeId, priority: number, options: WaitOptions = {}): Promise<void> {
    requireOptions(options);
    this.#requireId('id', id);
    requireInteger('priority', priority, 0, priorityMax);
    await this.#change([{ kind: 'prioritize', id, priority }], options);
  }

  async abort(options: WaitOptions = {}): Promise<void> {
    requireOptions(options);
    await this.#change('abort', options);
  }

  /** @throws what the leader answers; {TimeoutError} when none does in time; {AbortedError} {ClosedError} */
  async #change(change: Change | 'abort', options: WaitOptions): Promise<void> {
    const { timeoutMs = changeTimeoutMs, signal } = options;
    const { clock } = this.#host;
    const deadlineMs = clock.now() + timeoutMs;
    let mayBeDone = false;
    for (;;) {
      const leader = await this.#leader(deadlineMs, signal);
      try {
        await this.#order(leader.id, { type: 'change', change }, this.#until(deadlineMs, signal));
        return;
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
  async transfer(to: NodeId | null, options: WaitOptions = {}): Promise<Leader> {
    requireOptions(options);
    if (to !== null) this.#requireId('to', to);
    const { timeoutMs = transferTimeoutMs, signal } = options;
    const { clock } = this.#host;
    const deadlineMs = clock.now() + timeoutMs;
    const before = await this.#leader(deadlineMs, signal);
    if (before.id === to) return before;
    await this.#order(before.id, { type: 'transfer', to }, this.#until(deadlineMs, signal));
    const now = await this.#host.leader();
    const isNew = now !== null && now.term > before.term;
    const after = isNew
      ? now
      : await this.#host.nextLeader(new Set([before.id]), this.#until(deadlineMs, signal));
    if (to !== null && after.id !== to) {
      throw new TransferFailedError(before.id, `handed over, and node ${after.id} was elected`);
    }
    return after;
  }

  /** Who is to go leads no more first, where another can: what it was asked is answered then. */
  async #yieldLeadership(id: NodeId, options: WaitOptions): Promise<void> {
    const leader = await this.#host.leader();
    if (leader?.id !== id) return;
    try {
      await this.transfer(null, options);
    } catch (error) {
      const mayGoOn =
        error instanceof TransferFailedError ||
        error instanceof TimeoutError ||
        retryableCodes.has((error as { code?: string }).code ?? '');
      if (!mayGoOn) throw error;
    }
  }

  #requireId(name: string, id: NodeId): void {
    requireInteger(name, id, 0, this.#host.idMax);
  }

  async #leader(deadlineMs: number, signal: AbortSignal | undefined): Promise<Leader> {
    const options = this.#until(deadlineMs, signal);
    const leader = await this.#host.leader();
    const reason = this.#host.closed() ?? abortedBefore('wait', options);
    if (reason !== null) throw reason;
    return leader ?? (await this.#host.nextLeader(new Set(), options));
  }

  /** What the node answers, unless it takes too long or is not waited for any more. */
  #order(to: NodeId, order: Order, { timeoutMs = 1, signal }: WaitOptions): Promise<unknown> {
    const { clock } = this.#host;
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clock.clearTimeout(timer);
        forget?.();
        settle();
      };
      const late = new TimeoutError(`node ${to} to have carried out the ${order.type}`, timeoutMs);
      const timer = clock.setTimeout(() => clock.soon(() => end(() => reject(late))), timeoutMs);
      const forget = signal && onAbort(signal, () => end(() => reject(aborted('wait', signal))));
      this.#host.order(to, order, timeoutMs).then(
        () => end(() => resolve(null)),
        (error: unknown) => end(() => reject(error)),
      );
    });
  }

  #until(deadlineMs: number, signal: AbortSignal | undefined): WaitOptions {
    const timeoutMs = Math.max(1, deadlineMs - this.#host.clock.now());
    return { timeoutMs, ...(signal ? { signal } : {}) };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#host.clock.setTimeout(resolve, ms);
    });
  }
}

/** @throws {InvalidOptionError} */
function requireOptions(options: WaitOptions, known: Readonly<Record<string, true>> = waitOptions): void {
  refuseUnknown('option', options, known);
  const wrong = wrongWait(options);
  if (wrong !== null) throw wrong;
}

/** @throws {InvalidOptionError} */
function requireAddress(address: unknown): void {
  if (typeof address === 'string' && Buffer.byteLength(address) <= addressBytesMax) return;
  throw new InvalidOptionError(`An address is a text of at most ${addressBytesMax} bytes.`);
}
