import { expect } from 'chai';
import { NetworkWorld } from './network-world.js';

const numbers = (world: NetworkWorld) => world.arrivals.map((arrival) => arrival.number);
const ascending = (values: readonly number[]) => [...values].sort((a, b) => a - b);

describe('network: what a link does to frames', () => {
  it('passes a frame on at once and uncopied over a clean link', () => {
    const world = new NetworkWorld();
    const frame = world.send(0, 1, 7);
    expect(world.arrivals).to.have.length(1);
    expect(world.arrivals[0]).to.include({ from: 0, to: 1, number: 7, atMs: 0 });
    expect(world.arrivals[0]?.frame).to.equal(frame);
    expect(world.clock.timersWaiting).to.equal(0);
  });

  it('delays every frame by a time from the range', () => {
    const world = new NetworkWorld({ latencyMsMin: 10, latencyMsMax: 30 });
    world.sendMany(2000, 100);
    const delays = world.arrivals.map((arrival) => arrival.atMs - arrival.number * 100);
    expect(delays).to.have.length(2000);
    expect(Math.min(...delays)).to.be.within(10, 10.2);
    expect(Math.max(...delays)).to.be.within(29.8, 30);
    expect(delays.reduce((sum, delay) => sum + delay, 0) / 2000).to.be.closeTo(20, 0.5);
  });

  it('keeps the order of a link under jitter, and the bound on its latency', () => {
    const world = new NetworkWorld({ latencyMsMin: 0, latencyMsMax: 50 });
    world.sendMany(1000, 1);
    expect(numbers(world)).to.deep.equal([...Array(1000).keys()]);
    for (const { atMs, number } of world.arrivals) expect(atMs - number).to.be.within(0, 50);
    expect(world.network.counters().total.reordered).to.equal(0);
  });

  it('lets a link that turned fast wait for frames still in line', () => {
    const world = new NetworkWorld({ latencyMsMin: 40, latencyMsMax: 40 });
    world.send(0, 1, 1);
    world.network.setLink({ latencyMsMin: 0, latencyMsMax: 0 });
    world.send(0, 1, 2);
    expect(world.arrivals).to.have.length(0);
    world.clock.pass(40);
    expect(numbers(world)).to.deep.equal([1, 2]);
    world.send(0, 1, 3);
    expect(numbers(world)).to.deep.equal([1, 2, 3]);
  });

  it('keeps the order when the clock is late with its timers', () => {
    const world = new NetworkWorld({ latencyMsMin: 10, latencyMsMax: 10 });
    world.send(0, 1, 1);
    world.network.setLink({ latencyMsMin: 0, latencyMsMax: 0, duplication: 0.001 });
    world.clock.stall(15);
    world.send(0, 1, 2);
    world.clock.pass(0);
    expect(numbers(world)).to.deep.equal([1, 2]);
  });

  it('does not hold up one link for another', () => {
    const world = new NetworkWorld();
    world.network.setLink({ latencyMsMin: 40, latencyMsMax: 40 }, 0, 1);
    world.send(0, 1, 1);
    world.send(1, 0, 2);
    expect(numbers(world)).to.deep.equal([2]);
  });

  it('lets frames overtake each other where reordering is set, even without jitter', () => {
    for (const latencyMs of [0, 20]) {
      const world = new NetworkWorld({ latencyMsMin: latencyMs, latencyMsMax: latencyMs, reordering: 0.1 });
      world.sendMany(2000, 1);
      expect(ascending(numbers(world))).to.deep.equal([...Array(2000).keys()]);
      expect(world.network.counters().total.reordered).to.be.within(100, 300);
    }
  });

  it('loses frames at the rate that was set, and no others', () => {
    const world = new NetworkWorld({ loss: 0.1 }, 3);
    world.sendMany(20_000, 0);
    const { lost, delivered } = world.network.counters().total;
    expect(lost / 20_000).to.be.closeTo(0.1, 0.007);
    expect(delivered)
      .to.equal(20_000 - lost)
      .and.equal(world.arrivals.length);
  });

  it('duplicates frames at the rate that was set, each copy with bytes of its own', () => {
    const world = new NetworkWorld({ duplication: 0.2, latencyMsMax: 5 }, 3);
    world.sendMany(5000, 1);
    const { duplicated, delivered } = world.network.counters().total;
    expect(duplicated / 5000).to.be.closeTo(0.2, 0.02);
    expect(delivered).to.equal(5000 + duplicated);
    expect(new Set(world.arrivals.map((arrival) => arrival.frame.buffer)).size).to.equal(delivered);
  });

  it('does the same twice from one seed, and something else from another', () => {
    const trace = (seed: number) => {
      const policy = { latencyMsMax: 20, loss: 0.1, duplication: 0.1, reordering: 0.2 };
      const world = new NetworkWorld({ ...policy, distribution: 'normal' }, seed);
      world.sendMany(500, 1);
      return world.arrivals.map(({ atMs, number }) => `${atMs} ${number}`);
    };
    expect(trace(11)).to.deep.equal(trace(11));
    expect(trace(11)).to.not.deep.equal(trace(12));
  });

  it('drops what does not fit into the queue of a link, and counts it', () => {
    const world = new NetworkWorld({ latencyMsMin: 10, latencyMsMax: 10 }, 1, { queueMax: 3 });
    for (let number = 0; number < 5; number++) world.send(0, 1, number);
    world.send(0, 2, 9);
    expect(world.network.counters().total).to.include({ sent: 6, dropped: 2, inFlight: 4 });
    world.clock.pass(10);
    expect(numbers(world)).to.deep.equal([0, 1, 2, 9]);
    world.send(0, 1, 5);
    world.clock.pass(10);
    expect(numbers(world)).to.deep.equal([0, 1, 2, 9, 5]);
  });

  it('drops what is more bytes than a link may hold, or all of them, but no frame for its size alone', () => {
    const slow = { latencyMsMin: 10, latencyMsMax: 10 };
    const world = new NetworkWorld(slow, 1, { queueBytesMax: 100, bytesMax: 250 });
    const bytes = [500, 4, 4];
    for (const [number, length] of bytes.entries()) world.send(0, 1, number, length);
    expect(world.network.counters().total).to.include({ sent: 3, dropped: 2, inFlight: 1 });
    world.send(0, 2, 3);
    expect(world.network.counters().total, 'all of them are full').to.include({ dropped: 3 });
    world.clock.pass(10);
    for (const to of [1, 2, 3]) for (const number of [4, 5, 6]) world.send(0, to, number, 40);
    // Two on a link, then one and no more: five times 40 bytes are 200, and six are 240.
    expect(world.network.counters().total).to.include({ dropped: 6, inFlight: 6 });
    world.network.cut(0, 1);
    world.send(0, 2, 7, 10);
    expect(world.network.counters().total).to.include({ cut: 2, dropped: 6, inFlight: 5 });
    world.clock.pass(10);
    expect(numbers(world)).to.deep.equal([0, 4, 5, 4, 5, 7]);
    for (const to of [2, 3]) for (const number of [8, 9]) world.send(0, to, number, 50);
    expect(world.network.counters().total, 'what has left makes room').to.include({ inFlight: 4 });
  });

  it('keeps one timer however many frames are under way, and none when idle or closed', () => {
    const world = new NetworkWorld({ latencyMsMax: 10 });
    for (let number = 0; number < 100; number++) world.send(0, number % 7, number);
    expect(world.clock.timersWaiting).to.equal(1);
    world.clock.pass(10);
    expect(world.clock.timersWaiting).to.equal(0);
    world.send(0, 1);
    world.network.close();
    expect(world.clock.timersWaiting).to.equal(0);
  });

  it('accounts for every frame and byte, whatever befell it', () => {
    const world = new NetworkWorld({ latencyMsMax: 9, loss: 0.2, duplication: 0.2, reordering: 0.2 }, 4, {
      queueMax: 20,
    });
    for (let number = 0; number < 3000; number++) {
      world.send(number % 3, (number + 1) % 3, number);
      if (number === 900) world.network.partition([[0], [1]]);
      if (number === 1500) world.network.heal();
      if (number === 2000) world.delivery = 'unreachable';
      if (number % 20 === 0) world.clock.pass(3);
    }
    const { total, links } = world.network.counters();
    for (const each of [total, ...links]) {
      const { delivered, lost, cut, dropped, unreachable, inFlight } = each;
      expect(each.sent + each.duplicated).to.equal(delivered + lost + cut + dropped + unreachable + inFlight);
      expect(each.bytesSent).to.equal(each.sent * 4);
      expect(each.bytesDelivered).to.equal(delivered * 4);
      for (const count of [delivered, lost, cut, dropped, unreachable]) expect(count).to.be.above(0);
    }
    expect(links.map(({ from, to }) => `${from}${to}`)).to.deep.equal(['01', '12', '20']);
  });
});
