import { expect } from 'chai';
import type { Application } from '../../src/application/application.js';
import type { SnapshotOutcome } from '../../src/node/snapshots/snapshot-keeper.js';
import type { Message } from '../../src/raft/messages.js';
import { Ledger } from './ledger.js';
import { SnapshotWorld, type SnapshotWorldOptions } from './snapshot-world.js';

/** A log that is kept in pieces small enough to drop, and chunks of a few bytes, so that a state has many. */
const small = { appendBytesMax: 40, logMemoryBytes: 4000 };

function worldOf(options: SnapshotWorldOptions = {}): SnapshotWorld {
  const world = new SnapshotWorld({ limits: small, snapshots: { everyEntries: 10 }, ...options });
  world.elect();
  return world;
}

function kinds(messages: readonly { message: Message }[], type: Message['type']): number {
  return messages.filter(({ message }) => message.type === type).length;
}

describe('A node that takes snapshots', () => {
  it('takes one each time so much was applied, keeps two, and gives up the log before the older', () => {
    const world = worldOf();
    world.proposeMany('a', 100);
    world.settle();
    for (const { actor, storage } of world.hosts) {
      const { snapshotIndex, snapshotTerm, firstIndex, lastIndex, height } = actor.describe();
      expect(height - snapshotIndex).to.be.below(11);
      expect(snapshotTerm).to.equal(1);
      expect(lastIndex).to.equal(101);
      const [newest, older, ...others] = storage.snapshots;
      expect(newest?.mark.index).to.equal(snapshotIndex);
      expect(others).to.deep.equal([]);
      expect(firstIndex).to.equal((older?.mark.index ?? 0) + 1);
      expect(firstIndex).to.be.above(50);
    }
  });

  it('gives up the log piece by piece where its storage does not all at once', () => {
    const world = worldOf({ nodes: 1 });
    const { storage, actor } = world.host(0);
    const { dropThrough } = storage;
    storage.dropThrough = (index) => dropThrough.call(storage, Math.min(index, storage.firstIndex));
    world.proposeMany('a', 100);
    world.passUntil(() => actor.snapshots.state === 'resting');
    expect(storage.firstIndex).to.equal((storage.snapshots[1]?.mark.index ?? 0) + 1);
    expect(storage.firstIndex).to.be.above(50);
  });

  it('takes one after so many bytes of commands, or as many as the last one has', () => {
    const world = worldOf({ snapshots: { everyLogBytes: 1000 } });
    world.proposeMany('some text ', 200);
    const taken = world.news.filter(({ id, news }) => id === 0 && news.type === 'taken').length;
    // 16 bytes a command, and a state that is nearly as large as all of them: fewer and fewer.
    expect(taken).to.be.within(2, 3);
  });

  it('takes one when it is asked to, and tells all who asked', () => {
    const world = worldOf({ snapshots: {} });
    world.proposeMany('a', 5);
    const outcomes: SnapshotOutcome[] = [];
    world.host(0).actor.takeSnapshot((outcome) => outcomes.push(outcome));
    world.host(0).actor.takeSnapshot((outcome) => outcomes.push(outcome));
    world.passUntil(() => outcomes.length === 2);
    for (const outcome of outcomes) expect(outcome).to.have.nested.property('mark.index', 6);
    world.host(0).actor.takeSnapshot((outcome) => outcomes.push(outcome));
    expect(outcomes[2], 'nothing has changed').to.have.nested.property('mark.index', 6);
  });

  it('starts from the newest and the log after it, and applies nothing twice', () => {
    const world = worldOf();
    world.proposeMany('a', 25);
    world.settle();
    const before = world.host(1).actor.describe();
    world.crash(1);
    world.start(1);
    expect(world.host(1).actor.snapshots.state).to.equal('restoring');
    world.settle();
    expect(world.newsOf(1)).to.include('restored');
    const { commands } = world.host(1).application as Ledger;
    expect(commands).to.deep.equal(Array.from({ length: 25 }, (_, at) => `a${at + 1}`));
    expect(world.host(1).actor.describe().snapshotIndex).to.equal(before.snapshotIndex);
  });

  it('starts alone as a cluster: all nodes from their snapshots', () => {
    const world = worldOf();
    world.proposeMany('a', 30);
    world.settle();
    for (const { id } of world.hosts) world.crash(id);
    for (const { id } of world.hosts) world.start(id);
    world.elect();
    world.proposeMany('b', 30);
    world.settle();
    expect((world.host(2).application as Ledger).commands).to.have.length(60);
    expect(world.deaths).to.deep.equal([]);
  });

  it('never works on one for longer than a few chunks a turn, to take it and to load it', () => {
    const world = worldOf({ nodes: 1, snapshots: {} });
    let turn = 0;
    const { soon } = world.clock;
    world.clock.soon = (callback) =>
      soon.call(world.clock, () => {
        turn++;
        callback();
      });
    world.proposeMany('a long enough command ', 400);
    const { storage } = world.host(0);
    /** How many chunks were written and read, turn by turn. */
    const chunks = new Map<number, number>();
    const note = () => chunks.set(turn, (chunks.get(turn) ?? 0) + 1);
    const { beginSnapshot, readSnapshot } = storage;
    storage.beginSnapshot = (mark) => {
      const writer = beginSnapshot.call(storage, mark);
      const write = (chunk: Uint8Array) => {
        note();
        writer.write(chunk);
      };
      return { ...writer, write };
    };
    storage.readSnapshot = (mark, position) => {
      note();
      return readSnapshot.call(storage, mark, position);
    };
    let isTaken = false;
    world.host(0).actor.takeSnapshot(() => {
      isTaken = true;
    });
    world.passUntil(() => isTaken);
    expect(chunks.size, 'turns to take it').to.be.above(50);
    expect(Math.max(...chunks.values())).to.be.at.most(4);
    chunks.clear();
    world.crash(0);
    world.start(0);
    world.passUntil(() => !world.host(0).actor.snapshots.isRestoring);
    expect(chunks.size, 'turns to load it').to.be.above(50);
    expect(Math.max(...chunks.values())).to.be.at.most(4);
  });

  it('shows the state as it was when it was taken, whatever is applied meanwhile', () => {
    const world = worldOf({ snapshots: {} });
    world.proposeMany('a', 300);
    let outcome: SnapshotOutcome | null = null;
    world.host(0).actor.takeSnapshot((given) => {
      outcome = given;
    });
    world.proposeMany('b', 50);
    world.passUntil(() => outcome !== null);
    world.crash(0);
    world.start(0);
    world.passUntil(() => !world.host(0).actor.snapshots.isRestoring);
    const { commands } = world.host(0).application as Ledger;
    expect(commands.slice(0, 300)).to.deep.equal(Array.from({ length: 300 }, (_, at) => `a${at + 1}`));
  });
});

