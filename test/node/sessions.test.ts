import { expect } from 'chai';
import { packBytes } from '../../src/ground/byte-strings.js';
import { takeRequest } from '../../src/node/clients/client-port.js';
import type { ProposedPlace } from '../../src/node/clients/client-requests.js';
import type { LogIndex } from '../../src/raft/entry.js';
import { decodeSessionTimeout } from '../../src/wire/sessions.js';
import { bytesOf, Ledger } from './ledger.js';
import { entry, LoneNode, lineOf } from './lone-node.js';

function serving(sketch: ConstructorParameters<typeof LoneNode>[0] = {}): LoneNode {
  const node = new LoneNode(sketch);
  node.serve();
  return node;
}

/** A client asks for its session; gives what was answered so far, one line an answer. */
function manage(node: LoneNode, what: 'open' | 'keepAlive' | 'end', id = 0): string[] {
  const answers: string[] = [];
  const session = { id, sequence: 0, acknowledged: 0 };
  takeRequest(node.actor, { type: 'session', first: 0, what, session }, (reply) => {
    const isApplied = reply.type === 'applied';
    answers.push(isApplied ? `at ${reply.index}` : lineOf(reply));
  });
  node.pass(0);
  return answers;
}

/** Opens a session, which gets the index of its entry. */
function open(node: LoneNode): LogIndex {
  const id = node.info.lastLogIndex + 1;
  expect(manage(node, 'open')).to.deep.equal([]);
  node.acknowledge(1);
  return id;
}

/** Proposes in a session; gives what was answered so far, with the index and the term that were told. */
function propose(node: LoneNode, session: ProposedPlace, ...commands: readonly string[]): string[] {
  const answers: string[] = [];
  const body = packBytes(commands.map(bytesOf));
  takeRequest(
    node.actor,
    { type: 'propose', first: 0, count: commands.length, commands: body, session },
    (reply) => {
      const where =
        reply.type === 'applied' ? `${reply.first}+${reply.count} ${reply.index}/${reply.term}: ` : '';
      answers.push(where + lineOf(reply));
    },
  );
  node.pass(0);
  return answers;
}

