import { expect } from 'chai';
import type { ConclaveError } from '../../src/ground/errors.js';
import { Random } from '../../src/ground/random.js';
import { Configuration } from '../../src/raft/configuration.js';
import type { ChangeStep } from '../../src/raft/membership.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { configurationRun } from '../raft/replicas.js';
import { entry, LoneNode, type Sketch } from './lone-node.js';

const timeoutMsMax = 300;

/** Node 0 leads with its no-op committed. */
function serving(sketch: Sketch = {}): LoneNode {
  const node = new LoneNode(sketch);
  node.serve();
  return node;
}

/** Asks for a change; gives what was answered so far. */
function change(node: LoneNode, ...steps: ChangeStep[]): string[] {
  return asked(node, steps);
}

function asked(node: LoneNode, steps: ChangeStep[] | 'abort'): string[] {
  const answers: string[] = [];
  const reply = (error: ConclaveError | null) => answers.push(error?.code ?? 'done');
  node.tell({ type: 'host.change', asked: { change: steps, reply } });
  return answers;
}

function transfer(node: LoneNode, to: number | null): string[] {
  const answers: string[] = [];
  const reply = (error: ConclaveError | null) => answers.push(error?.code ?? 'done');
  node.tell({ type: 'host.transfer', asked: { to, reply } });
  return answers;
}

const heard = {
  prevLogIndex: 0,
  prevLogTerm: 0,
  runs: [],
  leaderCommit: 0,
  round: 0,
  alive: [],
  incarnation: 0,
} as const;
const add = (id: number, learner = false): ChangeStep => ({ kind: 'add', id, address: '', learner });
const remove = (id: number): ChangeStep => ({ kind: 'remove', id });

/** A server that was added answers: it has all that the leader has. */
function level(node: LoneNode, id: number): void {
  const incarnation = node.actor.replica.configuration.member(id)?.incarnation ?? 0;
  node.acknowledge(id, { incarnation });
}

function membersOf(node: LoneNode) {
  const { voters, votersOutgoing, learners } = node.info.configuration;
  return { voters, outgoing: votersOutgoing, learners };
}

