import { expect } from 'chai';
import type { ClientReply } from '../../src/node/clients/client-requests.js';
import { entry, LoneNode, lineOf } from './lone-node.js';

const { electionTimeoutMsMax: timeoutMsMax } = new LoneNode().options.timings;

function serving(sketch: ConstructorParameters<typeof LoneNode>[0] = {}): LoneNode {
  const node = new LoneNode(sketch);
  node.serve();
  return node;
}

/** Asks, in the turn that is to come; gives what was answered so far. */
function ask(node: LoneNode): string[] {
  const answers: string[] = [];
  const reply = (answer: ClientReply) => answers.push(lineOf(answer));
  node.actor.read({ kind: 'client', request: 0, query: new Uint8Array(0), reply }, 'linearizable');
  return answers;
}

function following(sketch: ConstructorParameters<typeof LoneNode>[0] = {}): LoneNode {
  const node = new LoneNode({ term: 1, ...sketch });
  node.hearLeader(1, { runs: [entry(1, 1), entry(2, 1, 'a')], leaderCommit: 1 });
  node.take();
  return node;
}

describe('A linearizable read at the leader', () => {
  it('waits for a round of heartbeats begun after it', () => {
    const node = serving();
    const before = node.actor.replica.round;
    const answers = node.read();
    expect(node.takeOf('appendEntries').map(({ message }) => message.round)).deep.equal([
      before + 1,
      before + 1,
    ]);
    node.acknowledge(1, { round: before });
    expect(answers).deep.equal([]);
    node.acknowledge(1);
    expect(answers).deep.equal(['"" at 1']);
  });

  it('costs a round of heartbeats for all that are asked in a turn, and no more', () => {
    const node = serving();
    const answers = Array.from({ length: 1000 }, () => ask(node));
    node.pass(0);
    expect(node.takeOf('appendEntries').map(({ to }) => to)).deep.equal([1, 2]);
    const late = node.read();
    expect(node.takeOf('appendEntries').length).equal(2);
    node.acknowledge(1, { round: node.actor.replica.round - 1 });
    expect(answers.flat()).deep.equal(new Array(1000).fill('"" at 1'));
    expect(late).deep.equal([]);
  });

  it('waits for the no-op of the term, and for all that was committed before', () => {
    const node = new LoneNode({ log: [1, 1] });
    node.becomeLeader();
    const answers = node.read();
    node.acknowledge(1, { index: 2 });
    expect(answers).deep.equal([]);
    node.acknowledge(1);
    expect([node.info.commitIndex, answers]).deep.equal([3, []]);
    node.acknowledge(1);
    expect(answers).deep.equal(['"1/1 2/1" at 3']);
  });

  it('is confirmed by a follower whose log differs, as long as the term is the same', () => {
    const node = serving();
    const answers = node.read();
    node.acknowledge(2, { success: false, index: 1, conflictIndex: 1 });
    expect(answers.length).equal(1);
  });

  it('is not confirmed by a refusal that answers an older term of office', () => {
    // Node 2 refused round 57 of term 1 just after it had entered term 2, which the same leader then won.
    const old = new LoneNode({ id: 2, term: 2 });
    old.hearLeader(0, { term: 1, round: 57 });
    const [refusal] = old.takeOf('appendEntriesResponse');
    const node = new LoneNode({ term: 1 });
    node.serve();
    expect(node.term).equal(2);
    const answers = node.read();
    node.hear(refusal!.message);
    expect(answers).deep.equal([]);
  });

  it('is refused when the leader is deposed first, and does not name it as the leader', () => {
    const node = serving();
    const confirming = node.read();
    node.acknowledge(1, { success: false, term: 4 });
    expect(confirming).deep.equal(['NOT_LEADER']);
    const unready = new LoneNode();
    unready.becomeLeader();
    const held = unready.read();
    unready.passUntil(() => unready.role !== 'leader');
    expect(held).deep.equal(['NOT_LEADER']);
  });

  it('fails alone when the application cannot answer it', () => {
    const node = serving();
    const answers = node.read('linearizable', '?');
    node.acknowledge(1);
    expect(answers).deep.equal(['APPLICATION_FAILED']);
    expect(node.role).equal('leader');
  });
});

