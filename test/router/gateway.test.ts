import { join } from 'node:path';
import { expect } from 'chai';
import { ClosedError, InvalidOptionError } from '../../src/ground/errors.js';
import { RaftNode } from '../../src/node/raft-node.js';
import { CredentialsError, ListenFailedError } from '../../src/router/carriers/errors.js';
import type { CarrierEvent } from '../../src/router/carriers/events.js';
import { bulkBytesMin } from '../../src/router/carriers/lane.js';
import type { CarrierOptions } from '../../src/router/carriers/options.js';
import { PortTransport } from '../../src/router/port-transport.js';
import { Router } from '../../src/router/router.js';
import { certificateFiles } from '../../src/server/development-certificates.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { bytesOf, Ledger } from '../node/ledger.js';
import { briskLimits } from './carriers/carrier-peer.js';
import { sharedCertificates } from './carriers/stream-world.js';

/** What would be a process: a router on a thread, a node at its line, and a carrier. */
class Place {
  readonly router: Router;
  readonly node: number;
  readonly heard: string[] = [];
  readonly events: CarrierEvent[] = [];
  readonly transport: PortTransport;
  address = '';

  /** @param listens whether it hears for itself, and no node of Raft is put in its place. */
  constructor(node: number, listens = true) {
    this.node = node;
    this.router = new Router({ seed: node, carrierEvent: (_of, event) => this.events.push(event) });
    const { networkPort, gauge } = this.router.attach(node);
    this.transport = new PortTransport(networkPort, gauge);
    if (!listens) return;
    this.transport.receive((from, frame) => {
      this.heard.push(
        `${from}: ${frame.byteLength < 100 ? Buffer.from(frame).toString() : frame.byteLength}`,
      );
    });
  }

  async options(): Promise<CarrierOptions> {
    const self = { kind: 'node', cluster: 'shop', node: this.node } as const;
    const files = certificateFiles(join(await sharedCertificates(), 'shop'), self);
    return {
      kind: 'tls',
      identity: { self, clusterId: null, incarnation: this.node + 100 },
      listen: '127.0.0.1:0',
      credentials: files,
      limits: briskLimits,
    };
  }

  async open(): Promise<this> {
    this.address = (await this.router.carry(this.node, await this.options())) ?? '';
    return this;
  }

  send(to: number, frame: string | Uint8Array): void {
    this.transport.send(to, Buffer.from(frame as string));
    this.transport.flush();
  }

  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    const endMs = performance.now() + 10_000;
    while (!(await holds())) {
      if (performance.now() > endMs) {
        throw new Error(`In vain. Heard ${this.heard.slice(-5)}; ${JSON.stringify(this.events.slice(-5))}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Says it until it is heard, and everything that was said meanwhile. */
  async reach(other: Place, text: string): Promise<void> {
    for (const said of [text, `${text} (and no more)`]) {
      const isHeard = () => other.heard.includes(`${this.node}: ${said}`);
      for (let waitMs = 20; !isHeard(); waitMs = Math.min(1000, waitMs * 2)) {
        this.send(other.node, said);
        await Promise.race([other.until(isHeard), new Promise((resolve) => setTimeout(resolve, waitMs))]);
      }
    }
  }

  async link(from: number, to: number) {
    return (await this.router.counters()).links.find((link) => link.from === from && link.to === to)!;
  }
}

describe('routers of different processes', () => {
  let one: Place;
  let two: Place;
  beforeEach(async () => {
    [one, two] = (await Promise.all([1, 2].map((node) => new Place(node).open()))) as [Place, Place];
    one.router.remote(2, [two.address]);
    two.router.remote(1, [one.address]);
    await one.reach(two, 'first');
    await two.reach(one, 'first');
    one.heard.length = two.heard.length = 0;
  });
  afterEach(async () => {
    await Promise.all([one.router.close(), two.router.close()]);
  });

  it('bring frames to each other’s nodes, large ones in a lane of their own', async () => {
    const before = (await one.link(1, 2)).carried!;
    for (let number = 0; number < 100; number++) one.send(2, `frame ${number}`);
    one.send(2, new Uint8Array(bulkBytesMin));
    await two.until(() => two.heard.length === 101);
    expect(two.heard.filter((text) => text.includes('frame'))).to.deep.equal(
      Array.from({ length: 100 }, (_, number) => `1: frame ${number}`),
    );
    expect(two.heard).to.include(`1: ${bulkBytesMin}`);
    const { carried, ...link } = await one.link(1, 2);
    expect(link.delivered).to.equal(link.sent);
    expect(carried!.framesSent - before.framesSent).to.equal(101);
    const there = await two.link(1, 2);
    expect(there.sent).to.equal(there.delivered);
    expect(there.carried!.framesReceived).to.equal(there.sent);
    const { carriers } = await one.router.counters();
    expect(carriers).to.have.length(1);
    expect(carriers![0]).to.include({ of: 1, connectionsPending: 0 });
    const lanesDialed = one.events.filter((event) => event.type === 'connected' && event.dialed);
    expect(lanesDialed.map((event) => 'lane' in event && event.lane)).to.have.members(['control', 'bulk']);
  });

  for (const [where, place] of [
    ['sends', () => one],
    ['receives', () => two],
  ] as const) {
    it(`hold to the links' policies in the process that ${where}`, async () => {
      const { router } = place();
      const before = await place().link(1, 2);
      router.cut(1, 2);
      await router.settled();
      one.send(2, 'into a cut');
      await place().until(async () => (await place().link(1, 2)).cut === before.cut + 1);
      await two.reach(one, 'the other way');
      router.heal();
      router.partition([[1], [2]]);
      await router.settled();
      one.send(2, 'into a partition');
      await place().until(async () => (await place().link(1, 2)).cut === before.cut + 2);
      router.heal();
      router.setLink({ loss: 1 }, 1, 2);
      await router.settled();
      one.send(2, 'into loss');
      await place().until(async () => (await place().link(1, 2)).lost === before.lost + 1);
      router.setLink({ loss: 0, latencyMsMin: 60, latencyMsMax: 70, duplication: 1 }, 1, 2);
      await router.settled();
      const start = performance.now();
      one.send(2, 'late and twice');
      const late = () => two.heard.filter((text) => text === '1: late and twice');
      await two.until(() => late().length === 2);
      expect(performance.now() - start).to.be.at.least(60);
    });
  }

