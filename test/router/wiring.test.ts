import { expect } from 'chai';
import { InvalidOptionError } from '../../src/ground/errors.js';
import { Wiring } from '../../src/router/wiring.js';
import { NetworkWorld } from './network-world.js';

describe('network: who reaches whom', () => {
  it('cuts one direction and leaves the other', () => {
    const world = new NetworkWorld();
    world.network.cut(0, 1);
    expect(world.heardBy(0, 3)).to.deep.equal([2]);
    expect(world.heardBy(1, 3)).to.deep.equal([0, 2]);
    world.network.mend(0, 1);
    expect(world.heardBy(0, 3)).to.deep.equal([1, 2]);
  });

  it('splits into groups, the nodes that no group names being one more', () => {
    const world = new NetworkWorld();
    world.network.partition([[0, 1], [2]]);
    const heard = [0, 1, 2, 3, 4].map((from) => world.heardBy(from, 5));
    expect(heard).to.deep.equal([[1], [0], [], [4], [3]]);
  });

  it('takes the last partition for the valid one', () => {
    const world = new NetworkWorld();
    world.network.partition([[0], [1, 2]]);
    world.network.partition([[0, 1], [2]]);
    expect([0, 1, 2].map((from) => world.heardBy(from, 3))).to.deep.equal([[1], [0], []]);
  });

  it('isolates nodes one by one, also within a partition', () => {
    const world = new NetworkWorld();
    world.network.partition([
      [0, 1, 2],
      [3, 4],
    ]);
    world.network.isolate(0);
    world.network.isolate(1);
    world.network.isolate(4);
    expect([0, 1, 2, 3, 4].flatMap((from) => world.heardBy(from, 5))).to.deep.equal([]);
  });

  it('applies to links that carried no frame before', () => {
    const world = new NetworkWorld();
    world.network.setLink({ loss: 1 }, 3);
    world.network.cut(4, 5);
    expect(world.heardBy(3, 6)).to.deep.equal([]);
    expect(world.heardBy(4, 6)).to.deep.equal([0, 1, 2, 3]);
  });

  it('heals partitions, isolations and cuts, and keeps latency and loss', () => {
    const world = new NetworkWorld({ latencyMsMin: 5, latencyMsMax: 5 });
    world.network.partition([[0], [1, 2]]);
    world.network.isolate(2);
    world.network.cut(1, 0);
    world.network.setLink({ loss: 1 }, 2, 0);
    world.network.heal();
    for (const [from, to] of [0, 1, 2].flatMap((a) => [0, 1, 2].map((b) => [a, b] as const))) {
      if (from !== to) world.send(from, to, from);
    }
    world.clock.pass(4);
    expect(world.arrivals).to.have.length(0);
    world.clock.pass(1);
    expect(world.arrivals.map(({ from, to }) => `${from}${to}`)).to.deep.equal([
      '01',
      '02',
      '10',
      '12',
      '21',
    ]);
  });

  it('loses frames that are under way when their link is cut, and only those', () => {
    const world = new NetworkWorld({ latencyMsMin: 10, latencyMsMax: 10 });
    for (const to of [1, 2, 3, 1]) world.send(0, to, to);
    world.network.isolate(1);
    world.network.heal();
    world.send(0, 1, 9);
    world.clock.pass(10);
    expect(world.arrivals.map((arrival) => arrival.number)).to.deep.equal([2, 3, 9]);
    expect(world.network.counters().total).to.include({ cut: 2, delivered: 3, inFlight: 0 });
  });

  it('does not make later frames wait for those that a cut destroyed', () => {
    const world = new NetworkWorld({ latencyMsMin: 100, latencyMsMax: 100 });
    world.send(0, 1, 1);
    world.network.cut(0, 1);
    world.network.mend(0, 1);
    world.network.setLink({ latencyMsMin: 10, latencyMsMax: 10 });
    world.send(0, 1, 2);
    world.clock.pass(10);
    expect(world.arrivals.map((arrival) => arrival.number)).to.deep.equal([2]);
  });
});

describe('wiring', () => {
  it('sets policies for all links, from a node, to a node, and between two; the last word wins', () => {
    const wiring = new Wiring({ loss: 0.1 });
    wiring.setLink({ loss: 0.2 }, 1, 2);
    wiring.setLink({ loss: 0.3 }, undefined, 2);
    wiring.setLink({ loss: 0.4, duplication: 0.5 }, 1);
    const loss = (from: number, to: number) => wiring.policy(from, to).loss;
    expect([loss(0, 1), loss(0, 2), loss(1, 2), loss(1, 0)]).to.deep.equal([0.1, 0.3, 0.4, 0.4]);
    expect(wiring.policy(1, 0).duplication).to.equal(0.5);
    expect(wiring.policy(0, 1).duplication).to.equal(0);
    wiring.setLink({ loss: 0 });
    expect([loss(0, 1), loss(0, 2), loss(1, 2), loss(1, 0)]).to.deep.equal([0, 0, 0, 0]);
    expect(wiring.policy(1, 0).duplication).to.equal(0.5);
  });

  it('never lets two commands contradict each other about latency', () => {
    const wiring = new Wiring();
    wiring.setLink({ latencyMsMax: 10 }, 0);
    expect(() => wiring.setLink({ latencyMsMin: 5 })).to.throw(InvalidOptionError, /Set both/);
    wiring.setLink({ latencyMsMin: 5 }, 0);
    wiring.setLink({ latencyMsMin: 50, latencyMsMax: 60 });
    expect(wiring.policy(0, 1)).to.include({ latencyMsMin: 50, latencyMsMax: 60 });
  });

  it('refuses what names no node or a node twice, and changes nothing then', () => {
    const wiring = new Wiring();
    wiring.partition([[0], [1]]);
    expect(() => wiring.partition([[0, 1], [1]])).to.throw(InvalidOptionError, /names node 1 twice/);
    expect(() => wiring.partition([[0, -1]])).to.throw(InvalidOptionError, /-1 is no node/);
    expect(() => wiring.isolate(1.5)).to.throw(InvalidOptionError, /1.5 is no node/);
    expect(() => wiring.cut(0, Number.NaN)).to.throw(InvalidOptionError, /NaN is no node/);
    expect(() => wiring.setLink({ loss: 2 }, 0, 1)).to.throw(InvalidOptionError, /loss is 2/);
    expect(wiring.connected(0, 1)).to.equal(false);
    expect(wiring.policy(0, 1).loss).to.equal(0);
  });
});
