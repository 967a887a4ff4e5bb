import type { Mutant } from './mutant.js';

/** Known ways of getting changes of members and transfers of leadership wrong, caught by what one node does. */
export const membershipMutants: readonly Mutant[] = [
  {
    name: 'change-before-the-noop',
    bug: 'A leader changes the configuration before an entry of its own term is committed.',
    source: 'Ongaro, raft-dev 2015: the bug in single-server changes (erratum to thesis §4.1)',
    tests: 'node/membership.test.js',
    catches: [
      'A leader that is asked for a change of members waits for its no-op, and refuses a second one meanwhile (thesis §4.1, erratum of 2015)',
    ],
    patches: [
      {
        file: 'machines/node.js',
        find: "always: { guard: 'noopIsCommitted', target: 'steady' }",
        replace: "always: { target: 'steady' }",
      },
    ],
  },
  {
    name: 'what-is-so-already-answered-by-who-was-deposed',
    bug: 'A leader that was deposed and does not know says that a change is done, for in its configuration it is so.',
    source: 'found by simulation; as a read, thesis §6.4',
    tests: 'node/membership.test.js',
    catches: [
      'A leader that is asked for a change of members says that something is so already once it has shown that it leads: it may be deposed and not know',
    ],
    patches: [
      {
        file: 'src/node/leadership/leadership-actions.js',
        find: "reads.rounds.add(replica, { kind: 'own', confirmed, refused });",
        replace: 'confirmed();',
      },
    ],
  },
  {
    name: 'configuration-in-force-when-applied',
    bug: 'A configuration is not in force from the moment that it is appended.',
    source: '§6; thesis §4.1',
    tests: 'node/membership.test.js',
    catches: [
      'A leader that is asked for a change of members has it in force at once, counts by it, and answers when it is committed',
    ],
    patches: [
      {
        file: 'src/raft/replication.js',
        find: 'if (replica.configurations.follow(runs))',
        replace: 'if (false)',
      },
    ],
  },
  {
    name: 'uncommitted-configuration-ignored-at-start',
    bug: 'A server that starts goes by what it was started with, not by the latest configuration of its log.',
    source: '§6: "uses the latest configuration in its log"',
    tests: 'node/membership.test.js',
    catches: ['A node that starts goes by the latest configuration in its log, committed or not'],
    patches: [
      {
        file: 'src/node/parts.js',
        find: 'configurations.follow(runs.filter(',
        replace: 'void (runs.filter(',
      },
    ],
  },
  {
    name: 'configuration-not-rolled-back',
    bug: 'What is cut off the log leaves its configuration in force.',
    source: 'thesis §4.1: "must fall back to the previous configuration"',
    tests: 'raft/configuration.test.js',
    catches: [
      'A server’s configuration is in force at a follower from the moment that it is stored, and goes with the entry that is cut off',
    ],
    patches: [
      {
        file: 'src/raft/replication.js',
        find: 'replica.configurations.truncateFrom(first.firstIndex);',
        replace: ';',
      },
    ],
  },
  {
    name: 'learner-refuses-to-vote',
    bug: 'A learner that has been made a voter, and has not heard of it, refuses its vote.',
    source: 'thesis §4.2.2; etcd-io/raft: TestLearnerCanVote',
    tests: 'node/elections.test.js',
    catches: [
      'A node asked for a vote votes as a learner, too: who asks counts it among the voters, and it may not have heard of it yet',
    ],
    patches: [
      {
        file: 'src/node/chart.js',
        find: 'canGrantVote: ({ replica }, { message }) => canGrantVote(replica, message)',
        replace:
          'canGrantVote: ({ replica }, { message }) => replica.configuration.isVoter(replica.id) && canGrantVote(replica, message)',
      },
    ],
  },
  {
    name: 'learner-promoted-too-soon',
    bug: 'A new server votes before it has caught up.',
    source: 'thesis §4.2.1',
    tests: 'node/membership.test.js',
    catches: [
      'A leader that is asked for a change of members lets who is to vote learn first, promotes it when it has caught up, and only then',
    ],
    patches: [
      {
        file: 'src/node/leadership/membership-changes.js',
        find: 'catchUps.every(({ isDone }) => isDone)',
        replace: 'true',
      },
    ],
  },
  {
    name: 'transfer-flag-never-cleared',
    bug: 'A leader whose transfer failed takes no transfer, and no command, any more.',
    source: 'etcd-io/raft: TestLeaderTransferTimeout',
    tests: 'node/membership.test.js',
    catches: ['A leader that is to hand over leads on after an election timeout, and takes commands again'],
    patches: [
      {
        file: 'src/node/leadership/transfers.js',
        find: 'this.#backOffUntilMs = nowMs + this.#backOffMs;\n        const underWay = this.#underWay;\n        this.#underWay = null;',
        replace: 'this.#backOffUntilMs = nowMs + this.#backOffMs;\n        const underWay = this.#underWay;',
      },
    ],
  },
  {
    name: 'transfer-to-one-that-lags',
    bug: 'A leader hands over to a server that lacks entries.',
    source: 'thesis §3.10: "brings it up to date"',
    tests: 'node/membership.test.js',
    catches: [
      'A leader that is to hand over brings the other up to date first, refuses commands meanwhile, and is done when it is deposed (thesis §3.10)',
    ],
    patches: [
      {
        file: 'src/node/leadership/transfers.js',
        find: '?.matchIndex === log.lastIndex',
        replace: '?.matchIndex !== undefined',
      },
    ],
  },
  {
    name: 'answer-of-a-removed-server-counted',
    bug: 'What a server acknowledged before it was removed is counted for one of its id that was added in the same term.',
    source: 'openraft: ReplicationSessionId',
    tests: 'node/membership.test.js',
    catches: [
      'A leader that is asked for a change of members does not take what a server said before it was removed for what one of that id says later',
    ],
    patches: [
      {
        file: 'src/node/peers/peer-links.js',
        find: 'link?.progress.incarnation === incarnation ? link : undefined',
        replace: 'link',
      },
    ],
  },
  {
    name: 'former-bearer-heard',
    bug: 'A server that joins with an empty disk votes, and acknowledges entries, as who bore its id before.',
    source: 'found by reasoning when machines were wiped in simulated worlds; raft-dev on reused server ids',
    tests: 'node/membership.test.js',
    catches: [
      'A node that joins keeps no promise of the one who bore its id before: it has lost what that one knew',
    ],
    patches: [
      {
        file: 'src/node/peers/inbox.js',
        find: 'if (isForFormerBearer(this.#replica, message)) {',
        replace: 'if (false) {',
      },
    ],
  },
  {
    name: 'change-lost-to-a-second',
    bug: 'A change that waits for a transfer of leadership to end is forgotten when another is asked for.',
    source: 'found here: seed 13 in liveness mode',
    tests: 'node/membership.test.js',
    catches: [
      'A leader that is to hand over keeps one change for when it leads on, refuses a second, and answers both',
    ],
    patches: [
      {
        file: 'src/node/leadership/leadership-actions.js',
        find: 'changeIsTaken: ({ changes }) => changes.isTaken,',
        replace: 'changeIsTaken: ({ changes, transfers }) => changes.isTaken && !transfers.isUnderWay,',
      },
    ],
  },
  {
    name: 'removed-leader-leads-on',
    bug: 'A leader that has removed itself never steps down.',
    source: 'thesis §4.2.2',
    tests: 'node/membership.test.js',
    catches: [
      'A leader that is asked for a change of members steps down when it has removed itself, is not counted meanwhile, and hands over',
    ],
    patches: [
      {
        file: 'src/node/leadership/leadership-actions.js',
        find: 'hasNoVote: ({ replica }) => !replica.configuration.isVoter(replica.id)',
        replace: 'hasNoVote: () => false',
      },
    ],
  },
  {
    name: 'removed-leader-counts-itself',
    bug: 'A leader that has removed itself counts its own log for a voter’s.',
    source: 'thesis §4.2.2: "should not include itself in majorities"',
    tests: 'node/membership.test.js',
    catches: [
      'A leader that is asked for a change of members steps down when it has removed itself, is not counted meanwhile, and hands over',
    ],
    patches: [
      {
        file: 'src/raft/replication.js',
        find: 'voter === self ? log.durableIndex : (progress.get(voter)?.matchIndex ?? 0)',
        replace:
          'voter === self || (!configuration.isVoter(self) && voter === configuration.voters.at(-1)) ? log.durableIndex : (progress.get(voter)?.matchIndex ?? 0)',
      },
    ],
  },
  {
    name: 'change-done-before-it-is-committed',
    bug: 'A change counts as done, and the next may begin, before it is committed.',
    source: '§6; thesis §4.1: one change at a time',
    tests: 'node/membership.test.js',
    catches: [
      'A leader that is asked for a change of members has it in force at once, counts by it, and answers when it is committed',
    ],
    patches: [
      {
        file: 'src/node/leadership/leadership-actions.js',
        find: 'configurationIsCommitted: ({ replica }) => configurationIsCommitted(replica)',
        replace: 'configurationIsCommitted: () => true',
      },
    ],
  },
  {
    name: 'joint-of-the-new-half-alone',
    bug: 'While joint, the new voters decide alone.',
    source: '§6: "separate majorities from both"',
    tests: 'node/membership.test.js',
    catches: [
      'A leader that is asked for a change of members replaces a voter through a joint configuration, which takes both majorities (§6)',
    ],
    patches: [
      {
        file: 'src/raft/membership.js',
        find: 'return { ...target, outgoing };',
        replace: 'return { ...target, outgoing: target.voters };',
      },
    ],
  },
  {
    name: 'removal-believed-by-index-alone',
    bug: 'Who was removed takes what it has of its own for later than what is committed, because it goes further.',
    source: '§5.4.1: "more up-to-date"; found by a sweep of simulated worlds',
    tests: 'node/membership.test.js',
    catches: [
      'A node that was removed believes what a later term has committed, however far its own log goes with what nobody committed',
    ],
    patches: [
      {
        file: 'src/raft/membership.js',
        find: 'return commitTerm === ownTerm ? commitIndex >= latestIndex : commitTerm > ownTerm;',
        replace: 'return commitIndex > latestIndex;',
      },
    ],
  },
];
