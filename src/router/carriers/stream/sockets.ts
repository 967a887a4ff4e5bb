import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Address } from '../address.js';
import type { Refusal } from '../handshake.js';
import type { Party } from '../party.js';

/** How connections are made and who is behind them: over TLS or in plain text. */
export interface Sockets {
  readonly protection: 'certificates' | 'nothing';
  /** Reads what is needed, before anything is made. @throws CredentialsError */
  open(): Promise<void>;
  /**
   * Reads the certificates again; true if others are in force now.
   * @throws CredentialsError
   */
  reload(): Promise<boolean>;
  /** Until when the certificate in force is good, for people. */
  readonly validTo: string | null;
  /** Begins a connection; `ready` is called once what it carries is the other side's word. */
  dial(address: Address, ready: () => void): Socket;
  /**
   * `accepted` is shown each connection as it arrives, and ends it by `destroy`; `ready` then the socket to speak
   * over (the same one in plain text), and `failed` what kept one from becoming ready.
   */
  serve(handlers: {
    readonly accepted: (socket: Socket) => void;
    readonly ready: (socket: Socket) => void;
    readonly failed: (socket: Socket, detail: string) => void;
  }): Server;
  /** Whom the other side's certificate names (null where there are none), or why it is not let in. */
  identify(socket: Socket): Party | null | Refusal;
}

/** Plain TCP. Where it may go, the options' check has said. */
export class PlainSockets implements Sockets {
  readonly protection = 'nothing';
  readonly validTo = null;

  async open(): Promise<void> {}

  async reload(): Promise<boolean> {
    return false;
  }

  dial({ host, port }: Address, ready: () => void): Socket {
    return connect({ host, port, noDelay: true }, ready);
  }

  serve(handlers: Parameters<Sockets['serve']>[0]): Server {
    return createServer({ noDelay: true }, (socket) => {
      handlers.accepted(socket);
      if (!socket.destroyed) handlers.ready(socket);
    });
  }

  identify(): null {
    return null;
  }
}
