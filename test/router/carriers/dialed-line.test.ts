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
});