describe('A session at a node', () => {
  it('is opened through the log, by the entry whose index is its name, and tells how long it may be silent', () => {
    const node = serving({ limits: { sessionTimeoutMs: 1234 } });
    const results: (number | null)[] = [];
    const session = { id: 0, sequence: 0, acknowledged: 0 };
    takeRequest(node.actor, { type: 'session', first: 5, what: 'open', session }, (reply) => {
      if (reply.type === 'applied') {
        results.push(reply.first, reply.index, decodeSessionTimeout(reply.results.subarray(4)));
      }
    });
    node.pass(0);
    node.acknowledge(1);
    expect(results).to.deep.equal([5, 2, 1234]);
    expect(node.application.commands).to.deep.equal([]);
    expect(node.actor.openLog(2, 2)[0]?.kind).to.equal('session');
  });

  it('has a command that is sent again applied once, and answered as the first time', () => {
    const node = serving();
    const id = open(node);
    const first = propose(node, { id, sequence: 1, acknowledged: 1 }, 'a', 'b');
    node.acknowledge(1);
    const again = propose(node, { id, sequence: 1, acknowledged: 1 }, 'a', 'b', 'c');
    node.acknowledge(1);
    expect(first).to.deep.equal(['0+2 3/1: a@3 b@4']);
    expect(again).to.deep.equal(['0+2 3/1: a@3 b@4', '2+1 7/1: c@7']);
    expect(node.application.commands).to.deep.equal(['a', 'b', 'c']);
  });

  it('keeps the results of its commands, whatever becomes of the memory of an answer', () => {
    const node = serving();
    const id = open(node);
    const body = packBytes([bytesOf('a')]);
    const session = { id, sequence: 1, acknowledged: 1 };
    const answers: string[] = [];
    for (let time = 0; time < 3; time++) {
      const commands = body.slice();
      takeRequest(node.actor, { type: 'propose', first: 0, count: 1, commands, session }, (reply) => {
        answers.push(lineOf(reply));
        // It goes to the client's thread.
        if (reply.type === 'applied')
          structuredClone(reply, { transfer: [reply.results.buffer as ArrayBuffer] });
      });
      node.pass(0);
      node.acknowledge(1);
    }
    expect(answers).to.deep.equal(['a@3', 'a@3', 'a@3']);
  });

  it('has a command applied once that stands twice in the log before any is committed', () => {
    const node = serving();
    const id = open(node);
    const place = { id, sequence: 1, acknowledged: 1 };
    const [first, second] = [propose(node, place, 'a'), propose(node, place, 'a')];
    node.acknowledge(1);
    expect([first, second]).to.deep.equal([['0+1 3/1: a@3'], ['0+1 3/1: a@3']]);
    expect(node.application.commands).to.deep.equal(['a']);
  });

  it('answers what it was not asked about in the order of the log, among others without a session', () => {
    const node = serving();
    const id = open(node);
    propose(node, { id, sequence: 1, acknowledged: 1 }, 'a');
    const plain = node.propose('x', 'y');
    const again = propose(node, { id, sequence: 1, acknowledged: 1 }, 'a', 'b');
    const late = node.propose('z');
    node.acknowledge(1);
    expect([plain, again, late]).to.deep.equal([['x@4 y@5'], ['0+1 3/1: a@3', '1+1 7/1: b@7'], ['z@8']]);
  });

  it('remembers over a restart, from the log', () => {
    const before = serving();
    const id = open(before);
    propose(before, { id, sequence: 1, acknowledged: 1 }, 'a');
    before.acknowledge(1);
    const after = serving({ term: 1, recovered: before.disk.batches.flatMap(({ runs }) => runs) });
    after.acknowledge(1);
    const again = propose(after, { id, sequence: 1, acknowledged: 1 }, 'a', 'b');
    after.acknowledge(1);
    expect(again).to.deep.equal(['0+1 3/1: a@3', '1+1 6/2: b@6']);
    expect(after.application.commands).to.deep.equal(['a', 'b']);
  });

  it('refuses the commands of a session that is over, and applies none', () => {
    const node = serving();
    const id = open(node);
    const ended = manage(node, 'end', id);
    const late = propose(node, { id, sequence: 1, acknowledged: 1 }, 'a', 'b');
    const silent = manage(node, 'keepAlive', id);
    const unknown = propose(node, { id: 77, sequence: 1, acknowledged: 1 }, 'c');
    node.acknowledge(1);
    expect([ended, late, silent, unknown]).to.deep.equal([
      ['at 3'],
      ['0+2 SESSION_EXPIRED'],
      ['0+1 SESSION_EXPIRED'],
      ['0+1 SESSION_EXPIRED'],
    ]);
    expect(node.application.commands).to.deep.equal([]);
  });

  it('expires by the time that passes in the log, and lives as long as it is kept alive', () => {
    const node = serving({ limits: { sessionTimeoutMs: 1000 }, checkQuorum: false, preVote: false });
    const [kept, silent] = [open(node), open(node)];
    node.pass(900);
    manage(node, 'keepAlive', kept);
    node.pass(200);
    const answers = [kept, silent].map((id) => propose(node, { id, sequence: 1, acknowledged: 1 }, 'a'));
    node.acknowledge(1);
    expect(answers).to.deep.equal([['0+1 5/1: a@5'], ['0+1 SESSION_EXPIRED']]);
  });

  it('does not expire while nobody leads: a new leader goes on from the latest time in its log', () => {
    const node = new LoneNode({ term: 1 });
    const time = 5000;
    const opened = {
      ...entry(1, 1, '\u0002'),
      kind: 'session',
      session: { id: 9, sequence: 0, acknowledged: 0, logTimeMs: time },
    } as const;
    node.hearLeader(1, { prevLogIndex: 0, runs: [opened] });
    node.pass(60_000);
    node.serve();
    manage(node, 'open');
    node.pass(7);
    manage(node, 'open');
    const times = node.actor.openLog(1, 9).flatMap(({ session }) => session?.logTimeMs ?? []);
    expect(
      times
        .map((each) => each - time)
        .slice(1)
        .every((passed) => passed >= 0 && passed < 1000),
    ).to.equal(true);
    expect((times[2] ?? 0) - (times[1] ?? 0)).to.equal(7);
  });

  it('is no matter of the application: it is opened without a verification, and its commands are verified', () => {
    const application = new Ledger();
    application.verify = (command) => Buffer.from(command).toString() !== 'bad';
    const node = serving({ application });
    const id = open(node);
    const answers = propose(node, { id, sequence: 1, acknowledged: 1 }, 'a', 'bad', 'c');
    const [question] = node.takeOf('verify');
    node.hear({
      type: 'verifyResponse',
      term: 1,
      from: 1,
      request: question!.message.request,
      approved: [true, false, true],
    });
    node.hear({
      type: 'verifyResponse',
      term: 1,
      from: 2,
      request: question!.message.request,
      approved: [true, false, true],
    });
    node.acknowledge(1);
    expect(answers).to.deep.equal(['1+1 COMMAND_REJECTED', '0+1 3/1: a@3', '2+1 4/1: c@4']);
  });

  it('has a command that is sent again judged by nobody: it was found valid when it was appended', () => {
    const application = new Ledger();
    application.verify = (command) => !application.commands.includes(Buffer.from(command).toString());
    const node = serving({ application });
    const id = open(node);
    const place = { id, sequence: 1, acknowledged: 1 };
    propose(node, place, 'a');
    const verdict = { type: 'verifyResponse', term: 1, from: 1, approved: [true] } as const;
    node.hear({ ...verdict, request: 1 });
    // In the log and not applied, and then applied: it would be found invalid now.
    const early = propose(node, place, 'a');
    node.acknowledge(1);
    const late = propose(node, place, 'a');
    const fresh = propose(node, { ...place, sequence: 2 }, 'a');
    node.hear({ ...verdict, request: 4, approved: [false] });
    node.acknowledge(1);
    expect([early, late, fresh]).to.deep.equal([
      ['0+1 3/1: a@3'],
      ['0+1 3/1: a@3'],
      ['0+1 COMMAND_REJECTED'],
    ]);
  });

  it('takes no command without a number, nor one that is after what is awaited', () => {
    const node = serving();
    for (const place of [
      { id: 2, sequence: 0, acknowledged: 0 },
      { id: 2, sequence: 3, acknowledged: 4 },
      { id: -1, sequence: 1, acknowledged: 1 },
      { id: 2, sequence: 1.5, acknowledged: 1 },
      { id: 2, sequence: Number.MAX_SAFE_INTEGER, acknowledged: 1 },
    ]) {
      expect(propose(node, place, 'a')).to.deep.equal(['0+1 INVALID_OPTION']);
    }
    expect(node.info.lastLogIndex).to.equal(1);
  });
});
