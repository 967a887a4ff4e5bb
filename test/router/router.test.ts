import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { ClosedError, InvalidOptionError } from '../../src/ground/errors.js';
import { framesWaitingMax, Gauge } from '../../src/router/gauge.js';
import { PortTransport } from '../../src/router/port-transport.js';
import { Router } from '../../src/router/router.js';

/** A node at its end of the line: keeps what arrives and lets a test wait for it. */
class Listener {
  readonly transport: PortTransport;
  readonly gauge: Gauge;
  readonly frames: { from: number; frame: Uint8Array }[] = [];
  #arrived: (() => void) | undefined;

  constructor(router: Router, id: number) {
    const { networkPort, gauge } = router.attach(id);
    this.gauge = new Gauge(gauge);
    this.transport = new PortTransport(networkPort, gauge);
    this.transport.receive((from, frame) => {
      this.frames.push({ from, frame });
      this.#arrived?.();
    });
  }

  /** A turn that sends one frame. */
  send(to: number, frame: Uint8Array): void {
    this.transport.send(to, frame);
    this.transport.flush();
  }

  async heard(count: number): Promise<string[]> {
    while (this.frames.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    return this.frames.map(({ from, frame }) => `${from}: ${Buffer.from(frame).toString()}`);
  }
}

const text = (value: string) => new TextEncoder().encode(value);

describe('router on a thread', () => {
  let router: Router;
  beforeEach(() => {
    router = new Router({ seed: 1 });
  });
  afterEach(() => router.close());

  it('passes frames between nodes in order, unchanged, small and large', async () => {
    const [a, b] = [new Listener(router, 0), new Listener(router, 1)];
    for (let number = 0; number < 100; number++) a.send(1, text(`frame ${number}`));
    const large = new Uint8Array(100_000).map((_, at) => at % 251);
    a.send(1, large.slice());
    b.send(0, text('answer'));
    await b.heard(101);
    expect(await a.heard(1)).to.deep.equal(['1: answer']);
    expect((await b.heard(101)).slice(0, 100)).to.deep.equal(
      Array.from({ length: 100 }, (_, number) => `0: frame ${number}`),
    );
    for (const { gauge } of [a, b]) {
      expect([gauge.waiting('toRouter'), gauge.waiting('toNode')]).to.deep.equal([0, 0]);
    }
    expect(Buffer.compare(b.frames[100]!.frame, large)).to.equal(0);
  });

  it('passes on together what was sent in one turn', async () => {
    const [a, b] = [new Listener(router, 0), new Listener(router, 1)];
    const large = new Uint8Array(5000).fill(9);
    a.transport.send(1, text('first'));
    a.transport.send(1, large.slice());
    a.transport.send(1, text('last'));
    expect(a.gauge.waiting('toRouter')).to.equal(3);
    a.transport.flush();
    await b.heard(1);
    // All three are there when the first is heard, for they came in one message.
    await Promise.resolve();
    expect(b.frames.map(({ frame }) => frame.byteLength)).to.deep.equal([5, 5000, 4]);
    expect(b.frames[1]?.frame).to.deep.equal(large);
  });

  it('lets what was sent before it hung up arrive', async () => {
    const [a, b] = [new Listener(router, 0), new Listener(router, 1)];
    a.transport.send(1, text('good-bye'));
    a.transport.close();
    expect(await b.heard(1)).to.deep.equal(['0: good-bye']);
  });

  it('takes a view of a larger buffer without its neighbours, which stay usable', async () => {
    const [a, b] = [new Listener(router, 0), new Listener(router, 1)];
    for (const bytes of [4, 8192]) {
      const pool = new Uint8Array(20_000).fill(7);
      a.send(1, pool.subarray(100, 100 + bytes));
      expect(pool).to.have.length(20_000);
    }
    await b.heard(2);
    expect(b.frames.map(({ frame }) => frame.buffer.byteLength)).to.deep.equal([4, 8192]);
  });

  it('holds a partition from the moment it is settled, and heals it', async () => {
    const [a, b, c] = [0, 1, 2].map((id) => new Listener(router, id)) as [Listener, Listener, Listener];
    router.partition([[0], [1, 2]]);
    await router.settled();
    a.send(1, text('into the void'));
    c.send(1, text('inside'));
    expect(await b.heard(1)).to.deep.equal(['2: inside']);
    // Lines are read one by one: the counters may come before a frame that was sent earlier.
    while ((await router.counters()).total.cut < 1);
    router.heal();
    await router.settled();
    a.send(1, text('again'));
    expect(await b.heard(2)).to.deep.equal(['2: inside', '0: again']);
    const { total, links } = await router.counters();
    expect(total).to.include({ sent: 3, delivered: 2, cut: 1, bytesSent: 13 + 6 + 5, bytesDelivered: 11 });
    expect(links.find(({ from }) => from === 0)).to.include({ to: 1, sent: 2, cut: 1 });
  });

  it('delays on the real clock, never less than it was told', async () => {
    router.setLink({ latencyMsMin: 20, latencyMsMax: 25 }, 0, 1);
    const [a, b] = [new Listener(router, 0), new Listener(router, 1)];
    await router.settled();
    const start = performance.now();
    a.send(1, text('late'));
    await b.heard(1);
    expect(performance.now() - start).to.be.at.least(20);
  });

  it('isolates, cuts, mends and loses as commanded', async () => {
    const [a, b] = [new Listener(router, 0), new Listener(router, 1)];
    router.isolate(0);
    router.heal();
    router.cut(0, 1);
    router.setLink({ loss: 1 }, 1);
    router.mend(0, 1);
    await router.settled();
    b.send(0, text('lost'));
    a.send(1, text('heard'));
    expect(await b.heard(1)).to.deep.equal(['0: heard']);
    while ((await router.counters()).total.lost < 1);
    expect(a.frames).to.have.length(0);
  });

  it('finds a node whose thread was terminated unreachable, and reaches it on its new line', async () => {
    const a = new Listener(router, 0);
    const { networkPort } = router.attach(1);
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       workerData.on('message', ([from]) => parentPort.postMessage(from));`,
      { eval: true, workerData: networkPort, transferList: [networkPort] },
    );
    a.send(1, text('are you there?'));
    expect((await once(worker, 'message'))[0]).to.equal(0);
    await worker.terminate();
    do a.send(1, text('and now?'));
    while ((await router.counters()).total.unreachable < 1);
    const again = new Listener(router, 1);
    await router.settled();
    a.send(1, text('welcome back'));
    // Some of the earlier calls may have been read only now, and stand before this one.
    for (let count = 1; (await again.heard(count)).at(-1) !== '0: welcome back'; count++);
  });

  it('counts frames to a detached node, and closes its line', async () => {
    const a = new Listener(router, 0);
    const { networkPort } = router.attach(1);
    router.detach(1);
    await once(networkPort, 'close');
    a.send(1, text('gone'));
    while ((await router.counters()).total.unreachable < 1);
    expect((await router.counters()).total).to.include({ sent: 1, delivered: 0, unreachable: 1 });
  });

  it('bounds what waits before a node that does not read', async () => {
    const a = new Listener(router, 0);
    const { networkPort, gauge } = router.attach(1);
    await router.settled();
    for (let sent = 0; sent < framesWaitingMax + 50; ) {
      for (let burst = 0; burst < 1000 && sent < framesWaitingMax + 50; burst++, sent++) a.send(1, text('x'));
      while ((await router.counters()).total.sent < sent);
    }
    expect((await router.counters()).total).to.include({ delivered: framesWaitingMax, dropped: 50 });
    expect(new Gauge(gauge).waiting('toNode')).to.equal(framesWaitingMax);
    networkPort.close();
  });

  it('counts what nodes cannot hand in because their line is full', async () => {
    const { networkPort, gauge } = router.attach(0);
    const line = new Gauge(gauge);
    while (line.tryEnter('toRouter', 0));
    const transport = new PortTransport(networkPort, gauge);
    transport.send(1, text('too much'));
    expect(transport.dropped).to.equal(2);
    expect(await router.counters()).to.deep.include({ overflowed: 2 });
    transport.close();
    await once(networkPort, 'close');
    expect(await router.counters()).to.deep.include({ overflowed: 2 });
  });

  it('gives a node that attaches anew a line that the end of its old one does not touch', async () => {
    const a = new Listener(router, 0);
    const { networkPort } = router.attach(1);
    const again = new Listener(router, 1);
    await once(networkPort, 'close');
    await router.settled();
    a.send(1, text('to the new line'));
    expect(await again.heard(1)).to.deep.equal(['0: to the new line']);
  });

  it('refuses wrong commands where they are given', () => {
    expect(() => new Router({ seed: 0.5 })).to.throw(InvalidOptionError, /seed is 0.5/);
    expect(() => new Router({ seed: 1, queueMax: 0 })).to.throw(InvalidOptionError, /queueMax is 0/);
    expect(() => new Router({ seed: 1, link: { loss: -1 } })).to.throw(InvalidOptionError, /loss is -1/);
    expect(() => router.attach(-1)).to.throw(InvalidOptionError, /-1 is no node/);
    expect(() => router.partition([[1], [1]])).to.throw(InvalidOptionError, /node 1 twice/);
    expect(() => router.setLink({ latencyMsMin: 3 })).to.throw(InvalidOptionError, /Set both/);
  });

  it('closes lines and thread, answers what was asked before, and refuses all after', async () => {
    const { networkPort } = router.attach(0);
    const lineClosed = once(networkPort, 'close');
    const lastCounters = router.counters();
    await router.close();
    await lineClosed;
    expect((await lastCounters).total.sent).to.equal(0);
    expect(await router.ended).to.equal(null);
    expect(() => router.heal()).to.throw(ClosedError);
    expect((await router.counters().catch((error: unknown) => error)) as Error).to.be.instanceOf(ClosedError);
    await router.close();
  });

  it('says what ended it when its thread fails, and lets nobody wait', async () => {
    const { networkPort } = router.attach(0);
    await router.settled();
    networkPort.postMessage(null);
    expect(await router.ended).to.be.instanceOf(TypeError);
    expect(() => router.heal()).to.throw(ClosedError, /network ended unexpectedly/);
    expect(() => router.attach(0)).to.throw(ClosedError, /network ended unexpectedly/);
    networkPort.close();
  });

  it('leaves a port that nobody serves silent', () => {
    const { port1, port2 } = new MessageChannel();
    port2.close();
    const transport = new PortTransport(port1, Gauge.allocate());
    expect(() => transport.send(1, text('anyone?'))).to.not.throw();
    transport.close();
  });
});