describe('A linearizable read at a follower', () => {
  it('is forwarded to the leader, and served here once its index is applied', () => {
    const node = following();
    const answers = node.read();
    const [asked] = node.take();
    expect(asked).deep.include({ to: 1 });
    expect(asked?.message).include({ type: 'readIndex', term: 1 });
    const request = (asked!.message as { request: number }).request;
    node.hear({ type: 'readIndexResponse', term: 1, from: 1, request, granted: true, index: 2 });
    expect(answers).deep.equal([]);
    node.hearLeader(1, { leaderCommit: 2 });
    expect(answers).deep.equal(['"a" at 2']);
    node.hear({ type: 'readIndexResponse', term: 1, from: 1, request, granted: true, index: 2 });
    expect(answers.length).equal(1);
  });

  it('costs a question to the leader for all that are asked in a turn, and no more', () => {
    const node = following();
    const answers = Array.from({ length: 1000 }, () => ask(node));
    node.pass(0);
    const [question, ...others] = node.takeOf('readIndex');
    expect(others).deep.equal([]);
    // What is asked now may have to show more than the index that is being asked for.
    const late = node.read();
    const [next] = node.takeOf('readIndex');
    const answer = { type: 'readIndexResponse', term: 1, from: 1, granted: true } as const;
    node.hear({ ...answer, request: question!.message.request, index: 1 });
    expect(answers.flat()).deep.equal(new Array(1000).fill('"" at 1'));
    expect(late).deep.equal([]);
    node.hear({ ...answer, request: next!.message.request, index: 1 });
    expect(late).deep.equal(['"" at 1']);
  });

  it('takes no room any more when it is answered, with however many others', () => {
    const node = following({ limits: { readsMax: 4 } });
    for (let time = 0; time < 5; time++) {
      const answers = [ask(node), ask(node)];
      node.pass(0);
      const request = node.takeOf('readIndex')[0]?.message.request ?? 0;
      node.hear({ type: 'readIndexResponse', term: 1, from: 1, request, granted: true, index: 1 });
      expect(answers).deep.equal([['"" at 1'], ['"" at 1']]);
    }
  });

  it('is refused with all others that were asked in its turn when their answer is lost, each once', () => {
    const node = following({ limits: { readsMax: 3 } });
    const answers = [ask(node), ask(node), ask(node)];
    node.pass(0);
    expect(node.read()).deep.equal(['OVERLOADED']);
    const [question] = node.takeOf('readIndex');
    node.hearLeader(2, { term: 2 });
    const { request } = question!.message;
    node.hear({ type: 'readIndexResponse', term: 2, from: 2, request, granted: true, index: 1 });
    expect(answers).deep.equal([['NOT_LEADER'], ['NOT_LEADER'], ['NOT_LEADER']]);
    expect(node.read()).deep.equal([]);
  });

  it('is refused when the leader cannot answer, and when it or its question is lost', () => {
    const node = following();
    const refused = node.read();
    const { request } = node.take()[0]!.message as { request: number };
    node.hear({ type: 'readIndexResponse', term: 1, from: 1, request, granted: false, index: 0 });
    expect(refused).deep.equal(['NOT_LEADER 1']);
    const lost = node.read();
    for (let heard = 0; heard < 12; heard++) {
      node.pass(60);
      node.hearLeader(1);
    }
    expect(lost).deep.equal(['NOT_LEADER 1']);
  });

  it('is refused when its leader falls silent, and when a newer term begins', () => {
    const silent = following();
    const first = silent.read();
    silent.pass(timeoutMsMax + 1);
    expect(first).deep.equal(['NOT_LEADER']);
    const deposed = following();
    const second = deposed.read();
    deposed.hearLeader(2, { term: 2 });
    expect(second).deep.equal(['NOT_LEADER']);
  });

  it('is refused where no leader is known', () => {
    expect(new LoneNode().read()).deep.equal(['NOT_LEADER']);
    expect(new LoneNode({ voters: [1, 2], learners: [0] }).read()).deep.equal(['NOT_LEADER']);
  });

  it('is forwarded by a learner as well', () => {
    const node = following({ voters: [1, 2], learners: [0] });
    node.read();
    expect(node.take().map(({ to, message }) => [to, message.type])).deep.equal([[1, 'readIndex']]);
  });
});

describe('A leader asked by a follower for a read index', () => {
  it('answers once a round confirms it', () => {
    const node = serving();
    node.hear({ type: 'readIndex', term: 1, from: 2, request: 17 });
    expect(node.takeOf('readIndexResponse')).deep.equal([]);
    node.acknowledge(2);
    expect(node.takeOf('readIndexResponse')).deep.equal([
      {
        to: 2,
        message: { type: 'readIndexResponse', term: 1, from: 0, request: 17, granted: true, index: 1 },
      },
    ]);
  });

  it('keeps it until its no-op commits', () => {
    const node = new LoneNode();
    node.becomeLeader();
    node.hear({ type: 'readIndex', term: 1, from: 2, request: 17 });
    node.acknowledge(1);
    node.acknowledge(1);
    expect(node.takeOf('readIndexResponse')[0]?.message).include({ granted: true, index: 1 });
  });

  it('refuses when it does not lead', () => {
    const node = new LoneNode({ term: 1 });
    node.hear({ type: 'readIndex', term: 1, from: 2, request: 17 });
    expect(node.takeOf('readIndexResponse')[0]?.message).include({ request: 17, granted: false });
  });

  it('refuses when too many wait already, so that followers cannot fill its memory', () => {
    const node = serving({ limits: { readsMax: 2 } });
    for (const request of [1, 2, 3]) node.hear({ type: 'readIndex', term: 1, from: 2, request });
    expect(
      node.takeOf('readIndexResponse').map(({ message }) => [message.request, message.granted]),
    ).deep.equal([[3, false]]);
  });
});

describe('A stale read', () => {
  it('is answered at once by any living node, from its own state', () => {
    const node = following();
    node.hearLeader(1, { leaderCommit: 2 });
    expect(node.read('stale')).deep.equal(['"a" at 2']);
    expect(node.read('stale', '?')).deep.equal(['APPLICATION_FAILED']);
    expect(node.take().map(({ message }) => message.type)).not.include('readIndex');
  });
});

describe('Reads beyond what a node holds', () => {
  it('are refused by their bytes, one alone and all together', () => {
    const queryBytesMax = 1024 * 1024;
    const node = serving({ limits: { queryBytesMax } });
    expect(node.read('stale', 'x'.repeat(queryBytesMax + 1))).deep.equal(['QUERY_TOO_LARGE']);
    const codes = Array.from({ length: 65 }, () => node.read('linearizable', 'x'.repeat(queryBytesMax)));
    expect(codes.map(([code]) => code)).deep.equal([...Array.from({ length: 64 }), 'OVERLOADED']);
    node.acknowledge(1);
    expect(node.read()).deep.equal([]);
  });

  it('are refused as an overload', () => {
    const node = serving({ limits: { readsMax: 2 } });
    node.read();
    node.read();
    expect(node.read()).deep.equal(['OVERLOADED']);
    node.acknowledge(1);
    expect(node.read()).deep.equal([]);
  });
});
