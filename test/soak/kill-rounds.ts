import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { RaftClient } from '../../src/client/raft-client.js';
import { Random } from '../../src/ground/random.js';
import { program } from '../cli/program.js';
import { NatsServer } from '../router/carriers/nats-server.js';
import { freePorts } from '../server/server-world.js';
import { CountingLoad } from './counting-load.js';

/*
 * Rounds of kill -9: a random process of the cluster is killed under a load that knows every answer that is right
 * (`counting-load.ts`), and started again.
 *
 *     node dist/test/soak/kill-rounds.js [ROUNDS] [SEED] [nats]
 *
 * Over NATS the server, too, is killed and started again, every twentieth round.
 */

export interface KillReport {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly unknown: number;
  /** From the kill of the leader's process to the next acknowledgement of anybody, in milliseconds, ascending. */
  readonly leaderKillMs: readonly number[];
}

const busEvery = 20;

/** @throws when a history is not linearizable. */
export async function killRounds(
  rounds: number,
  seed: number,
  { workersEach = 4, isOverNats = false } = {},
): Promise<KillReport> {
  const nats = isOverNats ? await NatsServer.start() : null;
  const random = new Random(seed);
  const directory = mkdtempSync(join(tmpdir(), 'conclave-kill-'));
  const ids = [1, 2, 3];
  const listening = (await freePorts(ids.length)).map((port) => `127.0.0.1:${port}`);
  const addresses = nats === null ? listening : [`nats://${nats.address}`];
  const members = ids.map((id, at) => (nats === null ? `${id}=${listening[at]}` : id)).join();
  const processes = new Map<number, ChildProcess>();
  const start = (id: number) => {
    const words = ['server', '--id', `${id}`, '--data', join(directory, `${id}`), '--members', members];
    const listen = nats === null ? ['--listen', listening[id - 1]!] : ['--nats', addresses[0]!];
    processes.set(id, spawn(process.execPath, [program, ...words, ...listen], { stdio: 'ignore' }));
  };
  const kill = async (id: number) => {
    const child = processes.get(id)!;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  const clients: RaftClient[] = [];
  try {
    for (const id of ids) start(id);
    for (let at = 0; at < 2; at++) clients.push(await RaftClient.connect(addresses, { timeoutMs: 60_000 }));
    await new KeyValueClient(clients[0]!).put('ready', 'yes', { timeoutMs: 60_000 });

    const load = new CountingLoad(clients, workersEach, join(directory, 'acknowledged'));
    const leaderKillMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      if (nats !== null && round % busEvery === busEvery - 1) {
        await nats.kill();
        await nats.start();
        await load.nextAcknowledgement();
      }
      const victim = ids[random.below(ids.length)]!;
      const wasLeader = (await clients[0]!.leader())?.id === victim;
      await kill(victim);
      const killedMs = performance.now();
      await load.nextAcknowledgement();
      if (wasLeader) leaderKillMs.push(performance.now() - killedMs);
      start(victim);
      // Until it serves again: with two down nobody could.
      for (;;) {
        const { role, leaderId } = await clients[1]!.info(victim);
        if (role !== 'dead' && leaderId !== null) break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    await load.end();
    const { acknowledged, unknown } = load;
    return { rounds, acknowledged, unknown, leaderKillMs: leaderKillMs.sort((a, b) => a - b) };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(ids.filter((id) => processes.get(id)?.exitCode === null).map(kill));
    await nats?.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [rounds = '1000', seed = '1', bus] = process.argv.slice(2);
  const report = await killRounds(Number(rounds), Number(seed), { isOverNats: bus === 'nats' });
  const { leaderKillMs } = report;
  const at = (part: number) => Math.round(leaderKillMs[Math.floor(leaderKillMs.length * part)] ?? 0);
  console.log(
    `${report.rounds} rounds: ${report.acknowledged} acknowledged, ${report.unknown} unknown, none lost, none twice; ${leaderKillMs.length} leaders killed, next commit after ${at(0.5)} ms (median), ${at(0.95)} ms (95 %)`,
  );
}
