import type { Socket } from 'node:net';
import type { EndReason } from '../counters.js';
import { greetingBytesMax } from '../handshake.js';

/*
 * What runs over a connection: messages, each behind a header.
 *
 *     bytes of the payload   4, big-endian
 *     kind                   1
 *     number                 6, big-endian; the first message of each side is 1, and none is left out or repeated
 */

export const messageKind = { greeting: 0, ready: 1, frame: 2, ping: 3, pong: 4, goodbye: 5 } as const;
const headerBytes = 11;
/** Payloads up to this size are copied behind their header: one write costs less than two. */
const copiedBytesMax = 4096;
/** More is not handed to the socket, beyond one message: what waits must be ours to drop. */
const unsentBytesMax = 256 * 1024;

export interface FramedHandlers {
  /** Takes a message; the payload's bytes are the taker's. */
  readonly heard: (kind: number, payload: Uint8Array) => void;
  /** The connection is gone, for this reason. Called once. */
  readonly ended: (reason: EndReason, detail: string) => void;
}

/** A socket that says and hears messages. What cannot be one ends it; nothing is stored that was not announced. */
export class FramedSocket {
  readonly #socket: Socket;
  handlers: FramedHandlers;
  /** The largest frame that is taken. None, until it is known whose they are. */
  frameBytesMax = 0;
  /** Called when there is room again after `isCongested` was found true. */
  drained: () => void = () => {};
  /** Bytes have arrived since this was last set to false. */
  hasHeard = false;
  #sent = 0;
  #received = 0;
  readonly #header = Buffer.alloc(headerBytes);
  #headerFill = 0;
  #body: Uint8Array | null = null;
  #bodyFill = 0;
  #isOver = false;
  /** Why it will have ended, should it close now. */
  #reason: EndReason = 'closed';
  #detail = '';

  constructor(socket: Socket, handlers: FramedHandlers) {
    this.#socket = socket;
    this.handlers = handlers;
    socket.on('data', (chunk: Buffer) => {
      this.hasHeard = true;
      this.#read(chunk);
    });
    socket.on('drain', () => {
      this.hasHeard = true;
      this.drained();
    });
    socket.on('error', (error: Error) => {
      this.#detail = error.message;
    });
    socket.on('close', () => this.end(this.#reason, this.#detail));
  }

  /** True while more than a little waits to be written out. */
  get isCongested(): boolean {
    return this.#socket.writableLength >= unsentBytesMax;
  }

  /** Gathers what `say` sends into few writes. */
  together(say: () => void): void {
    this.#socket.cork();
    say();
    this.#socket.uncork();
  }

  send(kind: number, payload: Uint8Array = new Uint8Array(0)): void {
    if (this.#isOver || !this.#socket.writable) return;
    const isSmall = payload.byteLength <= copiedBytesMax;
    const bytes = Buffer.allocUnsafe(isSmall ? headerBytes + payload.byteLength : headerBytes);
    bytes.writeUInt32BE(payload.byteLength, 0);
    bytes.writeUInt8(kind, 4);
    bytes.writeUIntBE(++this.#sent, 5, 6);
    if (isSmall) bytes.set(payload, headerBytes);
    this.#socket.write(bytes);
    if (!isSmall) this.#socket.write(payload);
  }

  /** Says why it will have ended, should the other side close it. */
  expect(reason: EndReason): void {
    this.#reason = reason;
  }

  /** Writes out what was sent and says nothing more; whoever calls it bounds how long that may take. */
  finish(reason: EndReason): void {
    this.#reason = reason;
    this.#socket.end();
  }

  /** As `finish`, and hears nothing more either. */
  turnAway(): void {
    this.#isOver = true;
    this.#socket.end();
  }

  /** Ends it at once. */
  end(reason: EndReason, detail: string): void {
    this.#socket.destroy();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#body = null;
    this.handlers.ended(reason, detail);
  }

  #read(chunk: Buffer): void {
    for (let at = 0; !this.#isOver && at < chunk.byteLength; ) {
      at += this.#body === null ? this.#readHeader(chunk, at) : this.#readBody(this.#body, chunk, at);
      if (this.#body !== null && this.#bodyFill === this.#body.byteLength) this.#finishMessage(this.#body);
    }
  }

  #readHeader(chunk: Buffer, at: number): number {
    const taken = chunk.copy(this.#header, this.#headerFill, at, at + headerBytes - this.#headerFill);
    this.#headerFill += taken;
    if (this.#headerFill < headerBytes) return taken;
    this.#headerFill = 0;
    const bytes = this.#header.readUInt32BE(0);
    const kind = this.#header.readUInt8(4);
    const number = this.#header.readUIntBE(5, 6);
    const bytesMax = kind === messageKind.frame ? this.frameBytesMax : greetingBytesMax;
    if (bytes > bytesMax) {
      this.end('malformed', `A message announces ${bytes} bytes, and ${bytesMax} are taken.`);
    } else if (number !== this.#received + 1) {
      this.end('sequence', `After message ${this.#received} comes message ${number}.`);
    } else {
      this.#received = number;
      // Its pages are the system's until bytes are written to them: announcing much costs us nothing yet.
      this.#body = new Uint8Array(bytes);
      this.#bodyFill = 0;
    }
    return taken;
  }

  #readBody(body: Uint8Array, chunk: Buffer, at: number): number {
    const taken = Math.min(body.byteLength - this.#bodyFill, chunk.byteLength - at);
    body.set(chunk.subarray(at, at + taken), this.#bodyFill);
    this.#bodyFill += taken;
    return taken;
  }

  #finishMessage(body: Uint8Array): void {
    this.#body = null;
    this.handlers.heard(this.#header.readUInt8(4), body);
  }
}
