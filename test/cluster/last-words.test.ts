import { expect } from 'chai';
import { LastWords } from '../../src/cluster/nodes/last-words.js';
import type { NodeInformation } from '../../src/node/information.js';
import type { Observation } from '../../src/node/watch/observation.js';

const known: NodeInformation = {
  id: 2,
  role: 'dead',
  state: 'crashed',
  term: 3,
  votedFor: null,
  leaderId: 1,
  candidacy: true,
  lastLogIndex: 9,
  commitIndex: 8,
  height: 7,
  peers: [],
  digest: 'of height 7',
};
const { digest, ...information } = known;

const told: Observation = {
  events: 5,
  information: { ...information, role: 'candidate', state: 'alive.candidate', term: 4, votedFor: 2 },
  active: ['alive.candidate'],
  transitions: [],
  messages: [],
  log: { first: 8, terms: [3, 3], durableIndex: 9, truncated: [] },
  links: [],
  commitLatency: null,
};

describe('the last words of a node', () => {
  it('are its latest bundle, dead', () => {
    const words = new LastWords();
    words.listen(true);
    words.hear(told);
    const remains = words.of(known);
    expect(remains?.information).to.deep.equal({ ...told.information, role: 'dead', state: 'crashed' });
    expect(remains?.log.terms).to.deep.equal([3, 3]);
    expect(remains?.active).to.deep.equal(['alive.candidate']);
  });

  it('are what the supervisor knows if nobody watched: no active state, so no vote, and no entry’s term', () => {
    const words = new LastWords();
    const remains = words.of(known);
    expect(remains?.information).to.deep.equal(information);
    expect(remains?.active).to.deep.equal([]);
    expect(remains?.log).to.include({ first: 10 });
  });

  it('are not those of an earlier watch or an earlier life', () => {
    const words = new LastWords();
    words.listen(true);
    words.hear(told);
    words.listen(false);
    // It was still under way when the node was told that nobody watches.
    words.hear(told);
    expect(words.of(known)?.information.term).to.equal(3);
    words.listen(true);
    words.hear(told);
    words.forget();
    expect(words.of(known)?.information.term).to.equal(3);
  });

  it('are none of a node that never said anything: a term of zero would be a guess', () => {
    expect(new LastWords().of({ ...known, term: 0 })).to.equal(null);
  });
});
