import { expect } from 'chai';
import { KeyValueStore } from '../../src/application/key-value/key-value-store.js';
import { Random } from '../../src/ground/random.js';
import { NodeActor } from '../../src/node/node-actor.js';
import { RaftNode } from '../../src/node/raft-node.js';
import { defaultLimits, defaultTimings } from '../../src/node/validate-options.js';
import type { Observation } from '../../src/node/watch/observation.js';
import { WatchedLog } from '../../src/node/watch/watched-log.js';
import type { NodeId } from '../../src/raft/entry.js';
import { Log } from '../../src/raft/log.js';
import { StorageDisk } from '../../src/storage/disk.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { VirtualClock } from '../router/virtual-clock.js';
import { LoneNode } from './lone-node.js';

/** Three nodes on one virtual clock and a perfect network; the first may stand, the others vote. */
class World {
  readonly clock = new VirtualClock();
  readonly #handlers = new Map<NodeId, (from: NodeId, frame: Uint8Array) => void>();
  readonly nodes = [0, 1, 2].map((id) => this.#node(id));

  #node(id: NodeId): NodeActor {
    const storage = new MemoryStorage();
    return new NodeActor(
      {
        id,
        voters: [0, 1, 2],
        learners: [],
        timings: defaultTimings,
        limits: defaultLimits,
        preVote: true,
        checkQuorum: true,
        candidacy: id === 0,
        seed: id,
      },
      {
        transport: {
          send: (to, frame) => this.clock.setTimeout(() => this.#handlers.get(to)?.(id, frame.slice()), 1),
          receive: (handler) => this.#handlers.set(id, handler),
        },
        recovered: storage.recover(),
        disk: new StorageDisk(storage),
        application: new KeyValueStore(),
        clock: this.clock,
        cipher: createCipher({ kind: 'none' }, new Random(1)),
        observer: {
          standingChanged: () => {},
          progressed: () => {},
          died: (error) => expect.fail(String(error)),
        },
      },
    );
  }

  end(): void {
    for (const node of this.nodes) node.end();
  }
}

describe('watching a node', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());

  function watch(id: NodeId): Observation[] {
    const heard: Observation[] = [];
    world.nodes[id]?.watch((observation) => heard.push(structuredClone(observation)));
    return heard;
  }

  it('tells an election as the chart went through it, each transition with its cause', () => {
    const heard = watch(0);
    world.clock.pass(1000);
    const own = heard.flatMap(({ transitions }) => transitions).filter(({ chart }) => chart === 'node');
    const path = own.filter(({ target }) => target !== null).map(({ target }) => target);
    expect(path.slice(0, 3)).to.deep.equal(['alive.preCandidate', 'alive.candidate', 'alive.leader']);
    expect(own[0]).to.include({
      id: 'alive.follower:after electionTimeout:2',
      cause: 'electionTimeout over',
    });
    expect(own.find(({ target }) => target === 'alive.candidate')?.cause).to.match(
      /^preVoteResponse from node [12]/,
    );
    expect(own.find(({ target }) => target === 'alive.leader')?.to).to.deep.equal([
      'alive.leader.authority.establishing',
      'alive.leader.pulse.beating',
      'alive.leader.production.paused',
    ]);
    expect(heard.at(-1)?.active).to.include('alive.leader.authority.serving');
  });

  it('tells how a leader brings each follower up to date', () => {
    const heard = watch(0);
    world.clock.pass(1000);
    const moved = heard.flatMap(({ transitions }) => transitions).filter(({ chart }) => chart === 'peer');
    expect(moved.filter(({ target }) => target === 'replicating').map(({ peer }) => peer)).to.have.members([
      1, 2,
    ]);
    expect(heard.at(-1)?.links).to.deep.equal([
      { peer: 1, state: 'replicating', matchIndex: 1, nextIndex: 2 },
      { peer: 2, state: 'replicating', matchIndex: 1, nextIndex: 2 },
    ]);
  });