describe('A leader that is asked for a change of members', () => {
  it('waits for its no-op, and refuses a second one meanwhile (thesis §4.1, erratum of 2015)', () => {
    const node = new LoneNode();
    node.becomeLeader();
    const answers = change(node, remove(2));
    expect(change(node, remove(1))).deep.equal(['CHANGE_IN_PROGRESS']);
    expect(membersOf(node).voters).deep.equal([0, 1, 2]);
    node.acknowledge(1);
    expect([membersOf(node).voters, answers]).deep.equal([[0, 1], []]);
    node.acknowledge(1);
    expect(answers).deep.equal(['done']);
  });

  it('has it in force at once, counts by it, and answers when it is committed', () => {
    const node = serving();
    const answers = change(node, remove(2));
    expect(membersOf(node)).deep.equal({ voters: [0, 1], outgoing: [], learners: [] });
    node.acknowledge(2);
    expect(answers, 'who was removed does not count').deep.equal([]);
    node.acknowledge(1);
    expect(answers).deep.equal(['done']);
    const told = node.takeOf('notMember').map(({ to, message }) => [to, message.commitIndex]);
    expect(told, 'who was removed is told so').deep.equal([[2, 2]]);
  });

  it('lets who is to vote learn first, promotes it when it has caught up, and only then', () => {
    const node = serving();
    const answers = change(node, add(3));
    expect(membersOf(node)).deep.equal({ voters: [0, 1, 2], outgoing: [], learners: [3] });
    node.acknowledge(1);
    expect(membersOf(node).learners, 'it has answered nothing yet').deep.equal([3]);
    level(node, 3);
    expect(membersOf(node)).deep.equal({ voters: [0, 1, 2, 3], outgoing: [], learners: [] });
    node.acknowledge(1);
    expect(answers, 'two of four are no majority').deep.equal([]);
    level(node, 3);
    expect(answers).deep.equal(['done']);
  });

  it('begins another round when one took longer than an election timeout (thesis §4.2.1)', () => {
    const node = serving();
    change(node, add(3));
    node.acknowledge(1);
    node.pass(160);
    node.acknowledge(1);
    level(node, 3);
    expect(membersOf(node).learners).deep.equal([3]);
    level(node, 3);
    expect(membersOf(node).voters).deep.equal([0, 1, 2, 3]);
  });

  it('leaves who does not answer a learner, and its quorum as it was', () => {
    const node = serving();
    const answers = change(node, add(3));
    for (let passedMs = 0; passedMs < 30 * timeoutMsMax && answers.length === 0; passedMs += 50) {
      node.acknowledge(1);
      node.pass(50);
    }
    expect(answers).deep.equal(['NOT_CAUGHT_UP']);
    expect(membersOf(node)).deep.equal({ voters: [0, 1, 2], outgoing: [], learners: [3] });
    const removal = change(node, remove(3));
    node.acknowledge(1);
    expect([removal, membersOf(node).learners]).deep.equal([['done'], []]);
  });

  it('replaces a voter through a joint configuration, which takes both majorities (§6)', () => {
    const node = serving();
    const answers = change(node, remove(2), add(3));
    node.acknowledge(1);
    level(node, 3);
    expect(membersOf(node)).deep.equal({ voters: [0, 1, 3], outgoing: [0, 1, 2], learners: [] });
    level(node, 3);
    expect(membersOf(node).outgoing, 'no majority of the old ones').deep.equal([0, 1, 2]);
    node.acknowledge(2);
    expect(membersOf(node), 'C-new follows by itself').deep.equal({
      voters: [0, 1, 3],
      outgoing: [],
      learners: [],
    });
    expect(answers).deep.equal([]);
    level(node, 3);
    expect(answers).deep.equal(['done']);
  });

  it('gives up a joint configuration by command: the old voters decide alone again', () => {
    const node = serving({ voters: [0, 1, 2] });
    const answers = change(node, remove(1), remove(2), add(3), add(4));
    node.acknowledge(1);
    level(node, 3);
    level(node, 4);
    expect(membersOf(node)).deep.equal({ voters: [0, 3, 4], outgoing: [0, 1, 2], learners: [] });
    node.acknowledge(1);
    node.acknowledge(2);
    const abort = asked(node, 'abort');
    expect(membersOf(node)).deep.equal({ voters: [0, 1, 2], outgoing: [], learners: [3, 4] });
    expect([answers, abort]).deep.equal([[], []]);
    node.acknowledge(1);
    expect([answers, abort]).deep.equal([['CHANGE_ABORTED'], ['done']]);
    expect(asked(node, 'abort')).deep.equal(['CHANGE_REFUSED']);
  });

  it('gives up what is being prepared', () => {
    const node = serving();
    const answers = change(node, add(3));
    expect(asked(node, 'abort')).deep.equal(['done']);
    expect([answers, membersOf(node).learners]).deep.equal([['CHANGE_ABORTED'], [3]]);
  });

  it('says that something is so already once it has shown that it leads: it may be deposed and not know', () => {
    const node = serving({ learners: [5] });
    const before = node.actor.replica.log.lastIndex;
    const voter = change(node, add(1));
    expect(voter).deep.equal([]);
    node.acknowledge(1);
    expect(voter).deep.equal(['done']);
    const learner = change(node, add(5, true));
    node.hear({ type: 'appendEntries', term: 9, from: 2, ...heard });
    expect(learner).deep.equal(['NOT_LEADER']);
    expect(node.actor.replica.log.lastIndex).equal(before);
    expect(membersOf(node)).deep.equal({ voters: [0, 1, 2], outgoing: [], learners: [5] });
  });

  it('refuses what cannot be', () => {
    const node = serving({ learners: [5] });
    expect(change(node, remove(9))).deep.equal(['NOT_A_MEMBER']);
    expect(change(node, add(1, true))).deep.equal(['CHANGE_REFUSED']);
    expect(change(node, remove(0), remove(1), remove(2))).deep.equal(['CHANGE_REFUSED']);
    expect(membersOf(node)).deep.equal({ voters: [0, 1, 2], outgoing: [], learners: [5] });
  });

  it('moves a member and sets its priority, each by an entry', () => {
    const node = serving();
    change(node, { kind: 'update', id: 2, address: 'there:7' });
    node.acknowledge(1);
    change(node, { kind: 'prioritize', id: 2, priority: 3 });
    expect(node.actor.replica.configuration.member(2)).deep.include({ address: 'there:7', priority: 3 });
    expect(node.actor.replica.configurations.latestIndex).equal(3);
  });

  it('answers with an unknown outcome when it is deposed, and refuses as one that does not lead', () => {
    const node = serving();
    const answers = change(node, remove(2));
    node.hearLeader(1, { term: 7, prevLogIndex: 0, prevLogTerm: 0 });
    expect(answers).deep.equal(['OUTCOME_UNKNOWN']);
    expect(change(node, remove(2))).deep.equal(['NOT_LEADER']);
    node.tell({ type: 'host.stop' });
    expect(change(node, remove(2))).deep.equal(['NOT_LEADER']);
    node.actor.end();
    expect(change(node, remove(2))).deep.equal(['NODE_DEAD']);
  });

  it('answers with an unknown outcome when it is deposed who asked to give up a change, too', () => {
    const node = serving({ voters: [0, 1, 2] });
    const answers = change(node, remove(1), remove(2), add(3), add(4));
    node.acknowledge(1);
    level(node, 3);
    level(node, 4);
    const abort = asked(node, 'abort');
    node.hearLeader(1, { term: 7, prevLogIndex: 0, prevLogTerm: 0 });
    expect([answers, abort]).deep.equal([['OUTCOME_UNKNOWN'], ['OUTCOME_UNKNOWN']]);
  });

  it('steps down when it has removed itself, is not counted meanwhile, and hands over', () => {
    const node = serving();
    const answers = change(node, remove(0));
    node.take();
    node.acknowledge(1);
    expect([node.role, answers], 'one of the two that are left').deep.equal(['leader', []]);
    node.acknowledge(2);
    expect([node.role, answers]).deep.equal(['removed', ['done']]);
    expect(node.takeOf('timeoutNow').length).equal(1);
    node.pass(20 * timeoutMsMax);
    expect([node.role, node.takeOf('preVote'), node.takeOf('requestVote')]).deep.equal(['removed', [], []]);
  });

  it('does not take what a server said before it was removed for what one of that id says later', () => {
    const node = serving({ learners: [3] });
    node.propose('a', 'b', 'c');
    const former = { index: node.actor.replica.log.lastIndex, incarnation: 0 };
    node.acknowledge(1);
    change(node, remove(3));
    node.acknowledge(1);
    change(node, add(3, true));
    node.acknowledge(1);
    const { incarnation } = node.actor.replica.configuration.member(3)!;
    expect(incarnation).equal(node.actor.replica.configurations.latestIndex);
    node.acknowledge(3, former);
    expect(node.actor.replica.progress.get(3)?.matchIndex).equal(0);
    node.acknowledge(3, { incarnation });
    expect(node.actor.replica.progress.get(3)?.matchIndex).equal(node.actor.replica.log.lastIndex);
  });
});

