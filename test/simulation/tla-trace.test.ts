import { expect } from 'chai';
import { Configuration } from '../../src/raft/configuration.js';
import type { Message } from '../../src/raft/messages.js';
import { defaultSimulation, type SimulationOptions } from '../../src/simulation/options.js';
import { simulate } from '../../src/simulation/simulation.js';
import { changeBetween } from '../../src/simulation/tla/changes.js';
import type { Line } from '../../src/simulation/tla/line.js';
import { isChanging } from '../../src/simulation/tla/server.js';
import { NotSpecified, Specification } from '../../src/simulation/tla/specification.js';
import { Telling, TraceEnd } from '../../src/simulation/tla/telling.js';
import { TlaTrace } from '../../src/simulation/tla/tla-trace.js';
import type { SeenStance } from '../../src/simulation/tla/watched-node.js';
import { simulationOf } from '../mutants/mutated.js';

/** A line in few words: who, what, how it stands, and the message. */
function shortened({ event }: Line): string {
  const { name, nid, state, role, log, msg } = event;
  const stance = `${state.term}/${state.vote}/${state.commit} ${role.slice('State'.length)} ${log}`;
  if (msg === undefined) return `${nid} ${name} ${stance}`;
  const { type, term, from, to, entries, logTerm, index, commit, reject } = msg;
  const refused = reject === true ? ' refused' : '';
  return `${nid} ${name} ${stance}: ${type} ${term} ${from}>${to} ${index}:${logTerm}+${entries} commit ${commit}${refused}`;
}

/** Three servers, of which the first leads term 1 with the votes of the first two. */
function elected(): Specification {
  const specification = new Specification([0, 1, 2]);
  specification.becomeCandidate(0);
  specification.voteForItself(0);
  const request = specification.requestVote(0, 1);
  specification.ready(0);
  specification.receiveVoteResponse(0, { type: 'MsgVoteResp', term: 1, from: 0, to: 0 });
  specification.receiveVoteRequest(1, request);
  specification.ready(1);
  specification.receiveVoteResponse(0, { type: 'MsgVoteResp', term: 1, from: 1, to: 0 });
  specification.becomeLeader(0);
  return specification;
}

function append(specification: Specification, to: number, prev: number, count: number, leaderCommit: number) {
  return specification.appendEntries(0, to, { kind: 'entries', prev, count, leaderCommit });
}

/** What is told after an election. */
function toldSince(specification: Specification, count: number): string[] {
  return specification.lines.slice(count).map(shortened);
}

