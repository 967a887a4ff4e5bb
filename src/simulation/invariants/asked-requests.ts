import { unpackBytes } from '../../ground/byte-strings.js';
import type { ClientReply, ClientRequest } from '../../node/clients/client-requests.js';
import type { NodeId } from '../../raft/entry.js';
import type { RareStates } from '../rare-states/rare-states.js';
import { markOf } from '../world/marks.js';
import { type Ending, isRefusal, type Request, type Sending, type Told, type Wire } from './request.js';
import { Violation } from './violation.js';

/** Codes with which a node says that somebody else is to be asked. */
const retryableCodes: readonly string[] = ['NOT_LEADER', 'NOT_READY', 'NODE_DEAD'];

/** What a session has under way, as it says itself. */
export interface Pending {
  readonly commands: number;
  readonly commandBytes: number;
  readonly reads: number;
  readonly queryBytes: number;
}

/** What one session has under way, as its callers and its lines saw it. */
interface Asking {
  readonly open: Set<Request>;
  readonly wires: Set<Wire>;
}

/** The sessions' side of all requests: what was called, what was sent where, what was heard, and what callers were told. */
export class AskedRequests {
  readonly #requests: Request[] = [];
  readonly #askings = new Map<number, Asking>();
  readonly #counted: RareStates;
  readonly #broken: (violation: Violation) => void;

  constructor(rare: RareStates, broken: (violation: Violation) => void) {
    this.#counted = rare;
    this.#broken = broken;
  }

  /** The number that marks the next request. */
  get nextNumber(): number {
    return this.#requests.length;
  }

  /** A caller begins a call. Its bytes are marked with the next number. */
  called(request: Pick<Request, 'client' | 'kind' | 'bytes' | 'only' | 'deadlineMs' | 'verify'>): Request {
    const begun: Request = {
      ...request,
      number: this.nextNumber,
      approvedBy: new Set(),
      isTaken: false,
      isOver: false,
      sending: null,
      place: null,
      mayBeTaken: false,
      appliedAt: null,
      isWithoutEffect: false,
    };
    this.#requests.push(begun);
    return begun;
  }

  /** The session did not refuse it at once. */
  taken(request: Request): void {
    request.isTaken = true;
    this.#askingOf(request.client).open.add(request);
  }

  /** The session sends something over a line, at a moment of its own clock. */
  sent(wire: Wire, message: ClientRequest, nowMs: number): void {
    this.#askingOf(wire.client).wires.add(wire);
    if (message.type === 'read') {
      const request = this.requestIn(message.query);
      if (request !== null) this.#sentOne(wire, wire.reads, message.request, request, nowMs);
      return;
    }
    if (message.type !== 'propose') return;
    const { session } = message;
    for (const [at, command] of (unpackBytes(message.commands, message.count) ?? []).entries()) {
      const request = this.requestIn(command);
      if (request === null) continue;
      const place = session === undefined ? null : { id: session.id, sequence: session.sequence + at };
      this.#repeats(wire, request, place);
      this.#sentOne(wire, wire.commands, message.first + at, request, nowMs);
    }
  }

