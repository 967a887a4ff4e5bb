import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { RaftClient } from '../../src/client/raft-client.js';
import { OutcomeUnknownError } from '../../src/ground/errors.js';
import { Random } from '../../src/ground/random.js';
import { program } from '../cli/program.js';
import { freePorts } from './server-world.js';

/*
 * Rounds of kill -9: a random process of the cluster is killed under load and started again. Each of the load's workers
 * alone writes one counter, and notes each answer durably before it goes on. So its history is linearizable if every
 * answer, of an increment or of a read, is what it was told last, and of what it was told nothing about at most one
 * each: an answer too low is a lost command, one too high a command that was applied twice.
 *
 *     node dist/test/server/kill-rounds.js [ROUNDS] [SEED]
 */

export interface KillReport {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly unknown: number;
  /** From the kill of the leader's process to the next acknowledgement of anybody, in milliseconds, ascending. */
  readonly leaderKillMs: readonly number[];
}

class Worker {
  acknowledged = 0;
  unknown = 0;
  readonly #store: KeyValueClient;
  readonly #key: string;
  readonly #notes: number;
  readonly #noted: () => void;
  /** What the counter holds at least, and at most. */
  #low = 0;
  #high = 0;

  constructor(client: RaftClient, key: string, notes: number, noted: () => void) {
    this.#store = new KeyValueClient(client);
    this.#key = key;
    this.#notes = notes;
    this.#noted = noted;
  }

  async step(): Promise<void> {
    try {
      const { value } = await this.#store.increment(this.#key, 1, { timeoutMs: 10_000 });
      this.#judge('an increment gave', value, this.#low + 1, this.#high + 1);
      this.acknowledged++;
      writeSync(this.#notes, `${this.#key} ${value}\n`);
      fdatasyncSync(this.#notes);
      this.#noted();
    } catch (error) {
      if (!(error instanceof OutcomeUnknownError)) throw error;
      this.unknown++;
      this.#high++;
    }
  }

  async look(): Promise<void> {
    const value = Number((await this.#store.get(this.#key, { timeoutMs: 30_000 })) ?? 0);
    this.#judge('a read gave', value, this.#low, this.#high);
  }

  #judge(what: string, value: number, low: number, high: number): void {
    if (value < low || value > high) {
      throw new Error(`${this.#key}: ${what} ${value}, and it can only be ${low} to ${high}.`);
    }
    this.#low = this.#high = value;
  }
}

/** @throws when a history is not linearizable. */
export async function killRounds(rounds: number, seed: number, workersEach = 4): Promise<KillReport> {
  const random = new Random(seed);
  const directory = mkdtempSync(join(tmpdir(), 'conclave-kill-'));
  const ids = [1, 2, 3];
  const addresses = (await freePorts(ids.length)).map((port) => `127.0.0.1:${port}`);
  const members = ids.map((id, at) => `${id}=${addresses[at]}`).join();
  const processes = new Map<number, ChildProcess>();
  const start = (id: number) => {
    const words = ['server', '--id', `${id}`, '--data', join(directory, `${id}`), '--members', members];
    const listen = ['--listen', addresses[id - 1]!];
    processes.set(id, spawn(process.execPath, [program, ...words, ...listen], { stdio: 'ignore' }));
  };
  const kill = async (id: number) => {
    const child = processes.get(id)!;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  const notes = openSync(join(directory, 'acknowledged'), 'a');
  const clients: RaftClient[] = [];
  try {
    for (const id of ids) start(id);
    for (let at = 0; at < 2; at++) clients.push(await RaftClient.connect(addresses, { timeoutMs: 60_000 }));
    await new KeyValueClient(clients[0]!).put('ready', 'yes', { timeoutMs: 60_000 });

    let heard = () => {};
    let isOver = false;
    const workers = clients.flatMap((client, of) =>
      Array.from({ length: workersEach }, (_, at) => new Worker(client, `${of}-${at}`, notes, () => heard())),
    );
    const load = Promise.all(
      workers.map(async (worker) => {
        for (let step = 1; !isOver; step++) await (step % 5 === 0 ? worker.look() : worker.step());
      }),
    );
    const leaderKillMs: number[] = [];
    const act = async () => {
      for (let round = 0; round < rounds; round++) {
        const victim = ids[random.below(ids.length)]!;
        const wasLeader = (await clients[0]!.leader())?.id === victim;
        await kill(victim);
        const killedMs = performance.now();
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
        heard = () => {};
        if (wasLeader) leaderKillMs.push(performance.now() - killedMs);
        start(victim);
        // Until it serves again: with two down nobody could.
        for (;;) {
          const { role, leaderId } = await clients[1]!.info(victim);
          if (role !== 'dead' && leaderId !== null) break;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
      isOver = true;
    };
    await Promise.race([act(), load.then(() => {})]);
    await load;
    for (const worker of workers) await worker.look();
    const sum = (of: (worker: Worker) => number) => workers.reduce((all, worker) => all + of(worker), 0);
    return {
      rounds,
      acknowledged: sum(({ acknowledged }) => acknowledged),
      unknown: sum(({ unknown }) => unknown),
      leaderKillMs: leaderKillMs.sort((a, b) => a - b),
    };
  } finally {
    closeSync(notes);
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(ids.filter((id) => processes.get(id)?.exitCode === null).map(kill));
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [rounds = '1000', seed = '1'] = process.argv.slice(2);
  const report = await killRounds(Number(rounds), Number(seed));
  const { leaderKillMs } = report;
  const at = (part: number) => Math.round(leaderKillMs[Math.floor(leaderKillMs.length * part)] ?? 0);
  console.log(
    `${report.rounds} rounds: ${report.acknowledged} acknowledged, ${report.unknown} unknown, none lost, none twice; ${leaderKillMs.length} leaders killed, next commit after ${at(0.5)} ms (median), ${at(0.95)} ms (95 %)`,
  );
}
