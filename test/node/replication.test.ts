import { expect } from 'chai';
import { entriesIn } from '../../src/raft/run.js';
import { entry, frameOf, LoneNode, runOf } from './lone-node.js';

const { heartbeatMs } = new LoneNode().options.timings;

function serving(sketch: ConstructorParameters<typeof LoneNode>[0] = {}): LoneNode {
  const node = new LoneNode(sketch);
  node.serve();
  return node;
}

describe('What a node promises', () => {
  it('votes only once term and vote are durable', () => {
    const node = new LoneNode({ slowDisk: true });
    node.hear({ type: 'requestVote', isTransfer: false, term: 4, from: 1, lastLogTerm: 0, lastLogIndex: 0 });
    expect(node.take()).deep.equal([]);
    expect(node.disk.batches).deep.equal([{ hardState: { term: 4, votedFor: 1 }, runs: [] }]);
    node.completeWrite();
    expect(node.takeOf('requestVoteResponse').map(({ message }) => message.granted)).deep.equal([true]);
  });

  it('asks for votes only once its term and its own vote are durable', () => {
    const node = new LoneNode({ slowDisk: true, preVote: false });
    node.passUntil(() => node.role === 'candidate');
    expect(node.take()).deep.equal([]);
    node.completeWrite();
    expect(node.takeOf('requestVote').map(({ to }) => to)).deep.equal([1, 2]);
  });

  it('acknowledges entries only once they are durable, each by the write that covers it', () => {
    const node = new LoneNode({ term: 1, slowDisk: true });
    node.hearLeader(1, { runs: [entry(1, 1, 'a')] });
    node.hearLeader(1, { runs: [entry(2, 1, 'b')] });
    expect(node.take()).deep.equal([]);
    node.completeWrite();
    expect(node.takeOf('appendEntriesResponse').map(({ message }) => message.index)).deep.equal([1]);
    expect(node.disk.batches[1]?.runs.map(({ firstIndex }) => firstIndex)).deep.equal([2]);
    node.completeWrite();
    expect(node.takeOf('appendEntriesResponse').map(({ message }) => message.index)).deep.equal([2]);
  });

  it('writes a run as it came in the frame, and seals anew only what is cut', () => {
    const node = new LoneNode({ term: 1, slowDisk: true });
    const arrived = frameOf(node.append(1, { runs: [runOf(1, 1, 'a', 'b', 'c')] }));
    node.hearFrame(1, arrived);
    node.pass(0);
    expect(node.disk.batches[0]?.runs[0]?.sealed.buffer).equal(arrived.buffer);
    node.hearLeader(2, { term: 2, prevLogIndex: 2, prevLogTerm: 1, runs: [runOf(3, 2, 'd', 'e')] });
    node.completeWrite();
    node.completeWrite();
    expect(node.disk.batches[1]?.runs.map(({ firstIndex, count }) => [firstIndex, count])).deep.equal([
      [3, 2],
    ]);
    // The last entry of the first run and all but the last of the next are there already.
    const again = { runs: [runOf(2, 1, 'b'), runOf(3, 2, 'd', 'e', 'f')], prevLogIndex: 1, prevLogTerm: 1 };
    node.hearLeader(2, again);
    expect(node.disk.batches[2]?.runs.map(({ firstIndex, count }) => [firstIndex, count])).deep.equal([
      [5, 1],
    ]);
    expect(node.actor.openLog(1, 9).map(({ command }) => Buffer.from(command).toString())).deep.equal([
      ...'abdef',
    ]);
  });

  it('counts nothing durable that was replaced while it was being written', () => {
    const node = new LoneNode({ term: 1, slowDisk: true });
    node.hearLeader(1, { runs: [entry(1, 1, 'a'), entry(2, 1, 'b'), entry(3, 1, 'c')] });
    node.hearLeader(2, { term: 2, prevLogIndex: 1, prevLogTerm: 1, runs: [entry(2, 2, 'd')] });
    node.take();
    node.completeWrite();
    expect(node.actor.replica.log.durableIndex).equal(1);
    node.completeWrite();
    expect(node.actor.replica.log.durableIndex).equal(2);
    expect(node.disk.batches[1]).deep.include({ hardState: { term: 2, votedFor: null } });
    expect(node.takeOf('appendEntriesResponse').at(-1)).deep.include({ to: 2 });
  });

  it('as a leader is nothing by an append: entries leave before they are durable', () => {
    const node = serving();
    node.disk.isSlow = true;
    node.propose('a');
    expect(node.disk.isBusy).equal(true);
    expect(node.takeOf('appendEntries').map(({ to, message }) => [to, entriesIn(message.runs)])).deep.include(
      [1, 1],
    );
  });

  it('as a leader counts its own entry only once it is durable', () => {
    const node = serving();
    node.disk.isSlow = true;
    const answers = node.propose('a');
    expect(node.info.commitIndex).equal(1);
    node.acknowledge(1);
    expect(node.info.commitIndex).equal(1);
    node.completeWrite();
    expect(node.info.commitIndex).equal(2);
    expect(answers).deep.equal(['a@2']);
  });

  it('as a leader commits what two others hold, before its own disk has answered', () => {
    const node = serving();
    node.disk.isSlow = true;
    const answers = node.propose('a');
    node.acknowledge(1);
    node.acknowledge(2);
    expect(answers).deep.equal(['a@2']);
  });
});

