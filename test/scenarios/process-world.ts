import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RaftClient } from '../../src/client/raft-client.js';
import { Random } from '../../src/ground/random.js';
import type { LogIndex, NodeId } from '../../src/raft/entry.js';
import type { LinkPolicy } from '../../src/router/link-policy.js';
import { program } from '../cli/program.js';
import { freePorts } from '../server/server-world.js';
import { codeOf, codeOrNull, fingerprint } from './laboratory.js';
import type { Started, Traffic, World, WorldOptions } from './world.js';

const patienceMs = 60_000;
const startMs = 5_000;
const ofMembers = 'this world does not change members yet, see test/server/members.test.ts';

/** What a scenario asks for and processes do not have. */
export class NotInProcesses extends Error {
  override readonly name = 'NotInProcesses';
}

/**
 * `conclave server`, a process a node, on loopback and on real disks: commands through a client, chaos by orders, a crash
 * by kill -9.
 */
export class ProcessWorld implements World {
  readonly random: Random;
  readonly #options: WorldOptions;
  readonly #seed: number;
  readonly #directory = mkdtempSync(join(tmpdir(), 'conclave-scenario-'));
  readonly #addresses: readonly string[];
  readonly #processes = new Map<NodeId, ChildProcess>();
  readonly #candidates: Set<NodeId>;
  #client: RaftClient | null = null;
  #link: Partial<LinkPolicy>;
  /** Cuts and partitions since the last `heal`: who starts anew knows of none. */
  #cuts: (() => Promise<unknown>)[] = [];

  private constructor(options: WorldOptions, seed: number, addresses: readonly string[]) {
    this.#options = options;
    this.#seed = seed;
    this.#addresses = addresses;
    this.#link = options.link ?? {};
    this.random = new Random(seed).fork();
    const first = Array.from({ length: options.nodes }, (_, id) => id);
    this.#candidates = new Set(options.candidates ?? first);
  }

