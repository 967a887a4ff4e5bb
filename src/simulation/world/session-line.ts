import type { ClientChannel, SessionPort } from '../../client/client-lines.js';
import type { Random } from '../../ground/random.js';
import type { ClientPort } from '../../node/clients/client-port.js';
import type { ClientReply, ClientRequest } from '../../node/clients/client-requests.js';
import type { NodeId } from '../../raft/entry.js';
import { Wire } from '../invariants/request.js';
import type { Requests } from '../invariants/requests.js';
import { Courier } from './courier.js';
import type { Trace } from './trace.js';
import type { VirtualTime } from './virtual-time.js';

/** How a thread or process takes what comes from outside: when it can run, and never once it is over. */
export type Enter = (run: () => void) => void;

/** What a line needs of the world. */
export interface LineWorld {
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly requests: Requests;
}

/** The session's side of a line. */
export interface LineOwner {
  readonly client: number;
  readonly node: NodeId;
  readonly lateMsMax: number;
  readonly enter: Enter;
  /** The owner's clock. */
  now(): number;
}

/**
 * A line between a session and one life of a node, as a `MessageChannel` is one: whole messages, in the order in which
 * they were said; what is transferred is gone where it was. Each takes its time. With the node ends the line, behind
 * what the node had said; or, where it is a connection that breaks, with a part of that lost.
 */
export class SessionLine implements ClientChannel<SessionLine> {
  readonly port1: SessionPort;
  readonly port2 = this;
  readonly wire: Wire;
  readonly #world: LineWorld;
  readonly #owner: LineOwner;
  readonly #toNode: Courier;
  readonly #toSession: Courier;
  /** What came before the node was there to hear it. */
  #early: ClientRequest[] | null = [];
  #ask: ((request: ClientRequest) => void) | null = null;
  #heard: (reply: ClientReply) => void = () => {};
  #ended: () => void = () => {};
  #isOver = false;
  /** What has come, and the session's process has yet to take. */
  #atDoor: ClientReply[] = [];

  constructor(world: LineWorld, owner: LineOwner, random: Random) {
    const { time } = world;
    this.#world = world;
    this.#owner = owner;
    this.wire = new Wire(owner.client, owner.node);
    this.#toNode = new Courier(time, random, owner.lateMsMax);
    this.#toSession = new Courier(time, random, owner.lateMsMax);
    this.port1 = {
      postMessage: (request, transfer) => this.#post(request, transfer),
      on: (event: 'message' | 'close', listener: ((reply: ClientReply) => void) | (() => void)) => {
        if (event === 'message') this.#heard = listener;
        else this.#ended = listener as () => void;
      },
      drain: () => {
        this.#toSession.hurry();
        while (this.#atDoor.length > 0) this.#hearNext();
      },
      close: () => {
        this.#isOver = true;
        this.#world.requests.hungUp(this.wire);
      },
    };
  }

  /** The node's process serves the session: what it hears, and how it answers. */
  serve(enter: Enter, lives: () => boolean): ClientPort {
    return {
      postMessage: (reply, transfer) => {
        if (lives()) this.#reply(reply, transfer);
      },
      on: (_, heard) => {
        this.#ask = (request) =>
          enter(() => {
            this.#world.requests.arrived(this.wire, request);
            heard(request);
          });
        for (const request of this.#early ?? []) this.#ask(request);
        this.#early = null;
      },
    };
  }

  /** The node's process is gone. */
  break(losesSome: boolean): void {
    this.#ask = null;
    this.#early = null;
    if (losesSome) this.#toSession.loseSome();
    this.#toSession.carry(() =>
      this.#owner.enter(() => {
        if (this.#isOver) return;
        this.#world.requests.hungUp(this.wire);
        this.#ended();
      }),
    );
  }

  #post(request: ClientRequest, transfer: readonly ArrayBuffer[]): void {
    if (this.#isOver) return;
    const { requests, trace } = this.#world;
    const { client, node } = this.#owner;
    requests.sent(this.wire, request, this.#owner.now());
    const first = 'first' in request ? request.first : request.request;
    const count = request.type === 'propose' ? request.count : 1;
    trace.event(node, 'asked', client, first, count, request.type);
    const message = structuredClone(request, { transfer: [...transfer] });
    this.#toNode.carry(() => {
      if (this.#ask !== null) this.#ask(message);
      else this.#early?.push(message);
    });
  }

  #reply(reply: ClientReply, transfer: readonly ArrayBuffer[]): void {
    const { requests, trace } = this.#world;
    const { client, node } = this.#owner;
    requests.answered(this.wire, reply);
    const [first, count] = 'first' in reply ? [reply.first, reply.count] : [reply.request, 1];
    const text = 'error' in reply ? `${reply.type}: ${reply.error.code}` : reply.type;
    trace.event(node, 'answered', client, first, count, text);
    const message = structuredClone(reply, { transfer: [...transfer] });
    this.#toSession.carry(() => {
      if (this.#isOver) return;
      requests.reachedDoor(this.wire, message, this.#owner.now());
      this.#atDoor.push(message);
      this.#owner.enter(() => this.#hearNext());
    });
  }

  #hearNext(): void {
    const message = this.#atDoor.shift();
    if (this.#isOver || message === undefined) return;
    this.#world.requests.heard(this.wire, message);
    this.#heard(message);
  }
}