describe('A node that was removed', () => {
  it('believes who knows of a later configuration, stands no more, and goes on when a leader supplies it', () => {
    const node = new LoneNode({ term: 3 });
    node.hear({ type: 'notMember', term: 3, from: 1, commitIndex: 9, commitTerm: 2 });
    expect(node.role).equal('removed');
    node.pass(20 * timeoutMsMax);
    expect(node.take()).deep.equal([]);
    node.hearLeader(1, { term: 3, prevLogIndex: 0, prevLogTerm: 0 });
    expect(node.role).equal('follower');
  });

  it('takes a snapshot as well, for what it lacks may be given up: by what its log says, and by what it was told', () => {
    const snapshot = {
      type: 'installSnapshot',
      term: 3,
      from: 1,
      lastIncludedIndex: 8,
      lastIncludedTerm: 3,
      configuration: Configuration.of([0, 1, 2]).data,
      configurationIndex: 7,
      position: 0,
      chunk: new Uint8Array(5),
      done: false,
      incarnation: 0,
    } as const;
    const told = new LoneNode({ term: 3 });
    told.hear({ type: 'notMember', term: 3, from: 1, commitIndex: 9, commitTerm: 2 });
    const logged = new LoneNode({ term: 3 });
    const left = configurationRun(1, 3, Configuration.of([1, 2]));
    logged.hear({ type: 'appendEntries', ...heard, term: 3, from: 1, runs: [left], leaderCommit: 1 });
    logged.hear({ type: 'appendEntries', ...heard, term: 3, from: 1, prevLogIndex: 1, prevLogTerm: 3 });
    for (const node of [told, logged]) {
      expect(node.role).equal('removed');
      node.take();
      node.hear(snapshot);
      const positions = node.takeOf('installSnapshotResponse').map(({ message }) => message.position);
      expect(positions).deep.equal([5]);
    }
    expect(told.role).equal('follower');
  });

  it('does not believe it while it hears a leader, nor who knows less', () => {
    const node = serving();
    node.hear({ type: 'notMember', term: node.term, from: 1, commitIndex: 9, commitTerm: 1 });
    expect(node.role).equal('leader');
    change(node, remove(2));
    node.hearLeader(1, { term: 7, prevLogIndex: 2, prevLogTerm: 1 });
    node.pass(2 * timeoutMsMax);
    node.hear({ type: 'notMember', term: node.term, from: 1, commitIndex: 1, commitTerm: 1 });
    expect(node.role).not.equal('removed');
  });

  it('believes what a later term has committed, however far its own log goes with what nobody committed', () => {
    const node = serving();
    const own = node.term;
    change(node, remove(2));
    change(node, add(3, true));
    const { latestIndex } = node.actor.replica.configurations;
    node.pass(4 * timeoutMsMax);
    expect(node.role, 'nobody answers it').not.equal('leader');
    node.hear({
      type: 'notMember',
      term: own + 2,
      from: 1,
      commitIndex: latestIndex + 9,
      commitTerm: own - 1,
    });
    expect(node.role, 'of an earlier term than what it has').not.equal('removed');
    node.hear({ type: 'notMember', term: own + 2, from: 1, commitIndex: latestIndex, commitTerm: own + 1 });
    expect(node.role).equal('removed');
    node.take();
    node.pass(20 * timeoutMsMax);
    expect(node.take()).deep.equal([]);
  });

  it('is told so by whoever it asks for a vote', () => {
    const node = serving();
    change(node, remove(2));
    node.acknowledge(1);
    node.take();
    node.hear({ type: 'preVote', term: 9, from: 2, lastLogIndex: 1, lastLogTerm: 1 });
    expect(node.takeOf('notMember').map(({ to }) => to)).deep.equal([2]);
  });
});

