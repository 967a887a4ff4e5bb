import { expect } from 'chai';
import type { CarrierLimits } from '../../../src/router/carriers/options.js';
import type { CarrierPeer } from './carrier-peer.js';

/** Whom a test wants a carrier for. */
export interface Wanted {
  readonly node: number;
  readonly cluster?: string;
  readonly clusterId?: string | null;
  readonly incarnation?: number;
  readonly limits?: Partial<CarrierLimits>;
}

/** A medium, and carriers on it. */
export interface CarrierWorld {
  /** Connections that a carrier makes for one remote node. */
  readonly connectionsEach: number;
  /** A carrier, not opened yet. */
  make(wanted: Wanted): Promise<CarrierPeer>;
  /** Tells one where another is, over a cable that the world can cut and stall. */
  introduce(one: CarrierPeer, other: CarrierPeer, node: number): Promise<void>;
  /** Ends all connections. New ones are refused until mended. */
  cut(): void;
  mend(): void;
  /** Everything stands still, and nothing is closed. */
  stall(): void;
  flow(): void;
  /** Closes all carriers and the medium. */
  end(): Promise<void>;
}

/** What every carrier has to keep, whatever carries. */
export function itCarries(name: string, newWorld: () => Promise<CarrierWorld>): void {
  describe(`The carrier over ${name}`, () => {
    let world: CarrierWorld;
    beforeEach(async () => {
      world = await newWorld();
    });
    afterEach(() => world.end());

    async function opened(wanted: Wanted): Promise<CarrierPeer> {
      return (await world.make(wanted)).open();
    }

    /** Nodes 1 and 2, each knowing the other, and connected. */
    async function pair(limits: Partial<CarrierLimits> = {}): Promise<[CarrierPeer, CarrierPeer]> {
      const [one, two] = [await opened({ node: 1, limits }), await opened({ node: 2, limits })];
      await world.introduce(one, two, 2);
      await world.introduce(two, one, 1);
      await one.until('every lane', () => one.remote(2).connections === world.connectionsEach);
      await two.until('every lane', () => two.remote(1).connections === world.connectionsEach);
      return [one, two];
    }

    it('carries frames of every size unchanged, both ways', async () => {
      const [one, two] = await pair();
      for (const size of [0, 1, 100, 4096, 4097, 300_000, 1_200_000, 5_000_000]) {
        const frame = new Uint8Array(size).map((_, at) => (at * 7 + size) % 253);
        one.carrier.send(2, 'bulk', frame.slice());
        two.carrier.send(1, 'bulk', frame.slice());
        for (const peer of [one, two]) {
          const [arrival] = await peer.heard(1);
          expect(Buffer.compare(arrival!.frame, frame), `${size} bytes`).to.equal(0);
          peer.arrivals.length = 0;
        }
      }
    });

    it('keeps the order within a lane', async () => {
      const [one, two] = await pair();
      const sizes = [10, 5000, 3, 100_000, 70, 40_000];
      for (let number = 0; number < 600; number++) {
        const frame = Buffer.alloc(sizes[number % sizes.length]! + 4);
        frame.writeUInt32BE(number);
        one.carrier.send(2, number % 3 === 0 ? 'bulk' : 'control', frame);
      }
      const arrivals = await two.heard(600);
      for (const lane of ['control', 'bulk'] as const) {
        const numbers = arrivals
          .filter(({ from }) => from.lane === lane)
          .map(({ frame }) => Buffer.from(frame).readUInt32BE());
        expect(numbers).to.deep.equal([...numbers].sort((a, b) => a - b));
      }
    });

    it('brings 10,000 small frames that come in bursts', async () => {
      const [one, two] = await pair({ queueFramesMax: 10_000 });
      for (let burst = 0; burst < 10; burst++) {
        for (let at = 0; at < 1000; at++) one.send(2, String(burst * 1000 + at));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await two.heard(10_000);
      expect(two.texts).to.deep.equal(Array.from({ length: 10_000 }, (_, number) => String(number)));
      expect(one.remote(2)).to.include({ framesSent: 10_000, overflowed: 0, framesWaiting: 0 });
      expect(two.remote(1).framesReceived).to.equal(10_000);
    });

    it('brings each frame to its receiver only, and says whose it is', async () => {
      const peers = await Promise.all([1, 2, 3].map((node) => opened({ node, incarnation: node * 11 })));
      for (const [at, one] of peers.entries()) {
        for (const [to, other] of peers.entries()) {
          if (at !== to) await world.introduce(one, other, to + 1);
        }
      }
      for (const [at, one] of peers.entries()) {
        for (const to of [1, 2, 3].filter((node) => node !== at + 1)) {
          one.send(to, `${at + 1} to ${to}`);
          one.send(to, `${at + 1} to ${to}`, 'bulk');
        }
      }
      for (const [at, peer] of peers.entries()) {
        await peer.heard(4);
        for (const { from, frame } of peer.arrivals) {
          expect(Buffer.from(frame).toString()).to.equal(`${from.node} to ${at + 1}`);
          expect(from.incarnation).to.equal(from.node * 11);
        }
        expect(new Set(peer.arrivals.map(({ from }) => `${from.node} ${from.lane}`)).size).to.equal(4);
      }
    });

    it('knows no node that nobody named, and throws for none that is away', async () => {
      const one = await opened({ node: 1 });
      expect(one.send(9, 'who?')).to.equal(false);
      const away = await world.make({ node: 2 });
      await world.introduce(one, away, 2);
      for (let count = 0; count < 100; count++) expect(one.send(2, 'hello?')).to.equal(true);
      expect(one.remote(2)).to.include({ framesSent: 0, framesWaiting: 100, bytesWaiting: 600 });
      one.carrier.removeRemote(2);
      expect(one.send(2, 'still?')).to.equal(false);
      expect(one.remote(2)).to.include({ framesWaiting: 0, bytesWaiting: 0 });
    });

    it('drops the oldest of too many frames, and counts them', async () => {
      const limits = { queueFramesMax: 10 };
      const [one, two] = [await opened({ node: 1, limits }), await world.make({ node: 2 })];
      await world.introduce(one, two, 2);
      for (let number = 0; number < 25; number++) one.send(2, String(number));
      expect(one.remote(2)).to.include({ overflowed: 15, framesWaiting: 10 });
      await two.open();
      await two.heard(10);
      expect(two.texts).to.deep.equal(Array.from({ length: 10 }, (_, at) => String(at + 15)));
    });

    it('drops the oldest of too many bytes, but takes one frame of any size that is allowed', async () => {
      const limits = { queueBytesMax: 1000, frameBytesMax: 5000 };
      const [one, two] = [await opened({ node: 1, limits }), await world.make({ node: 2 })];
      await world.introduce(one, two, 2);
      for (let number = 0; number < 5; number++) one.carrier.send(2, 'control', Buffer.alloc(300, number));
      expect(one.remote(2)).to.include({ overflowed: 2, bytesWaiting: 900 });
      one.carrier.send(2, 'control', Buffer.alloc(5000, 9));
      expect(one.remote(2)).to.include({ overflowed: 5, framesWaiting: 1, bytesWaiting: 5000 });
      one.carrier.send(2, 'control', Buffer.alloc(5001, 9));
      expect(one.remote(2)).to.include({ tooLarge: 1, framesWaiting: 1 });
      await two.open();
      expect((await two.heard(1))[0]!.frame.byteLength).to.equal(5000);
    });

    it('does not send what has waited too long', async () => {
      const limits = { waitMsMax: 100 };
      const [one, two] = [await opened({ node: 1, limits }), await world.make({ node: 2 })];
      await world.introduce(one, two, 2);
      one.send(2, 'old');
      await new Promise((resolve) => setTimeout(resolve, 150));
      await two.open();
      await one.reach(two, 2, 'new');
      expect(two.texts).to.not.include('old');
      expect(one.remote(2).stale).to.be.at.least(1);
    });

    it('finds its way again after the connections were lost', async () => {
      const [one, two] = await pair();
      await one.reach(two, 2, 'before');
      world.cut();
      await one.told('disconnected', ({ dialed, lane }) => dialed && lane === 'control');
      one.send(2, 'waiting');
      world.mend();
      await two.until('what waited', () => two.texts.includes('waiting'));
      await two.reach(one, 1, 'and back');
      expect(one.remote(2).reconnections).to.be.at.least(1);
      expect(two.texts.filter((text) => text === 'waiting')).to.have.length(1);
    });

    it('notices that nobody is there though nothing was closed, and comes back', async () => {
      const [one, two] = await pair();
      await one.reach(two, 2, 'before');
      world.stall();
      await one.told('disconnected');
      await two.told('disconnected');
      world.flow();
      await one.reach(two, 2, 'after');
      await two.reach(one, 1, 'after');
    });

    it('keeps what waits before a stalled receiver within bounds, and then sends the newest', async () => {
      const limits = { queueBytesMax: 4_000_000, silenceMsMax: 30_000 };
      const [one, two] = await pair(limits);
      world.stall();
      const megabyte = 1_000_000;
      for (let number = 0; number < 100; number++) {
        const frame = Buffer.alloc(megabyte);
        frame.writeUInt32BE(number);
        one.carrier.send(2, 'bulk', frame);
        await new Promise((resolve) => setImmediate(resolve));
        expect(one.remote(2).bytesWaiting).to.be.at.most(limits.queueBytesMax);
      }
      const { framesSent, framesWaiting, overflowed } = one.remote(2);
      expect(framesSent + framesWaiting + overflowed).to.equal(100);
      expect(overflowed).to.be.above(50);
      expect(framesSent, 'under way when it stalled').to.be.above(0);
      world.flow();
      const last = () => two.arrivals.at(-1)?.frame;
      await two.until('the last', () => last() !== undefined && Buffer.from(last()!).readUInt32BE() === 99);
      expect(two.arrivals.length).to.equal(framesSent + framesWaiting);
    });

    it('lets heartbeats pass what is large', async () => {
      const [one, two] = await pair();
      for (let number = 0; number < 12; number++) one.carrier.send(2, 'bulk', new Uint8Array(4_000_000));
      one.send(2, 'heartbeat');
      const arrivals = await two.heard(13);
      const at = arrivals.findIndex(({ from }) => from.lane === 'control');
      expect(at).to.be.below(12);
    });

    it('finds a node that was started again elsewhere, and does not take it for the old one', async () => {
      const [one, two] = await pair();
      await one.reach(two, 2, 'first life');
      await two.close();
      const again = await opened({ node: 2, incarnation: 77 });
      await world.introduce(one, again, 2);
      await world.introduce(again, one, 1);
      await one.reach(again, 2, 'second life');
      await again.reach(one, 1, 'I am back');
      expect(await one.told('restarted')).to.deep.equal({ type: 'restarted', node: 2, incarnation: 77 });
      expect(one.arrivals.at(-1)!.from).to.deep.equal({ node: 2, incarnation: 77, lane: 'control' });
    });

    it('listens to one process only that says it is a node: the one that came last', async () => {
      const [one, two] = await pair();
      await two.reach(one, 1, 'the original');
      const copy = await opened({ node: 2, incarnation: 88 });
      await world.introduce(copy, one, 1);
      await copy.reach(one, 1, 'the copy');
      await one.told('restarted', ({ incarnation }) => incarnation === 88);
      await one.told('refused', ({ byUs, reason }) => byUs && reason === 'superseded');
      await two.told('refused', ({ byUs, reason }) => !byUs && reason === 'superseded');
      one.arrivals.length = 0;
      two.send(1, 'the original again');
      await copy.reach(one, 1, 'the copy again');
      expect(one.texts).to.not.include('the original again');
    });

    it('keeps clusters apart that share the medium', async () => {
      const [one, two] = await pair();
      const stranger = await opened({ node: 1, cluster: 'bank' });
      await world.introduce(stranger, two, 2);
      const deadline = performance.now() + 500;
      while (performance.now() < deadline) {
        stranger.send(2, 'let me in');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await one.reach(two, 2, 'among us');
      expect(new Set(two.texts)).to.deep.equal(new Set(['among us']));
      expect(stranger.remote(2).framesSent).to.equal(0);
    });

    it('refuses who is of a cluster of the same name and another id, once it knows its own', async () => {
      const one = await opened({ node: 1, clusterId: 'red' });
      const two = await opened({ node: 2, clusterId: null });
      await world.introduce(one, two, 2);
      await one.reach(two, 2, 'taken while it does not know');
      two.carrier.adopt('blue');
      await one.told('refused', ({ byUs, reason }) => !byUs && reason === 'cluster');
      await two.told('refused', ({ byUs, reason }) => byUs && reason === 'cluster');
      const three = await opened({ node: 3, clusterId: 'blue' });
      await world.introduce(three, two, 2);
      await three.reach(two, 2, 'of one cluster');
      expect(two.counters.refused.cluster).to.be.at.least(1);
      expect(one.counters.refusedByOthers.cluster).to.be.at.least(1);
    });

    it('closes within a bound though the others stand still, for good, and more than once', async () => {
      const [one, two] = await pair();
      await one.reach(two, 2, 'before');
      world.stall();
      const start = performance.now();
      await Promise.all([one.close(), one.close()]);
      expect(performance.now() - start).to.be.below(3000);
      expect(one.send(2, 'after')).to.equal(false);
      expect(one.counters.connectionsOpen).to.equal(0);
      world.flow();
      await one.close();
    });

    it('refuses settings that cannot be', async () => {
      const wrong = (wanted: Wanted) =>
        world.make(wanted).then(
          () => 'nothing',
          (error: unknown) => (error as Error).message,
        );
      expect(await wrong({ node: -1 })).to.match(/node is -1/);
      expect(await wrong({ node: 1, cluster: 'a.b' })).to.match(/cluster is a\.b/);
      expect(await wrong({ node: 1, incarnation: 0.5 })).to.match(/incarnation is 0.5/);
      expect(await wrong({ node: 1, limits: { pingMs: 0 } })).to.match(/pingMs is 0/);
      const odd = { pongMs: 1 } as Partial<CarrierLimits>;
      expect(await wrong({ node: 1, limits: odd })).to.match(/no limit pongMs/);
      const one = await opened({ node: 1 });
      expect(() => one.carrier.setRemote(1, [])).to.throw(/is here itself/);
      expect(() => one.carrier.setRemote(-1, [])).to.throw(/remote node is -1/);
      expect(() => one.carrier.adopt('')).to.throw(/cluster's id is an empty text/);
    });
  });
}
