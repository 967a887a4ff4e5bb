import type { Clock } from '../ground/clock.js';
import { NodeDeadError, TimeoutError } from '../ground/errors.js';
import type { Random } from '../ground/random.js';
import {
  decodeReply,
  encodeRequest,
  type RemoteReply,
  type RemoteRequest,
  type WatchReply,
  type WatchRequest,
} from '../node/clients/client-frames.js';
import type { ClientReply, ClientRequest } from '../node/clients/client-requests.js';
import { errorOf } from '../node/host/error-report.js';
import type { Order, SnapshotTaken } from '../node/host/orders.js';
import type { LogRecord } from '../node/host/protocol.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import { parseAddress } from '../router/carriers/address.js';
import type { ClientCarrier, ClientLine } from '../router/carriers/client-carrier.js';
import { createClientCarrier } from '../router/carriers/create-carrier.js';
import type { CarrierEvent } from '../router/carriers/events.js';
import { membersIn } from '../router/carriers/members-frame.js';
import type { CarrierOptions } from '../router/carriers/options.js';

/** Members that are dialed at most, whoever names them. */
const membersMax = 256;
const questionTimeoutMs = 5000;
/** So long a line that was dialed just now may take before its node counts as unreachable. */
const dialMsMax = 500;
/** The largest number that a frame has room for. */
const numberMax = 2 ** 48 - 1;

/** Who asks over the lines. */
export interface RemoteAsker {
  readonly clock: Clock;
  readonly random: Random;
  hear(from: NodeId, reply: ClientReply): void;
  /** The line to the node is gone, and with it what had not been answered. */
  nodeEnded(id: NodeId): void;
  /** A node that is watched tells what it does, or refuses to. */
  observed?(from: NodeId, reply: WatchReply): void;
  /** A member has named the others. */
  membersTold?(): void;
  /** A member has said which cluster this is. */
  clusterKnown?(clusterId: string): void;
  /** A node can be asked that could not. */
  nodeReached(id: NodeId): void;
  tell(event: CarrierEvent): void;
}

interface Line {
  readonly way: ClientLine;
  /** Resolves when it has been open, or had the time for it. */
  readonly tried: Promise<void>;
  readonly noteTried: () => void;
  addresses: string;
  isOpen: boolean;
}

/** What was asked beside what a session asks. */
interface Question {
  readonly to: NodeId;
  readonly settle: (outcome: RemoteReply | Error) => void;
}

/**
 * The lines of one session to nodes in other processes. Knows as many as it was told of, and as they tell of each
 * other; dials all, and again after each loss.
 */
export class RemoteLines {
  readonly #self: NodeId | null;
  readonly #asker: RemoteAsker;
  readonly #carrier: ClientCarrier;
  readonly #lines = new Map<NodeId, Line>();
  readonly #questions = new Map<number, Question>();
  #nextQuestion = 0;
  #isClosed = false;