describe('A leader that is to hand over', () => {
  it('brings the other up to date first, refuses commands meanwhile, and is done when it is deposed (thesis §3.10)', () => {
    const node = serving();
    node.propose('a');
    const answers = transfer(node, 2);
    expect(node.takeOf('timeoutNow'), 'it lacks the entry').deep.equal([]);
    expect(node.propose('b')).deep.equal(['0+1 NOT_LEADER']);
    node.acknowledge(2);
    expect(node.takeOf('timeoutNow').map(({ to }) => to)).deep.equal([2]);
    node.hear({
      type: 'requestVote',
      term: node.term + 1,
      from: 2,
      lastLogIndex: 2,
      lastLogTerm: 1,
      isTransfer: true,
    });
    expect([node.role, answers]).deep.equal(['follower', ['done']]);
  });

  it('keeps one change for when it leads on, refuses a second, and answers both', () => {
    const node = serving();
    transfer(node, 2);
    const answers = change(node, remove(1));
    expect(change(node, remove(2))).deep.equal(['CHANGE_IN_PROGRESS']);
    for (const ms of [100, 100, 110]) {
      node.pass(ms);
      for (const id of [1, 2]) node.acknowledge(id);
    }
    node.acknowledge(2);
    expect([membersOf(node).voters, answers]).deep.equal([[0, 2], ['done']]);
  });

  it('answers a change that it kept as one that does not lead, when it is deposed', () => {
    const node = serving();
    transfer(node, 2);
    const answers = change(node, remove(1));
    node.hear({ type: 'appendEntries', ...heard, term: node.term + 1, from: 2 });
    expect([node.role, answers]).deep.equal(['follower', ['NOT_LEADER']]);
  });

  it('leads on after an election timeout, and takes commands again', () => {
    const node = serving();
    const answers = transfer(node, 2);
    node.pass(100);
    node.acknowledge(1);
    node.pass(210);
    expect([node.role, answers]).deep.equal(['leader', ['TRANSFER_FAILED']]);
    expect(node.propose('b')).deep.equal([]);
    expect(node.info.state).equal('alive.leader.authority.serving');
    expect(transfer(node, 1), 'another transfer').deep.equal([]);
  });

  it('leads on when the other may not stand', () => {
    const node = serving();
    const answers = transfer(node, 2);
    node.acknowledge(2);
    node.hear({ type: 'transferDeclined', term: node.term, from: 2 });
    expect([node.role, answers]).deep.equal(['leader', ['TRANSFER_FAILED']]);
  });

  it('refuses one that does not vote, a second one, and hands over to the best when none is named', () => {
    const node = serving({ learners: [3] });
    expect(transfer(node, 3)).deep.equal(['TRANSFER_FAILED']);
    expect(transfer(node, 0)).deep.equal(['done']);
    transfer(node, null);
    expect(transfer(node, 2)).deep.equal(['TRANSFER_FAILED']);
    node.take();
    node.pass(50);
    expect(node.takeOf('timeoutNow').map(({ to }) => to)).deep.equal([1]);
  });

  it('hands over by itself to a voter that is preferred, and lets it alone for a while when that fails', () => {
    const node = serving();
    change(node, { kind: 'prioritize', id: 2, priority: 1 });
    node.acknowledge(1);
    node.acknowledge(2);
    expect(node.takeOf('timeoutNow').map(({ to }) => to)).deep.equal([2]);
    node.hear({ type: 'transferDeclined', term: node.term, from: 2 });
    node.acknowledge(2);
    expect([node.info.state, node.takeOf('timeoutNow')]).deep.equal(['alive.leader.authority.serving', []]);
  });

  it('lets it alone no longer when it leads anew', () => {
    const node = serving();
    change(node, { kind: 'prioritize', id: 2, priority: 1 });
    node.acknowledge(1);
    node.acknowledge(2);
    node.hear({ type: 'transferDeclined', term: node.term, from: 2 });
    node.hearLeader(1, { term: 7, prevLogIndex: 0, prevLogTerm: 0 });
    node.becomeLeader();
    node.take();
    node.acknowledge(1);
    node.acknowledge(2);
    expect(node.takeOf('timeoutNow').map(({ to }) => to)).deep.equal([2]);
  });
});

