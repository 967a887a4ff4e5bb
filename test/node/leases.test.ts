import { expect } from 'chai';
import { entry, LoneNode } from './lone-node.js';

const leases = { clockDriftMax: 0 };

/** A leader with leases, which has waited for those of others; its no-op is committed just now. */
function serving(): LoneNode {
  const node = new LoneNode({ leases });
  node.becomeLeader();
  node.pass(200);
  node.acknowledge(1);
  node.propose('a');
  node.acknowledge(1);
  node.take();
  return node;
}

/** The rounds of heartbeats, and entries, that the node has sent since the last look. */
function sent(node: LoneNode): string[] {
  return node
    .takeOf('appendEntries')
    .map(({ to, message }) => `${to}: ${message.runs.length} in ${message.round}`);
}

describe('A read by lease', () => {
  it('is answered without a round while an entry is young, and by a round when it is not', () => {
    const node = serving();
    expect(node.read('lease')).to.deep.equal(['"a" at 2']);
    expect(sent(node)).to.deep.equal([]);
    const { round } = node.actor.replica;
    expect(node.read()).to.deep.equal([]);
    expect(node.actor.replica.round).to.equal(round + 1);
    node.pass(151);
    node.acknowledge(1);
    node.take();
    const late = node.read('lease');
    expect(late).to.deep.equal([]);
    node.acknowledge(1);
    expect(late).to.deep.equal(['"a" at 3']);
  });

  it('is answered by the age of the entry, not of its commit', () => {
    const node = serving();
    node.propose('b');
    node.pass(140);
    node.acknowledge(1);
    node.pass(20);
    node.acknowledge(1);
    expect(node.read('lease')).to.deep.equal([]);
  });

  it('has the lease renewed by an entry without effect, one at a time, before it is over', () => {
    const node = serving();
    node.pass(80);
    node.acknowledge(1);
    node.take();
    expect([node.read('lease'), node.read('lease')]).to.deep.equal([['"a" at 2'], ['"a" at 2']]);
    expect(node.actor.openLog(3, 9).map(({ kind }) => kind)).to.deep.equal(['noop']);
    node.acknowledge(1);
    node.pass(80);
    expect(node.read('lease')).to.deep.equal(['"a" at 3']);
  });

  it('shows what is committed, though it is not applied yet', () => {
    const node = serving();
    const proposed = node.propose('b');
    const read = node.read('lease');
    node.acknowledge(1);
    expect([proposed, read]).to.deep.equal([['b@3'], ['"a" at 2']]);
    expect(node.read('lease')).to.deep.equal(['"a b" at 3']);
  });

  it('is answered as any other where there are no leases, and where the leader is asked for an index', () => {
    const plain = new LoneNode();
    plain.serve();
    const answers = plain.read('lease');
    expect(answers).to.deep.equal([]);
    plain.acknowledge(1);
    expect(answers).to.deep.equal(['"" at 1']);
    const follower = new LoneNode({ term: 1, leases });
    follower.hearLeader(1);
    follower.take();
    follower.read('lease');
    expect(follower.take().map(({ message }) => message.type)).to.deep.equal(['readIndex']);
  });

  it('is not answered by a lease of an earlier term of office', () => {
    const node = serving();
    node.hearLeader(2, { term: 2, prevLogIndex: 2, runs: [entry(3, 2)] });
    expect(node.read('lease')).to.deep.equal([]);
    node.pass(1);
    expect(node.role).to.equal('follower');
  });
});

describe('A new leader where there are leases', () => {
  it('commits nothing before the old one certainly answers no read by itself', () => {
    const node = new LoneNode({ leases, term: 1, preVote: false, checkQuorum: false });
    node.pass(300);
    node.hearLeader(1, { prevLogIndex: 0, runs: [entry(1, 1, 'a')], leaderCommit: 1 });
    node.tell({ type: 'host.campaign' });
    node.answerVotes(true, 2);
    expect(node.role).to.equal('leader');
    const answers = node.propose('b');
    node.acknowledge(1);
    node.acknowledge(2);
    node.pass(149);
    expect([node.info.commitIndex, answers]).to.deep.equal([1, []]);
    node.pass(2);
    expect([node.info.commitIndex, answers]).to.deep.equal([3, ['b@3']]);
  });

  it('does not wait where there are none', () => {
    const node = new LoneNode({ term: 1, preVote: false, checkQuorum: false });
    node.hearLeader(1, { prevLogIndex: 0, runs: [entry(1, 1, 'a')], leaderCommit: 1 });
    node.tell({ type: 'host.campaign' });
    node.answerVotes(true, 2);
    node.acknowledge(1);
    expect(node.info.commitIndex).to.equal(2);
  });
});

describe('A stale read', () => {
  it('says how old the state is, and is refused where that is more than was asked for', () => {
    const node = new LoneNode({ term: 1 });
    const ages: unknown[] = [];
    const ask = (maxStaleMs?: number) => {
      const read = { kind: 'client', request: 0, query: new Uint8Array(0) } as const;
      const reply = (answer: { type: string }) =>
        ages.push(
          'ageMs' in answer ? answer.ageMs : (answer as unknown as { error: { code: string } }).error.code,
        );
      node.actor.read({ ...read, reply, ...(maxStaleMs === undefined ? {} : { maxStaleMs }) }, 'stale');
      node.pass(0);
    };
    ask();
    ask(10 ** 9);
    node.hearLeader(1, { prevLogIndex: 0, runs: [entry(1, 1, 'a')], leaderCommit: 1 });
    node.pass(40);
    ask();
    ask(39);
    ask(40);
    expect(ages).to.deep.equal([null, 'TOO_STALE', 40, 'TOO_STALE', 40]);
  });
});
