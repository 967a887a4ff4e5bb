import { expect } from 'chai';
import { isVoter, peersOf } from '../../src/raft/configuration.js';
import { InvariantViolation, invariant } from '../../src/raft/invariant.js';
import { replicaOf } from './replicas.js';

describe('The configuration', () => {
  const configuration = { voters: [0, 1, 2], learners: [3] };

  it('tells voters from learners', () => {
    expect([0, 3, 9].map((id) => isVoter(configuration, id))).deep.equal([true, false, false]);
  });

  it('makes peers of all members but oneself', () => {
    expect(peersOf(configuration, 1)).deep.equal([0, 2, 3]);
    expect(peersOf(configuration, 3)).deep.equal([0, 1, 2]);
  });
});

describe('A server that starts', () => {
  it('keeps term, vote and log, and has committed and applied nothing yet (Figure 2)', () => {
    const replica = replicaOf({ term: 7, votedFor: 2, log: [3, 3] });
    expect(replica).include({ currentTerm: 7, votedFor: 2, commitIndex: 0, lastApplied: 0, leaderId: null });
    expect(replica.log.durableIndex).equal(2);
  });
});

describe('A broken invariant', () => {
  it('is an error with a code, which says what broke and what to do', () => {
    expect(() => invariant(false, () => 'Two and two are five.'))
      .throw(InvariantViolation, /^Two and two are five\. .*keep its disk/)
      .include({ code: 'INVARIANT_VIOLATED', name: 'InvariantViolation' });
    expect(() => invariant(true, () => 'never')).not.throw();
  });
});
