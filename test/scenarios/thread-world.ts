import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../src/ground/random.js';
import { type ClusterOptions, RaftCluster } from '../../src/index.js';
import type { LogIndex, NodeId } from '../../src/raft/entry.js';
import type { LinkPolicy } from '../../src/router/link-policy.js';
import { changeMs, codeOf, codeOrNull, fingerprint } from './laboratory.js';
import { skew } from './skewed-application.js';
import type { Started, World, WorldOptions } from './world.js';

/** How long a command that was taken may wait for its fate. Longer than any scenario looks at it. */
const proposalMs = 120_000;
/** How long a leader may take to put a command into its log. */
const startMs = 5_000;

const skewedApplication = new URL('./skewed-application.js', import.meta.url);

/** Real threads, a real clock and real disks: the cluster as anybody starts it. */
export class ThreadWorld implements World {
  readonly random: Random;
  readonly #cluster: RaftCluster;
  readonly #directory: string | null;

  private constructor(cluster: RaftCluster, directory: string | null, seed: number) {
    this.#cluster = cluster;
    this.#directory = directory;
    this.random = new Random(seed).fork();
  }

  static async open(options: WorldOptions, seed: number): Promise<ThreadWorld> {
    const { nodes, disks, ...rest } = options;
    const directory = disks === true ? await mkdtemp(join(tmpdir(), 'conclave-scenario-')) : null;
    const clusterOptions: ClusterOptions = {
      ...rest,
      nodes,
      seed,
      ...(options.leases === undefined ? {} : { application: { module: skewedApplication } }),
      storage:
        directory === null ? { kind: 'memory' } : { kind: 'disk', directory, ...smallSegments(options) },
    };
    return new ThreadWorld(await RaftCluster.start(clusterOptions), directory, seed);
  }

  async close(): Promise<void> {
    await this.#cluster.close();
    if (this.#directory !== null) await rm(this.#directory, { recursive: true, force: true });
  }

  get ids(): readonly NodeId[] {
    return this.#cluster.ids;
  }

  now(): number {
    return performance.now();
  }

  async sleep(durationMs: number): Promise<void> {
    await sleep(durationMs);
  }

  infos() {
    return this.#cluster.infos();
  }

  async log(id: NodeId, from?: LogIndex, to?: LogIndex) {
    try {
      return await this.#cluster.log(id, from, to);
    } catch (error) {
      if (codeOf(error) === 'NODE_DEAD') return [];
      throw error;
    }
  }

  async start(id: NodeId, command: Uint8Array): Promise<Started | null> {
    const { role, commitIndex } = await this.#cluster.info(id);
    if (role !== 'leader') return null;
    const fate = { refused: false, place: null as Started | null };
    this.#cluster.propose(command, { node: id, timeoutMs: proposalMs }).then(
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
      // The answer to this question comes after the leader has dealt with the command.
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
      return (await this.#cluster.propose(command, { timeoutMs: proposalMs })).result;
    } catch (error) {
      return String(codeOf(error));
    }
  }

  async readByLease(id: NodeId, query: Uint8Array, timeoutMs: number): Promise<Uint8Array | string> {
    try {
      return (await this.#cluster.read(query, { consistency: 'lease', node: id, timeoutMs })).result;
    } catch (error) {
      return String(codeOf(error));
    }
  }

  /** The client is this thread. */
  async stall(durationMs: number): Promise<void> {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
  }

  async stop(id: NodeId) {
    await this.#cluster.stop(id);
  }

  async revive(id: NodeId) {
    await this.#cluster.revive(id);
  }

  async crash(id: NodeId) {
    await this.#cluster.crash(id);
  }

  async restart(id: NodeId) {
    await this.#cluster.restart(id);
  }

  async setClockRate(id: NodeId, rate: number): Promise<void> {
    await this.#cluster.read(skew(rate), { consistency: 'stale', node: id });
  }

  setCandidacy(id: NodeId, allowed: boolean) {
    return this.#cluster.setCandidacy(id, allowed);
  }

  async produceBlocks(intervalMs: number | 'off'): Promise<void> {
    this.#cluster.produceBlocks(intervalMs);
  }

  addMember(id: NodeId) {
    return codeOrNull(this.#cluster.addMember(id));
  }

  removeMember(id: NodeId, timeoutMs = changeMs) {
    return codeOrNull(this.#cluster.removeMember(id, { timeoutMs }));
  }

  replaceMember(id: NodeId, by: NodeId) {
    return codeOrNull(this.#cluster.replaceMember(id, by));
  }

  transfer(to: NodeId) {
    return codeOrNull(this.#cluster.transferLeadership(to));
  }

  async wipe(id: NodeId): Promise<void> {
    await rm(join(this.#directory as string, `node-${id}`), { recursive: true });
  }

  cut(from: NodeId, to: NodeId) {
    this.#cluster.cut(from, to);
    return this.#inForce();
  }

  mend(from: NodeId, to: NodeId) {
    this.#cluster.mend(from, to);
    return this.#inForce();
  }

  partition(groups: readonly (readonly NodeId[])[]) {
    this.#cluster.partition(groups);
    return this.#inForce();
  }

  heal() {
    this.#cluster.heal();
    return this.#inForce();
  }

  setLink(change: Partial<LinkPolicy>) {
    this.#cluster.setLink(change);
    return this.#inForce();
  }

  /** The router counts only after it has done what it was told before. */
  async #inForce(): Promise<void> {
    await this.#cluster.networkCounters();
  }

  async traffic() {
    const { total } = await this.#cluster.networkCounters();
    return { frames: total.sent, bytes: total.bytesSent };
  }
}

/** A log is given up in whole files: small ones, where it is to be seen. */
function smallSegments({ snapshotEvery }: WorldOptions) {
  return snapshotEvery === undefined ? {} : { segmentBytes: 4096 };
}
