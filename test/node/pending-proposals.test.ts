import { expect } from 'chai';
import { packBytes } from '../../src/ground/byte-strings.js';
import { PendingProposals } from '../../src/node/clients/pending-proposals.js';
import { replicaOf } from '../raft/replicas.js';
import { bytesOf } from './ledger.js';
import { lineOf } from './lone-node.js';

describe('Proposals that wait for their outcome', () => {
  it('learn from a snapshot in the log’s place what it rules out, and no more, and the others wait on', () => {
    const replica = replicaOf();
    const proposals = new PendingProposals(replica, 100);
    const answers: string[] = [];
    const add = (term: number, first: number, count: number, firstIndex: number) => {
      replica.currentTerm = term;
      const body = new Uint8Array(0);
      proposals.add({ first, count, body, reply: (reply) => answers.push(lineOf(reply)) }, firstIndex);
    };
    add(1, 0, 3, 2);
    add(3, 10, 2, 5);
    proposals.installed(3, 2);
    // Of the first two nobody knows; after an entry of term 2 none of term 1 can be committed.
    expect(answers.splice(0)).deep.equal(['0+2 OUTCOME_UNKNOWN', '2+1 NOT_LEADER']);
    expect(proposals.isAwaiting).equal(true);
    const results = packBytes(['d', 'e'].map(bytesOf));
    proposals.applied({ firstIndex: 5, count: 2, term: 3 }, results);
    expect(answers).deep.equal(['d e']);
    expect(proposals.isAwaiting).equal(false);
  });
});
