import { expect } from 'chai';
import { packBytes } from '../../src/ground/byte-strings.js';
import { CommandRejectedError } from '../../src/ground/errors.js';
import type { ClientReply } from '../../src/node/clients/client-requests.js';
import { errorOf } from '../../src/node/host/error-report.js';
import { bytesOf } from './ledger.js';
import { entry, LoneNode, lineOf } from './lone-node.js';

function serving(sketch: ConstructorParameters<typeof LoneNode>[0] = {}): LoneNode {
  const node = new LoneNode(sketch);
  node.serve();
  return node;
}

/** A newer leader speaks to what was a leader; its log goes on after `prevLogIndex` with these entries. */
function depose(node: LoneNode, prevLogIndex: number, runs: ReturnType<typeof entry>[], leaderCommit = 0) {
  node.hearLeader(1, { term: 2, prevLogIndex, runs, leaderCommit });
}

describe('A proposal', () => {
  it('is answered with its result once it is applied', () => {
    const node = serving();
    const answers = node.propose('a', 'b');
    expect(answers).deep.equal([]);
    node.acknowledge(2);
    expect(answers).deep.equal(['a@2 b@3']);
  });

  it('is answered in parts when parts of it are applied', () => {
    const node = serving();
    const answers = node.propose('a', 'b', 'c');
    node.acknowledge(1, { index: 3 });
    node.acknowledge(1);
    expect(answers).deep.equal(['a@2 b@3', 'c@4']);
  });

  it('of which not all commands are applied yet is answered for those that are, each once', () => {
    const node = serving({ limits: { appendBytesMax: 10 } });
    const answers = node.propose('a', 'b', 'c', 'd', 'e');
    for (const index of [2, 4, 5, 6]) node.acknowledge(1, { index });
    expect(answers).deep.equal(['a@2', 'b@3 c@4', 'd@5', 'e@6']);
  });

  it('is refused when it is not the commands that it is said to be, and then appends nothing', () => {
    const node = serving();
    const answers: string[] = [];
    const body = packBytes([bytesOf('a'), bytesOf('b')]);
    for (const [count, bytes] of [
      [1, body],
      [3, body],
      [2, body.subarray(1)],
      [2, new Uint8Array(0)],
    ] as const) {
      node.actor.propose({
        first: 7,
        count,
        body: bytes,
        reply: (reply) =>
          answers.push(reply.type === 'refused' ? `${reply.first}+${reply.count} ${reply.error.code}` : ''),
      });
    }
    node.pass(0);
    expect(answers).deep.equal(['7+1', '7+3', '7+2', '7+2'].map((which) => `${which} INVALID_OPTION`));
    expect(node.info.lastLogIndex).equal(1);
  });

  it('is sent on by a node that does not lead', () => {
    const node = new LoneNode({ term: 1 });
    expect(node.propose('a')).deep.equal(['0+1 NOT_LEADER']);
    node.hearLeader(2);
    expect(node.propose('a', 'b')).deep.equal(['0+2 NOT_LEADER 2']);
  });

  it('is refused when one of its commands is too large, and then appends nothing', () => {
    const node = serving({ limits: { commandBytesMax: 3 } });
    expect(node.propose('abc', 'abcd')).deep.equal(['0+2 COMMAND_TOO_LARGE']);
    expect(node.info.lastLogIndex).equal(1);
  });

  it('is refused when too many wait, and taken again when they are answered', () => {
    const node = serving({ limits: { proposalsMax: 2 } });
    node.propose('a');
    expect(node.propose('b', 'c')).deep.equal(['0+2 OVERLOADED']);
    node.propose('b');
    node.acknowledge(1);
    expect(node.propose('c')).deep.equal([]);
  });

  it('without commands is none, and leaves nothing behind', () => {
    const node = serving();
    const none = node.propose();
    const answers = node.propose('a');
    node.acknowledge(1);
    expect(none).deep.equal([]);
    expect(answers).deep.equal(['a@2']);
  });

  it('that comes faster than turns are taken is refused, not heaped up', () => {
    const node = serving();
    let refused = 0;
    const reply = () => refused++;
    const body = packBytes([bytesOf('a')]);
    for (let at = 0; at < 65_540; at++) node.actor.propose({ first: 0, count: 1, body, reply });
    expect(refused).equal(4);
    node.actor.end();
  });
});

