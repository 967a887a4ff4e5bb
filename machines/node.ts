import { raise, setup } from 'xstate';
import type { Message } from '../src/raft/messages.js';
import { actionEvents, delayNames, delivered, guardEvents, type NodeEvent } from './node-events.js';
import { unbound } from './unbound.js';

export interface NodeContext {
  /** What the node is made of. The chart does not look: it hands it to what `src/node` binds its names to. */
  readonly parts: unknown;
}

/**
 * The lifecycle of a node's role: Figure 4 of the paper, with pre-vote (thesis §9.6), check-quorum (§6.2), the
 * leader's duty to commit a no-op before it answers reads (§6.4) and to apply what it finds committed, learners, and death
 * by command. A message comes
 * judged by its term (`judge` in `src/raft/terms.ts`); its names, and what each is told, are in `node-events.ts`.
 */
export const nodeMachine = setup({
  types: {
    context: {} as NodeContext,
    input: {} as NodeContext,
    events: {} as NodeEvent,
  },
  guards: unbound(...namesOf(guardEvents)),
  actions: {
    ...unbound(...namesOf(actionEvents)),
    deliver: raise(({ event }) => delivered((event as { message: Message }).message)),
    /** Hears the same event again, in the state just entered. */
    redeliver: raise(({ event }) => event),
  },
  delays: unbound(...delayNames),
}).createMachine({
  id: 'node',
  description: 'The role of one server in the cluster, and what it may do in it.',
  context: ({ input }) => input,
  initial: 'alive',
  on: {
    'disk.durable': { actions: 'noteDurable' },
    'host.setCandidacy': { actions: 'setCandidacy' },
    'host.produceBlocks': { actions: 'setBlockInterval' },
  },
  states: {
    alive: {
      description:
        'Takes part. The rules about terms stand here, once, before any role sees a message (§5.1).',
      initial: 'resuming',
      on: {
        'peer.newerTerm': {
          target: '.resuming',
          actions: ['adoptTerm', 'deliver'],
          description: 'hears of a newer term',
        },
        'peer.olderTerm': { actions: 'refuseOlderTerm' },
        'peer.requestVote': { actions: 'refuseVote' },
        'peer.preVote': { actions: 'refusePreVote' },
        'peer.readIndex': { actions: 'refuseReadIndex' },
        'peer.readIndexResponse': { actions: 'resumeForwardedRead' },
        'peer.verify': { actions: 'answerVerification' },
        'peer.timeoutNow': { actions: 'declineTransfer' },
        'peer.notMember': {
          guard: 'removalIsNews',
          target: '.removed',
          description: 'hears that it is no member any more',
        },
        'client.propose': { actions: 'redirectProposal' },
        'client.read': { actions: 'redirectRead' },
        'client.readStale': { actions: 'answerStaleRead' },
        'host.change': { actions: 'redirectChange' },
        'host.transfer': { actions: 'redirectTransfer' },
        'host.stop': { target: 'dead', description: 'is stopped' },
      },
      states: {
        resuming: {
          description: 'Takes the passive role that the configuration gives: voters follow, learners learn.',
          always: [
            { guard: 'isRemoved', target: 'removed' },
            { guard: 'isLearner', target: 'learner' },
            { target: 'follower' },
          ],
        },
        follower: {
          description:
            'Passive: answers leaders and candidates, and stands for election when it hears neither (§5.2).',
          initial: 'deciding',
          always: [
            { guard: 'isRemoved', target: 'removed', description: 'the configuration leaves it out' },
            {
              guard: 'isLearner',
              target: 'learner',
              description: 'the configuration gives it no vote any more',
            },
          ],
          after: {
            electionTimeout: [
              {
                guard: 'leaderHeardRecently',
                target: '.following',
                reenter: true,
                actions: 'expireForwardedReads',
                description: 'the leader was heard recently: the timer is renewed',
              },
              {
                guard: 'votedRecently',
                target: '.waiting',
                reenter: true,
                description: 'it voted recently: the timer is renewed',
              },
              {
                guard: 'mayStandWithPreVote',
                target: 'preCandidate',
                description: 'its election timer runs out',
              },
              {
                guard: 'mayStand',
                target: 'candidate',
                description: 'its timer runs out, without pre-vote',
              },
              {
                target: '.waiting',
                reenter: true,
                actions: ['forgetLeader', 'restartElectionTimer'],
                description: 'the leader is silent, and it may not stand',
              },
            ],
          },
          on: {
            'peer.appendEntries': { target: '.following', reenter: true, actions: 'acceptEntries' },
            'peer.installSnapshot': { target: '.following', reenter: true, actions: 'acceptSnapshot' },
            'peer.requestVote': [{ guard: 'canGrantVote', actions: 'grantVote' }, { actions: 'refuseVote' }],
            'peer.preVote': [
              { guard: 'canGrantPreVote', actions: 'grantPreVote' },
              { actions: 'refusePreVote' },
            ],
            'peer.timeoutNow': [
              {
                guard: 'mayTakeOver',
                target: 'candidate',
                actions: 'acceptTransfer',
                description: 'the leader hands over',
              },
              { actions: 'declineTransfer' },
            ],
            'host.campaign': [
              { guard: 'mayStandWithPreVote', target: 'preCandidate', description: 'is told to stand' },
              { guard: 'mayStand', target: 'candidate', description: 'is told to stand, without pre-vote' },
            ],
          },
          states: {
            deciding: {
              description: 'On entry: is the leader of this term known?',
              always: [{ guard: 'leaderIsKnown', target: 'following' }, { target: 'waiting' }],
            },
            waiting: {
              description: 'No leader of this term is known.',
            },
            following: {
              description: 'Hears the leader of this term and keeps a copy of its log (§5.3).',
              always: { guard: 'snapshotIsArriving', target: 'installing' },
              on: {
                'peer.appendEntries': { actions: 'acceptEntries' },
                'peer.installSnapshot': { actions: 'acceptSnapshot' },
                'client.read': { actions: 'forwardRead' },
              },
            },
            installing: {
              description:
                'A part of the leader’s snapshot is here, the rest on its way: the log goes on after it (§7).',
              always: { guard: 'noSnapshotIsArriving', target: 'following' },
              on: {
                'peer.appendEntries': { actions: 'acceptEntries' },
                'peer.installSnapshot': { actions: 'acceptSnapshot' },
                'client.read': { actions: 'forwardRead' },
              },
            },
          },
        },
        preCandidate: {
          description:
            'Asks whether an election could be won; no term is spent and no vote is cast (thesis §9.6).',
          entry: 'becomePreCandidate',
          always: [
            { guard: 'hasWon', target: 'candidate', description: 'a majority would vote for it' },
            {
              guard: 'hasLost',
              target: 'follower',
              actions: 'widenElectionTimeout',
              description: 'too many refuse',
            },
          ],
          after: {
            electionTimeout: [
              {
                guard: 'mayStand',
                target: 'preCandidate',
                reenter: true,
                actions: 'widenElectionTimeout',
                description: 'no majority answered in time: it asks again',
              },
              { target: 'follower', actions: 'restartElectionTimer', description: 'may stand no longer' },
            ],
          },
          on: {
            'peer.preVoteResponse': { guard: 'answersThisPreVote', actions: 'recordVote' },
            'peer.appendEntries': {
              target: 'follower',
              actions: 'redeliver',
              description: 'hears the leader of this term',
            },
            'peer.installSnapshot': {
              target: 'follower',
              actions: 'redeliver',
              description: 'hears the leader of this term',
            },
            'peer.requestVote': [
              {
                guard: 'canGrantVote',
                target: 'follower',
                actions: 'grantVote',
                description: 'votes for another',
              },
              { actions: 'refuseVote' },
            ],
            'peer.preVote': [
              { guard: 'canGrantPreVote', actions: 'grantPreVote' },
              { actions: 'refusePreVote' },
            ],
          },
        },
        candidate: {
          description: 'Has begun a term, voted for itself and asks the others for their votes (§5.2).',
          entry: 'becomeCandidate',
          always: [
            { guard: 'hasWon', target: 'leader', description: 'a majority voted for it' },
            {
              guard: 'hasLost',
              target: 'follower',
              actions: 'widenElectionTimeout',
              description: 'too many refuse',
            },
          ],
          after: {
            electionTimeout: [
              {
                guard: 'mayStandWithPreVote',
                target: 'preCandidate',
                actions: 'widenElectionTimeout',
                description: 'nobody has won in time',
              },
              {
                guard: 'mayStand',
                target: 'candidate',
                reenter: true,
                actions: 'widenElectionTimeout',
                description: 'nobody has won in time: it begins another term',
              },
              { target: 'follower', actions: 'restartElectionTimer', description: 'may stand no longer' },
            ],
          },
          on: {
            // Its own vote counts like the others', once it is durable.
            'disk.durable': { actions: ['noteDurable', 'recordOwnVote'] },
            'peer.requestVoteResponse': { actions: 'recordVote' },
            'peer.appendEntries': {
              target: 'follower',
              actions: 'redeliver',
              description: 'hears the leader of this term',
            },
            'peer.installSnapshot': {
              target: 'follower',
              actions: 'redeliver',
              description: 'hears the leader of this term',
            },
            'peer.preVote': [
              { guard: 'canGrantPreVote', actions: 'grantPreVote' },
              { actions: 'refusePreVote' },
            ],
          },
        },
        leader: {
          description:
            'Was elected by a majority: orders the commands, replicates them and says what is committed (§5.3).',
          type: 'parallel',
          entry: 'becomeLeader',
          exit: 'stepDown',
          on: {
            'peer.appendEntriesResponse': { actions: ['countAppendResponse', 'advanceCommitIndex'] },
            'peer.installSnapshotResponse': { actions: ['countSnapshotResponse', 'advanceCommitIndex'] },
            'peer.verifyResponse': { actions: 'countVerdicts' },
            'disk.durable': { actions: ['noteDurable', 'advanceCommitIndex'] },
            'host.transfer': { actions: 'refuseTransferEarly' },
            'client.propose': [
              { guard: 'isOverloaded', actions: 'refuseProposalOverload' },
              { guard: 'needsVerification', actions: 'verifyProposal' },
              { actions: 'appendProposal' },
            ],
          },
          states: {
            authority: {
              initial: 'establishing',
              description: 'What the leader may say of the past.',
              states: {
                establishing: {
                  description:
                    'Its no-op is not committed: which older entries are is not known yet, so reads wait (§8).',
                  always: { guard: 'noopIsCommitted', target: 'catchingUp' },
                  on: {
                    'client.propose': { guard: 'isFarBehind', actions: 'refuseProposalNotReady' },
                    'client.read': { actions: 'holdRead' },
                    'peer.readIndex': [
                      { guard: 'holdsTooManyReads', actions: 'refuseReadIndex' },
                      { actions: 'holdRead' },
                    ],
                  },
                },
                catchingUp: {
                  description:
                    'An entry of its own term is committed, so its commit index is current; the state machine has not come that far. Reads wait for it, and commands that could not be answered in time are not taken.',
                  entry: 'releaseHeldReads',
                  on: {
                    'application.caughtUp': { target: 'serving' },
                    'client.propose': { guard: 'isFarBehind', actions: 'refuseProposalNotReady' },
                    'client.read': [
                      { guard: 'leaseCovers', actions: 'serveByLease' },
                      { actions: 'startRead' },
                    ],
                    'peer.readIndex': [
                      { guard: 'holdsTooManyReads', actions: 'refuseReadIndex' },
                      { actions: 'startRead' },
                    ],
                  },
                },
                serving: {
                  description: 'All that was committed when its term began is applied: it can answer.',
                  always: {
                    guard: 'preferredIsReady',
                    target: 'transferring',
                    actions: 'favourPreferred',
                    description: 'a preferred voter is ready to lead',
                  },
                  on: {
                    'client.read': [
                      { guard: 'leaseCovers', actions: 'serveByLease' },
                      { actions: 'startRead' },
                    ],
                    'peer.readIndex': [
                      { guard: 'holdsTooManyReads', actions: 'refuseReadIndex' },
                      { actions: 'startRead' },
                    ],
                    'host.transfer': [
                      { guard: 'mayTransfer', target: 'transferring', actions: 'beginTransfer' },
                      { actions: 'refuseTransfer' },
                    ],
                  },
                },
                transferring: {
                  description:
                    'Hands over to another, whom it first brings up to date (thesis §3.10). It appends nothing more, and still reads.',
                  initial: 'levelling',
                  after: {
                    transferTimeout: {
                      target: 'serving',
                      actions: 'giveUpTransfer',
                      description: 'the other does not take over in time',
                    },
                  },
                  on: {
                    'client.propose': { actions: 'refuseProposalTransferring' },
                    'client.read': { actions: 'startRead' },
                    'peer.readIndex': [
                      { guard: 'holdsTooManyReads', actions: 'refuseReadIndex' },
                      { actions: 'startRead' },
                    ],
                    'peer.transferDeclined': { target: 'serving', actions: 'noteDeclined' },
                    'host.transfer': { actions: 'refuseTransfer' },
                  },
                  states: {
                    levelling: {
                      description: 'The other lacks entries.',
                      always: { guard: 'targetIsLevel', target: 'handingOver' },
                    },
                    handingOver: {
                      description: 'The other has them all, and is told to stand at once.',
                      entry: 'sendTimeoutNow',
                      after: { heartbeatInterval: { target: 'handingOver', reenter: true } },
                    },
                  },
                },
              },
            },
            lease: {
              initial: 'waitingOut',
              description:
                'Whose entries let whom answer reads without asking, where leases are wanted (LeaseGuard).',
              states: {
                waitingOut: {
                  description:
                    'The leader before may still answer by entries of its own: until it certainly may not, nothing is committed.',
                  always: { guard: 'leaseIsWaitedOut', target: 'own' },
                  after: { leaseRemainder: { target: 'own', actions: 'advanceCommitIndex' } },
                },
                own: {
                  description: 'What it commits counts, and lets it answer reads for a while.',
                },
              },
            },
            pulse: {
              initial: 'beating',
              description:
                'Heartbeats keep the followers from standing; without a majority, or a working disk, it resigns.',
              states: {
                beating: {
                  description: 'One heartbeat interval.',
                  after: {
                    heartbeatInterval: [
                      {
                        guard: 'quorumIsLost',
                        target: '#node.alive.resuming',
                        actions: ['forgetLeader', 'restartElectionTimer'],
                        description: 'no majority answers',
                      },
                      {
                        guard: 'diskIsStalled',
                        target: '#node.alive.resuming',
                        actions: ['forgetLeader', 'restartElectionTimer'],
                        description: 'its disk stalls',
                      },
                      { target: 'beating', reenter: true, actions: 'heartbeat' },
                    ],
                  },
                },
              },
            },
            membership: {
              initial: 'waiting',
              description: 'Members come and go, one change at a time (§6).',
              states: {
                waiting: {
                  description:
                    'Its no-op is not committed: a change before it could part two majorities (thesis §4.1, erratum of 2015).',
                  always: { guard: 'noopIsCommitted', target: 'steady' },
                  on: {
                    'host.change': [
                      { guard: 'changeIsTaken', actions: 'refuseChange' },
                      { actions: 'takeChange' },
                    ],
                  },
                },
                steady: {
                  description: 'The configuration is committed.',
                  always: [
                    {
                      guard: 'isJoint',
                      target: 'settling',
                      actions: 'appendSettled',
                      description: 'finishes what its predecessor began',
                    },
                    {
                      guard: 'hasNoVote',
                      target: '#node.alive.resuming',
                      actions: ['handOver', 'forgetLeader', 'restartElectionTimer'],
                      description: 'the configuration leaves it out, or makes it a learner',
                    },
                    { guard: 'changeIsSound', target: 'preparing', actions: 'beginChange' },
                    { guard: 'changeIsDue', actions: 'answerChange' },
                  ],
                  on: {
                    'host.change': [
                      { guard: 'changeIsTaken', actions: 'refuseChange' },
                      { actions: 'takeChange' },
                    ],
                  },
                },
                preparing: {
                  description: 'Whoever is to vote receives the log first, as a learner (thesis §4.2.1).',
                  always: [
                    { guard: 'jointIsPrepared', target: 'joint', actions: 'appendJoint' },
                    { guard: 'changeIsPrepared', target: 'settling', actions: 'appendTarget' },
                  ],
                  after: {
                    heartbeatInterval: [
                      { guard: 'newVotersAreLost', target: 'steady', actions: 'giveUpChange' },
                      { target: 'preparing', reenter: true },
                    ],
                  },
                  on: {
                    'host.change': [
                      { guard: 'isAbort', target: 'steady', actions: 'revokeChange' },
                      { actions: 'refuseChange' },
                    ],
                  },
                },
                joint: {
                  description:
                    'C-old,new: all is decided by a majority of the old voters and one of the new.',
                  always: {
                    guard: 'configurationIsCommitted',
                    target: 'settling',
                    actions: 'appendTarget',
                  },
                  on: {
                    'host.change': [
                      { guard: 'isAbort', target: 'settling', actions: 'abortChange' },
                      { actions: 'refuseChange' },
                    ],
                  },
                },
                settling: {
                  description: 'C-new is in force, and not committed yet.',
                  always: {
                    guard: 'configurationIsCommitted',
                    target: 'steady',
                    actions: 'concludeChange',
                  },
                  on: { 'host.change': { actions: 'refuseChange' } },
                },
              },
            },
            production: {
              initial: 'paused',
              description: 'A chain wants a block at a steady pace, and the leader proposes it.',
              states: {
                paused: {
                  description: 'No pace is set.',
                  always: { guard: 'producesBlocks', target: 'producing' },
                  on: {
                    'host.produceBlocks': { target: 'paused', reenter: true, actions: 'setBlockInterval' },
                  },
                },
                producing: {
                  description: 'One block interval.',
                  after: {
                    blockInterval: [
                      { guard: 'blockMustWait', target: 'producing', reenter: true },
                      { target: 'producing', reenter: true, actions: 'produceBlock' },
                    ],
                  },
                  on: {
                    'host.produceBlocks': { target: 'paused', reenter: true, actions: 'setBlockInterval' },
                  },
                },
              },
            },
          },
        },
        learner: {
          description:
            'A light node: receives the log and serves stale or forwarded reads; has no vote, and never stands.',
          always: [
            { guard: 'isRemoved', target: 'removed', description: 'the configuration leaves it out' },
            { guard: 'isVoter', target: 'follower', description: 'the configuration gives it a vote' },
          ],
          after: {
            electionTimeout: [
              {
                guard: 'leaderHeardRecently',
                target: 'learner',
                reenter: true,
                actions: 'expireForwardedReads',
                description: 'the leader was heard recently: the timer is renewed',
              },
              { target: 'learner', reenter: true, actions: ['forgetLeader', 'restartElectionTimer'] },
            ],
          },
          initial: 'receiving',
          on: {
            'peer.appendEntries': { actions: 'acceptEntries' },
            'peer.installSnapshot': { actions: 'acceptSnapshot' },
            // Who asks counts it among the voters: it may have become one and not have heard of it yet.
            'peer.requestVote': [{ guard: 'canGrantVote', actions: 'grantVote' }, { actions: 'refuseVote' }],
            'peer.preVote': [
              { guard: 'canGrantPreVote', actions: 'grantPreVote' },
              { actions: 'refusePreVote' },
            ],
            'client.read': [{ guard: 'leaderIsKnown', actions: 'forwardRead' }, { actions: 'redirectRead' }],
          },
          states: {
            receiving: {
              description: 'Gets the log’s entries as they come.',
              always: { guard: 'snapshotIsArriving', target: 'installing' },
            },
            installing: {
              description:
                'A part of the leader’s snapshot is here, the rest on its way: the log goes on after it (§7).',
              always: { guard: 'noSnapshotIsArriving', target: 'receiving' },
            },
          },
        },
        removed: {
          description:
            'No member any more: it never stands, and waits to be told otherwise by a leader that knows better.',
          entry: 'forgetLeader',
          on: {
            'peer.appendEntries': [
              { guard: 'isRemoved', actions: 'acceptEntries' },
              { target: 'resuming', actions: 'redeliver', description: 'a leader supplies it' },
            ],
            'peer.installSnapshot': [
              { guard: 'isRemoved', actions: 'acceptSnapshot' },
              { target: 'resuming', actions: 'redeliver', description: 'a leader supplies it' },
            ],
            'peer.requestVote': [{ guard: 'canGrantVote', actions: 'grantVote' }, { actions: 'refuseVote' }],
            'peer.preVote': [
              { guard: 'canGrantPreVote', actions: 'grantPreVote' },
              { actions: 'refusePreVote' },
            ],
          },
        },
      },
    },
    dead: {
      description:
        'Stopped by command: deaf and mute, but its memory is kept. (A crash is no state: the thread is gone.)',
      entry: 'fallSilent',
      exit: 'wakeUp',
      on: {
        'client.propose': { actions: 'refuseProposalDead' },
        'client.read': { actions: 'refuseReadDead' },
        'client.readStale': { actions: 'refuseReadDead' },
        'host.change': { actions: 'redirectChange' },
        'host.transfer': { actions: 'redirectTransfer' },
        'host.revive': { target: 'alive', description: 'is revived' },
      },
    },
  },
});

function namesOf<Names extends object>(names: Names): (keyof Names & string)[] {
  return Object.keys(names) as (keyof Names & string)[];
}
