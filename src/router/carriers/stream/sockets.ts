import { connect, createServer, type Server, type Socket } from 'node:net';
import { InvalidOptionError } from '../../../ground/errors.js';
import { type Address, isLoopback, parseAddress } from '../address.js';
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
  /** @throws InvalidOptionError if nothing may go there. */
  parse(address: string): Address;
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

/** Plain TCP: for loopback, and elsewhere only when asked for by name. */
export class PlainSockets implements Sockets {
  readonly protection = 'nothing';
  readonly validTo = null;
  readonly #leavesMachine: boolean;

  constructor(insecurePlainText: boolean) {
    this.#leavesMachine = insecurePlainText;
  }

  async open(): Promise<void> {}

  async reload(): Promise<boolean> {
    return false;
  }

  parse(text: string): Address {
    const address = parseAddress(text);
    if (this.#leavesMachine || isLoopback(address.host)) return address;
    throw new InvalidOptionError(
      `${text} is beyond this machine, where plain text can be read, altered and made up by anybody on the way. Use TLS, or say insecurePlainText: true if the network itself is trusted.`,
    );
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
