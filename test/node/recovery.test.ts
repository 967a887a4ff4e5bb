import { expect } from 'chai';
import { NotReadyError } from '../../src/ground/errors.js';
import { RaftNode } from '../../src/node/raft-node.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { VirtualClock } from '../router/virtual-clock.js';
import { Ledger } from './ledger.js';
import { entry, LoneNode } from './lone-node.js';

/** Takes its time for each command, as long as a test says. */
class SlowLedger extends Ledger {
  applyMs = 0;
  clock: VirtualClock | null = null;

  override apply(...given: Parameters<Ledger['apply']>): Uint8Array {
    this.clock?.stall(this.applyMs);
    return super.apply(...given);
  }
}

/** A node that found so many entries of term 1, and applies each in so long. */
function recovered(entries: number, applyMs: number, sketch: ConstructorParameters<typeof LoneNode>[0] = {}) {
  const application = new SlowLedger();
  const node = new LoneNode({ log: new Array<number>(entries).fill(1), application, ...sketch });
  application.clock = node.clock;
  application.applyMs = applyMs;
  return { node, application };
}

/** It leads, and a majority has its no-op; what is due at once is done. */
function elected(entries: number, applyMs: number, sketch: ConstructorParameters<typeof LoneNode>[0] = {}) {
  const { node, application } = recovered(entries, applyMs, sketch);
  node.becomeLeader();
  node.acknowledge(1);
  return { node, application };
}

describe('A node that recovers', () => {
  it('has been in the term of its last entry, whatever term it wrote down, and writes that down', () => {
    const node = new LoneNode({ term: 4, votedFor: 2, log: [3, 5], slowDisk: true });
    expect(node.info).include({ term: 5, votedFor: null });
    expect(node.disk.batches.map(({ hardState }) => hardState)).deep.equal([{ term: 5, votedFor: null }]);
    const same = new LoneNode({ term: 5, votedFor: 2, log: [3, 5] });
    expect(same.info).include({ term: 5, votedFor: 2 });
    expect(same.disk.batches).deep.equal([]);
  });
});

describe('A leader with a log to apply', () => {
  it('applies for some milliseconds a turn, so that its heartbeats keep their time', () => {
    const { node, application } = elected(1000, 1);
    expect(application.commands.length).to.be.within(10, 20);
    node.take();
    const { heartbeatMs } = node.options.timings;
    const beatsMs: number[] = [];
    while (node.info.state.endsWith('.catchingUp')) {
      node.pass(1);
      if (node.takeOf('appendEntries').some(({ to }) => to === 1)) beatsMs.push(node.clock.now());
      node.acknowledge(1);
    }
    expect(application.commands.length).equal(1000);
    const gaps = beatsMs.slice(1).map((at, index) => at - (beatsMs[index] ?? 0));
    expect(gaps.length).to.be.above(10);
    expect(Math.max(...gaps)).to.be.below(heartbeatMs * 2);
  });

  it('looks at the clock often enough, however long a command takes', () => {
    expect(elected(100, 30).application.commands.length).equal(1);
    expect(elected(100, 4).application.commands.length).equal(4);
    expect(elected(2000, 0).application.commands.length).equal(2000);
  });

  it('serves when it has applied all that was committed before its term, and answers reads then', () => {
    const { node } = elected(100, 1);
    expect(node.info.state).equal('alive.leader.authority.catchingUp');
    const answers = node.read();
    node.acknowledge(1);
    expect(answers).deep.equal([]);
    node.passUntil(() => node.info.state === 'alive.leader.authority.serving');
    expect(node.info.height).equal(101);
    expect(answers.length).equal(1);
    expect(node.standings).to.include('alive.leader.authority.catchingUp in 2');
  });

  it('lets its followers read meanwhile', () => {
    const { node } = elected(100, 1);
    node.take();
    node.hear({ type: 'readIndex', term: 2, from: 1, request: 5 });
    node.acknowledge(1);
    expect(node.takeOf('readIndexResponse').map(({ message }) => message.granted)).deep.equal([true]);
  });

  it('takes no command that would wait longer than an election timeout, before and after its no-op is committed', () => {
    const { node } = recovered(1000, 1);
    node.becomeLeader();
    expect(node.info.state).equal('alive.leader.authority.establishing');
    const { lastLogIndex } = node.info;
    expect(node.propose('a')).deep.equal(['0+1 NOT_READY']);
    node.acknowledge(1);
    expect(node.info.state).equal('alive.leader.authority.catchingUp');
    expect(node.propose('b')).deep.equal(['0+1 NOT_READY']);
    expect(node.info.lastLogIndex).equal(lastLogIndex);
    node.passUntil(() => {
      node.acknowledge(1);
      return node.info.height > 800;
    });
    expect(node.info.state).equal('alive.leader.authority.catchingUp');
    const answers = node.propose('c');
    expect(answers).deep.equal([]);
    node.acknowledge(1);
    node.passUntil(() => answers.length > 0);
    expect(answers).deep.equal([`c@${lastLogIndex + 1}`]);
  });

  it('takes commands while little is left to apply', () => {
    const { node } = recovered(20, 0);
    node.becomeLeader();
    const answers = node.propose('a');
    node.acknowledge(1);
    expect(answers).deep.equal(['a@22']);
  });

  it('produces no blocks meanwhile', () => {
    const { node, application } = recovered(1000, 1);
    let produced = 0;
    application.produce = () => new Uint8Array(++produced);
    node.tell({ type: 'host.produceBlocks', intervalMs: 10 });
    node.becomeLeader();
    node.pass(50);
    expect(produced).equal(0);
  });
});

