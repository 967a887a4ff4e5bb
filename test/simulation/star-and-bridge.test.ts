import { expect } from 'chai';
import { InvalidOptionError } from '../../src/ground/errors.js';
import { Random } from '../../src/ground/random.js';
import {
  defaultLimits,
  defaultSnapshots,
  defaultTimings,
  validateNodeOptions,
} from '../../src/node/validate-options.js';
import type { NodeId } from '../../src/raft/entry.js';
import { World } from '../../src/simulation/world/world.js';

/*
 * Networks in which a leader can lose its majority and still be heard by the one node that could win an election. If
 * such a leader stays in office, and who hears it refuses pre-votes, nobody ever leads again. So every pair of the two
 * settings that a node takes must come to a leader that commits, in bounded time.
 */

const seeds = Array.from({ length: 10 }, (_, at) => at + 1);
const voters = [0, 1, 2, 3, 4];
const timeoutsMax = 100;

type Pair = { readonly preVote: boolean; readonly checkQuorum: boolean };
const pairs: readonly Pair[] = [true, false].flatMap((preVote) =>
  [true, false].map((checkQuorum) => ({ preVote, checkQuorum })),
);

function isTaken(pair: Pair): boolean {
  const options = {
    id: 0,
    voters,
    learners: [],
    timings: defaultTimings,
    limits: defaultLimits,
    snapshots: defaultSnapshots,
  };
  try {
    validateNodeOptions({ ...options, ...pair, candidacy: true, seed: 1 });
    return true;
  } catch (error) {
    expect(error).instanceOf(InvalidOptionError);
    return false;
  }
}

/** Which pairs of nodes still reach each other, given the leader and the others. */
type Shape = (leader: NodeId, others: readonly NodeId[]) => (readonly [NodeId, NodeId])[];

/** All reach one node, and nobody else. */
const star: Shape = (leader, [hub = 0, ...rest]) => [leader, ...rest].map((leaf) => [hub, leaf] as const);

/** The leader reaches one node alone, which is between it and the rest. */
const bridge: Shape = (leader, [between = 0, ...rest]) => [
  [leader, between],
  ...rest.map((one) => [between, one] as const),
  ...rest.slice(1).map((one, at) => [rest[at] as NodeId, one] as const),
];

/** Runs until somebody commits an entry of a term that began after the links were cut. Virtual ms, or null. */
function msToCommit(pair: Pair, shape: Shape, seed: number): number | null {
  const node = {
    timings: defaultTimings,
    limits: defaultLimits,
    snapshots: defaultSnapshots,
    candidacy: true,
    ...pair,
  };
  const character = { cipher: { kind: 'none' }, link: { latencyMsMin: 0.5, latencyMsMax: 2 } } as const;
  const disk = { segmentBytes: 65_536, waitsForDisk: true, syncMs: 0.1, restartMsMax: 1 };
  const world = new World({ voters, node, ...character, ...disk, appendBytes: null }, new Random(seed), null);
  world.start();
  const leaderOf = () => world.hosts.find(({ id, actor }) => actor?.replica.leaderId === id)?.id;
  world.run(10_000, () => leaderOf() !== undefined && world.oracle.cluster.committed.length > 0);
  const leader = leaderOf() as NodeId;
  const linked = shape(
    leader,
    voters.filter((id) => id !== leader),
  );
  const isLinked = (one: NodeId, other: NodeId) =>
    linked.some(([a, b]) => (a === one && b === other) || (a === other && b === one));
  for (const one of voters) {
    for (const other of voters) if (one !== other && !isLinked(one, other)) world.network.cut(one, other);
  }
  const { cluster } = world.oracle;
  const before = cluster.committed.length;
  const beganMs = world.time.now();
  const isDone = () => cluster.committed.length > before;
  world.run(beganMs + timeoutsMax * defaultTimings.electionTimeoutMsMax, isDone);
  return isDone() ? world.time.now() - beganMs : null;
}

describe('Where a leader lost its majority and is still heard (a star, a bridge)', () => {
  for (const pair of pairs) {
    const name = `pre-vote ${pair.preVote ? 'on' : 'off'} and check-quorum ${pair.checkQuorum ? 'on' : 'off'}`;
    if (!isTaken(pair)) {
      it(`${name} would stand still for ever, and is refused`, () => {
        expect(seeds.some((seed) => msToCommit(pair, star, seed) !== null)).equal(false);
      });
      continue;
    }
    for (const [where, shape] of Object.entries({ star, bridge })) {
      it(`${name} finds another leader (${where})`, () => {
        const stoodStill = seeds.filter((seed) => msToCommit(pair, shape, seed) === null);
        expect(stoodStill).deep.equal([]);
      });
    }
  }
});