describe('A follower that lacks what its leader gave up', () => {
  for (const learners of [0, 1]) {
    it(`is sent the snapshot, and the log after it${learners > 0 ? ', as a learner, too' : ''}`, () => {
      const world = worldOf({ learners });
      const id = learners > 0 ? 3 : 2;
      world.proposeMany('a', 5);
      world.settle();
      world.crash(id);
      world.proposeMany('b', 60);
      world.start(id);
      world.settle();
      expect(world.newsOf(id)).to.include.members(['installed', 'restored']);
      const role = learners > 0 ? 'learner' : 'follower';
      expect(world.states).to.include(`${id} alive.${role}.installing`);
      const { commands } = world.host(id).application as Ledger;
      expect(commands).to.have.length(65);
      expect(world.host(id).storage.firstIndex).to.be.above(7);
      expect(world.deaths).to.deep.equal([]);
    });
  }

  it('is sent what is lost again, and little else', () => {
    const world = worldOf();
    world.crash(2);
    world.proposeMany('b', 200);
    let lost = 0;
    let seen = 0;
    world.loses = (message) => {
      const isLost = message.type === 'installSnapshot' && ++seen % 7 === 3;
      if (isLost) lost++;
      return isLost;
    };
    world.start(2);
    world.settle();
    expect(lost).to.be.above(3);
    const chunks = Math.ceil((world.host(2).storage.snapshots[0]?.bytes ?? 0) / small.appendBytesMax);
    // Each loss costs the window that was under way, of four chunks.
    expect(kinds(world.sent, 'installSnapshot')).to.be.below(chunks * 1.5 + lost * 6);
  });

  it('goes on where it was when the connection comes back', () => {
    const world = worldOf();
    world.crash(2);
    world.proposeMany('b', 300);
    world.start(2);
    const position = () => {
      const last = world.sent.findLast(({ message }) => message.type === 'installSnapshotResponse');
      return last?.message.type === 'installSnapshotResponse' ? last.message.position : 0;
    };
    world.passUntil(() => position() > 1000);
    world.loses = (_, from, to) => from === 2 || to === 2;
    world.clock.pass(120);
    const before = world.sent.length;
    world.loses = () => false;
    world.settle();
    const again = world.sent
      .slice(before)
      .flatMap(({ message }) => (message.type === 'installSnapshot' ? [message.position] : []));
    expect(Math.min(...again)).to.be.at.least(1000);
  });

  it('costs a chunk a heartbeat while it is silent', () => {
    const world = worldOf();
    world.crash(2);
    world.proposeMany('b', 300);
    world.start(2);
    world.passUntil(() => kinds(world.sent, 'installSnapshot') > 20);
    world.crash(2);
    world.clock.pass(100);
    const before = kinds(world.sent, 'installSnapshot');
    world.clock.pass(1000);
    expect(kinds(world.sent, 'installSnapshot') - before).to.be.within(15, 21);
    world.start(2);
    world.settle();
  });

  it('begins anew when it crashed meanwhile', () => {
    const world = worldOf();
    world.crash(2);
    world.proposeMany('b', 300);
    world.start(2);
    world.passUntil(() => kinds(world.sent, 'installSnapshot') > 20);
    world.crash(2);
    world.start(2);
    world.settle();
    expect((world.host(2).application as Ledger).commands).to.have.length(300);
  });

  it('hears its leader in each chunk, and does not stand for election', () => {
    const world = worldOf();
    world.crash(2);
    // Longer than any election timeout is it on its way.
    world.proposeMany('b'.repeat(150), 300);
    world.start(2);
    world.passUntil(() => kinds(world.sent, 'installSnapshot') > 0);
    world.loses = (message, _, to) => to === 2 && message.type === 'appendEntries';
    world.passUntil(() => world.newsOf(2).includes('installed'));
    expect(world.host(2).actor.replica.leaderId).to.equal(0);
  });

  it('keeps the one that is being sent to it from being replaced, within a bound', () => {
    const world = worldOf();
    world.proposeMany('a', 25);
    world.crash(2);
    world.proposeMany('b', 60);
    world.loses = (message) => message.type === 'installSnapshotResponse' && message.success;
    world.start(2);
    world.passUntil(() => world.host(0).actor.replica.progress.get(2)?.transfer != null);
    const transferred = world.host(0).actor.replica.progress.get(2)?.transfer?.mark.index;
    world.proposeMany('c', 25);
    const kept = world.host(0).storage.snapshots.map(({ mark }) => mark.index);
    expect(kept).to.include(transferred);
    expect(world.host(0).storage.firstIndex, 'the log after it is kept').to.be.at.most(
      (transferred ?? 0) + 1,
    );
    world.proposeMany('d', 200);
    expect(world.host(0).storage.snapshots.map(({ mark }) => mark.index)).not.to.include(transferred);
    world.loses = () => false;
    world.settle();
  });
});

