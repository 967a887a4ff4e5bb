import { expect } from 'chai';
import { LastWords } from '../../src/cluster/nodes/last-words.js';
import type { NodeInformation } from '../../src/node/information.js';
import { noMembers } from '../../src/node/information.js';
import type { Observation } from '../../src/node/watch/observation.js';

const known: NodeInformation = {
  id: 2,
  role: 'dead',
  state: 'crashed',
  term: 3,
  votedFor: null,
  leaderId: 1,
  candidacy: true,
  configuration: noMembers,
  lastLogIndex: 9,
  firstIndex: 1,
  lastIndex: 9,
  snapshotIndex: 0,
  snapshotTerm: 0,
  commitIndex: 8,
  height: 7,
  peers: [],
  digest: 'of height 7',
  recovery: null,
};

const told: Observation = {
  at: 5,
  isFirst: false,
  isCut: false,
  events: [],
  count: 5,
  state: {
    role: 'candidate',
    active: ['alive.candidate'],
    term: 4,
    votedFor: 2,
    leaderId: null,
    candidacy: true,
    log: { last: 9, runs: [[8, 3]] },
    commitIndex: 8,
    height: 7,
    votes: [[2, true]],
    timer: { timeoutMs: 200, elapsedMs: 5 },
    links: [],
  },
  commitLatency: null,
};

describe('the last words of a node', () => {
  it('are its latest bundle, dead', () => {
    const words = new LastWords();
    words.listen(true);
    words.hear(told);
    const remains = words.of(known);
    expect(remains).to.deep.equal({ ...told.state, role: 'dead' });
  });

  it('are what the supervisor knows if nobody watched: no active state, so no vote, and no entry’s term', () => {
    const words = new LastWords();
    const remains = words.of(known);
    expect(remains).to.deep.include({ role: 'dead', term: 3, leaderId: 1, commitIndex: 8, height: 7 });
    expect(remains?.active).to.deep.equal([]);
    expect(remains?.log).to.deep.equal({ last: 9, runs: [] });
  });

  it('are not those of an earlier watch or an earlier life', () => {
    const words = new LastWords();
    words.listen(true);
    words.hear(told);
    words.listen(false);
    // It was still under way when the node was told that nobody watches.
    words.hear(told);
    expect(words.of(known)?.term).to.equal(3);
    words.listen(true);
    words.hear(told);
    words.forget();
    expect(words.of(known)?.term).to.equal(3);
  });

  it('are none of a node that never said anything: a term of zero would be a guess', () => {
    expect(new LastWords().of({ ...known, term: 0 })).to.equal(null);
  });
});
