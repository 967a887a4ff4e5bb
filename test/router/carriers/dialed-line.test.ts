import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { SystemClock } from '../../../src/ground/clock.js';
import { Random } from '../../../src/ground/random.js';
import { parseAddress } from '../../../src/router/carriers/address.js';
import { emptyRemoteTally } from '../../../src/router/carriers/counters.js';
import { protocolVersions } from '../../../src/router/carriers/options.js';
import { DialedLine } from '../../../src/router/carriers/stream/dialed-line.js';
import { streamParts } from '../../../src/router/carriers/stream/stream-parts.js';
import { RawSpeaker } from './raw-speaker.js';

/** Real time that knows which of its timers wait. */
class CountingClock extends SystemClock {
  readonly waiting = new Set<unknown>();

  override setTimeout(callback: () => void, delayMs: number): NodeJS.Timeout {
    const timer = super.setTimeout(() => {
      this.waiting.delete(timer);
      callback();
    }, delayMs);
    this.waiting.add(timer);
    return timer;
  }

  override clearTimeout(timer: unknown): void {
    this.waiting.delete(timer);
    super.clearTimeout(timer);
  }
}

/** Real time that a test can have gone on. */
class ShiftedClock extends SystemClock {
  shiftMs = 0;

  override now(): number {
    return super.now() + this.shiftMs;
  }
}

describe('A dialed line', () => {
  it('that is to be made anew while it is dialed says hello anew', async () => {
    const said: unknown[] = [];
    let hear = () => {};
    const heard = () =>
      new Promise<void>((resolve) => {
        hear = resolve;
      });
    const sockets: Socket[] = [];
    const server = createServer(async (socket) => {
      sockets.push(socket);
      const { clusterId } = (await new RawSpeaker(socket).greeting()) as { clusterId: unknown };
      said.push(clusterId);
      hear();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const self = { kind: 'node', cluster: 'shop', node: 1 } as const;
    const identity = { self, clusterId: null, incarnation: 1 };
    const told: string[] = [];
    const parts = streamParts(
      { kind: 'tcp', identity },
      { clock: new SystemClock(), random: new Random(1), tell: ({ type }) => told.push(type) },
    );
    await parts.sockets.open();
    const line = new DialedLine(parts, { to: 2, lane: 'control' }, emptyRemoteTally(), {
      opened: () => {},
      received: () => {},
    });
    const first = heard();
    line.setAddresses([parseAddress(`127.0.0.1:${port}`)]);
    await first;
    parts.identity = { ...identity, clusterId: 'blue' };
    const second = heard();
    line.renew();
    await second;
    expect(said).to.deep.equal([null, 'blue']);
    expect(told, 'the first was given up, and nobody is to look for what is wrong').to.deep.equal([]);
    await line.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('leaves no timer when it is closed, though the other side never ended what was to be made anew', async () => {
    const speakers: RawSpeaker[] = [];
    const server = createServer({ allowHalfOpen: true }, async (socket) => {
      const speaker = new RawSpeaker(socket);
      await speaker.greeting();
      const welcome = {
        version: protocolVersions[1],
        clusterId: null,
        from: 'conclave://shop/node/2',
        incarnation: 2,
      };
      speaker.greet({ greeting: 'welcome', ...welcome, toIncarnation: 1, token: 7 });
      speakers.push(speaker);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const clock = new CountingClock();
    const self = { kind: 'node', cluster: 'shop', node: 1 } as const;
    const parts = streamParts(
      {
        kind: 'tcp',
        identity: { self, clusterId: null, incarnation: 1 },
        limits: { handshakeMsMax: 200, closeMsMax: 200 },
      },
      { clock, random: new Random(1), tell: () => {} },
    );
    await parts.sockets.open();
    let opened = 0;
    let hear = () => {};
    const line = new DialedLine(parts, { to: 2, lane: 'control' }, emptyRemoteTally(), {
      opened: () => {
        opened++;
        hear();
      },
      received: () => {},
    });
    const next = () =>
      new Promise<void>((resolve) => {
        hear = resolve;
      });
    const first = next();
    line.setAddresses([parseAddress(`127.0.0.1:${port}`)]);
    await first;
    const second = next();
    line.renew();
    await second;
    expect(opened).to.equal(2);
    const closed = line.close();
    line.end('closed');
    await closed;
    expect(clock.waiting.size).to.equal(0);
    for (const { socket } of speakers) socket.destroy();
    server.close();
  });

  it('keeps what a client asks for as long as it takes to leave, and all of it: nobody says it again', async () => {
    const frames = 5000;
    const frameBytes = 4096;
    let speaker: RawSpeaker | null = null;
    const server = createServer(async (socket) => {
      const itself = new RawSpeaker(socket);
      await itself.greeting();
      socket.pause();
      const welcome = { version: protocolVersions[1], clusterId: null, from: 'conclave://shop/node/2' };
      itself.greet({ greeting: 'welcome', ...welcome, incarnation: 2, toIncarnation: 1, token: 7 });
      speaker = itself;
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const clock = new ShiftedClock();
    const self = { kind: 'client', cluster: 'shop', role: 'writer', name: 'till' } as const;
    const identity = { self, clusterId: null, incarnation: 1 };
    const parts = streamParts({ kind: 'tcp', identity }, { clock, random: new Random(1), tell: () => {} });
    await parts.sockets.open();
    const tally = emptyRemoteTally();
    const opened = new Promise<DialedLine>((resolve) => {
      const line = new DialedLine(parts, { to: 2, lane: 'client' }, tally, {
        opened: () => resolve(line),
        received: () => {},
      });
      line.setAddresses([parseAddress(`127.0.0.1:${port}`)]);
    });
    const line = await opened;
    for (let frame = 0; frame < frames; frame++) line.send(new Uint8Array(frameBytes));
    await new Promise(setImmediate);
    expect(tally.framesWaiting, 'the connection takes no more').to.be.above(0);
    clock.shiftMs = 60_000;
    const { socket } = speaker as unknown as RawSpeaker;
    let bytes = 0;
    socket.removeAllListeners('data');
    socket.on('data', (chunk) => {
      bytes += chunk.byteLength;
    });
    socket.resume();
    await (speaker as unknown as RawSpeaker).until(() => tally.framesWaiting === 0);
    expect([tally.stale, tally.overflowed, tally.framesSent]).to.deep.equal([0, 0, frames]);
    await (speaker as unknown as RawSpeaker).until(() => bytes >= frames * frameBytes);
    const closed = line.close();
    line.end('closed');
    await closed;
    socket.destroy();
    server.close();
  });
});
