import { expect } from 'chai';
import { KeyValueStore } from '../../src/application/key-value/key-value-store.js';
import { packBytes } from '../../src/ground/byte-strings.js';
import { Random } from '../../src/ground/random.js';
import { NodeActor } from '../../src/node/node-actor.js';
import { RaftNode } from '../../src/node/raft-node.js';
import { defaultLimits, defaultSnapshots, defaultTimings } from '../../src/node/validate-options.js';
import { Arrivals } from '../../src/node/watch/arrivals.js';
import {
  detailsMax,
  type Observation,
  type ObservedEvent,
  type ObservedState,
} from '../../src/node/watch/observation.js';
import { WatchedLog } from '../../src/node/watch/watched-log.js';
import type { NodeId } from '../../src/raft/entry.js';
import { Log } from '../../src/raft/log.js';
import { StorageDisk } from '../../src/storage/disk.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { createCiphers } from '../../src/wire/create-cipher.js';
import { VirtualClock } from '../router/virtual-clock.js';
import { entry, LoneNode } from './lone-node.js';

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
        snapshots: defaultSnapshots,
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
        ciphers: createCiphers({ kind: 'none' }, new Random(1)),
        identity: { id, cluster: 1, life: 1 + id },
        observer: {
          standingChanged: () => {},
          progressed: () => {},
          snapshotNews: () => {},
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

  /** All that was told, in its order. */
  function events(heard: readonly Observation[]): ObservedEvent[] {
    return heard.flatMap(({ events: told }) => told);
  }

  function chartEvents(heard: readonly Observation[]) {
    return events(heard).filter((event) => event.kind === 'chart');
  }

  function watch(id: NodeId): Observation[] {
    const heard: Observation[] = [];
    world.nodes[id]?.watch((observation) => heard.push(structuredClone(observation)));
    return heard;
  }

  it('tells an election as the chart went through it, each step with its cause and what it changed', () => {
    const heard = watch(0);
    world.clock.pass(1000);
    const steps = chartEvents(heard).filter(({ change }) => change?.role !== undefined);
    expect(steps.map(({ change }) => change?.role)).to.deep.equal(['preCandidate', 'candidate', 'leader']);
    const [asks, stands, leads] = steps;
    expect(asks).to.include({ cause: 'electionTimeout over' });
    expect(asks?.transitions[0]?.id).to.equal('alive.follower:after electionTimeout:2');
    expect(asks?.change).to.deep.include({ active: ['alive.preCandidate'], votes: [[0, true]] });
    expect(stands?.cause).to.match(/^preVoteResponse from node [12]/);
    // Its own vote counts once it is durable.
    expect(stands?.change).to.deep.include({ term: 1, votedFor: 0, votes: [] });
    expect(leads?.change).to.deep.include({ leaderId: 0, log: { last: 1, runs: [[1, 1]] } });
    expect(leads?.change?.active).to.include('alive.leader.authority.establishing');
    expect(heard.at(-1)?.state.active).to.include('alive.leader.authority.serving');
  });

  it('tells each vote by itself: when it is cast, when it leaves, and when it is heard', () => {
    const candidate = watch(0);
    const voters = [watch(1), watch(2)];
    world.clock.pass(1000);
    for (const [nth, heard] of voters.entries()) {
      const cast = chartEvents(heard).filter(({ change }) => typeof change?.votedFor === 'number');
      expect(cast.map(({ change }) => change?.votedFor)).to.deep.equal([0]);
      const sent = events(heard).filter(
        (event) => event.kind === 'send' && event.message === 'requestVoteResponse',
      );
      expect(sent).to.have.length(1);
      expect(sent[0]?.at).to.be.at.least(cast[0]?.at ?? 0);
      const [key] = sent[0]?.kind === 'send' ? sent[0].keys : [];
      const taken = chartEvents(candidate).find((event) => event.heard?.key === key);
      expect(taken?.heard).to.include({ from: nth + 1, message: 'requestVoteResponse' });
    }
  });

  it('takes one step over states that are left at once: none of them is where a node stands', () => {
    const heard = [watch(0), watch(1), watch(2)].flat();
    world.clock.pass(1000);
    world.nodes[0]?.tell({ type: 'host.stop' });
    world.clock.pass(1000);
    for (const event of events(heard)) {
      for (const state of event.change?.active ?? []) expect(state).to.not.match(/resuming|deciding/);
    }
  });

  it('tells one by one what comes to how it stands in the end, whatever happens', () => {
    const first = [0, 1, 2].map((id) => watch(id));
    world.clock.pass(1000);
    const body = packBytes([new Uint8Array(1), new Uint8Array(1)]);
    world.nodes[0]?.propose({ first: 0, count: 2, body, reply: () => {} });
    world.clock.pass(500);
    world.nodes[0]?.tell({ type: 'host.stop' });
    world.clock.pass(1000);
    world.nodes[0]?.tell({ type: 'host.revive' });
    world.clock.pass(1000);
    for (const heard of first) {
      let state = heard[0]?.state;
      for (const { events: told, state: after, isCut } of heard) {
        for (const { change = {} } of told) {
          const { log, timeoutMs, heardLeader, links, ...rest } = change;
          state = { ...(state as ObservedState), ...rest };
        }
        const { log, timer, links, ...standing } = after;
        expect(isCut).to.equal(false);
        expect(state).to.deep.include(standing);
        state = after;
      }
    }
  });

  it('tells how a leader brings each follower up to date', () => {
    const heard = watch(0);
    world.clock.pass(1000);
    const moved = events(heard)
      .flatMap(({ change }) => change?.links ?? [])
      .filter(({ transition }) => transition?.target === 'replicating');
    expect(moved.map(({ peer }) => peer)).to.have.members([1, 2]);
    expect(heard.at(-1)?.state.links).to.deep.equal([
      { peer: 1, state: 'replicating', matchIndex: 1 },
      { peer: 2, state: 'replicating', matchIndex: 1 },
    ]);
  });

  it('sends at most ten bundles a second, bounded whatever the load, and each says what it stands for', () => {
    world.clock.pass(1000);
    const heard = watch(0).slice(1);
    const bundles = watch(0);
    const body = packBytes([new Uint8Array(8)]);
    for (let step = 0; step < 1000; step++) {
      world.nodes[0]?.propose({ first: step, count: 1, body, reply: () => {} });
      world.clock.pass(1);
    }
    expect(heard).to.have.length(0);
    expect(bundles).to.have.length.within(8, 11);
    const sent = events(bundles).flatMap((event) =>
      event.kind === 'send'
        ? [{ message: event.message, entries: event.entries * event.to.length }]
        : event.kind === 'tally'
          ? event.messages.filter(({ direction }) => direction === 'sent')
          : [],
    );
    const appended = sent.filter(({ message }) => message === 'appendEntries');
    expect(appended.reduce((sum, { entries }) => sum + entries, 0)).to.be.within(1800, 2000);
    for (const { events: told, count, commitLatency, isFirst, state } of bundles) {
      if (isFirst) continue;
      // A round trip of 2 ms, and a follower's disk between.
      expect(commitLatency?.meanMs).to.be.within(2, 4);
      expect(told.length).to.be.at.most(detailsMax + 5);
      expect(count).to.be.above(told.length);
      const progress = told.map(({ change }) => change?.commitIndex ?? 0);
      expect(Math.max(...progress)).to.equal(state.commitIndex);
    }
  });

  it('tells all of an election also of a node that is busy', () => {
    world.clock.pass(1000);
    const bundles = watch(0);
    const body = packBytes([new Uint8Array(8)]);
    for (let step = 0; step < 600; step++) {
      world.nodes[0]?.propose({ first: step, count: 1, body, reply: () => {} });
      world.clock.pass(1);
      if (step === 455) world.nodes[0]?.tell({ type: 'host.stop' });
    }
    const at = events(bundles).findIndex(({ change }) => change?.role === 'dead');
    const [before, turn] = events(bundles).slice(at - 1, at + 1);
    expect(before?.kind).to.equal('tally');
    expect(turn?.change).to.deep.include({ role: 'dead', active: ['dead'] });
    expect(turn?.at).to.be.within(before?.at ?? 0, (before?.at ?? 0) + 1);
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

  it('tells at its end what it has not told yet: of a node that dies nothing is lost', () => {
    const heard = watch(0);
    world.clock.pass(190);
    const told = heard.length;
    world.nodes[0]?.tell({ type: 'host.campaign' });
    world.clock.pass(1);
    world.nodes[0]?.end();
    expect(heard).to.have.length(told + 1);
    expect(chartEvents(heard).at(-1)?.change).to.include({ role: 'preCandidate' });
  });

  it('sends nothing when nobody watches, and nothing more when the watch ends', () => {
    const heard: Observation[] = [];
    const unwatch = world.nodes[0]?.watch((observation) => heard.push(observation));
    world.clock.pass(400);
    unwatch?.();
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

describe('the keys of messages that have arrived', () => {
  const beat = (term: number) => ({ type: 'readIndex', term, from: 1, request: 0 }) as const;

  it('are those under which they came, also where some are never heard', () => {
    const arrivals = new Arrivals();
    const messages = Array.from({ length: 1000 }, (_, at) => beat(at));
    for (const [at, message] of messages.entries()) arrivals.add(message, at + 1);
    const heard = messages.filter((_, at) => at % 3 === 0);
    expect(heard.map((message) => arrivals.take(message))).to.deep.equal(heard.map(({ term }) => term + 1));
    expect(arrivals.take(beat(7))).to.equal(0);
  });

  it('are not kept for ever of what a stopped node does not hear', () => {
    const arrivals = new Arrivals();
    const [first, last] = [beat(1), beat(2)];
    arrivals.add(first, 1);
    for (let nth = 0; nth < 20_000; nth++) arrivals.add(beat(3), 3);
    arrivals.add(last, 2);
    expect(arrivals.take(first)).to.equal(0);
    expect(arrivals.take(last)).to.equal(2);
  });
});

describe('watching a log', () => {
  it('shows as runs of a term what came and what was cut off', () => {
    const log = new Log([entry(1, 1), entry(2, 1), entry(3, 2), entry(4, 2)]);
    const watched = new WatchedLog(log, () => 1);
    expect(watched.shown).to.deep.equal({
      last: 4,
      runs: [
        [1, 1],
        [3, 2],
      ],
    });
    expect(watched.change()).to.equal(null);
    log.append([entry(5, 2), entry(6, 4)]);
    expect(watched.change()).to.deep.equal({
      last: 6,
      runs: [
        [5, 2],
        [6, 4],
      ],
    });
    log.truncateFrom(4);
    log.append([entry(4, 5)]);
    expect(watched.hasTurned).to.equal(true);
    expect(watched.change()).to.deep.equal({ last: 4, runs: [[4, 5]] });
    expect(watched.shown).to.deep.equal({
      last: 4,
      runs: [
        [1, 1],
        [3, 2],
        [4, 5],
      ],
    });
    log.truncateFrom(2);
    expect(watched.change()).to.deep.equal({ last: 1, runs: [] });
  });

  it('shows how far it had grown, and the rest later', () => {
    const log = new Log([entry(1, 1)]);
    const watched = new WatchedLog(log, () => 1);
    log.append([entry(2, 1), entry(3, 1)]);
    expect(watched.growth(2)).to.deep.equal({ last: 2, runs: [[2, 1]] });
    expect(watched.growth(2)).to.equal(null);
    expect(watched.change()).to.deep.equal({ last: 3, runs: [[3, 1]] });
  });

  it('shows where it begins once a snapshot has what was before, also in the place of all of it', () => {
    const log = new Log([entry(1, 1), entry(2, 1), entry(3, 2)]);
    let first = 1;
    const watched = new WatchedLog(log, () => first);
    expect(watched.shown).to.deep.equal({
      last: 3,
      runs: [
        [1, 1],
        [3, 2],
      ],
    });
    log.dropThrough(2);
    first = 3;
    expect(watched.change()).to.deep.equal({ last: 3, runs: [], begins: 3 });
    expect(watched.change()).to.equal(null);
    log.restartAt({ index: 9, term: 4 });
    first = 10;
    // Nothing of a term before is taken to reach up to there.
    expect(watched.change()).to.deep.equal({ last: 9, runs: [[9, 4]], begins: 10 });
    log.append([entry(10, 4)]);
    expect(watched.change()).to.deep.equal({ last: 10, runs: [[10, 4]] });
    expect(watched.shown).to.include({ last: 10, begins: 10 });
  });

  it('keeps to the last terms of a log that has seen many', () => {
    const watched = new WatchedLog(
      new Log(Array.from({ length: 1000 }, (_, at) => entry(at + 1, at + 1))),
      () => 1,
    );
    expect(watched.shown.runs).to.have.length(32);
    expect(watched.shown.runs[0]).to.deep.equal([969, 969]);
  });
});
