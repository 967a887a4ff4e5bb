import type { NatsConnection, NodeConnectionOptions, Status } from '@nats-io/transport-node';
import type { Clock } from '../../../ground/clock.js';
import type { Random } from '../../../ground/random.js';
import { backOffMs } from '../back-off.js';
import { MissingPackageError, reasonOf } from '../errors.js';
import type { CarrierLimits, NatsOptions } from '../options.js';

/** Bytes that may be on their way to the server, unconfirmed: what waits beyond must be ours to drop. */
const windowBytesMax = 1024 * 1024;
/** One publication carries at most this, even where the server takes more: the next one may be urgent. */
const publicationBytesMax = 256 * 1024;

const publicationBytesMin = 1024;

export interface BusHandlers {
  readonly heard: (subject: string, data: Uint8Array) => void;
  readonly found: (server: string) => void;
  readonly lost: (detail: string) => void;
  readonly failed: (detail: string) => void;
  /** There is room again after `isFull` was found true. */
  readonly drained: () => void;
}

type Library = Pick<typeof import('@nats-io/transport-node'), 'connect' | 'credsAuthenticator'>;

/** One connection to the bus, kept for as long as it is not closed, whatever becomes of the server. */
export class NatsBus {
  readonly #options: NatsOptions;
  readonly #name: string;
  readonly #subjects: readonly string[];
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #limits: CarrierLimits;
  readonly #handlers: BusHandlers;
  #library: Library | null = null;
  #connection: NatsConnection | null = null;
  #isUp = false;
  #isClosed = false;
  #unconfirmedBytes = 0;
  #isConfirming = false;
  #retryTimer: unknown;
  #failures = 0;

  /** @param subjects what is listened to. */
  constructor(
    options: NatsOptions,
    about: { readonly name: string; readonly subjects: readonly string[] },
    parts: { readonly clock: Clock; readonly random: Random; readonly limits: CarrierLimits },
    handlers: BusHandlers,
  ) {
    this.#options = options;
    this.#name = about.name;
    this.#subjects = about.subjects;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#limits = parts.limits;
    this.#handlers = handlers;
  }

  /** Resolves after the first try: a bus that is not there yet is waited for. @throws MissingPackageError */
  async open(): Promise<void> {
    try {
      this.#library = await import('@nats-io/transport-node');
    } catch (cause) {
      throw new MissingPackageError('@nats-io/transport-node', 'A carrier over NATS', cause);
    }
    await this.#connect(this.#library);
  }

  /** There is a server, and it knows what this side listens to. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Nothing more may be published for now: too much is under way, or there is no server, or one of no use. */
  get isFull(): boolean {
    return !this.#isUp || this.#unconfirmedBytes >= windowBytesMax || this.bytesMax < publicationBytesMin;
  }

  /** What one publication may carry. */
  get bytesMax(): number {
    return Math.min(publicationBytesMax, this.#connection?.info?.max_payload ?? 0);
  }

  /** @param nobody a subject of ours on which the server tells if nobody hears it. */
  publish(subject: string, bytes: Uint8Array, nobody?: string): void {
    if (this.#connection === null || !this.#isUp) return;
    try {
      this.#connection.publish(subject, bytes, nobody === undefined ? undefined : { reply: nobody });
    } catch (error) {
      // Closed under us, which its end will tell too.
      this.#handlers.failed(reasonOf(error));
      return;
    }
    this.#unconfirmedBytes += bytes.byteLength;
    if (this.#unconfirmedBytes >= windowBytesMax) void this.#confirm(this.#connection);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isUp = false;
    this.#clock.clearTimeout(this.#retryTimer);
    const connection = this.#connection;
    if (connection === null) return;
    // What was said last is to be heard; a server that stands still is not waited for.
    const isHeard = connection.flush().catch(() => {});
    const isLate = new Promise<void>((resolve) => {
      const timer = this.#clock.setTimeout(resolve, this.#limits.closeMsMax);
      void isHeard.then(() => this.#clock.clearTimeout(timer));
    });
    await Promise.race([isHeard, isLate]);
    await connection.close().catch(() => {});
  }

  /** Waits until the server has taken all that was published. */
  async #confirm(connection: NatsConnection): Promise<void> {
    if (this.#isConfirming) return;
    this.#isConfirming = true;
    try {
      await connection.flush();
    } catch {
      // The connection was lost, and with it what was under way.
    }
    this.#isConfirming = false;
    this.#unconfirmedBytes = 0;
    if (!this.#isClosed) this.#handlers.drained();
  }

  async #connect(library: Library): Promise<void> {
    let connection: NatsConnection;
    try {
      connection = await library.connect(this.#connectOptions(library));
    } catch (error) {
      this.#handlers.lost(reasonOf(error));
      this.#retryLater(library);
      return;
    }
    if (this.#isClosed) {
      await connection.close();
      return;
    }
    this.#failures = 0;
    this.#connection = connection;
    for (const subject of this.#subjects) {
      connection.subscribe(subject, {
        callback: (error, message) => {
          if (error !== null) this.#handlers.failed(reasonOf(error));
          else this.#handlers.heard(message.subject, message.data);
        },
      });
    }
    void this.#follow(connection);
    // Once the server has confirmed, nothing that is published to this node passes it by.
    await connection.flush().catch(() => {});
    void connection.closed().then((error) => {
      if (this.#isClosed) return;
      this.#lose(reasonOf(error ?? 'the connection was closed'));
      this.#retryLater(library);
    });
    if (!connection.isClosed()) this.#find(connection.getServer());
  }

  #retryLater(library: Library): void {
    if (this.#isClosed) return;
    const pauseMs = backOffMs(this.#limits, ++this.#failures, this.#random);
    this.#retryTimer = this.#clock.setTimeout(() => void this.#connect(library), pauseMs);
  }

  #connectOptions(library: Library): NodeConnectionOptions {
    const { servers, tls, user, pass, token, credentials } = this.#options;
    return {
      servers: [...servers],
      name: this.#name,
      ...(tls === undefined ? {} : { tls }),
      ...(user === undefined ? {} : { user }),
      ...(pass === undefined ? {} : { pass }),
      ...(token === undefined ? {} : { token }),
      ...(credentials === undefined
        ? {}
        : { authenticator: library.credsAuthenticator(Buffer.from(credentials)) }),
      timeout: this.#limits.handshakeMsMax,
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: this.#limits.backOffMsMin,
      reconnectJitter: this.#limits.backOffMsMax / 2,
      reconnectJitterTLS: this.#limits.backOffMsMax / 2,
      pingInterval: this.#limits.pingMs,
      maxPingOut: Math.max(2, Math.floor(this.#limits.silenceMsMax / this.#limits.pingMs)),
    };
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (this.#isClosed) return;
      this.#note(connection, status);
    }
  }

  #note(connection: NatsConnection, status: Status): void {
    switch (status.type) {
      case 'disconnect':
        this.#lose(`the connection to ${status.server} was lost`);
        break;
      case 'reconnect':
        this.#find(connection.getServer());
        break;
      case 'error':
        this.#handlers.failed(reasonOf(status.error));
        break;
      default:
        break;
    }
  }

  #find(server: string): void {
    this.#isUp = true;
    this.#unconfirmedBytes = 0;
    this.#handlers.found(server);
  }

  #lose(detail: string): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#handlers.lost(detail);
  }
}
