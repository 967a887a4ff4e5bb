import type { Socket } from 'node:net';
import type { NodeId } from '../../../ground/ids.js';
import type { Address } from '../address.js';
import { formatAddress } from '../address.js';
import {
  encodeGreeting,
  helloFrom,
  judgeWelcome,
  type Peer,
  parseGreeting,
  type Refusal,
  refusal,
} from '../handshake.js';
import type { Way } from '../lane.js';
import { type Party, partyText } from '../party.js';
import { FramedSocket, messageKind } from './framed-socket.js';
import { noteRefusal, refuse, type StreamParts } from './stream-parts.js';

export interface DialingHandlers {
  readonly welcomed: (socket: FramedSocket, peer: Peer) => void;
  /** Called once, unless it was welcomed or abandoned. */
  readonly failed: (detail: string) => void;
}

/** How long a refusal may take to be written out, in milliseconds. */
const lingerMs = 1000;

/** One try to reach a node: the connection, and the dialer's part of the handshake. */
export class Dialing {
  readonly #parts: StreamParts;
  readonly #to: NodeId | null;
  readonly #lane: Way;
  readonly address: string;
  readonly #handlers: DialingHandlers;
  readonly #socket: Socket;
  readonly #framed: FramedSocket;
  #certified: Party | null = null;
  #isOver = false;

  constructor(
    parts: StreamParts,
    target: { readonly to: NodeId | null; readonly lane: Way; readonly address: Address },
    handlers: DialingHandlers,
  ) {
    this.#parts = parts;
    this.#to = target.to;
    this.#lane = target.lane;
    this.address = formatAddress(target.address);
    this.#handlers = handlers;
    this.#socket = parts.sockets.dial(target.address, () => this.#greet());
    this.#socket.setKeepAlive(true, 10_000);
    this.#framed = new FramedSocket(this.#socket, {
      heard: (kind, payload) => this.#hear(kind, payload),
      ended: (_reason, detail) => this.#fail(detail === '' ? 'It closed the connection.' : detail),
    });
  }

  /** Ends it, and says nothing of it. */
  abandon(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  #greet(): void {
    if (this.#isOver) return;
    const certified = this.#parts.sockets.identify(this.#socket);
    if (certified !== null && 'greeting' in certified) {
      this.#refuse(certified);
      return;
    }
    this.#certified = certified;
    const { identity, advertise } = this.#parts;
    const hello = helloFrom(identity, { to: this.#to, lane: this.#lane, advertise });
    this.#framed.send(messageKind.greeting, encodeGreeting(hello));
  }

  #hear(kind: number, payload: Uint8Array): void {
    const said = kind === messageKind.greeting ? parseGreeting(payload) : null;
    if (said === null || said.greeting === 'hello' || said.greeting === 'goodbye') {
      this.#refuse(refusal('malformed', 'What it answered is no welcome.'));
    } else if (said.greeting === 'refusal') {
      noteRefusal(this.#parts, said, false, this.address, this.#peerText);
      this.#framed.turnAway();
      this.#fail(`It refused: ${said.detail}`);
    } else {
      const { identity, lives } = this.#parts;
      const peer = judgeWelcome(said, identity, this.#certified, this.#to);
      if ('greeting' in peer) this.#refuse(peer);
      else if (peer.party.kind === 'node' && lives.isSuperseded(peer.party.node, peer.incarnation)) {
        this.#refuse(refusal('superseded', 'Another process has been this node since.'));
      } else {
        this.#isOver = true;
        const token = Buffer.alloc(4);
        token.writeUInt32BE(said.token >>> 0);
        this.#framed.send(messageKind.ready, token);
        this.#handlers.welcomed(this.#framed, peer);
      }
    }
  }

  #refuse(because: Refusal): void {
    refuse(this.#parts, this.#framed, because, this.address, this.#peerText);
    this.#parts.clock.setTimeout(() => this.#socket.destroy(), lingerMs);
    this.#fail(because.detail);
  }

  #fail(detail: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handlers.failed(detail);
  }

  get #peerText(): string | null {
    if (this.#certified !== null) return partyText(this.#certified);
    return this.#to === null ? null : `node ${this.#to}`;
  }
}