  /** @param options checked. */
  constructor(options: CarrierOptions, asker: RemoteAsker) {
    const { self } = options.identity;
    this.#self = self.kind === 'node' ? self.node : null;
    this.#asker = asker;
    this.#carrier = createClientCarrier(options, {
      clock: asker.clock,
      random: asker.random,
      found: (node, address) => {
        if (!this.#lines.has(node)) this.setMember(node, address === null ? [] : [address]);
      },
      tell: (event) => asker.tell(event),
    });
  }

  /** Reads the certificates, or looks for the members on the bus. @throws {CredentialsError} {MissingPackageError} */
  open(): Promise<void> {
    return this.#carrier.open();
  }

  /** Says which cluster this is: members of another are refused from then on. */
  adopt(clusterId: string): void {
    this.#carrier.adopt(clusterId);
  }

  /** The members that are known, ascending. */
  get ids(): NodeId[] {
    return [...this.#lines.keys()].sort((a, b) => a - b);
  }

  /** Where the member is, as far as it is known; empty where it is not. */
  addressOf(id: NodeId): string {
    return this.#lines.get(id)?.addresses.split(' ')[0] ?? '';
  }

  /** Resolves when the line to the member has been open, or had the time for it. */
  async tried(id: NodeId): Promise<void> {
    await this.#lines.get(id)?.tried;
  }

  isOpen(id: NodeId): boolean {
    return this.#lines.get(id)?.isOpen === true;
  }

  /** The next reachable node after one, in a circle; null if there is none. */
  reachableAfter(id: NodeId | null): NodeId | null {
    const reachable = this.ids.filter((each) => this.isOpen(each));
    return reachable.find((each) => id === null || each > id) ?? reachable[0] ?? null;
  }

  /** Asks who is at an address; whoever answers is a member, and names the others. @throws {InvalidOptionError} */
  introduce(address: string): void {
    this.#carrier.introduce(address);
  }

  /** Names a member, or where it is from now on. @throws {InvalidOptionError} */
  setMember(id: NodeId, addresses: readonly string[]): void {
    if (this.#isClosed || this.#self === id) return;
    for (const each of addresses) this.#carrier.requireAddress(each);
    const text = addresses.join(' ');
    const known = this.#lines.get(id);
    if (known?.addresses === text || (known === undefined && this.#lines.size >= membersMax)) return;
    const line = known ?? this.#dial(id);
    line.addresses = text;
    line.way.setAddresses(addresses);
  }

  /** Hangs up on who is no member any more, and dials it no longer. */
  removeMember(id: NodeId): void {
    const line = this.#lines.get(id);
    if (line === undefined) return;
    this.#lines.delete(id);
    line.noteTried();
    void line.way.close();
    if (line.isOpen) this.#ended(id);
  }

  /** False if nobody is there to hear it. */
  post(id: NodeId, request: ClientRequest | WatchRequest): boolean {
    const line = this.#lines.get(id);
    if (line === undefined || !line.isOpen) return false;
    line.way.send(encodeRequest(request));
    return true;
  }

  /**
   * Has a node do something; resolves when it is done, with the snapshot if that was ordered.
   * @throws what the node answers; {NodeDeadError}; {TimeoutError} it is not known whether it was done
   */
  async order(to: NodeId, order: Order, timeoutMs: number): Promise<SnapshotTaken | null> {
    const reply = await this.ask(to, (request) => ({ type: 'order', request, order }), timeoutMs);
    if (reply.type !== 'ordered') throw new NodeDeadError(to);
    if (reply.outcome.error !== null) throw errorOf(reply.outcome.error);
    return reply.outcome.snapshot;
  }

  /** Asks one node what a session does not. @throws {NodeDeadError} {TimeoutError} */
  async ask(
    to: NodeId,
    make: (request: number) => RemoteRequest,
    timeoutMs = questionTimeoutMs,
  ): Promise<RemoteReply> {
    const line = this.#lines.get(to);
    if (line === undefined || !line.isOpen) throw unreachable(to);
    return new Promise((resolve, reject) => {
      const request = this.#nextQuestion++;
      const { clock } = this.#asker;
      const settle = (outcome: RemoteReply | Error) => {
        clock.clearTimeout(timer);
        this.#questions.delete(request);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      const late = () => settle(new TimeoutError(`an answer of node ${to}`, timeoutMs));
      const timer = clock.setTimeout(late, timeoutMs);
      this.#questions.set(request, { to, settle });
      line.way.send(encodeRequest(make(request)));
    });
  }

  /**
   * A node's log from `from` through `to`, page by page, of each command at most `bytesMax` bytes.
   * @throws {NodeDeadError} {TimeoutError}
   */
  async log(id: NodeId, from: LogIndex, to: LogIndex, bytesMax: number): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    let end = Math.min(to, numberMax);
    for (let next = from; next <= end; ) {
      const page = { from: next, to: end, bytesMax: Math.min(bytesMax, numberMax) };
      const reply = await this.ask(id, (request) => ({ type: 'log', request, ...page }));
      if (reply.type !== 'records' || reply.records.length === 0) break;
      records.push(...reply.records);
      end = Math.min(end, reply.lastLogIndex);
      // What was given up meanwhile is left out.
      next = (reply.records.at(-1) as LogRecord).index + 1;
    }
    return records;
  }

  /** Hangs up everywhere, within a bound. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { noteTried } of this.#lines.values()) noteTried();
    await this.#carrier.close();
    this.#lines.clear();
  }

  #dial(id: NodeId): Line {
    let noteTried = () => {};
    const tried = new Promise<void>((resolve) => {
      const timer = this.#asker.clock.setTimeout(resolve, dialMsMax);
      noteTried = () => {
        this.#asker.clock.clearTimeout(timer);
        resolve();
      };
    });
    const way = this.#carrier.line(id, {
      opened: ({ clusterId }) => {
        line.isOpen = true;
        line.noteTried();
        if (clusterId !== null) this.#asker.clusterKnown?.(clusterId);
        this.#asker.nodeReached(id);
      },
      received: (frame) => this.#hear(id, frame),
      ended: () => {
        line.isOpen = false;
        // Nobody is to hear twice what its asker is told is lost.
        way.forget();
        if (this.#lines.get(id) === line) this.#ended(id);
      },
    });
    const line: Line = { way, tried, noteTried, addresses: '', isOpen: false };
    this.#lines.set(id, line);
    return line;
  }

  #ended(id: NodeId): void {
    for (const question of [...this.#questions.values()]) {
      if (question.to === id) question.settle(unreachable(id));
    }
    this.#asker.nodeEnded(id);
  }

  #hear(from: NodeId, frame: Uint8Array): void {
    const members = membersIn(frame, membersMax);
    if (members !== null) {
      this.#hearMembers(members);
      return;
    }
    const reply = decodeReply(frame);
    if (reply === null) return;
    switch (reply.type) {
      case 'observed':
      case 'watchRefused':
        this.#asker.observed?.(from, reply);
        return;
      case 'described':
      case 'records':
      case 'ordered': {
        const question = this.#questions.get(reply.request);
        if (question?.to === from) question.settle(reply);
        return;
      }
      default:
        this.#asker.hear(from, reply);
    }
  }

  /** What one member says of the others. Where nobody may go, nobody is. */
  #hearMembers(members: readonly (readonly [node: NodeId, addresses: readonly string[]])[]): void {
    for (const [id, addresses] of members) {
      if (addresses.length === 0 && this.#carrier.isAddressed) continue;
      try {
        this.setMember(id, addresses);
      } catch {
        // It is a member's mistake, and others tell of the same.
      }
    }
    this.#asker.membersTold?.();
  }
}

/** Addresses in one text, with commas between. @throws {InvalidOptionError} */
export function addressList(text: string): string[] {
  const addresses = text.split(',').map((each) => each.trim());
  for (const each of addresses) parseAddress(each);
  return addresses;
}

function unreachable(id: NodeId): NodeDeadError {
  return new NodeDeadError(id, 'cannot be reached');
}