describe('A follower', () => {
  it('refuses an append of an older term, naming the current one and no round', () => {
    const node = new LoneNode({ term: 5 });
    node.hearLeader(1, { term: 4, round: 57 });
    // An answer of round 57 would confirm reads for the sender, should it lead the newer term by now.
    expect(node.takeOf('appendEntriesResponse')).deep.equal([
      {
        to: 1,
        message: {
          type: 'appendEntriesResponse',
          incarnation: 0,
          term: 5,
          from: 0,
          success: false,
          round: 0,
          index: 0,
          conflictTerm: 0,
          conflictIndex: 1,
        },
      },
    ]);
    expect(node.info.leaderId).equal(null);
  });

  it('applies what the leader has committed, and believes alive whom the leader does', () => {
    const node = new LoneNode({ term: 1 });
    node.hearLeader(2, { runs: [entry(1, 1), entry(2, 1, 'a'), entry(3, 1, 'b')], alive: [0, 1, 2] });
    expect(node.application.commands).deep.equal([]);
    node.hearLeader(2, { leaderCommit: 2, alive: [0, 2] });
    expect(node.application.commands).deep.equal(['a']);
    expect(node.info).deep.include({ commitIndex: 2, height: 2, lastLogIndex: 3, peers: [2] });
    expect(node.actor.openLog(2, 2).map(({ command }) => Buffer.from(command).toString())).deep.equal(['a']);
  });

  it('applies a long backlog over many turns', () => {
    const log = new Array<number>(9000).fill(1);
    const node = new LoneNode({ log });
    node.hearLeader(1, { leaderCommit: 9000 });
    node.pass(0);
    expect(node.info.height).equal(9000);
  });

  it('that learns does the same, and forgets a leader that has gone silent', () => {
    const node = new LoneNode({ term: 1, voters: [1, 2], learners: [0] });
    node.hearLeader(1, { runs: [entry(1, 1, 'a')], leaderCommit: 1 });
    expect(node.info).include({ role: 'learner', leaderId: 1, height: 1 });
    node.pass(100);
    node.hearLeader(1);
    node.pass(140);
    expect(node.info.leaderId).equal(1);
    node.pass(400);
    expect(node.info.leaderId).equal(null);
  });
});

