import * as agreement from './agreement.js';
import * as churn from './churn.js';
import * as cuts from './cuts.js';
import * as economy from './economy.js';
import * as elections from './elections.js';
import * as figure8 from './figure-8.js';
import * as firstDesign from './first-design.js';
import * as leases from './leases.js';
import * as membership from './membership.js';
import * as persistence from './persistence.js';
import * as sessions from './sessions.js';
import * as snapshots from './snapshots.js';
import type { Scenario } from './world.js';

/** Every scenario, by topic, in the order in which the texts define them. */
export const allScenarios: readonly { readonly topic: string; readonly scenarios: readonly Scenario[] }[] = [
  {
    topic: 'the first design',
    scenarios: [
      firstDesign.leaderStopElection,
      firstDesign.leaderStopElection2,
      firstDesign.node0Revive,
      firstDesign.node1Revive,
      firstDesign.blockHeight,
    ],
  },
  {
    topic: 'elections',
    scenarios: [elections.initialElection, elections.reElection, elections.manyElections],
  },
  {
    topic: 'agreement',
    scenarios: [
      agreement.basicAgree,
      economy.rpcBytes,
      agreement.followerFailure,
      agreement.leaderFailure,
      agreement.failAgree,
      agreement.failNoAgree,
      agreement.concurrentStarts,
      agreement.rejoin,
      agreement.backup,
      economy.count,
    ],
  },
  {
    topic: 'persistence',
    scenarios: [
      persistence.persist1,
      persistence.persist2,
      persistence.persist3,
      figure8.figure8,
      churn.unreliableAgree,
      figure8.figure8Unreliable,
      churn.reliableChurn,
      churn.unreliableChurn,
    ],
  },
  {
    topic: 'snapshots',
    scenarios: [
      snapshots.snapshotBasic,
      snapshots.snapshotInstall,
      snapshots.snapshotInstallUnreliable,
      snapshots.snapshotInstallCrash,
      snapshots.snapshotInstallUnCrash,
      snapshots.snapshotAllCrash,
      snapshots.snapshotInit,
    ],
  },
  {
    topic: 'sessions',
    scenarios: [sessions.retry],
  },
  {
    topic: 'leases',
    scenarios: [leases.insideTheBound, leases.outsideTheBound],
  },
  {
    topic: 'members',
    scenarios: [
      membership.grow,
      membership.shrink,
      membership.replaceAll,
      membership.removeLeader,
      membership.twoRemovals,
      membership.changeDuringPartition,
      membership.crashDuringChange,
      membership.wipedNode,
      membership.transferToLagging,
      membership.transferInVain,
    ],
  },
  {
    topic: 'cuts',
    scenarios: [cuts.leaderThatCannotHear, cuts.leaderThatCannotSend, cuts.returnFromPartition, cuts.bridge],
  },
];