describe("etcd's specification, as a trace follows it", () => {
  it('tells an election, under names that leave "0" to nobody', () => {
    expect(elected().lines.map(shortened)).to.deep.equal([
      '1 InitState 0/0/0 Follower 0',
      '2 InitState 0/0/0 Follower 0',
      '3 InitState 0/0/0 Follower 0',
      '1 BecomeCandidate 1/1/0 Candidate 0',
      '1 SendRequestVoteResponse 1/1/0 Candidate 0: MsgVoteResp 1 1>1 0:0+0 commit 0',
      '1 SendRequestVoteRequest 1/1/0 Candidate 0: MsgVote 1 1>2 0:0+0 commit 0',
      '1 Ready 1/1/0 Candidate 0',
      '1 ReceiveRequestVoteResponse 1/1/0 Candidate 0: MsgVoteResp 1 1>1 0:0+0 commit 0',
      '2 ReceiveRequestVoteRequest 0/0/0 Follower 0: MsgVote 1 1>2 0:0+0 commit 0',
      '2 Ready 1/1/0 Follower 0',
      '1 ReceiveRequestVoteResponse 1/1/0 Candidate 0: MsgVoteResp 1 2>1 0:0+0 commit 0',
      '1 BecomeLeader 1/1/0 Leader 0',
    ]);
  });

  it('writes a line as etcd does', () => {
    expect(JSON.stringify(elected().lines[5])).to.equal(
      '{"tag":"trace","event":{"name":"SendRequestVoteRequest","nid":"1","state":{"term":1,"vote":"1","commit":0},"role":"StateCandidate","log":0,"conf":[["1","2","3"],[]],"msg":{"type":"MsgVote","term":1,"from":"1","to":"2","entries":0,"logTerm":0,"index":0,"commit":0,"vote":"0","voteTerm":0,"reject":false,"rejectHint":0}}}',
    );
  });

  it('commits what a majority has, the leader itself once it has stored it', () => {
    const specification = elected();
    const { count } = specification;
    specification.replicate(0);
    const sent = append(specification, 1, 0, 1, 0);
    const own = specification.appendToItself(0);
    specification.ready(0);
    specification.receiveAppend(1, sent);
    specification.ready(1);
    specification.receiveAppendResponse(0, { type: 'MsgAppResp', term: 1, from: 1, to: 0, index: 1 });
    expect(specification.server(0).commit).to.equal(0);
    specification.receiveAppendResponse(0, own);
    specification.advanceCommitIndex(0);
    expect(toldSince(specification, count)).to.deep.equal([
      '1 Replicate 1/1/0 Leader 1',
      '1 SendAppendEntriesRequest 1/1/0 Leader 1: MsgApp 1 1>2 0:0+1 commit 0',
      '1 SendAppendEntriesResponse 1/1/0 Leader 1: MsgAppResp 1 1>1 1:0+0 commit 0',
      '1 Ready 1/1/0 Leader 1',
      '2 ReceiveAppendEntriesRequest 1/1/0 Follower 0: MsgApp 1 1>2 0:0+1 commit 0',
      '2 Ready 1/1/0 Follower 1',
      '1 ReceiveAppendEntriesResponse 1/1/0 Leader 1: MsgAppResp 1 2>1 1:0+0 commit 0',
      '1 ReceiveAppendEntriesResponse 1/1/0 Leader 1: MsgAppResp 1 1>1 1:0+0 commit 0',
      '1 Commit 1/1/1 Leader 1',
    ]);
  });

  it('tells what its receiver has committed from there on, and what is wholly before that as a heartbeat', () => {
    const specification = elected();
    for (let entry = 0; entry < 3; entry++) specification.replicate(0);
    const first = append(specification, 1, 0, 2, 0);
    specification.ready(0);
    specification.receiveAppend(1, first);
    specification.ready(1);
    specification.receiveAppendResponse(0, { type: 'MsgAppResp', term: 1, from: 1, to: 0, index: 2 });
    const own = specification.appendToItself(0);
    specification.ready(0);
    specification.receiveAppendResponse(0, own);
    specification.advanceCommitIndex(0);
    specification.receiveAppend(1, append(specification, 1, 2, 0, 2));
    const old = append(specification, 1, 0, 3, 2);
    specification.receiveAppend(1, old);
    specification.receiveAppend(1, first);
    expect(specification.lines.slice(-3).map(shortened)).to.deep.equal([
      '1 SendAppendEntriesRequest 1/1/2 Leader 3: MsgApp 1 1>2 2:1+1 commit 2',
      '2 ReceiveAppendEntriesRequest 1/1/2 Follower 2: MsgApp 1 1>2 2:1+1 commit 2',
      '2 ReceiveAppendEntriesRequest 1/1/2 Follower 3: MsgApp 1 1>2 2:1+0 commit 0',
    ]);
    // The copy was sent twice, as far as the specification knows.
    const sent = specification.lines
      .map(shortened)
      .filter((line) => line.startsWith('1 SendAppendEntriesRequest'));
    expect(sent.slice(0, 2)).to.deep.equal([
      '1 SendAppendEntriesRequest 1/1/0 Leader 3: MsgApp 1 1>2 0:0+2 commit 0',
      '1 SendAppendEntriesRequest 1/1/0 Leader 3: MsgApp 1 1>2 2:1+0 commit 0',
    ]);
  });

  it('changes the members one by one, each change in force where it is applied', () => {
    const specification = elected();
    specification.addServer(3);
    const { count } = specification;
    const commit = () => {
      const { length } = specification.server(0).log;
      const others = [1, 2].map((id) => ({ id, sent: append(specification, id, length - 1, 1, 0) }));
      const own = specification.appendToItself(0);
      specification.ready(0);
      specification.receiveAppendResponse(0, own);
      for (const { id, sent } of others) {
        specification.receiveAppend(id, sent);
        specification.ready(id);
        const answer = { type: 'MsgAppResp', term: 1, from: id, to: 0, index: length } as const;
        specification.receiveAppendResponse(0, answer);
      }
      specification.advanceCommitIndex(0);
    };
    specification.changeConf(0, 'AddLearner', 3);
    expect(isChanging(specification.server(0))).to.equal(true);
    expect(append(specification, 3, 0, 1, 0).isToMember).to.equal(false);
    commit();
    expect(isChanging(specification.server(0))).to.equal(false);
    const sent = append(specification, 3, 0, 1, 1);
    expect(sent.isToMember).to.equal(true);
    specification.ready(0);
    specification.receiveAppend(3, sent);
    specification.changeConf(0, 'AddNewServer', 3);
    commit();
    const told = toldSince(specification, count);
    const ofConfigurations = specification.lines
      .slice(count)
      .map(({ event }, at) => ({ ...event, text: told[at] }))
      .filter(({ name }) => name === 'ChangeConf' || name === 'ApplyConfChange')
      .map(({ text, conf, prop }) => `${text} ${conf[0]} ${JSON.stringify(prop?.cc)}`);
    expect(ofConfigurations).to.deep.equal([
      '1 ChangeConf 1/1/0 Leader 1 1,2,3 {"changes":[{"nid":"4","action":"AddLearner"}]}',
      '1 ApplyConfChange 1/1/1 Leader 1 1,2,3 {"newconf":["1","2","3"]}',
      '4 ApplyConfChange 1/0/1 Follower 1 1,2,3 {"newconf":["1","2","3"]}',
      '1 ChangeConf 1/1/1 Leader 2 1,2,3 {"changes":[{"nid":"4","action":"AddNewServer"}]}',
      '2 ApplyConfChange 1/1/1 Follower 2 1,2,3 {"newconf":["1","2","3"]}',
      '3 ApplyConfChange 1/0/1 Follower 2 1,2,3 {"newconf":["1","2","3"]}',
      '1 ApplyConfChange 1/1/2 Leader 2 1,2,3,4 {"newconf":["1","2","3","4"]}',
    ]);
    expect(specification.lines.map(shortened)[3]).to.equal('4 InitState 0/0/0 Follower 0');
  });

  it('knows the changes of members that take one step, and no others', () => {
    const of = (voters: number[], learners: number[] = []) => Configuration.of(voters, learners).data;
    const joint = { ...of([0, 1]), outgoing: of([0, 1, 2]).voters };
    expect(changeBetween(of([0, 1]), of([0, 1], [2]))).to.deep.equal(['AddLearner', 2]);
    expect(changeBetween(of([0, 1], [2]), of([0, 1, 2]))).to.deep.equal(['AddNewServer', 2]);
    expect(changeBetween(of([0, 1]), of([0, 1, 2]))).to.deep.equal(['AddNewServer', 2]);
    expect(changeBetween(of([0, 1, 2]), of([0, 2]))).to.deep.equal(['RemoveServer', 1]);
    expect(changeBetween(of([0, 1], [2]), of([0, 1]))).to.deep.equal(['RemoveServer', 2]);
    expect(changeBetween(of([0, 1], [2]), of([0, 1], [2]))).to.equal(null);
    expect(changeBetween(of([0, 1, 2]), of([0, 1], [2]))).to.equal('joint');
    expect(changeBetween(of([0, 1, 2]), of([0, 1, 3]))).to.equal('joint');
    expect(changeBetween(of([0, 1, 2]), joint)).to.equal('joint');
    expect(changeBetween(joint, of([0, 1]))).to.equal('joint');
  });

  it('tells a snapshot as the entries that its receiver lacks, and what arrives of it before as heartbeats', () => {
    const specification = elected();
    for (let entry = 0; entry < 3; entry++) specification.replicate(0);
    const brings = (kind: 'pulse' | 'snapshot') =>
      specification.appendEntries(0, 2, { kind, prev: 2, count: 0, leaderCommit: 2 });
    const [first, last] = [brings('pulse'), brings('snapshot')];
    specification.ready(0);
    specification.receiveAppend(2, first);
    specification.receiveAppend(2, last);
    expect(specification.lines.slice(-5).map(shortened)).to.deep.equal([
      '1 SendAppendEntriesRequest 1/1/0 Leader 3: MsgHeartbeat 1 1>3 0:0+0 commit 0',
      '1 SendAppendEntriesRequest 1/1/0 Leader 3: MsgApp 1 1>3 0:0+2 commit 0',
      '1 Ready 1/1/0 Leader 3',
      '3 ReceiveAppendEntriesRequest 0/0/0 Follower 0: MsgHeartbeat 1 1>3 0:0+0 commit 0',
      '3 ReceiveAppendEntriesRequest 1/0/0 Follower 0: MsgApp 1 1>3 0:0+2 commit 0',
    ]);
    expect(specification.server(2).log).to.have.lengthOf(2);
  });

  it('has a server that restarts come back with its commit index and without what it had not persisted', () => {
    const specification = elected();
    specification.ready(0);
    specification.replicate(0);
    const { count } = specification;
    specification.restart(0, 0);
    expect(toldSince(specification, count)).to.deep.equal(['1 InitState 1/1/0 Follower 0']);
  });

  it('writes a step down that it does not have before it complains', () => {
    const specification = new Specification([0, 1, 2]);
    expect(() => specification.becomeLeader(0)).to.throw(NotSpecified, /votes of 0 of 3/);
    expect(toldSince(specification, 3)).to.deep.equal(['1 BecomeLeader 0/0/0 Leader 0']);
  });
});

