import { expect } from 'chai';
import fc from 'fast-check';
import { packBytes } from '../../src/ground/byte-strings.js';
import { Configuration } from '../../src/raft/configuration.js';
import type { Message } from '../../src/raft/messages.js';
import { type Nonsense, nonsenseIn } from '../../src/raft/nonsense.js';
import type { Replica } from '../../src/raft/replica.js';
import { becomeLeader } from '../../src/raft/replication.js';
import type { Run } from '../../src/raft/run.js';
import { anyMessage } from '../wire/arbitraries.js';
import {
  appendAnswer,
  appendFrom,
  configurationRun,
  entry,
  preVoteRequest,
  replicaOf,
  voteRequest,
} from './replicas.js';

/** Server 0 in term 4, which follows server 1 and holds entries 1 to 3 for committed. */
function follower(): Replica {
  const replica = replicaOf({ term: 4, log: [1, 1, 3, 3] });
  replica.commitIndex = 3;
  replica.leaderId = 1;
  return replica;
}

/** The same as the leader, which has begun two rounds. */
function leader(): Replica {
  const replica = follower();
  becomeLeader(replica, 0);
  replica.round = 2;
  return replica;
}

type Case = readonly [what: string, message: Message, nonsense: Nonsense | null];

function judged(of: () => Replica, cases: readonly Case[]): void {
  for (const [what, message, nonsense] of cases) expect(nonsenseIn(of(), message), what).equal(nonsense);
}

describe('What makes no sense', () => {
  it('is a term that no elections could have brought about', () => {
    judged(follower, [
      ['far', voteRequest(2, 4 + 2 ** 32, 3, 4), null],
      ['too far', voteRequest(2, 5 + 2 ** 32, 3, 4), 'termOutOfReach'],
      ['too far to ask about', preVoteRequest(2, 5 + 2 ** 32, 3, 4), 'termOutOfReach'],
    ]);
  });

  it('is who stands for a term in which its log ends already, or with a log that has no end', () => {
    judged(follower, [
      ['an empty log', voteRequest(2, 5, 0, 0), null],
      ['a log of the term before', preVoteRequest(2, 5, 4, 9), null],
      ['a log of its own term', voteRequest(2, 5, 5, 9), 'impossibleLog'],
      ['a log of a later term', preVoteRequest(2, 5, 6, 9), 'impossibleLog'],
      ['entries of no term', voteRequest(2, 5, 0, 9), 'impossibleLog'],
      ['a term without entries', voteRequest(2, 5, 3, 0), 'impossibleLog'],
    ]);
  });

  it('is a second leader of a term, whatever it says as one', () => {
    const fields = { term: 4, request: 1 };
    judged(follower, [
      ['entries', appendFrom(2, { term: 4 }), 'secondLeader'],
      ['the leader’s entries', appendFrom(1, { term: 4 }), null],
      ['of a newer term', appendFrom(2, { term: 5 }), null],
      [
        'an index to read at',
        { type: 'readIndexResponse', from: 2, granted: true, index: 1, ...fields },
        'secondLeader',
      ],
      ['none', { type: 'readIndexResponse', from: 2, granted: false, index: 0, ...fields }, null],
      ['a question', { type: 'verify', from: 2, commands: [], ...fields }, 'secondLeader'],
      ['a wish to be succeeded', { type: 'timeoutNow', term: 4, from: 2 }, 'secondLeader'],
      ['a vote', { type: 'requestVoteResponse', term: 4, from: 2, granted: true }, null],
    ]);
    judged(leader, [['to the first', appendFrom(2, { term: 4 }), 'secondLeader']]);
    const unled = () => Object.assign(follower(), { leaderId: null });
    judged(unled, [['to one who knows of none', appendFrom(2, { term: 4 }), null]]);
  });

  it('are entries whose terms fall, or are not their leader’s to send', () => {
    const append = (...terms: number[]) =>
      appendFrom(1, {
        term: 4,
        prevLogIndex: 4,
        prevLogTerm: 3,
        runs: terms.map((term, at) => entry(5 + at, term)),
      });
    judged(follower, [
      ['ascending', append(3, 4, 4), null],
      ['falling', append(4, 3), 'entriesOutOfOrder'],
      ['below what they follow', append(2), 'entriesOutOfOrder'],
      ['above the leader’s', append(3, 5), 'entriesOutOfOrder'],
      [
        'following such a one',
        appendFrom(1, { term: 4, prevLogIndex: 9, prevLogTerm: 5 }),
        'entriesOutOfOrder',
      ],
    ]);
  });

  it('are configurations that no cluster could have', () => {
    const body = packBytes([new Uint8Array([1, 2, 3])]);
    const sound = configurationRun(5, 4, Configuration.of([0, 1]));
    const append = (...runs: Run[]) => appendFrom(1, { term: 4, prevLogIndex: 4, prevLogTerm: 3, runs });
    judged(follower, [
      ['one', append(sound), null],
      ['none', append({ ...sound, body }), 'unreadableConfiguration'],
      [
        'two at once',
        append({ ...sound, count: 2, body: packBytes([body, body]) }),
        'unreadableConfiguration',
      ],
    ]);
  });

  it('is a leader, also a newer one, that lacks what is committed', () => {
    const append = (term: number, prevLogIndex: number, prevLogTerm: number, ...terms: number[]) =>
      appendFrom(1, {
        term,
        prevLogIndex,
        prevLogTerm,
        runs: terms.map((each, at) => entry(prevLogIndex + 1 + at, each)),
      });
    for (const term of [4, 7]) {
      judged(follower, [
        ['the same again', append(term, 0, 0, 1, 1, 3), null],
        ['another end', append(term, 3, 3, 4), null],
        ['another entry', append(term, 1, 1, 2, 3), 'conflictsWithCommitted'],
        ['after another entry', append(term, 3, 2, 3), 'conflictsWithCommitted'],
        ['after one that is not committed', append(term, 4, 2), null],
      ]);
    }
  });

  it('is an answer to what its leader has not sent', () => {
    judged(leader, [
      ['all of it', appendAnswer(1, { term: 4, index: 4, round: 2 }), null],
      ['more', appendAnswer(1, { term: 4, index: 5 }), 'matchBeyondLog'],
      ['a refusal of more', appendAnswer(1, { term: 4, index: 5, success: false }), null],
      ['a later round', appendAnswer(1, { term: 4, round: 3 }), 'roundNotBegun'],
      ['that of a newer term', appendAnswer(1, { term: 5, index: 9, round: 3 }), null],
    ]);
    judged(follower, [['to one who leads no more', appendAnswer(1, { term: 4, index: 9, round: 9 }), null]]);
  });

  it('changes nothing', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const replica = leader();
        nonsenseIn(replica, message);
        expect(replica).deep.equal(leader());
      }),
    );
  });
});
