import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { parseAddress } from '../../../src/router/carriers/address.js';
import {
  encodeGreeting,
  type Greeting,
  type Hello,
  parseGreeting,
} from '../../../src/router/carriers/handshake.js';
import { protocolVersions } from '../../../src/router/carriers/options.js';
import { messageKind } from '../../../src/router/carriers/stream/framed-socket.js';

/** Somebody who says over a connection whatever a test wants, right or wrong. */
export class RawSpeaker {
  readonly socket: Socket;
  #heard = Buffer.alloc(0);
  #number = 0;
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#heard = Buffer.concat([this.#heard, chunk]);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static async plain(address: string): Promise<RawSpeaker> {
    const { host, port } = parseAddress(address);
    const speaker = new RawSpeaker(connect(port, host));
    await once(speaker.socket, 'connect');
    return speaker;
  }

  /** @param files whose certificate to show; none shows none. */
  static async tls(
    address: string,
    files?: { readonly certificate: string; readonly key: string },
  ): Promise<RawSpeaker> {
    const shown =
      files === undefined ? {} : { cert: await readFile(files.certificate), key: await readFile(files.key) };
    const { host, port } = parseAddress(address);
    const socket = connectTls({ host, port, rejectUnauthorized: false, ...shown });
    const speaker = new RawSpeaker(socket);
    await once(socket, 'secureConnect');
    return speaker;
  }

  /** A message; its number is the next unless given, its announced size its own. */
  say(kind: number, payload: Uint8Array, given: { number?: number; bytes?: number } = {}): void {
    const number = given.number ?? this.#number + 1;
    this.#number = number;
    const header = Buffer.alloc(11);
    header.writeUInt32BE(given.bytes ?? payload.byteLength, 0);
    header.writeUInt8(kind, 4);
    header.writeUIntBE(number, 5, 6);
    this.socket.write(Buffer.concat([header, payload]));
  }

  greet(greeting: Greeting): void {
    this.say(messageKind.greeting, encodeGreeting(greeting));
  }

  hello(change: Partial<Hello> = {}): void {
    this.greet({
      greeting: 'hello',
      versions: protocolVersions,
      clusterId: null,
      from: 'conclave://shop/node/2',
      to: 1,
      incarnation: 9,
      lane: 'control',
      advertise: null,
      token: null,
      ...change,
    });
  }

  /** The next greeting that was heard. */
  async greeting(): Promise<Greeting | null> {
    const isThere = () => this.#heard.length >= 11 && this.#heard.length >= 11 + this.#heard.readUInt32BE();
    await this.until(() => isThere() || this.isClosed);
    if (!isThere()) throw new Error('It was closed without a word.');
    const end = 11 + this.#heard.readUInt32BE();
    const said = parseGreeting(this.#heard.subarray(11, end));
    this.#heard = this.#heard.subarray(end);
    return said;
  }

  /** The whole handshake, as somebody honest would do it. */
  async enter(change: Partial<Hello> = {}): Promise<void> {
    this.hello(change);
    const welcome = await this.greeting();
    if (welcome?.greeting !== 'welcome') throw new Error(`Not welcome: ${JSON.stringify(welcome)}`);
    const token = Buffer.alloc(4);
    token.writeUInt32BE(welcome.token);
    this.say(messageKind.ready, token);
  }

  async until(holds: () => boolean, timeoutMs = 10_000): Promise<void> {
    const endMs = performance.now() + timeoutMs;
    while (!holds()) {
      if (performance.now() > endMs) throw new Error('It did not come to pass.');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  closed(timeoutMs?: number): Promise<void> {
    return this.until(() => this.isClosed, timeoutMs);
  }
}