describe('A leader and its followers', () => {
  it('hear from it at every heartbeat, with whom it believes alive', () => {
    const node = serving({ learners: [3] });
    node.pass(heartbeatMs);
    const beats = node.takeOf('appendEntries');
    expect(beats.map(({ to }) => to)).deep.equal([1, 2, 3]);
    expect(beats[0]?.message.alive).deep.equal([0, 1]);
  });

  it('are sent what they lack, after one step back a term', () => {
    const node = new LoneNode({ log: [1, 1, 1, 3] });
    node.becomeLeader();
    node.take();
    node.acknowledge(1, { success: false, index: 4, conflictTerm: 2, conflictIndex: 2 });
    expect(
      node
        .takeOf('appendEntries')
        .map(({ to, message }) => [to, message.prevLogIndex, entriesIn(message.runs)]),
    ).deep.equal([[1, 1, 4]]);
    node.acknowledge(1, { index: 5 });
    expect(node.info.commitIndex).equal(5);
  });

  it('are sent what was lost, once a heartbeat shows that it was', () => {
    const node = serving();
    node.propose('a');
    node.take();
    node.pass(heartbeatMs);
    const [beat] = node.takeOf('appendEntries');
    expect(beat?.message).include({ prevLogIndex: 2 });
    node.acknowledge(1, { success: false, index: 2, conflictTerm: 0, conflictIndex: 2 });
    expect(node.takeOf('appendEntries').map(({ message }) => entriesIn(message.runs))).deep.equal([1]);
  });

  it('are sent what was lost once, however many messages behind it are refused for it', () => {
    const node = serving();
    node.acknowledge(2);
    node.take();
    const matched = node.actor.replica.log.lastIndex;
    for (let at = 0; at < 30; at++) node.propose(`command ${at}`);
    const underWay = node.takeOf('appendEntries').filter(({ to }) => to === 2);
    expect(underWay).length(30);
    // The first is lost: the follower has nothing to put the others behind.
    for (const { message } of underWay.slice(1)) {
      node.acknowledge(2, { success: false, index: message.prevLogIndex, conflictIndex: matched + 1 });
    }
    const again = node.takeOf('appendEntries').filter(({ to }) => to === 2);
    expect(again.map(({ message }) => [message.prevLogIndex, entriesIn(message.runs)])).deep.equal([
      [matched, 30],
    ]);
    // That is lost, too: the next heartbeat finds out.
    node.pass(heartbeatMs);
    const beat = node.takeOf('appendEntries').find(({ to }) => to === 2)!.message;
    node.acknowledge(2, { success: false, index: beat.prevLogIndex, conflictIndex: matched + 1 });
    const third = node.takeOf('appendEntries').filter(({ to }) => to === 2);
    expect(third.map(({ message }) => [message.prevLogIndex, entriesIn(message.runs)])).deep.equal([
      [matched, 30],
    ]);
  });

  it('have a bounded number of appends under way, and get the rest as they answer', () => {
    const node = serving({ limits: { appendsInFlightMax: 2, appendBytesMax: 1 } });
    for (const text of ['a', 'b', 'c', 'd']) node.propose(text);
    const indexes = () =>
      node
        .takeOf('appendEntries')
        .filter(({ to, message }) => to === 1 && entriesIn(message.runs) > 0)
        .map(({ message }) => message.prevLogIndex + 1);
    expect(indexes()).deep.equal([2, 3]);
    node.acknowledge(1, { index: 2 });
    expect(indexes()).deep.equal([4]);
    node.acknowledge(1, { index: 4 });
    expect(indexes()).deep.equal([5]);
  });

  it('are sent a turn of commands in as many messages as it takes, each of runs that are whole', () => {
    const node = serving({ limits: { appendBytesMax: 20 } });
    node.acknowledge(2);
    node.take();
    node.propose(...'abcdefghij');
    const sent = node.takeOf('appendEntries').filter(({ to }) => to === 1);
    expect(sent.map(({ message }) => entriesIn(message.runs))).deep.equal([4, 4, 2]);
    const written = node.disk.batches.at(-1)?.runs.map(({ count }) => count);
    expect(written, 'as they are written').deep.equal([4, 4, 2]);
  });

  it('are sent entries before the leader writes them itself', () => {
    const node = serving();
    const sentBeforeWrite: number[] = [];
    const write = node.disk.write.bind(node.disk);
    node.disk.write = (...batch) => {
      sentBeforeWrite.push(
        node.takeOf('appendEntries').filter(({ message }) => entriesIn(message.runs) > 0).length,
      );
      write(...batch);
    };
    node.acknowledge(2);
    node.propose('a');
    expect(sentBeforeWrite).deep.equal([2]);
  });

  it('hear of a commit by the next entries, without a message of its own', () => {
    const node = serving();
    node.acknowledge(2);
    node.propose('a');
    node.take();
    node.acknowledge(1);
    expect(node.takeOf('appendEntries')).deep.equal([]);
    node.propose('b');
    const news = node
      .takeOf('appendEntries')
      .map(({ message }) => [message.leaderCommit, entriesIn(message.runs)]);
    expect(news).deep.equal([
      [2, 1],
      [2, 1],
    ]);
    node.pass(heartbeatMs - 1);
    expect(node.takeOf('appendEntries')).deep.equal([]);
  });

  it('hear of a commit within two milliseconds where no entries follow', () => {
    const node = serving();
    node.acknowledge(2);
    node.propose('a');
    node.take();
    node.acknowledge(1);
    node.pass(2);
    const news = node.takeOf('appendEntries').map(({ to, message }) => [to, message.leaderCommit]);
    expect(news).deep.equal([
      [1, 2],
      [2, 2],
    ]);
  });

  it('hear of a commit as soon when their leader was deposed before it had told of one, and leads again', () => {
    const node = serving();
    node.propose('a');
    node.acknowledge(1);
    node.hear({ type: 'preVoteResponse', term: 2, from: 2, granted: false, proposedTerm: 2 });
    expect(node.role).equal('follower');
    node.becomeLeader();
    node.acknowledge(2);
    node.propose('b');
    node.take();
    node.acknowledge(1);
    node.pass(2);
    expect(node.takeOf('appendEntries').map(({ message }) => message.leaderCommit)).deep.equal([4, 4]);
  });

  it('hear of a commit as soon as they have caught up', () => {
    const node = serving();
    node.acknowledge(2, { success: false, index: 1, conflictTerm: 0, conflictIndex: 1 });
    node.propose('a');
    node.acknowledge(1);
    node.pass(2);
    node.take();
    node.acknowledge(2);
    const last = node
      .takeOf('appendEntries')
      .filter(({ to }) => to === 2)
      .at(-1);
    expect(last?.message.leaderCommit).equal(2);
  });

  it('are ignored when they answer again what was long counted', () => {
    const node = serving();
    node.propose('a');
    node.acknowledge(1);
    node.take();
    node.acknowledge(1, { index: 1 });
    node.acknowledge(1, { success: false, index: 1, conflictIndex: 1 });
    node.acknowledge(9);
    expect(node.take()).deep.equal([]);
    expect(node.info.commitIndex).equal(2);
  });
});