  /**
   * A command is sent again: after a refusal of all that was sent before, or as the same of the same session, so that it
   * is known again. (thesis §6.3)
   */
  #repeats({ client, node }: Wire, request: Request, place: Request['place']): void {
    const { sending, place: before } = request;
    if (sending !== null && !mayGoOn(request, sending)) request.mayBeTaken = true;
    const isSame = before !== null && place?.id === before.id && place.sequence === before.sequence;
    if (request.mayBeTaken && !isSame) {
      const text = `Client ${client} sent request ${request.number} to node ${node}, and node ${sending?.wire.node} has had it and not refused it.`;
      this.broke('SentAgainOnlyAfterARefusal', node, text);
    }
    if (sending !== null && isSame) this.#counted.count('a command sent again within its session');
    request.place = place;
  }

  #sentOne(wire: Wire, open: Map<number, Request>, number: number, request: Request, nowMs: number): void {
    const { node, client } = wire;
    const what = `Client ${client} sent request ${request.number} to node ${node}`;
    const { sending } = request;
    if (request.isOver || !request.isTaken) this.broke('SentWhileItIsOpen', node, `${what} after its end.`);
    if (nowMs >= request.deadlineMs) {
      this.broke(
        'NotSentAfterItsDeadline',
        node,
        `${what} ${nowMs - request.deadlineMs} ms after its deadline.`,
      );
    }
    if (request.kind !== 'command' && sending !== null && !mayGoOn(request, sending)) {
      this.broke(
        'SentAgainOnlyAfterARefusal',
        node,
        `${what}, and node ${sending.wire.node} has had it and not refused it.`,
      );
    }
    if (request.only !== null && request.only !== node) {
      this.broke('SentWhereItMayGo', node, `${what}, and it was for node ${request.only} alone.`);
    }
    for (const other of this.#askingOf(client).wires) {
      const isInUse = (request.kind === 'command' ? other.commands : other.reads).has(number);
      if (!isInUse) continue;
      const text = `${what} under number ${number}, under which another waits for its answer from node ${other.node}.`;
      this.broke('NumberIsFree', node, text);
    }
    open.set(number, request);
    if (sending !== null && sending.wire.node !== node)
      this.#counted.count('a request that went to another node');
    request.sending = {
      wire,
      told: null,
      atDoorMs: Number.POSITIVE_INFINITY,
      heard: null,
      isLineGone: false,
    };
  }

  /** A reply lies before the session, which may be busy. */
  reachedDoor(wire: Wire, reply: ClientReply, nowMs: number): void {
    for (const [, request] of this.#answeredBy(wire, reply)) {
      if (request.sending?.wire === wire) request.sending.atDoorMs = nowMs;
    }
  }

  /** The session hears a reply. */
  heard(wire: Wire, reply: ClientReply): void {
    for (const [number, request] of this.#answeredBy(wire, reply)) {
      const isRead = request.kind !== 'command';
      (isRead ? wire.reads : wire.commands).delete(number);
      if (request.sending?.wire === wire) request.sending.heard = request.sending.told;
      if (request.isOver) this.#counted.count('an answer to a call that had ended');
    }
  }

  #answeredBy(wire: Wire, reply: ClientReply): [number: number, Request][] {
    const [open, first, count] =
      'first' in reply ? [wire.commands, reply.first, reply.count] : [wire.reads, reply.request, 1];
    const found: [number, Request][] = [];
    for (let number = first; number < first + count; number++) {
      const request = open.get(number);
      if (request !== undefined) found.push([number, request]);
    }
    return found;
  }

  /** The session learns that a line is gone: nothing more is heard of what it sent over it. */
  hungUp(wire: Wire): void {
    for (const request of [...wire.commands.values(), ...wire.reads.values()]) {
      if (request.sending?.wire === wire) request.sending.isLineGone = true;
    }
    wire.commands.clear();
    wire.reads.clear();
    this.#askingOf(wire.client).wires.delete(wire);
  }

  /**
   * A caller is told how its call ended.
   * @param isForced its caller ended it, or the session was closed: nobody waited any longer for what was to come
   */
  ended(request: Request, ending: Ending, isForced: boolean): void {
    const { client, number, kind, sending } = request;
    const what = `The caller of request ${number} of client ${client}`;
    if (request.isOver) {
      this.broke('CallEndsOnce', null, `${what} was told twice how it ended.`);
      return;
    }
    request.isOver = true;
    this.#askingOf(client).open.delete(request);
    if (ending.type === 'done') {
      const heard = sending?.heard;
      const isItsOwn =
        heard?.type === 'done' && heard.index === ending.index && markOf(ending.result) === number;
      if (!isItsOwn) {
        this.broke('AnswerIsToItsQuestion', null, `${what} was given what is no answer to it.`);
      }
      return;
    }
    if (kind !== 'command') return;
    if (ending.code !== 'OUTCOME_UNKNOWN') {
      request.isWithoutEffect = true;
      if (sending !== null && (request.mayBeTaken || !isRefusal(sending.heard))) {
        const text = `${what} was told ${ending.code}, as if nothing could come of it, and node ${sending.wire.node} has not refused it.`;
        this.broke('UnknownIsNoRefusal', null, text);
      }
      return;
    }
    this.#counted.count('an outcome unknown to the client');
    // In a session it waits for the next leader as soon as one is known, and a refusal that comes after is not for it.
    const mayBeLate = request.place !== null;
    if (!request.mayBeTaken && !mayBeLate && (sending === null || isRefusal(sending.heard))) {
      this.broke(
        'RefusalIsNotUnknown',
        null,
        `${what} was told that its outcome is unknown; no node has had it.`,
      );
    } else if (
      request.place === null &&
      !isForced &&
      hasAnswer(sending?.told ?? null) &&
      Number(sending?.atDoorMs) < request.deadlineMs
    ) {
      this.broke(
        'AnswerInTimeIsHeard',
        null,
        `${what} was told that its outcome is unknown; the answer had come before its deadline.`,
      );
    }
  }

  /** The session has come to rest after something that happened to it: is what it has what it was given? */
  keeps(client: number, pending: Pending): void {
    const counted = { commands: 0, commandBytes: 0, reads: 0, queryBytes: 0 };
    for (const { kind, bytes } of this.#askingOf(client).open) {
      if (kind === 'command') {
        counted.commands++;
        counted.commandBytes += bytes.length;
      } else {
        counted.reads++;
        counted.queryBytes += bytes.length;
      }
    }
    const names = Object.keys(counted) as (keyof Pending)[];
    if (names.every((name) => counted[name] === pending[name])) return;
    this.broke(
      'PendingIsWhatIsOpen',
      null,
      `Client ${client} has ${JSON.stringify(counted)} under way, and its session says ${JSON.stringify(pending)}.`,
    );
  }

  /** The session was closed. */
  closed(client: number): void {
    const { open } = this.#askingOf(client);
    if (open.size === 0) return;
    const numbers = [...open].map(({ number }) => number).join(', ');
    this.broke(
      'CloseEndsEveryCall',
      null,
      `The session of client ${client} was closed and left requests ${numbers} pending.`,
    );
  }

  /** The process is gone, and whoever waited in it. */
  died(client: number): void {
    this.#askings.delete(client);
  }

  /** The session could run at this moment of its clock: nothing is left whose time was over a good while ago. */
  isPunctual(client: number, nowMs: number, lateMsMax: number): void {
    for (const { number, deadlineMs } of this.#askingOf(client).open) {
      if (nowMs <= deadlineMs + lateMsMax) continue;
      this.broke(
        'CallEndsByItsDeadline',
        null,
        `Request ${number} of client ${client} is open ${nowMs - deadlineMs} ms after its deadline.`,
      );
    }
  }

  /** The request that these bytes bear the mark of, or null. */
  protected requestIn(bytes: Uint8Array): Request | null {
    const number = markOf(bytes);
    return number === null ? null : (this.#requests[number] ?? null);
  }

  protected broke(invariant: string, node: NodeId | null, text: string): void {
    this.#broken(new Violation(invariant, node, text));
  }

  /** What throws is thrown when the step is over: who is told in between might swallow it. */
  protected whole(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#broken(error);
    }
  }

  #askingOf(client: number): Asking {
    let asking = this.#askings.get(client);
    if (asking === undefined) {
      asking = { open: new Set(), wires: new Set() };
      this.#askings.set(client, asking);
    }
    return asking;
  }
}

/** A request that was sent before may be sent again: a read, when nothing is to be heard there; else after a refusal. */
function mayGoOn({ kind, only, place }: Request, { heard, isLineGone }: Sending): boolean {
  const wasSentOn =
    heard?.type === 'refused' &&
    (retryableCodes.includes(heard.code) || (place !== null && heard.code === 'SESSION_EXPIRED'));
  return kind === 'command' ? wasSentOn && only === null : wasSentOn || isLineGone;
}

function hasAnswer(told: Told | null): boolean {
  return told?.type === 'done' || isRefusal(told);
}
