import { expect } from 'chai';
import { packBytes } from '../../src/ground/byte-strings.js';
import { SystemClock } from '../../src/ground/clock.js';
import type { InvalidOptionError } from '../../src/ground/errors.js';
import type { ClientReply } from '../../src/node/clients/client-requests.js';
import { RaftNode, type RaftNodeOptions } from '../../src/node/raft-node.js';
import { UnreadableLogError } from '../../src/storage/errors.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { bytesOf, Ledger, textOf } from './ledger.js';
import { entry, LoneNode, lineOf } from './lone-node.js';

function serving(sketch: ConstructorParameters<typeof LoneNode>[0] = {}): LoneNode {
  const node = new LoneNode(sketch);
  node.serve();
  return node;
}

describe('A node that is stopped', () => {
  it('is deaf and mute, and refuses its clients', () => {
    const node = serving();
    const read = node.read();
    node.take();
    node.tell({ type: 'host.stop' });
    expect(read).deep.equal(['NOT_LEADER']);
    expect(node.propose('a')).deep.equal(['0+1 NODE_DEAD']);
    expect(node.read()).deep.equal(['NODE_DEAD']);
    expect(node.read('stale')).deep.equal(['NODE_DEAD']);
    node.hearLeader(1, { term: 9 });
    node.pass(5000);
    expect(node.take()).deep.equal([]);
    expect(node.info).include({ role: 'dead', term: 1 });
  });

  it('says nothing of what it had promised, even when that becomes durable', () => {
    const node = new LoneNode({ slowDisk: true });
    node.hear({ type: 'requestVote', isTransfer: false, term: 4, from: 1, lastLogTerm: 0, lastLogIndex: 0 });
    node.tell({ type: 'host.stop' });
    node.completeWrite();
    expect(node.take()).deep.equal([]);
  });

  it('comes back as a follower with term, vote and log, and knows of no leader and no one alive', () => {
    const node = serving();
    node.propose('a');
    node.tell({ type: 'host.stop' });
    node.tell({ type: 'host.revive' });
    expect(node.info).deep.include({
      state: 'alive.follower.waiting',
      term: 1,
      votedFor: 0,
      lastLogIndex: 2,
    });
    expect(node.info).deep.include({ leaderId: null, peers: [] });
    expect(node.passUntil(() => node.role !== 'follower')).at.least(150);
  });

  it('that learns comes back as a learner', () => {
    const node = new LoneNode({ voters: [1, 2], learners: [0] });
    node.tell({ type: 'host.stop' });
    node.tell({ type: 'host.revive' });
    expect(node.role).equal('learner');
  });

  it('keeps the pace and the candidacy that it is given meanwhile', () => {
    const node = new LoneNode();
    node.tell({ type: 'host.stop' });
    node.tell({ type: 'host.setCandidacy', allowed: false });
    expect(node.info.candidacy).equal(false);
  });
});