describe('A proposal whose leader is deposed', () => {
  it('succeeds when the same entry is committed later', () => {
    const node = serving();
    const answers = node.propose('a');
    depose(node, 2, [entry(3, 2)], 2);
    expect(node.role).equal('follower');
    expect(answers).deep.equal(['a@2']);
  });

  it('is refused when another entry is committed in its place, and all that followed it', () => {
    const node = serving();
    const answers = node.propose('a', 'b');
    depose(node, 1, [entry(2, 2, 'z')], 2);
    expect(answers).deep.equal(['0+2 NOT_LEADER 1']);
    expect(node.application.commands).deep.equal(['z']);
  });

  it('is decided in parts where the logs part', () => {
    const node = serving();
    const answers = node.propose('a', 'b', 'c');
    depose(node, 2, [entry(3, 2)], 3);
    expect(answers).deep.equal(['a@2', '1+2 NOT_LEADER 1']);
  });

  it('is not decided by truncation: another server may still hold the entry (Figure 8)', () => {
    const node = serving();
    const answers = node.propose('a');
    depose(node, 1, [entry(2, 2, 'z')]);
    expect(answers).deep.equal([]);
    node.hearLeader(2, {
      term: 3,
      prevLogIndex: 1,
      runs: [entry(2, 1, 'a'), entry(3, 3)],
      leaderCommit: 3,
    });
    expect(answers).deep.equal(['a@2']);
  });

  it('is told apart from one of a later term of office at the same index', () => {
    const node = serving();
    const first = node.propose('a', 'b');
    depose(node, 1, [entry(2, 2)]);
    node.passUntil(() => node.role !== 'follower');
    node.answerVotes(true, 1);
    node.answerVotes(true, 1);
    expect(node.info).include({ role: 'leader', term: 3 });
    const second = node.propose('c');
    expect(node.info.lastLogIndex).equal(4);
    node.acknowledge(1);
    expect(first).deep.equal(['0+2 NOT_LEADER 0']);
    expect(second).deep.equal(['c@4']);
  });

  it('of an early and a late term of office may both succeed', () => {
    const node = serving();
    const first = node.propose('a');
    depose(node, 2, [entry(3, 2)]);
    node.passUntil(() => node.role !== 'follower');
    node.answerVotes(true, 1);
    node.answerVotes(true, 1);
    const second = node.propose('c');
    node.acknowledge(1);
    expect(first).deep.equal(['a@2']);
    expect(second).deep.equal(['c@5']);
  });

  /** Stands again, and is elected by node 1. */
  function leadAgain(node: LoneNode): void {
    node.passUntil(() => node.role !== 'follower');
    node.answerVotes(true, 1);
    node.answerVotes(true, 1);
    expect(node.role).equal('leader');
  }

  it('takes no room once it is cut off the log: a leader that is elected again can use it', () => {
    const node = serving({ limits: { proposalsMax: 3 } });
    const lost = node.propose('a', 'b', 'c');
    depose(node, 2, [entry(3, 2)]);
    leadAgain(node);
    expect(node.propose('d', 'e', 'f')).deep.equal(['0+3 OVERLOADED']);
    const taken = node.propose('d', 'e');
    expect(lost).deep.equal([]);
    node.acknowledge(1);
    expect(lost).deep.equal(['a@2', '1+2 NOT_LEADER 0']);
    expect(taken).deep.equal(['d@5 e@6']);
  });

  it('is refused as soon as an entry of a later term is committed, however far its own index is', () => {
    const node = serving();
    const lost = node.propose(...'abcdefghij');
    depose(node, 1, [entry(2, 2)], 1);
    expect(lost).deep.equal([]);
    node.hearLeader(1, { leaderCommit: 2 });
    expect(lost).deep.equal(['0+10 NOT_LEADER 1']);
  });

  it('waits in bounded number after it was lost: the oldest are told that nobody knows', () => {
    const node = serving({ limits: { proposalsMax: 2 } });
    const answers = [node.propose('a', 'b')];
    for (const term of [2, 4, 6]) {
      node.hearLeader(1, { term, prevLogIndex: 1, prevLogTerm: 1, runs: [entry(2, term)] });
      leadAgain(node);
      answers.push(node.propose('a', 'b'));
    }
    expect(answers).deep.equal([['0+2 OUTCOME_UNKNOWN'], ['0+2 OUTCOME_UNKNOWN'], [], []]);
  });

  it('has an unknown outcome when the node stops first', () => {
    const node = serving();
    const answers = node.propose('a', 'b');
    node.tell({ type: 'host.stop' });
    expect(answers).deep.equal(['0+2 OUTCOME_UNKNOWN']);
  });
});

