import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import { DirectLine, DirectLines } from '../../src/router/direct-line.js';
import { framesWaitingMax, Gauge } from '../../src/router/gauge.js';
import { PortTransport } from '../../src/router/port-transport.js';
import { Router } from '../../src/router/router.js';

const text = (value: string) => new TextEncoder().encode(value);
const wordsOf = (frame: Uint8Array) => Buffer.from(frame).toString();

/** What has been posted on this thread has been heard. */
async function delivered(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
}

/** Two nodes with a direct line, under a hand that shuts and opens it. */
class Two {
  readonly #shut = new Set<string>();
  readonly router = new DirectLines((from, to) => !this.#shut.has(`${from} ${to}`));
  readonly heard: string[] = [];
  readonly #ends: DirectLine[];

  constructor() {
    this.#ends = this.router.grant(0, 1).map(
      (grant, id) =>
        new DirectLine(
          grant,
          (frame) => this.heard.push(`${id} hears ${wordsOf(frame)}`),
          () => this.heard.push(`${id} hangs up`),
        ),
    );
  }

  /** False when the frame has to go another way. */
  send(from: 0 | 1, words: string): boolean {
    const taken = (this.#ends[from] as DirectLine).add(text(words));
    this.#ends[from]?.flush();
    return taken;
  }

  set(from: number, to: number, isOpen: boolean): void {
    if (isOpen) this.#shut.delete(`${from} ${to}`);
    else this.#shut.add(`${from} ${to}`);
    this.router.look();
  }

  tally(from: number, to: number): Record<string, number> {
    const found = [...this.router.tallies()].filter((each) => each[0] === from && each[1] === to);
    const sum: Record<string, number> = {};
    for (const [, , tally] of found) {
      for (const [name, count] of Object.entries(tally))
        if (count !== 0) sum[name] = (sum[name] ?? 0) + count;
    }
    return sum;
  }

  close(): void {
    for (const end of this.#ends) end.close();
  }
}

describe('A direct line', () => {
  let two: Two;
  beforeEach(() => {
    two = new Two();
  });
  afterEach(() => two.close());

  it('carries frames both ways, in order, and counts them', async () => {
    expect([two.send(0, 'one'), two.send(0, 'two'), two.send(1, 'three')]).to.deep.equal([true, true, true]);
    await delivered();
    expect(two.heard.toSorted()).to.deep.equal(['0 hears three', '1 hears one', '1 hears two']);
    expect(two.tally(0, 1)).to.deep.equal({ sent: 2, delivered: 2, bytesSent: 6, bytesDelivered: 6 });
    expect(two.tally(1, 0)).to.deep.equal({ sent: 1, delivered: 1, bytesSent: 5, bytesDelivered: 5 });
  });

  it('is shut in one direction, at once, for what is under way too', async () => {
    two.send(0, 'under way');
    expect(two.tally(0, 1)).to.include({ inFlight: 1 });
    two.set(0, 1, false);
    expect([two.send(0, 'late'), two.send(1, 'back')]).to.deep.equal([false, true]);
    await delivered();
    expect(two.heard).to.deep.equal(['0 hears back']);
    expect(two.tally(0, 1)).to.deep.equal({ sent: 1, cut: 1, bytesSent: 9 });
  });

  it('lets nothing be heard that was sent before a cut, though it is mended before that arrives', async () => {
    two.send(0, 'before');
    two.set(0, 1, false);
    two.set(0, 1, true);
    two.send(0, 'after');
    await delivered();
    expect(two.heard).to.deep.equal(['1 hears after']);
    expect(two.tally(0, 1)).to.include({ sent: 2, cut: 1, delivered: 1 });
  });

  it('counts what was under way to a node that is gone as unreachable, and goes on counting on its next line', async () => {
    two.send(0, 'to nobody');
    two.router.retire(1);
    expect(two.send(0, 'late')).to.equal(false);
    await delivered();
    expect(two.heard).to.deep.equal([]);
    expect(two.tally(0, 1)).to.deep.equal({ sent: 1, unreachable: 1, bytesSent: 9 });
    const grants = two.router.grant(0, 1);
    const ends = grants.map(
      (grant) =>
        new DirectLine(
          grant,
          () => {},
          () => {},
        ),
    );
    ends[0]?.add(text('again'));
    ends[0]?.flush();
    await delivered();
    expect(two.tally(0, 1)).to.include({ sent: 2, unreachable: 1, delivered: 1 });
    for (const end of ends) end.close();
  });

  it('drops what finds it full, and counts it', async () => {
    const [grant] = new DirectLines(() => true).grant(0, 1);
    const line = new DirectLine(
      grant,
      () => {},
      () => {},
    );
    const taken = Array.from({ length: framesWaitingMax + 3 }, () => line.add(text('x')));
    expect(taken.every((each) => each)).to.equal(true);
    expect(new Gauge(grant.out.gauge).turnedAway('toNode')).to.equal(3);
    line.close();
  });

  it('has room again for what was cut', async () => {
    let isClear = true;
    const router = new DirectLines(() => isClear);
    const heard: string[] = [];
    const ends = router.grant(0, 1).map(
      (grant) =>
        new DirectLine(
          grant,
          (frame) => heard.push(wordsOf(frame)),
          () => {},
        ),
    );
    for (let number = 0; number < framesWaitingMax; number++) ends[0]?.add(text('x'));
    ends[0]?.flush();
    for (const clear of [false, true]) {
      isClear = clear;
      router.look();
    }
    await delivered();
    ends[0]?.add(text('after'));
    ends[0]?.flush();
    await delivered();
    expect(heard).to.deep.equal(['after']);
    for (const end of ends) end.close();
  });

  it('opens by itself once what went another way before has arrived', () => {
    let isClear = false;
    const router = new DirectLines(() => isClear);
    const [grant, other] = router.grant(0, 1);
    const line = new DirectLine(
      grant,
      () => {},
      () => {},
    );
    expect(line.add(text('x'))).to.equal(false);
    isClear = true;
    router.arrived();
    expect(line.add(text('x'))).to.equal(true);
    line.close();
    other.port.close();
  });
});

describe('A node’s end of its lines', () => {
  it('keeps the line that takes the place of another, whose end is heard behind it', async () => {
    const { port1, port2 } = new MessageChannel();
    const transport = new PortTransport(port2, Gauge.allocate());
    transport.receive(() => {});
    const router = new DirectLines(() => true);
    const others = [1, 2].map(() => {
      const [grant, other] = router.grant(0, 1);
      port1.postMessage(grant, [grant.port]);
      return other;
    });
    await delivered();
    expect(transport.neighbours).to.deep.equal([1]);
    transport.close();
    for (const { port } of others) port.close();
    port1.close();
  });
});

/** A node at its end of the line. */
class Listener {
  readonly transport: PortTransport;
  readonly gauge: Gauge;
  readonly heard: string[] = [];
  sent = 0;

  constructor(router: Router, id: number) {
    const { networkPort, gauge } = router.attach(id);
    this.gauge = new Gauge(gauge);
    this.transport = new PortTransport(networkPort, gauge);
    this.transport.receive((from, frame) => this.heard.push(`${from}: ${wordsOf(frame)}`));
  }

  send(to: number, words: string): void {
    this.sent++;
    this.transport.send(to, text(words));
    this.transport.flush();
  }
}

describe('A router with nodes that take direct lines', () => {
  let router: Router;
  /** All that there were. */
  let listeners: Listener[];
  beforeEach(async () => {
    router = new Router({ seed: 1 });
    listeners = [0, 1, 2].map((id) => new Listener(router, id));
    await acquainted(listeners);
  });
  afterEach(() => router.close());

  const node = (id: number) => listeners[id] as Listener;

  /** Each has a line to each other. */
  async function acquainted(all: readonly Listener[]): Promise<void> {
    while (all.some(({ transport }) => transport.neighbours.length < all.length - 1)) await delivered();
  }

  /** All that was sent has come to its end, and what the router was told before is in force. */
  async function settled() {
    for (;;) {
      const { total } = await router.counters();
      await delivered();
      const sent = listeners.reduce((sum, each) => sum + each.sent, 0);
      const { delivered: arrived, lost, cut, unreachable } = total;
      const heard = listeners.reduce((sum, each) => sum + each.heard.length, 0);
      if (total.sent === sent && total.inFlight === 0 && arrived === heard) {
        expect(arrived + lost + cut + unreachable).to.equal(sent);
        return total;
      }
    }
  }

  it('is passed by: a frame needs no turn of its thread', async () => {
    node(0).transport.send(1, text('direct'));
    expect(node(0).gauge.waiting('toRouter')).to.equal(0);
    node(0).transport.flush();
    node(0).sent++;
    expect(await settled()).to.include({ sent: 1, delivered: 1, bytesSent: 6, bytesDelivered: 6 });
    expect(node(1).heard).to.deep.equal(['0: direct']);
  });

  it('cuts, isolates, partitions and heals them as any link', async () => {
    let told = [0, 0, 0];
    /** Everybody speaks to everybody; who was heard, by listener. */
    const say = async () => {
      await settled();
      for (const from of [0, 1, 2]) for (const to of [0, 1, 2]) if (from !== to) node(from).send(to, 'x');
      await settled();
      const heard = listeners.map((each, id) =>
        each.heard
          .slice(told[id])
          .map((words) => words[0])
          .toSorted(),
      );
      told = listeners.map((each) => each.heard.length);
      return heard.map((from) => from.join(' ')).join(', ');
    };
    expect(await say()).to.equal('1 2, 0 2, 0 1');
    router.cut(0, 1);
    expect(await say()).to.equal('1 2, 2, 0 1');
    router.mend(0, 1);
    router.isolate(2);
    expect(await say()).to.equal('1, 0, ');
    router.partition([[0, 2], [1]]);
    expect(await say()).to.equal('2, , 0');
    router.heal();
    expect(await say()).to.equal('1 2, 0 2, 0 1');
    expect(await settled()).to.include({ sent: 30, delivered: 21, cut: 9, inFlight: 0 });
  });

  it('makes their frames as slow, and as likely to be lost, as it is told', async () => {
    router.setLink({ latencyMsMin: 200, latencyMsMax: 200 }, 0, 1);
    await settled();
    const startMs = performance.now();
    node(0).send(1, 'slow');
    await settled();
    expect(performance.now() - startMs).to.be.greaterThan(190);
    expect(node(1).heard).to.deep.equal(['0: slow']);
    router.setLink({ latencyMsMin: 0, latencyMsMax: 0 }, 0, 1);
    router.setLink({ loss: 1 }, 1, 0);
    await settled();
    node(0).send(1, 'again');
    node(1).send(0, 'lost');
    expect(await settled()).to.include({ delivered: 2, lost: 1 });
  });

  it('gives a node that comes back lines anew, and none to one that does not take them', async () => {
    node(1).transport.close();
    listeners.push(new Listener(router, 1));
    await acquainted([node(0), node(2), node(3)]);
    const { networkPort } = router.attach(2);
    const plain: unknown[] = [];
    networkPort.on('message', (message) => plain.push(message));
    while (node(0).transport.neighbours.includes(2)) await delivered();
    node(0).transport.send(1, text('back'));
    expect(node(0).gauge.waiting('toRouter'), 'past the router').to.equal(0);
    node(0).transport.send(2, text('plain'));
    expect(node(0).gauge.waiting('toRouter'), 'through the router').to.equal(1);
    node(0).transport.flush();
    while (node(3).heard.length + plain.length < 2) await delivered();
    expect(node(3).heard).to.deep.equal(['0: back']);
    networkPort.close();
  });

  it('finds nobody where a node has left', async () => {
    router.detach(1);
    await settled();
    node(0).send(1, 'anybody?');
    expect(await settled()).to.include({ sent: 1, unreachable: 1, inFlight: 0 });
  });
});