describe('A node that cannot go on', () => {
  function expectDead(node: LoneNode, reason: RegExp): void {
    expect(node.deaths.map(String)).length(1);
    expect(String(node.deaths[0])).match(reason);
    node.take();
    node.hearLeader(1, { term: 99 });
    node.pass(2000);
    expect(node.take()).deep.equal([]);
    expect(node.propose('z')).deep.equal(['0+1 NODE_DEAD']);
    expect(node.read()).deep.equal(['NODE_DEAD']);
  }

  it('dies of a failed write, with the reason, and answers its clients', () => {
    const node = serving();
    node.disk.isSlow = true;
    const command = node.propose('a');
    const read = node.read();
    node.disk.fail(new Error('no space left'));
    node.pass(0);
    expect([command, read]).deep.equal([['0+1 OUTCOME_UNKNOWN'], ['NODE_DEAD']]);
    expectDead(node, /no space left/);
  });

  it('dies of an application that cannot apply', () => {
    const node = serving();
    const command = node.propose('poison');
    node.acknowledge(1);
    expect(command).deep.equal(['0+1 OUTCOME_UNKNOWN']);
    expectDead(node, /failed to apply entry 2: swallowed poison/);
  });

  it('dies of a broken invariant', () => {
    const node = new LoneNode({ term: 1 });
    Object.assign(node.actor.replica, { commitIndex: 9 });
    node.hearLeader(1);
    expectDead(node, /Entry 1 is committed and not in the log/);
  });

  it('dies of an application that transfers the memory of a command: it is the log’s', () => {
    const application = new Ledger();
    application.apply = (command) => {
      structuredClone(command, { transfer: [command.buffer as ArrayBuffer] });
      return command;
    };
    const node = serving({ application });
    const command = node.propose('a', 'b');
    node.acknowledge(1);
    expect(command).deep.equal(['0+2 OUTCOME_UNKNOWN']);
    expectDead(node, /failed to apply entry 2: apply transferred the memory of its command/);
  });

  it('does not die of a run whose body is not its commands: the frame is dropped and counted', () => {
    const node = new LoneNode({ term: 1 });
    node.hearLeader(1, { runs: [{ ...entry(1, 1, 'a'), body: bytesOf('rubbish') }], leaderCommit: 1 });
    node.hearLeader(1, { runs: [{ ...entry(1, 1, 'a'), count: 2 }], leaderCommit: 2 });
    expect(node.actor.inbox.counters).include({ malformed: 2, framesDropped: 2 });
    expect([node.deaths, node.info.lastLogIndex]).deep.equal([[], 0]);
  });

  it('does not start from a log that its cipher does not open, and says what is wrong', () => {
    expect(() => new LoneNode({ recovered: [{ ...entry(1, 2, 'a'), sealed: bytesOf('rubbish') }] })).throw(
      UnreadableLogError,
      /^Entry 1 \(term 2\) of node 0’s log cannot be opened: it was written under another cipher or key/,
    );
  });

  it('answers all that came in the turn of its death, what it had taken and what it had not come to', () => {
    const node = new LoneNode({ term: 1 });
    node.hearLeader(1);
    const asked = (name: string) => ({
      request: 0,
      query: bytesOf(name),
      reply: (answer: ClientReply) => answers.push(`${name} ${lineOf(answer)}`),
    });
    const answers: string[] = [];
    const { actor } = node;
    actor.read({ kind: 'client', ...asked('forwarded') }, 'linearizable');
    actor.tell({
      type: 'host.setCandidacy',
      get allowed(): boolean {
        throw new Error('memory is broken');
      },
    });
    const body = packBytes([bytesOf('a'), bytesOf('b')]);
    actor.propose({ first: 3, count: 2, body, reply: asked('proposed').reply });
    actor.read({ kind: 'client', ...asked('read') }, 'linearizable');
    actor.read({ kind: 'client', ...asked('read stale') }, 'stale');
    node.pass(0);
    expect(node.deaths.map(String).join()).match(/memory is broken/);
    expect(answers).members([
      'forwarded NODE_DEAD',
      'proposed 3+2 NODE_DEAD',
      'read NODE_DEAD',
      'read stale NODE_DEAD',
    ]);
    expect(actor.requestsOpen).equal(0);
  });

  it('answers for the very command that it died of', () => {
    const node = serving();
    const answers: string[] = [];
    const body = packBytes([bytesOf('a'), bytesOf('b')]);
    // Sound as long as it is looked at, and gone when it is to be appended.
    let isLookedAt = true;
    Object.defineProperty(body, 'length', {
      get() {
        if (!isLookedAt) throw new Error('gone');
        return body.byteLength;
      },
    });
    const reply = (answer: ClientReply) => answers.push(lineOf(answer));
    node.actor.propose({ first: 5, count: 2, body, reply });
    isLookedAt = false;
    node.pass(0);
    expect(node.deaths).length(1);
    expect(answers).deep.equal(['5+2 OUTCOME_UNKNOWN']);
  });

  it('refuses what it had not yet looked at', () => {
    const node = serving();
    const answers: string[] = [];
    node.actor.propose({
      first: 0,
      count: 1,
      body: packBytes([bytesOf('a')]),
      reply: ({ type }) => answers.push(type),
    });
    const reply = ({ type }: { type: string }) => answers.push(type);
    node.actor.read({ kind: 'client', request: 1, query: bytesOf(''), reply }, 'stale');
    node.actor.abandon();
    node.actor.abandon();
    expect(answers).deep.equal(['refused', 'readRefused']);
  });
});

describe('What hosts hear of a node', () => {
  it('is each change of its standing, once', () => {
    const node = serving();
    node.pass(200);
    expect(node.standings).deep.equal([
      'alive.preCandidate in 0',
      'alive.candidate in 1',
      'alive.leader.authority.establishing in 1',
      'alive.leader.authority.serving in 1',
    ]);
  });
});