describe('Blocks', () => {
  function chain(): LoneNode {
    const node = new LoneNode();
    let height = 0;
    node.application.produce = () => bytesOf(`block${++height}`);
    node.tell({ type: 'host.produceBlocks', intervalMs: 20 });
    return node;
  }

  it('are proposed by a leader at their pace', () => {
    const node = chain();
    node.serve();
    node.pass(100);
    node.acknowledge(1);
    expect(node.application.commands).deep.equal(['block1', 'block2', 'block3', 'block4', 'block5']);
  });

  it('stop at the host’s command, and begin again at another pace', () => {
    const node = chain();
    node.serve();
    node.tell({ type: 'host.produceBlocks', intervalMs: 0 });
    node.pass(100);
    expect(node.info.lastLogIndex).equal(1);
    node.tell({ type: 'host.produceBlocks', intervalMs: 50 });
    node.pass(101);
    expect(node.info.lastLogIndex).equal(3);
    node.tell({ type: 'host.produceBlocks', intervalMs: 10 });
    node.pass(50);
    expect(node.info.lastLogIndex).equal(8);
  });

  it('are not produced by an application that has none', () => {
    const node = new LoneNode();
    node.tell({ type: 'host.produceBlocks', intervalMs: 20 });
    node.serve();
    node.pass(100);
    expect(node.info.lastLogIndex).equal(1);
  });

  it('wait while too many commands do, or a leader alone would fill its log', () => {
    const node = new LoneNode({ preVote: false, checkQuorum: false, limits: { proposalsMax: 3 } });
    node.application.produce = () => bytesOf('block');
    node.serve();
    node.tell({ type: 'host.produceBlocks', intervalMs: 20 });
    node.pass(1000);
    expect(node.info.lastLogIndex).equal(4);
  });
});