describe('What a node says of its recovery', () => {
  it('is how much of the log that it found is applied, until all is', () => {
    const { node } = recovered(100, 1);
    expect(node.info.recovery).deep.equal({ applied: 0, total: 100 });
    node.becomeLeader();
    node.acknowledge(1);
    const { recovery } = node.info;
    expect(recovery?.applied).to.be.within(1, 99);
    node.passUntil(() => node.info.recovery === null);
    expect(node.info.height).to.be.at.least(100);
    expect(new LoneNode().info.recovery).equal(null);
  });

  it('leaves out what a leader cuts off the log', () => {
    const node = new LoneNode({ log: [1, 1, 1, 1], term: 2 });
    node.hearLeader(1, {
      term: 2,
      prevLogIndex: 2,
      prevLogTerm: 1,
      runs: [entry(3, 2, 'x')],
      leaderCommit: 1,
    });
    expect(node.info.recovery).deep.equal({ applied: 1, total: 3 });
    node.hearLeader(1, { term: 2, leaderCommit: 3 });
    expect(node.info.recovery).equal(null);
  });
});

describe('RaftNode.ready', () => {
  function start(voters: readonly number[]) {
    const clock = new VirtualClock();
    const transport = { send: () => {}, receive: () => {} };
    const storage = new MemoryStorage();
    const node = RaftNode.start({ id: 0, voters, transport, storage, application: new Ledger(), clock });
    return { clock, node };
  }
  const reason = (ready: Promise<unknown>) => ready.catch((error: unknown) => error);

  it('resolves with the leader when the node serves', async () => {
    const { clock, node } = start([0]);
    const ready = node.ready();
    clock.pass(1000);
    expect(await ready).deep.equal({ id: 0, term: 1 });
    expect(await node.ready()).deep.equal({ id: 0, term: 1 });
    node.close();
  });

  it('says what is missing when its time is over, and why it never will be', async () => {
    const { clock, node } = start([0, 1, 2]);
    const ready = reason(node.ready({ timeoutMs: 500 }));
    clock.pass(501);
    expect(await ready).instanceOf(NotReadyError);
    expect(String(await ready)).equal(
      'NotReadyError: Node 0 does not serve after 500 ms: it knows no leader.',
    );
    const closing = reason(node.ready());
    node.close();
    expect(await closing).to.include({ code: 'CLOSED' });
    expect(clock.timersWaiting).to.be.at.most(1);
  });
});