describe('A node’s memory', () => {
  it('holds the end of the log alone, and a follower that lags within it is sent the rest from disk', () => {
    const world = worldOf({ snapshots: {} });
    world.crash(2);
    world.proposeMany('b', 300);
    expect(world.host(0).actor.replica.log.baseIndex).to.be.above(200);
    expect(world.host(0).storage.firstIndex).to.equal(1);
    const log = world.host(0).actor.openLog(1, 1000);
    expect(log.map(({ index }) => index)).to.deep.equal(Array.from({ length: 301 }, (_, at) => at + 1));
    world.start(2);
    world.settle();
    expect(kinds(world.sent, 'installSnapshot')).to.equal(0);
    expect((world.host(2).application as Ledger).commands).to.have.length(300);
  });
});

describe('A node whose application', () => {
  it('takes no snapshots keeps its log, and says so once', () => {
    const application = (): Application =>
      Object.assign(new Ledger(), { snapshot: undefined, restore: undefined }) as unknown as Application;
    const world = worldOf({ application });
    world.proposeMany('a', 50);
    expect(world.newsOf(0)).to.deep.equal(['unavailable']);
    expect(world.host(0).storage.firstIndex).to.equal(1);
    let outcome: SnapshotOutcome | null = null;
    world.host(0).actor.takeSnapshot((given) => {
      outcome = given;
    });
    world.clock.pass(1);
    expect(outcome).to.have.property('code', 'SNAPSHOT_UNAVAILABLE');
    expect(world.newsOf(0)).to.deep.equal(['unavailable']);
  });

  const failures: [string, () => unknown, RegExp][] = [
    ['returns bytes', () => new Uint8Array(5), /iterable of Uint8Arrays/],
    ['gives text', () => ['text'], /snapshot returned a string/],
    [
      'throws',
      () => {
        throw new Error('no ink');
      },
      /no ink/,
    ],
  ];
  for (const [what, snapshot, message] of failures) {
    it(`${what} when it is to give a snapshot costs that snapshot, and no node`, () => {
      const world = worldOf({
        nodes: 1,
        application: () => Object.assign(new Ledger(), { snapshot }) as unknown as Application,
      });
      world.proposeMany('a', 10);
      expect(world.deaths).to.deep.equal([]);
      const [first] = world.news;
      expect(first?.news).to.include({ type: 'unavailable' });
      expect(first?.news.type === 'unavailable' && first.news.message).to.match(message);
      let outcome: SnapshotOutcome | null = null;
      world.host(0).actor.takeSnapshot((given) => {
        outcome = given;
      });
      world.clock.pass(1);
      expect(outcome).to.have.property('code', 'APPLICATION_FAILED');
      world.proposeMany('b', 10);
    });
  }
});