describe('A proposal that must be verified', () => {
  function verifying(): LoneNode {
    const node = new LoneNode();
    node.application.verify = (command) => {
      if (command.length === 0) throw new Error('cannot look at nothing');
      return command[0] !== '!'.charCodeAt(0);
    };
    return node;
  }

  function verdict(node: LoneNode, from: number, request: number, ...approved: boolean[]) {
    node.hear({ type: 'verifyResponse', term: node.term, from, request, approved });
  }

  it('is appended once a majority of voters approves', () => {
    const node = verifying();
    node.serve();
    const answers = node.propose('a', 'b');
    expect(node.takeOf('verify').map(({ to, message }) => [to, message.commands.length])).deep.equal([
      [1, 2],
      [2, 2],
    ]);
    expect(node.info.lastLogIndex).equal(1);
    verdict(node, 2, 1, true, true);
    expect(node.info.lastLogIndex).equal(3);
    node.acknowledge(1);
    expect(answers).deep.equal(['a@2 b@3']);
  });

  it('is appended in part when a part is refused, each under its own number', () => {
    const node = verifying();
    node.serve();
    const answers = node.propose('a', '!b', 'c');
    verdict(node, 1, 1, true, false, true);
    expect(answers).deep.equal(['1+1 COMMAND_REJECTED']);
    node.acknowledge(1);
    expect(answers).deep.equal(['1+1 COMMAND_REJECTED', 'a@2', 'c@3']);
  });

  it('is refused by a majority, a verifier that throws among them', () => {
    const node = verifying();
    node.serve();
    const answers = node.propose('');
    verdict(node, 1, 1, false);
    expect(answers).deep.equal(['0+1 COMMAND_REJECTED']);
  });

  it('is appended after those that came before it, whichever is approved first', () => {
    const node = verifying();
    node.serve();
    node.propose('a');
    node.propose('b');
    verdict(node, 1, 2, true);
    expect(node.info.lastLogIndex).equal(1);
    verdict(node, 1, 1, true);
    node.acknowledge(1);
    expect(node.application.commands).deep.equal(['a', 'b']);
  });

  it('is asked about again with the heartbeat where no answer came', () => {
    const node = verifying();
    node.serve();
    node.propose('a');
    node.take();
    node.pass(node.options.timings.heartbeatMs);
    // Node 2 has said nothing so far: it is asked again once it does.
    expect(node.takeOf('verify').map(({ to }) => to)).deep.equal([1]);
    node.acknowledge(2);
    node.pass(node.options.timings.heartbeatMs);
    expect(node.takeOf('verify').map(({ to }) => to)).deep.equal([2]);
  });

  it('is asked about again after pauses that double, so that it is not sent with each heartbeat', () => {
    const node = verifying();
    node.serve();
    node.propose('a');
    node.take();
    const beats: number[] = [];
    for (let beat = 1; beat <= 16; beat++) {
      node.acknowledge(1);
      node.pass(node.options.timings.heartbeatMs);
      if (node.takeOf('verify').some(({ to }) => to === 1)) beats.push(beat);
    }
    expect(beats).deep.equal([1, 3, 7, 15]);
  });

  describe('that is not decided, since too many voters do not answer, is handed back and holds up the others no longer', () => {
    function undecided(answeredAlso: readonly number[]) {
      const node = verifying();
      node.serve();
      const { heartbeatMs, electionTimeoutMsMax } = node.options.timings;
      const answers = node.propose('a');
      verdict(node, 1, 1, false);
      const later = node.propose('b');
      verdict(node, 1, 2, true);
      const passFor = (durationMs: number) => {
        for (let passedMs = 0; passedMs < durationMs; passedMs += heartbeatMs) {
          for (const id of answeredAlso) node.acknowledge(id);
          node.acknowledge(1);
          node.pass(heartbeatMs);
        }
      };
      return { node, answers, later, passFor, heartbeatMs, electionTimeoutMsMax };
    }

    for (const [what, alsoHeard, timeouts] of [
      ['after an election timeout where all who are heard have answered', [], 1],
      ['after several where one that is heard has not', [2], 4],
    ] as const) {
      it(what, () => {
        const { node, answers, later, passFor, heartbeatMs, electionTimeoutMsMax } = undecided(alsoHeard);
        passFor(timeouts * electionTimeoutMsMax - heartbeatMs);
        expect([...answers, ...later]).deep.equal([]);
        passFor(3 * heartbeatMs);
        expect(answers).deep.equal(['0+1 NOT_READY']);
        node.acknowledge(1);
        expect(later).deep.equal(['b@2']);
        expect(node.application.commands).deep.equal(['b']);
      });
    }
  });

  it('is asked about in parts that fit a message, each of which is decided by itself', () => {
    const node = verifying();
    (node.options.limits as { appendBytesMax: number }).appendBytesMax = 10;
    node.serve();
    const answers = node.propose('a', 'b', '!c', 'longer than a message', 'd');
    const asked = node.takeOf('verify').filter(({ to }) => to === 1);
    expect(asked.map(({ message }) => message.commands.length)).deep.equal([2, 1, 1, 1]);
    verdict(node, 1, 1, true, true);
    verdict(node, 1, 2, false);
    verdict(node, 1, 3, true);
    verdict(node, 1, 4, true);
    for (const index of [3, 4, 5]) node.acknowledge(1, { index });
    expect(answers).deep.equal(['2+1 COMMAND_REJECTED', 'a@2 b@3', 'longer than a message@4', 'd@5']);
  });

  it('is refused with the reasons of those who gave one', () => {
    const node = verifying();
    node.application.verify = () => 'It is\ntoo late.';
    node.serve();
    const errors: unknown[] = [];
    const body = packBytes([bytesOf('a')]);
    node.actor.propose({
      first: 0,
      count: 1,
      body,
      reply: (reply) => errors.push('error' in reply && errorOf(reply.error)),
    });
    node.pass(0);
    const reasons = [bytesOf('No.')];
    node.hear({ type: 'verifyResponse', term: 1, from: 2, request: 1, approved: [false], reasons });
    expect(errors[0]).instanceOf(CommandRejectedError);
    expect((errors[0] as CommandRejectedError).reasons).deep.equal([
      'Node 0: It is\\ntoo late.',
      'Node 2: No.',
    ]);
    expect((errors[0] as Error).message).match(/not appended\. Node 0: It is\\ntoo late\. Node 2: No\.$/);
  });

  it('is the one that was asked for, where the application verifies no other', () => {
    const node = verifying();
    Object.assign(node.application, { verifies: 'asked' });
    node.serve();
    const plain = node.propose('!a');
    const body = packBytes([bytesOf('!b')]);
    const answers: string[] = [];
    const reply = (answer: ClientReply) => answers.push(lineOf(answer));
    node.actor.propose({ first: 0, count: 1, body, isToBeVerified: true, reply });
    node.pass(0);
    verdict(node, 1, 1, false);
    node.acknowledge(1);
    expect([plain, answers]).deep.equal([['!a@2'], ['0+1 COMMAND_REJECTED']]);
    const without = new LoneNode();
    without.serve();
    without.actor.propose({ first: 0, count: 1, body, isToBeVerified: true, reply });
    expect(answers.at(-1)).equal('0+1 INVALID_OPTION');
  });

  it('is answered once, and is open no longer, where it is to be verified and nothing verifies', () => {
    const node = serving();
    const answers: string[] = [];
    const body = packBytes([bytesOf('a')]);
    const reply = (answer: ClientReply) => answers.push(lineOf(answer));
    node.actor.propose({ first: 0, count: 1, body, isToBeVerified: true, reply });
    expect(node.actor.requestsOpen).equal(0);
    node.actor.abandon();
    expect(answers).deep.equal(['0+1 INVALID_OPTION']);
  });

  it('is not asked about again while older questions fill a message', () => {
    const node = verifying();
    (node.options.limits as { appendBytesMax: number }).appendBytesMax = 8;
    node.serve();
    for (const command of ['one', 'two', 'three', 'four']) node.propose(command);
    verdict(node, 1, 1, true);
    node.acknowledge(2, { index: 1 });
    node.take();
    node.pass(node.options.timings.heartbeatMs);
    const asked = node.takeOf('verify').map(({ to, message }) => [to, message.request]);
    expect(asked).deep.equal([
      [1, 2],
      [1, 3],
      [2, 2],
      [2, 3],
    ]);
    verdict(node, 2, 2, true);
    node.pass(node.options.timings.heartbeatMs);
    expect(node.takeOf('verify').map(({ to, message }) => [to, message.request])).deep.equal([
      [1, 4],
      [2, 4],
    ]);
  });

  it('is refused when the leader is deposed first, and was not appended', () => {
    const node = verifying();
    node.serve();
    const answers = node.propose('a');
    node.acknowledge(1, { success: false, term: 5 });
    expect(answers).deep.equal(['0+1 NOT_LEADER']);
    expect(node.info.lastLogIndex).equal(1);
  });

  it('counts towards what may wait', () => {
    const node = verifying();
    (node.options.limits as { proposalsMax: number }).proposalsMax = 1;
    node.serve();
    node.propose('a');
    expect(node.propose('b')).deep.equal(['0+1 OVERLOADED']);
  });

  it('takes no room any more when the leader was deposed first', () => {
    const node = verifying();
    (node.options.limits as { proposalsMax: number }).proposalsMax = 1;
    node.serve();
    node.propose('a');
    depose(node, 0, []);
    node.serve();
    expect(node.propose('b')).deep.equal([]);
  });

  it('is judged by every node that is asked', () => {
    const node = verifying();
    const commands = [bytesOf('a'), bytesOf('!b'), bytesOf('')];
    node.hear({ type: 'verify', term: 0, from: 1, request: 4, commands });
    expect(node.takeOf('verifyResponse')[0]?.message).deep.include({
      request: 4,
      approved: [true, false, false],
    });
  });

  it('holds for blocks too', () => {
    const node = verifying();
    node.application.produce = () => bytesOf('block');
    node.serve();
    node.tell({ type: 'host.produceBlocks', intervalMs: 20 });
    node.pass(20);
    expect(node.takeOf('verify').length).equal(2);
    expect(node.info.lastLogIndex).equal(1);
  });
});
