import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConclaveError } from '../../src/ground/errors.js';
import { Random } from '../../src/ground/random.js';
import { RaftCluster } from '../../src/index.js';
import { CountingLoad } from './counting-load.js';

/*
 * Changes of members, one after the other, while nodes crash and come back, under a load that knows every answer that is
 * right (`counting-load.ts`): in a cluster on threads, with its files on disk.
 *
 *     node dist/test/soak/change-rounds.js [CHANGES] [SEED]
 */

export interface ChangeReport {
  /** How often the members became others, as nodes knew it to be committed. */
  readonly changes: number;
  readonly crashes: number;
  readonly transfers: number;
  readonly acknowledged: number;
  readonly unknown: number;
  /** What calls about members were refused with, and how often. */
  readonly refused: Readonly<Record<string, number>>;
}

const ids = [0, 1, 2, 3, 4, 5];
/** Calls about members that lost their leader are made again, and not waited for too long. */
const patience = { timeoutMs: 20_000 };

/** @throws when a history is not linearizable. */
export async function changeRounds(changes: number, seed: number, workers = 8): Promise<ChangeReport> {
  const random = new Random(seed);
  const directory = mkdtempSync(join(tmpdir(), 'conclave-changes-'));
  const refused: Record<string, number> = {};
  let committed = 0;
  let crashes = 0;
  let transfers = 0;
  let isOver = false;
  const one = (of: readonly number[]) => of[random.below(of.length)] as number;
  const tried = async (call: Promise<unknown>) => {
    try {
      await call;
      return true;
    } catch (error) {
      if (!(error instanceof ConclaveError)) throw error;
      refused[error.code] = (refused[error.code] ?? 0) + 1;
      return false;
    }
  };
  const cluster = await RaftCluster.start({
    nodes: 3,
    storage: { kind: 'disk', directory: join(directory, 'data'), segmentBytes: 64 * 1024 },
    // Whoever comes is sent a snapshot now and then.
    snapshotEvery: 500,
    seed,
  });
  try {
    await cluster.ready({ timeoutMs: 60_000 });
    const load = new CountingLoad([cluster], workers, join(directory, 'acknowledged'));

    const change = async () => {
      const { voters, learners } = cluster.configuration;
      const members = [...voters, ...learners];
      const others = ids.filter((id) => !members.includes(id));
      const grows = others.length > 0 && (voters.length < 3 || random.chance(0.4));
      if (grows) return tried(cluster.addMember(one(others), { learner: random.chance(0.3), ...patience }));
      if (learners.length > 0 && random.chance(0.5)) return tried(cluster.promote(one(learners), patience));
      if (others.length > 0 && random.chance(0.4)) {
        return tried(cluster.replaceMember(one(members), one(others), patience));
      }
      // Two that vote bear no crash.
      const mayGo = voters.length > 3 ? members : learners;
      return mayGo.length > 0 && (await tried(cluster.removeMember(one(mayGo), patience)));
    };
    const crash = async () => {
      while (!isOver) {
        await new Promise((resolve) => setTimeout(resolve, 100 + random.below(400)));
        const { voters, learners } = cluster.configuration;
        const victim = one([...voters, ...learners]);
        if (random.chance(0.2)) {
          if (await tried(cluster.transferLeadership(undefined, patience))) transfers++;
        } else if (await cluster.crash(victim).catch(() => false)) {
          crashes++;
          await load.nextAcknowledgement();
          // One that was removed meanwhile has gone.
          await tried(cluster.restart(victim));
        }
      }
    };
    const crashing = crash();
    while (committed < changes) if (await change()) committed++;
    isOver = true;
    await crashing;
    await load.end();
    const { acknowledged, unknown } = load;
    return { changes: committed, crashes, transfers, acknowledged, unknown, refused };
  } finally {
    isOver = true;
    await cluster.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [changes = '200', seed = '1'] = process.argv.slice(2);
  console.log(JSON.stringify(await changeRounds(Number(changes), Number(seed))));
}