describe('Frames', () => {
  const request = {
    type: 'requestVote',
    isTransfer: false,
    term: 9,
    from: 7,
    lastLogTerm: 0,
    lastLogIndex: 0,
  } as const;

  it('of one who claims another’s name, and of none at all are dropped and counted', () => {
    const node = new LoneNode();
    node.hearFrame(1, frameOf({ ...request, from: 2 }));
    node.hearFrame(1, frameOf({ ...request, from: 0 }));
    node.hearFrame(1, new Uint8Array(40));
    node.pass(0);
    expect([node.term, node.take()]).deep.equal([0, []]);
    // Two more were accepted: its peers have said hello.
    expect(node.actor.inbox.counters).include({ framesDropped: 3, accepted: 4, badChecksum: 1 });
  });

  it('of servers that are no members as far as it knows are heard, and what they grant is not counted (§6)', () => {
    const node = new LoneNode();
    node.hear(request);
    expect(node.takeOf('requestVoteResponse').map(({ to, message }) => [to, message.granted])).deep.equal([
      [7, true],
    ]);
    node.hearLeader(8, { term: 10 });
    expect(node.info).include({ term: 10, leaderId: 8, role: 'follower' });
    const candidate = new LoneNode({ preVote: false });
    candidate.passUntil(() => candidate.role === 'candidate');
    candidate.hear({ type: 'requestVoteResponse', term: 1, from: 7, granted: true });
    candidate.hear({ type: 'requestVoteResponse', term: 1, from: 8, granted: true });
    expect(candidate.role).equal('candidate');
  });

  it('to several followers are bytes of their own', () => {
    const node = serving({ learners: [3] });
    node.propose('a');
    const appends = node.takeOf('appendEntries');
    expect(appends.length).at.least(1);
    const buffers = appends.flatMap(({ message }) => message.runs.map(({ body }) => body.buffer));
    expect(new Set(buffers).size).equal(buffers.length);
  });

  it('beyond what a mailbox holds are dropped and counted', () => {
    const node = new LoneNode();
    const frame = frameOf({ ...request, term: 0, from: 1 });
    for (let frames = 0; frames < 65_540; frames++) node.hearFrame(1, frame);
    expect(node.actor.inbox.counters.framesDropped).equal(4);
    node.actor.end();
  });
});