describe('A follower whose leader hands over', () => {
  it('stands at once, without asking first, and says that the leader wants it', () => {
    const node = new LoneNode({ term: 4 });
    node.hearLeader(1);
    node.take();
    node.hear({ type: 'timeoutNow', term: 4, from: 1 });
    expect(node.role).equal('candidate');
    expect(node.takeOf('requestVote').map(({ message }) => [message.term, message.isTransfer])).deep.equal([
      [5, true],
      [5, true],
    ]);
  });

  it('stands in its own name again when it stands once more', () => {
    const node = new LoneNode({ term: 4, preVote: false });
    node.hearLeader(1);
    node.hear({ type: 'timeoutNow', term: 4, from: 1 });
    node.hearLeader(2, { term: 6 });
    node.take();
    node.passUntil(() => node.role === 'candidate');
    expect(node.takeOf('requestVote').map(({ message }) => [message.term, message.isTransfer])).deep.equal([
      [7, false],
      [7, false],
    ]);
  });

  it('declines when it may not stand, or hears it from another', () => {
    const node = new LoneNode({ term: 4, candidacy: false });
    node.hearLeader(1);
    node.take();
    node.hear({ type: 'timeoutNow', term: 4, from: 1 });
    expect([node.role, node.takeOf('transferDeclined').map(({ to }) => to)]).deep.equal(['follower', [1]]);
  });

  it('is voted for by those who hear that leader still', () => {
    const node = new LoneNode({ term: 4 });
    node.hearLeader(1);
    const request = { type: 'requestVote', term: 5, from: 2, lastLogIndex: 0, lastLogTerm: 0 } as const;
    node.hear({ ...request, isTransfer: false });
    expect(node.term).equal(4);
    node.hear({ ...request, isTransfer: true });
    expect(node.info).include({ term: 5, votedFor: 2 });
  });
});