  it('find a node again that has moved, and take it from where it is', async () => {
    const former = two;
    await former.router.close();
    two = await new Place(2).open();
    one.router.remote(2, [two.address]);
    two.router.remote(1, [one.address]);
    await one.reach(two, 'there you are');
    await two.reach(one, 'here I am');
  });

  it('count frames to a node that nobody named as unreachable, and those to one that was forgotten', async () => {
    one.send(9, 'who?');
    await one.until(async () => (await one.link(1, 9))?.unreachable === 1);
    one.router.detach(2);
    await one.router.settled();
    one.send(2, 'gone?');
    await one.until(async () => (await one.link(1, 2)).unreachable === 1);
    expect(two.heard).to.deep.equal([]);
  });

  it('learn who is at an address, and which cluster they are', async () => {
    const three = await new Place(3).open();
    three.router.introduce(one.address);
    await three.until(() => three.events.some(({ type }) => type === 'introduced'));
    await three.reach(one, 'may I join?');
    one.router.adopt('red');
    three.router.adopt('blue');
    await three.router.settled();
    three.router.detach(1);
    three.router.remote(1, [one.address]);
    await one.until(() => one.events.some((event) => event.type === 'refused' && event.reason === 'cluster'));
    await three.router.close();
  });

  it('say what keeps a carrier from being opened, and go on', async () => {
    const options = await one.options();
    const failure = (change: object) =>
      two.router
        .carry(2, { ...options, ...change } as CarrierOptions)
        .then(String, (error: unknown) => error as Error);
    expect((await failure({})) as Error)
      .to.be.instanceOf(InvalidOptionError)
      .with.property('message')
      .that.matches(/another identity/);
    expect(await failure({ kind: 'pigeon' })).to.be.instanceOf(InvalidOptionError);
    const self = { kind: 'node', cluster: 'shop', node: 2 } as const;
    const identity = { self, clusterId: null, incarnation: 1 };
    expect(await failure({ identity })).to.be.instanceOf(CredentialsError);
    expect(await failure({ kind: 'tcp', identity, listen: one.address })).to.be.instanceOf(ListenFailedError);
    expect(() => one.router.remote(2, ['nowhere'])).to.throw(InvalidOptionError, /nowhere is no address/);
    expect(() => one.router.introduce('nowhere')).to.throw(InvalidOptionError, /nowhere is no address/);
    expect(() => one.router.adopt('')).to.throw(InvalidOptionError);
    await two.router.carry(2, await two.options());
    await two.router.reloadCertificates();
    await two.reach(one, 'after all that');
  });

  it('end their carriers with themselves', async () => {
    await two.router.close();
    await one.until(() =>
      one.events.some(
        (event) => event.type === 'disconnected' && event.reason === 'shutdown' && !event.dialed,
      ),
    );
    expect(await two.router.carry(2, await two.options()).catch((error: unknown) => error)).to.be.instanceOf(
      ClosedError,
    );
  });
});

describe('a cluster of three processes over TLS', () => {
  it('elects a leader, commits, and goes on without the process that led', async () => {
    const ids = [1, 2, 3];
    const places = await Promise.all(ids.map((node) => new Place(node, false).open()));
    for (const place of places) {
      for (const other of places) if (other !== place) place.router.remote(other.node, [other.address]);
    }
    const timings = { electionTimeoutMsMin: 300, electionTimeoutMsMax: 600, heartbeatMs: 50 };
    const ledgers = places.map(() => new Ledger());
    const nodes = places.map(({ node, transport }, at) =>
      RaftNode.start({
        id: node,
        voters: ids,
        transport,
        storage: new MemoryStorage(),
        application: ledgers[at]!,
        timings,
      }),
    );
    const [one] = places as [Place];
    const leader = (among: RaftNode[]) => among.find((node) => node.info().role === 'leader');
    const commit = async (text: string, among: RaftNode[]): Promise<RaftNode> => {
      let taken: RaftNode | undefined;
      await one.until(async () => {
        taken = leader(among);
        const outcome = await taken?.propose(bytesOf(text)).catch(() => undefined);
        return outcome !== undefined;
      });
      return taken!;
    };
    const first = await commit('a', nodes);
    await commit('x'.repeat(700_000), nodes);
    await nodes[nodes.indexOf(first)]!.close();
    await places[nodes.indexOf(first)]!.router.close();
    const left = nodes.filter((node) => node !== first);
    const second = await commit('b', left);
    expect(second).to.not.equal(first);
    const height = second.info().height;
    await one.until(() => left.every((node) => node.info().height >= height));
    expect(new Set(left.map((node) => node.info().digest)).size).to.equal(1);
    for (const node of left) await node.close();
    await Promise.all(places.map(({ router }) => router.close()));
  });
});