describe('RaftNode', () => {
  const transport = { send: () => {}, receive: () => {} };

  function options(changes: Partial<RaftNodeOptions> = {}): RaftNodeOptions {
    return {
      id: 0,
      voters: [0],
      transport,
      storage: new MemoryStorage(),
      application: new Ledger(),
      ...changes,
    };
  }

  function refusal(changes: Partial<RaftNodeOptions>): InvalidOptionError {
    try {
      RaftNode.start(options(changes)).close();
    } catch (error) {
      return error as InvalidOptionError;
    }
    throw new Error('The options were taken.');
  }

  it('alone elects itself, replicates, answers, and finds it all again in its storage', async () => {
    const storage = new MemoryStorage();
    const node = RaftNode.start(options({ storage }));
    const stopHearing = await new Promise<() => void>((resolve) => {
      const stop = node.subscribe(({ role, commitIndex }) => {
        if (role === 'leader' && commitIndex > 0) resolve(() => stop());
      });
    });
    stopHearing();
    const proposed = await node.propose(bytesOf('a'));
    expect({ ...proposed, result: textOf(proposed.result) }).deep.equal({ index: 2, term: 1, result: 'a@2' });
    expect(textOf((await node.read(bytesOf('all'))).result)).equal('a');
    expect(node.log().map(({ kind }) => kind)).deep.equal(['noop', 'command']);
    node.close();
    const closed = await node.propose(bytesOf('b')).catch((error) => error.code);
    expect(closed).equal('CLOSED');
    const again = RaftNode.start(options({ storage }));
    expect(again.info()).include({ term: 1, votedFor: 0, lastLogIndex: 2, height: 0 });
    again.close();
  });

  it('rejects with the error that a thread would report', async () => {
    const node = RaftNode.start(options({ voters: [0, 1], candidacy: false, clock: new SystemClock() }));
    const codes: string[] = [];
    const note = (error: { code: string }) => codes.push(error.code);
    await node.propose(bytesOf('a')).catch(note);
    await node.read(bytesOf('all')).catch(note);
    node.stop();
    await node.propose(bytesOf('a')).catch(note);
    node.revive();
    node.setCandidacy(true);
    node.campaign();
    await node.read(bytesOf('?'), 'stale').catch(note);
    expect(node.info()).include({ role: 'preCandidate', candidacy: true });
    node.close();
    expect(codes).deep.equal(['NOT_LEADER', 'NOT_LEADER', 'NODE_DEAD', 'APPLICATION_FAILED']);
  });

  it('says what is wrong with its options, and starts nothing', () => {
    const refusals: [Partial<RaftNodeOptions>, RegExp][] = [
      [{ id: -1 }, /Node ids are non-negative integers; -1 is none/],
      [{ voters: [0, 1.5] }, /1\.5 is none/],
      [{ voters: [], learners: [0] }, /at least one voter/],
      [{ voters: [0, 1, 1] }, /name each member once; they are 0, 1, 1/],
      [{ voters: [0, 1], learners: [1] }, /name each member once/],
      [{ voters: [1, 2] }, /id is 0, who is not among .* 1, 2/],
      [{ timings: { heartbeatMs: 0 } }, /heartbeatMs must be between 1 and 3600000 ms and is 0/],
      [{ timings: { heartbeatMs: Number.NaN } }, /is NaN/],
      [{ timings: { electionTimeoutMsMax: 150 } }, /electionTimeoutMsMax \(150\) must be greater than/],
      [
        { timings: { heartbeatMs: 76 } },
        /heartbeatMs \(76\) must be at most half of electionTimeoutMsMin \(150\)/,
      ],
      [{ limits: { proposalsMax: 0 } }, /proposalsMax must be a positive integer and is 0/],
      [{ limits: { readsMax: 1.5 } }, /readsMax must be a positive integer/],
      [
        { limits: { commandBytesMax: 2 ** 30 } },
        /commandBytesMax must be at most 33554432 .* election timeout/,
      ],
    ];
    for (const [changes, text] of refusals) {
      expect(refusal(changes)).include({ code: 'INVALID_OPTION' });
      expect(refusal(changes).message).match(text);
    }
  });
});
