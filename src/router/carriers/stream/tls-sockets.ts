import { constants } from 'node:crypto';
import type { Server, Socket } from 'node:net';
import {
  connect,
  createServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls';
import type { Address } from '../address.js';
import { CredentialsError, reasonOf } from '../errors.js';
import { type Refusal, refusal } from '../handshake.js';
import type { CredentialFiles } from '../options.js';
import { type Party, partyInCertificate } from '../party.js';
import { type Credentials, readCredentials } from './credentials.js';
import type { Sockets } from './sockets.js';

/**
 * TLS 1.3 with certificates at both ends.
 *
 * Neither end lets Node.js close a connection whose certificate is not good: `identify` judges it, before anything
 * that was said is heard, so that the refused side can be told why.
 */
export class TlsSockets implements Sockets {
  readonly protection = 'certificates';
  readonly #files: CredentialFiles;
  readonly #self: Party;
  readonly #handshakeMsMax: number;
  #credentials: Credentials | null = null;
  #server: TlsServer | null = null;

  constructor(files: CredentialFiles, self: Party, handshakeMsMax: number) {
    this.#files = files;
    this.#self = self;
    this.#handshakeMsMax = handshakeMsMax;
  }

  async open(): Promise<void> {
    this.#credentials = await readCredentials(this.#files, this.#self);
  }

  async reload(): Promise<boolean> {
    const credentials = await readCredentials(this.#files, this.#self);
    const { ca, cert, key } = this.#known;
    if (credentials.ca === ca && credentials.cert === cert && credentials.key === key) return false;
    this.#credentials = credentials;
    this.#server?.setSecureContext(this.#context());
    return true;
  }

  /** Until when the certificate in force is good. */
  get validTo(): string {
    return this.#known.validTo;
  }

  dial({ host, port }: Address, ready: () => void): Socket {
    const socket = connect({
      ...this.#context(),
      host,
      port,
      rejectUnauthorized: false,
      // Who it is says its URI. A host's name would say where it is, and that may change.
      checkServerIdentity: () => undefined,
    });
    socket.setNoDelay(true);
    socket.once('secureConnect', ready);
    return socket;
  }

  serve(handlers: Parameters<Sockets['serve']>[0]): Server {
    const server = createServer({
      ...this.#context(),
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: this.#handshakeMsMax,
      noDelay: true,
    });
    server.on('connection', handlers.accepted);
    server.on('secureConnection', handlers.ready);
    server.on('tlsClientError', (error, socket) => handlers.failed(socket, reasonOf(error)));
    this.#server = server;
    return server;
  }

  identify(socket: Socket): Party | Refusal {
    const { authorized, authorizationError } = socket as TLSSocket;
    const certificate = (socket as TLSSocket).getPeerX509Certificate();
    if (certificate === undefined) return refusal('certificate', 'It shows no certificate.');
    if (!authorized) {
      return refusal('certificate', `Its certificate is not good here: ${String(authorizationError)}.`);
    }
    return (
      partyInCertificate(certificate.subjectAltName) ??
      refusal('name', 'Its certificate does not name exactly one party by a conclave: URI.')
    );
  }

  #context(): SecureContextOptions {
    const { ca, cert, key } = this.#known;
    // A session that was resumed would bring back a certificate that nobody looked at again: there are no tickets.
    return { ca, cert, key, minVersion: 'TLSv1.3', secureOptions: constants.SSL_OP_NO_TICKET };
  }

  get #known(): Credentials {
    if (this.#credentials !== null) return this.#credentials;
    throw new CredentialsError('The certificates were not read yet.', 'Open the carrier first.');
  }
}