  /** @throws {NotInProcesses} */
  static async open(options: WorldOptions, seed: number): Promise<ProcessWorld> {
    if (options.blockIntervalMs !== undefined) throw new NotInProcesses('a leader proposes no blocks there');
    if (options.leases !== undefined) throw new NotInProcesses('the clock of a process is the machine’s');
    const ports = await freePorts(options.nodes);
    const world = new ProcessWorld(
      options,
      seed,
      ports.map((port) => `127.0.0.1:${port}`),
    );
    try {
      await world.#begin();
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  async #begin(): Promise<void> {
    const ids = Array.from({ length: this.#options.nodes }, (_, id) => id);
    const members = Object.fromEntries(ids.map((id) => [id, this.#addresses[id]]));
    for (const id of ids) this.#launch(id, { members });
    this.#client = await RaftClient.connect(this.#addresses, {
      role: 'operator',
      timeoutMs: patienceMs,
    });
    await this.#client.ready({ timeoutMs: patienceMs });
    for (const id of ids) await this.#reach(id);
    for (const id of ids) if (!this.#candidates.has(id)) await this.setCandidacy(id, false);
    const { leader = [...this.#candidates][0] } = this.#options;
    const isGiven = this.#options.leader !== undefined || this.#options.candidates !== undefined;
    if (isGiven && leader !== undefined)
      await this.#client.transferLeadership(leader, { timeoutMs: patienceMs });
  }

  get #reached(): RaftClient {
    if (this.#client === null) throw new Error('The world has not begun.');
    return this.#client;
  }

  #launch(id: NodeId, first: { readonly members?: object } = {}): void {
    const { timings, preVote, checkQuorum, snapshotEvery, limits } = this.#options;
    const config = join(this.#directory, `${id}.json`);
    const options = {
      ...{ id, data: join(this.#directory, `${id}`), listen: this.#addresses[id], chaos: true },
      ...{ timings, preVote, checkQuorum, limits, seed: this.#seed + id, link: this.#link },
      ...(snapshotEvery === undefined ? {} : { snapshotEvery, segmentBytes: 4096 }),
      ...first,
    };
    writeFileSync(config, JSON.stringify(options));
    this.#processes.set(
      id,
      spawn(process.execPath, [program, 'server', '--config', config], { stdio: 'ignore' }),
    );
  }

  async #kill(id: NodeId): Promise<void> {
    const child = this.#processes.get(id);
    this.#processes.delete(id);
    if (child === undefined || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Until it answers, whoever leads. */
  async #reach(id: NodeId): Promise<void> {
    const endMs = this.now() + patienceMs;
    while ((await this.#reached.info(id).catch(() => null))?.failure !== null) {
      if (this.now() > endMs) throw new Error(`Node ${id} cannot be reached.`);
      await sleep(10);
    }
  }

  async close(): Promise<void> {
    await this.#client?.close();
    await Promise.all([...this.#processes.keys()].map((id) => this.#kill(id)));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get ids(): readonly NodeId[] {
    return this.#reached.ids;
  }

  now(): number {
    return performance.now();
  }

  async sleep(durationMs: number): Promise<void> {
    await sleep(durationMs);
  }

  infos() {
    return this.#reached.infos();
  }

  async log(id: NodeId, from?: LogIndex, to?: LogIndex) {
    try {
      return await this.#reached.log(id, from, to);
    } catch (error) {
      if (codeOf(error) === 'NODE_DEAD') return [];
      throw error;
    }
  }

  async start(id: NodeId, command: Uint8Array): Promise<Started | null> {
    const { role, commitIndex } = await this.#reached.info(id);
    if (role !== 'leader') return null;
    const fate = { refused: false, place: null as Started | null };
    this.#reached.propose(command, { node: id, timeoutMs: 2 * patienceMs }).then(
      ({ index, term }) => {
        fate.place = { index, term };
      },
      () => {
        fate.refused = true;
      },
    );
    const wanted = fingerprint(command);
    const deadline = this.now() + startMs;
    while (this.now() < deadline) {
      const log = await this.log(id, commitIndex + 1);
      if (fate.place !== null) return fate.place;
      const found = log.find((entry) => fingerprint(entry.command) === wanted);
      if (found !== undefined) return { index: found.index, term: found.term };
      if (fate.refused) return null;
      await sleep(1);
    }
    return null;
  }

  async propose(command: Uint8Array): Promise<Uint8Array | string> {
    try {
      return (await this.#reached.propose(command, { timeoutMs: 2 * patienceMs })).result;
    } catch (error) {
      return String(codeOf(error));
    }
  }

  readByLease(): Promise<never> {
    return notHere('leases need clocks that a scenario can bend');
  }

  /** Its commands are lost with the lines, and whether they were applied in the session that ended it may not know. */
  stall(): Promise<never> {
    return notHere('members hang up on a client that stands still for so long');
  }

  stop(id: NodeId) {
    return this.#reached.chaos.stop(id);
  }

  revive(id: NodeId) {
    return this.#reached.chaos.revive(id);
  }

  crash(id: NodeId) {
    return this.#kill(id);
  }

  async restart(id: NodeId): Promise<void> {
    if (this.#processes.has(id)) return;
    this.#launch(id);
    await this.#reach(id);
    for (const cut of this.#cuts) await cut();
    if (id < this.#options.nodes && !this.#candidates.has(id)) await this.setCandidacy(id, false);
  }

  setClockRate(): Promise<never> {
    return notHere('the clock of a process is the machine’s');
  }

  async setCandidacy(id: NodeId, allowed: boolean): Promise<void> {
    if (allowed) this.#candidates.add(id);
    else this.#candidates.delete(id);
    await this.#reached.chaos.setCandidacy(id, allowed);
  }

  produceBlocks(): Promise<never> {
    return notHere('a leader proposes no blocks there');
  }

  addMember(): Promise<never> {
    return notHere(ofMembers);
  }

  removeMember(): Promise<never> {
    return notHere(ofMembers);
  }

  replaceMember(): Promise<never> {
    return notHere(ofMembers);
  }

  transfer(to: NodeId) {
    return codeOrNull(this.#reached.transferLeadership(to));
  }

  wipe(): Promise<never> {
    return notHere(ofMembers);
  }

  cut(from: NodeId, to: NodeId) {
    return this.#wire(() => this.#reached.chaos.cut(from, to));
  }

  mend(from: NodeId, to: NodeId) {
    return this.#wire(() => this.#reached.chaos.mend(from, to));
  }

  partition(groups: readonly (readonly NodeId[])[]) {
    return this.#wire(() => this.#reached.chaos.partition(groups));
  }

  async #wire(act: () => Promise<unknown>): Promise<void> {
    this.#cuts.push(act);
    await act();
  }

  async heal(): Promise<void> {
    this.#cuts = [];
    await this.#reached.chaos.heal();
  }

  async setLink(change: Partial<LinkPolicy>): Promise<void> {
    this.#link = { ...this.#link, ...change };
    await this.#reached.chaos.setLink(change);
  }

  traffic(): Promise<Traffic> {
    return notHere('a client counts no frames of others');
  }
}

function notHere(why: string): Promise<never> {
  return Promise.reject(new NotInProcesses(why));
}
