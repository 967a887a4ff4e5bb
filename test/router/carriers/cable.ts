import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A cable that a test can cut, stop and mend, on loopback. */
export class Cable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Where it leads; nowhere yet if empty. */
  target: string;
  #recorded: Map<Socket, Buffer[]> | null = null;
  #isStalled = false;
  #isCut = false;

  private constructor(target: string) {
    this.target = target;
    this.#server = createServer((near) => this.#join(near));
  }

  static async to(target = ''): Promise<Cable> {
    const cable = new Cable(target);
    cable.#server.listen(0, '127.0.0.1');
    await once(cable.#server, 'listening');
    return cable;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections that pass through it. */
  get connections(): number {
    return this.#sockets.size / 2;
  }

  /** Keeps what dialers say from now on: the bytes of each connection. */
  record(): () => Buffer[] {
    this.#recorded = new Map();
    return () => [...(this.#recorded?.values() ?? [])].map((chunks) => Buffer.concat(chunks));
  }

  /** Ends every connection, and refuses others until mended. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** Passes nothing on, and closes nothing. */
  stall(): void {
    this.#isStalled = true;
    for (const socket of this.#sockets) socket.pause();
  }

  flow(): void {
    this.#isStalled = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket): void {
    if (this.#isCut || this.target === '') {
      near.resetAndDestroy();
      return;
    }
    const [, host, port] = /^(.*):(\d+)$/.exec(this.target) ?? [];
    const far = connect(Number(port), String(host));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (chunk: Buffer) => {
        if (from === near) this.#recorded?.set(near, [...(this.#recorded.get(near) ?? []), chunk]);
        if (!to.write(chunk)) from.pause();
      });
      to.on('drain', () => {
        if (!this.#isStalled) from.resume();
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        // What it said last is still on its way.
        to.end();
      });
      if (this.#isStalled) from.pause();
    }
  }
}