describe('A trace for TLC', () => {
  const quiet: SimulationOptions = { ...defaultSimulation, nodes: 3, virtualMs: 2000, faults: [] };
  const faulty: SimulationOptions = { ...defaultSimulation, nodes: 3, virtualMs: 1500 };
  const asleep: SeenStance = {
    term: 0,
    vote: null,
    role: 'StateFollower',
    lastIndex: 0,
    lastTerm: 0,
    commit: 0,
    durableIndex: 0,
    countsItself: false,
  };

  function traced(options: SimulationOptions, run = simulate) {
    const trace = new TlaTrace(options);
    const { hash } = run(options, null, trace);
    return { hash, ...trace.finish() };
  }

  it('is written of a run that goes as it would unseen', () => {
    for (const options of [quiet, faulty, { ...faulty, cipher: { kind: 'pseudo' } as const }]) {
      const seen = { ...options, seed: 3 };
      const { hash, lines } = traced(seen);
      expect(lines.length).to.be.greaterThan(10);
      expect(hash).to.equal(simulate(seen).hash);
    }
  });

  it('tells all of a quiet run: an election, and every entry until it is committed everywhere', () => {
    let run = traced({ ...quiet, seed: 1 });
    for (let seed = 2; seed < 20 && run.end !== null; seed++) run = traced({ ...quiet, seed });
    const { lines, end } = run;
    const names = lines.map(({ event }) => event.name);
    expect(end).to.equal(null);
    expect(names.slice(0, 3)).to.deep.equal(['InitState', 'InitState', 'InitState']);
    expect(names).to.include('BecomeLeader');
    expect(new Set(lines.map(({ event }) => event.nid))).to.deep.equal(new Set(['1', '2', '3']));
    const replicated = names.filter((name) => name === 'Replicate').length;
    const commits = lines
      .filter(({ event }) => event.name === 'Commit')
      .map(({ event }) => event.state.commit);
    expect(replicated).to.be.greaterThan(1);
    expect(Math.max(...commits)).to.be.within(replicated - 2, replicated);
  });

  // An honest node must never look as if it had left the specification, whatever befalls it.
  for (let seed = 1; seed <= 10; seed++) {
    it(`never says of a node that keeps the rules that TLC will refuse what it does, seed ${seed}`, () => {
      const { lines, end } = traced({ ...faulty, seed, nodes: seed % 3 === 0 ? 5 : 3 });
      expect(end?.reason ?? '').not.to.include('TLC');
      expect(lines.length).to.be.at.least(3);
    });
  }

  for (const mutant of ['minority-decides', 'quorum-over-an-unsorted-list']) {
    it(`tells of nodes with a bug what they do, and that it will be refused: ${mutant}`, async function () {
      this.timeout(60_000);
      const run = await simulationOf(mutant);
      const seeds = Array.from({ length: 20 }, (_, at) => at + 1);
      const isRefused = seeds.some((seed) => {
        const { end } = traced({ ...faulty, seed }, run);
        return end?.reason.endsWith('TLC will refuse that') ?? false;
      });
      expect(isRefused).to.equal(true);
    });
  }

  it('ends where a node learns of a term by what the specification does not know', () => {
    const telling = new Telling(Configuration.of([0, 1, 2]).data);
    const message: Message = { type: 'preVoteResponse', term: 3, from: 1, granted: false, proposedTerm: 1 };
    const after = { ...asleep, term: 3 };
    const hear = () =>
      telling.did({
        id: 0,
        type: 'peer.newerTerm',
        message,
        before: asleep,
        after,
        configurations: new Map(),
        covering: 1,
      });
    expect(hear).to.throw(TraceEnd, 'node 0 learns of term 3 by a preVoteResponse');
    expect(telling.count).to.equal(3);
  });

  it('says where a node stands otherwise than the specification, in a line that TLC refuses', () => {
    const telling = new Telling(Configuration.of([0, 1, 2]).data);
    const after = { ...asleep, vote: 2 };
    const stray = () =>
      telling.did({
        id: 0,
        type: 'disk.durable',
        message: null,
        before: asleep,
        after,
        configurations: new Map(),
        covering: 1,
      });
    expect(stray).to.throw(TraceEnd, 'node 0 has vote 2 where the specification has null; TLC will refuse');
    expect(telling.lines.slice(3).map(shortened)).to.deep.equal([
      '1 Ready 0/0/0 Follower 0',
      '1 BecomeFollower 0/3/0 Follower 0',
    ]);
  });

  it('ends where a leader has lost what it had sent before it was on its disk', () => {
    const telling = new Telling(Configuration.of([0]).data);
    const stances = {
      candidate: { term: 1, vote: 0, role: 'StateCandidate' },
      leader: { role: 'StateLeader' },
    } as const;
    const candidate = { ...asleep, ...stances.candidate };
    const leader = { ...candidate, ...stances.leader, countsItself: true, lastIndex: 1, lastTerm: 1 };
    const deed = { id: 0, message: null, configurations: new Map(), covering: 1 };
    telling.did({ ...deed, type: 'timer', before: asleep, after: candidate });
    telling.did({ ...deed, type: 'disk.durable', before: candidate, after: leader });
    telling.handsToDisk(0, 1);
    telling.endsTurn(0);
    const lost = { ...candidate, role: 'StateFollower' } as const;
    expect(() => telling.restarts(0, lost, 0)).to.throw(TraceEnd, 'node 0 has lost entries 1 to 1');
  });

  it('tells the commit of who removes one of four once three have answered, and ends if it is told before', () => {
    const follower = { ...asleep, term: 1, vote: 0, lastIndex: 0 };
    const candidate = { ...follower, role: 'StateCandidate', countsItself: true } as const;
    const leader = { ...candidate, role: 'StateLeader', lastIndex: 1, lastTerm: 1 } as const;
    const log = { lastIndex: 2, lastTerm: 1 };
    const removed = new Map([[2, Configuration.of([0, 1, 2]).data]]);
    const none = new Map();
    const telling = new Telling(Configuration.of([0, 1, 2, 3]).data);
    const does = (id: number, type: string, message: Message | null, before: SeenStance, after: SeenStance) =>
      telling.did({
        id,
        type,
        message,
        before,
        after,
        configurations: id === 0 && after.lastIndex === 2 ? removed : none,
        covering: 1,
      });
    const said = { term: 1, from: 0, incarnation: 0, isTransfer: false };
    const vote = { ...said, type: 'requestVote', lastLogIndex: 0, lastLogTerm: 0 } as const;
    does(0, 'timer', null, asleep, { ...candidate, countsItself: false });
    does(0, 'disk.durable', null, candidate, candidate);
    for (const id of [1, 2]) telling.asksForVote(0, id, vote);
    telling.endsTurn(0);
    for (const id of [1, 2]) {
      does(id, 'peer.newerTerm', vote, asleep, follower);
      telling.endsTurn(id);
      const answer = { ...said, type: 'requestVoteResponse', from: id, granted: true } as const;
      does(0, 'peer.requestVoteResponse', answer, candidate, id === 1 ? candidate : leader);
    }
    does(0, 'host.change', null, leader, { ...leader, ...log });
    telling.handsToDisk(0, 2);
    const append = {
      ...said,
      type: 'appendEntries',
      prevLogIndex: 0,
      prevLogTerm: 0,
      leaderCommit: 0,
      round: 0,
      alive: [],
    } as const;
    for (const id of [1, 2]) telling.sendsAppend(0, id, { ...append, count: 2 });
    telling.endsTurn(0);
    const durable = { ...leader, ...log, durableIndex: 2 };
    does(0, 'disk.durable', null, { ...leader, ...log }, durable);
    const runs = [
      { firstIndex: 1, count: 2, term: 1, kind: 'noop', leaderId: 0, body: new Uint8Array(8) },
    ] as const;
    const hears = (id: number, commit: number) => {
      does(id, 'peer.appendEntries', { ...append, runs }, follower, { ...follower, ...log });
      telling.endsTurn(id);
      const answer = {
        ...said,
        type: 'appendEntriesResponse',
        from: id,
        success: true,
        round: 0,
        index: 2,
        conflictTerm: 0,
        conflictIndex: 0,
      } as const;
      does(0, 'peer.appendEntriesResponse', answer, durable, { ...durable, commit });
    };
    hears(1, 2);
    expect(telling.lines.map(({ event }) => event.name)).not.to.include('Commit');
    const news = { ...append, prevLogIndex: 2, prevLogTerm: 1, leaderCommit: 2, count: 0 };
    expect(() => telling.sendsAppend(0, 1, news)).to.throw(TraceEnd, 'node 0 says that entry 2 is committed');
    hears(2, 2);
    expect(telling.lines.slice(-2).map(shortened)).to.deep.equal([
      '1 Commit 1/1/2 Leader 2',
      '1 ApplyConfChange 1/1/2 Leader 2',
    ]);
    telling.sendsAppend(0, 1, news);
  });
});
