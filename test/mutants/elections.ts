import type { Mutant } from './mutant.js';

const elections = 'src/raft/elections.js';
const terms = 'src/raft/terms.js';
const replication = 'src/raft/replication.js';

/** Bugs in elections: who may vote for whom, and which votes count. */
export const electionMutants: readonly Mutant[] = [
  {
    name: 'no-log-check-on-votes',
    bug: 'Voters do not look at the candidate’s log, so a leader may lack committed entries.',
    source: '§5.4.1, Election restriction',
    catches: ['LeaderCompleteness'],
    patches: [
      {
        file: elections,
        find: 'const { lastTerm, lastIndex } = replica.log;\n',
        replace: 'return true;\nconst { lastTerm, lastIndex } = replica.log;\n',
      },
    ],
  },
  {
    name: 'log-check-by-index-before-term',
    bug: 'The longer log counts as more up-to-date, whatever its last term.',
    source: '§5.4.1, Election restriction; Figure 8',
    catches: ['LeaderCompleteness'],
    patches: [
      {
        file: elections,
        find: `if (request.lastLogTerm !== lastTerm)
        return request.lastLogTerm > lastTerm;
    return request.lastLogIndex >= lastIndex;`,
        replace: `if (request.lastLogIndex !== lastIndex)
        return request.lastLogIndex > lastIndex;
    return request.lastLogTerm >= lastTerm;`,
      },
    ],
  },
  {
    name: 'vote-cleared-on-same-term-step-down',
    bug: 'A candidate that yields to the leader of its own term forgets whom it voted for in it.',
    source: 'Figure 2, votedFor; hashicorp/raft and others have had it',
    catches: ['OneVoteATerm'],
    patches: [
      {
        file: replication,
        find: 'replica.leaderId = message.from;',
        replace: 'if (replica.leaderId === null) replica.votedFor = null;\nreplica.leaderId = message.from;',
      },
    ],
  },
  {
    name: 'self-vote-not-recorded',
    bug: 'A candidate counts its own vote and does not record it, so it can still vote for another in the same term.',
    source: '§5.2, Rules for Servers: Candidates',
    catches: ['VotesGranted', 'OneVoteATerm', 'ElectionSafety'],
    patches: [
      {
        file: elections,
        find: 'replica.votedFor = replica.id;\n    replica.votes = new Map();',
        replace: 'replica.votes = new Map([[replica.id, true]]);',
      },
    ],
  },
  {
    name: 'stale-vote-replies-counted',
    bug: 'A vote of an earlier term is counted in the election of this one.',
    source: '§5.1; raft.tla: HandleRequestVoteResponse, DropStaleResponse',
    catches: ['VotesGranted'],
    patches: [
      {
        file: terms,
        find: "if (message.type === 'preVoteResponse')\n",
        replace:
          "if (message.type === 'requestVoteResponse') return false;\nif (message.type === 'preVoteResponse')\n",
      },
    ],
  },
  {
    name: 'duplicate-votes-counted',
    bug: 'Votes are counted by message and not by voter, so a repeated message is a second vote.',
    source: '§5.2; raft.tla: votesGranted is a set',
    catches: ['LeaderHasQuorum'],
    patches: [
      {
        file: elections,
        find: 'replica.votes.set(response.from, response.granted);',
        replace: `{
        if (response.granted && replica.votes.get(response.from)) replica.repeated = (replica.repeated ?? 0) + 1;
        replica.votes.set(response.from, response.granted);
    }`,
      },
      {
        file: elections,
        find: 'hasWon({ configuration, votes }) {\n    return configuration.hasQuorum((voter) => votes.get(voter) === true);',
        replace: `hasWon({ configuration, votes, repeated = 0 }) {
    let extra = repeated;
    return configuration.hasQuorum((voter) => votes.get(voter) === true || extra-- > 0);`,
      },
      {
        file: elections,
        find: 'replica.votedFor = replica.id;',
        replace: 'replica.votedFor = replica.id;\nreplica.repeated = 0;',
      },
    ],
  },
  {
    name: 'pre-vote-grants-counted-as-votes',
    bug: 'A candidate counts answers to its pre-vote, which bind nobody, as votes.',
    source: 'thesis §9.6; etcd-io/raft: MsgPreVoteResp in StateCandidate',
    catches: ['VotesGranted'],
    patches: [
      {
        file: terms,
        find: 'return message.proposedTerm <= replica.currentTerm;',
        replace: 'return message.proposedTerm < replica.currentTerm;',
      },
      {
        file: 'machines/node.js',
        find: "'peer.requestVoteResponse': { actions: 'recordVote' },",
        replace:
          "'peer.requestVoteResponse': { actions: 'recordVote' },\n'peer.preVoteResponse': { actions: 'recordVote' },",
      },
    ],
  },
  {
    name: 'pre-vote-refusal-without-a-term',
    bug: 'Who refuses a pre-vote does not say its term, so a server that lags and is needed never catches up.',
    source: 'thesis §9.6; etcd-io/etcd#8501, #8517',
    tests: 'node/elections.test.js',
    catches: ['A node asked for a vote answers an older term with its own'],
    patches: [
      {
        file: elections,
        find: `type: 'preVoteResponse',
        term: replica.currentTerm,`,
        replace: `type: 'preVoteResponse',
        term: granted ? replica.currentTerm : 0,`,
      },
    ],
  },
];