describe('A node that starts', () => {
  it('goes by the latest configuration in its log, committed or not', () => {
    const seals = new RunSeals(createCipher({ kind: 'none' }, new Random(1)));
    const run = configurationRun(1, 1, Configuration.of([0]));
    const node = new LoneNode({ term: 1, recovered: [seals.sealed(run)] });
    expect(membersOf(node).voters).deep.equal([0]);
    node.passUntil(() => node.role === 'leader');
    expect(node.info.commitIndex).equal(2);
  });
});

describe('A node that joins', () => {
  it('is a learner until a leader names it, whatever the cluster was made with', () => {
    const node = new LoneNode({ id: 2, voters: [0, 1, 2], joins: true });
    node.pass(20 * timeoutMsMax);
    expect([node.role, node.takeOf('preVote')]).deep.equal(['learner', []]);
  });

  it('keeps no promise of the one who bore its id before: it has lost what that one knew', () => {
    const node = new LoneNode({ id: 2, voters: [0, 1, 2], joins: true, joinsAfter: 40 });
    const append = { type: 'appendEntries', term: 5, from: 0, prevLogIndex: 0, prevLogTerm: 0 } as const;
    const rest = { leaderCommit: 0, round: 0, alive: [0] };
    node.take();
    node.hear({ type: 'requestVote', term: 5, from: 1, lastLogIndex: 9, lastLogTerm: 4, isTransfer: true });
    node.hear({ type: 'preVote', term: 5, from: 1, lastLogIndex: 9, lastLogTerm: 4 });
    // A leader that has not heard that it was removed: of the first members, or added for the first time.
    for (const incarnation of [0, 40]) node.hear({ ...append, ...rest, runs: [entry(1, 5)], incarnation });
    expect([node.term, node.info.lastLogIndex, node.take().length]).deep.equal([0, 0, 0]);
    node.hear({ ...append, ...rest, runs: [entry(1, 5)], incarnation: 41 });
    expect([node.term, node.info.lastLogIndex]).deep.equal([5, 1]);
    expect(node.takeOf('appendEntriesResponse').map(({ message }) => message.success)).deep.equal([true]);
    // Its log has come to where the other was a member: still it is not that one.
    const former = configurationRun(2, 5, Configuration.of([0, 1, 2]));
    node.hear({ ...append, ...rest, prevLogIndex: 1, prevLogTerm: 5, runs: [former], incarnation: 41 });
    node.hear({ type: 'requestVote', term: 6, from: 1, lastLogIndex: 2, lastLogTerm: 5, isTransfer: true });
    node.pass(20 * timeoutMsMax);
    expect([node.role, node.term, node.takeOf('requestVoteResponse')]).deep.equal(['learner', 5, []]);
    // And then to where it was added, and made a voter.
    const { data } = Configuration.of([0, 1, 2]);
    const voters = data.voters.map((each) => (each.id === 2 ? { ...each, incarnation: 41 } : each));
    const added = configurationRun(3, 5, new Configuration({ ...data, voters }));
    node.hear({ ...append, ...rest, prevLogIndex: 2, prevLogTerm: 5, runs: [added], incarnation: 41 });
    node.hear({ type: 'requestVote', term: 6, from: 1, lastLogIndex: 3, lastLogTerm: 5, isTransfer: true });
    expect(node.takeOf('requestVoteResponse').map(({ message }) => message.granted)).deep.equal([true]);
  });

  it('does not tell that it belongs to the cluster when its log has come to where another of its id did', () => {
    const node = new LoneNode({ id: 2, voters: [0, 1], joins: true, joinsAfter: 40 });
    const { data } = Configuration.of([0, 1, 2]);
    const hears = (prevLogIndex: number, incarnation: number) => {
      const voters = data.voters.map((each) => (each.id === 2 ? { ...each, incarnation } : each));
      const run = configurationRun(prevLogIndex + 1, 5, new Configuration({ ...data, voters }));
      const where = { term: 5, prevLogIndex, prevLogTerm: prevLogIndex === 0 ? 0 : 5 };
      node.hearLeader(0, { ...where, runs: [run], leaderCommit: prevLogIndex + 1, incarnation: 41 });
    };
    node.configurations.length = 0;
    hears(0, 0);
    hears(1, 9);
    expect(node.configurations).deep.equal(['0,1,2', '0,1,2']);
    hears(2, 41);
    expect(node.configurations.slice(2)).deep.equal(['0,1,2, committed']);
  });
});