  it('sends at most ten bundles a second, whatever the load, and each says what it stands for', () => {
    world.clock.pass(1000);
    const heard = watch(0);
    const command = new Uint8Array(8);
    for (let step = 0; step < 1000; step++) {
      world.nodes[0]?.propose({ first: step, commands: [command], reply: () => {} });
      world.clock.pass(1);
    }
    expect(heard).to.have.length.within(8, 10);
    const messages = heard.flatMap((bundle) => bundle.messages);
    const appended = messages.filter(
      ({ direction, kind }) => direction === 'sent' && kind === 'appendEntries',
    );
    expect(appended.reduce((sum, { entries }) => sum + entries, 0)).to.be.within(1800, 2000);
    const proposals = heard
      .flatMap(({ transitions }) => transitions)
      .filter(({ cause }) => cause === 'client.propose');
    expect(proposals.reduce((sum, { count }) => sum + count, 0)).to.be.within(900, 1000);
    expect(proposals).to.have.length.within(8, 10);
    for (const { events, transitions, messages, commitLatency } of heard) {
      // A round trip of 2 ms, and a follower's disk between.
      expect(commitLatency?.meanMs).to.be.within(2, 4);
      const told = [...transitions, ...messages].reduce((sum, { count }) => sum + count, 0);
      expect(events).to.be.at.least(told);
      expect(transitions.length).to.be.at.most(60);
    }
  });

  it('times commits also where they take no time: a sole voter commits in the turn in which it appends', () => {
    const node = new LoneNode({ voters: [0] });
    node.becomeLeader();
    const heard: Observation[] = [];
    node.actor.watch((bundle) => heard.push(bundle));
    for (const command of ['a', 'b', 'c']) {
      node.propose(command);
      node.pass(120);
    }
    const latencies = heard.flatMap(({ commitLatency }) => commitLatency ?? []);
    expect(latencies.reduce((sum, { samples }) => sum + samples, 0)).to.equal(3);
    for (const { maxMs } of latencies) expect(maxMs).to.equal(0);
  });

  it('sends nothing when nobody watches, and nothing more when the watch ends', () => {
    const heard = watch(0);
    world.clock.pass(400);
    world.nodes[0]?.watch(null);
    const told = heard.length;
    world.clock.pass(1000);
    expect(told).to.be.above(0);
    expect(heard).to.have.length(told);
  });

  it('is of no consequence for what the node does', () => {
    watch(0);
    world.clock.pass(1000);
    const unwatched = new World();
    unwatched.clock.pass(1000);
    expect(world.nodes.map((node) => node.describe())).to.deep.equal(
      unwatched.nodes.map((node) => node.describe()),
    );
    unwatched.end();
  });
});

describe('subscribing to a node', () => {
  it('gives every transition of its chart, with how it stands after it', () => {
    const clock = new VirtualClock();
    const node = RaftNode.start({
      id: 0,
      voters: [0],
      transport: { send: () => {}, receive: () => {} },
      storage: new MemoryStorage(),
      application: new KeyValueStore(),
      clock,
    });
    const taken: string[] = [];
    const stop = node.subscribe(({ role }, transitions) => {
      for (const { target } of transitions) if (target !== null) taken.push(`${target} as ${role}`);
    });
    clock.pass(1000);
    expect(taken.find((step) => step.startsWith('alive.leader as'))).to.equal('alive.leader as leader');
    expect(taken.indexOf('alive.leader as leader')).to.be.above(
      taken.findIndex((step) => step.startsWith('alive.candidate as')),
    );
    stop();
    const told = taken.length;
    node.stop();
    clock.pass(100);
    expect(taken).to.have.length(told);
    node.close();
  });
});

describe('watching a log', () => {
  const entry = (index: number, term: number) =>
    ({ index, term, kind: 'command', bytes: new Uint8Array(1) }) as const;

  it('shows what was cut off since it was last shown, and what stands there now', () => {
    const log = new Log([entry(1, 1), entry(2, 1), entry(3, 2), entry(4, 2)]);
    const watched = new WatchedLog(log);
    expect(watched.show().truncated).to.deep.equal([]);
    log.truncateFrom(3);
    log.append([entry(3, 3)]);
    expect(watched.show()).to.deep.include({
      first: 1,
      terms: [1, 1, 3],
      truncated: [{ from: 3, terms: [2, 2] }],
    });
    expect(watched.show().truncated).to.deep.equal([]);
  });

  it('keeps to the end of a long log', () => {
    const watched = new WatchedLog(new Log(Array.from({ length: 1000 }, (_, at) => entry(at + 1, 1))));
    expect(watched.show()).to.include({ first: 953 });
    expect(watched.show().terms).to.have.length(48);
  });
});
