import { sessionLimits } from '../../src/client/session-host.js';
import { packBytes } from '../../src/ground/byte-strings.js';
import { Random } from '../../src/ground/random.js';
import type { ClientReply } from '../../src/node/clients/client-requests.js';
import type { NodeInformation } from '../../src/node/information.js';
import { defaultLimits, defaultTimings, snapshotSettings } from '../../src/node/validate-options.js';
import type { LogIndex, NodeId } from '../../src/raft/entry.js';
import type { LinkPolicy } from '../../src/router/link-policy.js';
import { Program } from '../../src/simulation/clients/program.js';
import { contentOf } from '../../src/simulation/world/marks.js';
import { World as Simulation } from '../../src/simulation/world/world.js';
import { fingerprint } from './laboratory.js';
import type { Started, World, WorldOptions } from './world.js';

/** How long a client waits for what it proposes. */
const proposalMs = 120_000;
/** How long a leader may take to put a command into its log. */
const startMs = 5_000;
/** How often one looks whether it has. */
const lookMs = 2;

/** The simulation: virtual time, which passes only while the scenario waits, and every step watched. */
export class SimulatedWorld implements World {
  readonly random: Random;
  readonly ids: readonly NodeId[];
  readonly #simulation: Simulation;
  readonly #crashed = new Map<NodeId, NodeInformation>();
  /** Has the scenario been woken since the world ran last? */
  #isWoken = false;
  #blockIntervalMs: number;
  #client: Program | null = null;

  constructor(options: WorldOptions, seed: number) {
    const random = new Random(seed);
    this.random = random.fork();
    this.ids = Array.from({ length: options.nodes }, (_, id) => id);
    this.#blockIntervalMs = options.blockIntervalMs ?? 0;
    this.#simulation = new Simulation(
      {
        voters: this.ids,
        node: {
          timings: { ...defaultTimings, ...options.timings },
          limits: { ...defaultLimits, ...options.limits },
          snapshots: snapshotSettings(options),
          preVote: options.preVote ?? true,
          checkQuorum: options.checkQuorum ?? true,
          candidacy: true,
        },
        cipher: { kind: 'pseudo' },
        link: options.link ?? {},
        segmentBytes: options.snapshotEvery === undefined ? 64 * 1024 : 4096,
        waitsForDisk: true,
        syncMs: 0.1,
        restartMsMax: 1,
        appendBytes: null,
      },
      random,
      null,
    );
    this.#simulation.start();
    const { candidates = this.ids, leader } = options;
    for (const id of this.ids) {
      this.#setUp(id);
      if (!candidates.includes(id)) this.#simulation.host(id).setCandidacy(false);
    }
    if (leader !== undefined) this.#simulation.host(leader).campaign();
  }

  /** Plays a scenario to its end: whenever it waits, time goes on to where it is woken. */
  async play(scenario: (world: World) => Promise<void>): Promise<void> {
    let isOver = false;
    const end = scenario(this).finally(() => {
      isOver = true;
    });
    // Its failure is reported below, once the world stands still.
    end.catch(() => {});
    for (;;) {
      // All that the scenario can do without waiting is done before this comes back.
      await new Promise((resolve) => setImmediate(resolve));
      if (isOver) return end;
      this.#isWoken = false;
      this.#simulation.run(Number.POSITIVE_INFINITY, () => this.#isWoken);
    }
  }

  now(): number {
    return this.#simulation.time.now();
  }

  sleep(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#simulation.time.after(durationMs, () => {
        this.#isWoken = true;
        resolve();
      });
    });
  }

  async infos(): Promise<readonly NodeInformation[]> {
    return this.ids.map((id) => this.#info(id));
  }

  async log(id: NodeId, from = 1, to: LogIndex = Number.MAX_SAFE_INTEGER) {
    return this.#simulation.host(id).actor?.openLog(from, to) ?? [];
  }

  async start(id: NodeId, command: Uint8Array): Promise<Started | null> {
    const { actor } = this.#simulation.host(id);
    if (actor === null || !actor.chart.getSnapshot().matches({ alive: 'leader' })) return null;
    const { commitIndex } = actor.replica;
    let isRefused = false;
    this.#simulation.host(id).ask(() => {
      const reply = (given: ClientReply) => {
        isRefused = given.type === 'refused';
      };
      actor.propose({ first: 0, count: 1, body: packBytes([command]), reply });
    });
    const wanted = fingerprint(command);
    const deadline = this.now() + startMs;
    while (this.now() < deadline && !isRefused) {
      const log = await this.log(id, commitIndex + 1);
      const found = log.find((entry) => fingerprint(entry.command) === wanted);
      if (found !== undefined) return { index: found.index, term: found.term };
      await this.sleep(lookMs);
    }
    return null;
  }

  propose(command: Uint8Array): Promise<Uint8Array | string> {
    const client = this.#theClient();
    return new Promise((resolve) => {
      client.propose(command, { timeoutMs: proposalMs }, (ending) => {
        this.#isWoken = true;
        resolve(ending.type === 'done' ? contentOf(ending.result) : ending.code);
      });
    });
  }

  async stall(durationMs: number): Promise<void> {
    this.#theClient().beBusy(durationMs);
    await this.sleep(durationMs);
  }

  /** A program with a session of the log, from the first time that one is needed. */
  #theClient(): Program {
    const settings = {
      number: 1,
      limits: { ...sessionLimits, commandsMax: 1024 },
      lineMsMax: 1,
      sessions: true,
    };
    this.#client ??= new Program(settings, this.#simulation, this.random.fork());
    return this.#client;
  }

  stop(id: NodeId) {
    this.#simulation.host(id).stop();
    return this.#until(() => this.#info(id).role === 'dead');
  }

  revive(id: NodeId) {
    this.#simulation.host(id).revive();
    return this.#until(() => this.#info(id).role !== 'dead');
  }

  async crash(id: NodeId): Promise<void> {
    this.#crashed.set(id, { ...this.#info(id), role: 'dead', leaderId: null });
    this.#simulation.keepDown(id);
  }

  restart(id: NodeId) {
    this.#simulation.letBack(id);
    this.#setUp(id);
    return this.#until(() => this.#simulation.host(id).actor !== null);
  }

  async setCandidacy(id: NodeId, allowed: boolean): Promise<void> {
    this.#simulation.host(id).setCandidacy(allowed);
    await this.sleep(lookMs);
  }

  async produceBlocks(intervalMs: number | 'off'): Promise<void> {
    this.#blockIntervalMs = intervalMs === 'off' ? 0 : intervalMs;
    for (const id of this.ids) this.#setUp(id);
    await this.sleep(lookMs);
  }

  async cut(from: NodeId, to: NodeId): Promise<void> {
    this.#simulation.network.cut(from, to);
  }

  async mend(from: NodeId, to: NodeId): Promise<void> {
    this.#simulation.network.mend(from, to);
  }

  async partition(groups: readonly (readonly NodeId[])[]): Promise<void> {
    this.#simulation.network.partition(groups);
  }

  async heal(): Promise<void> {
    this.#simulation.network.heal();
  }

  async setLink(change: Partial<LinkPolicy>): Promise<void> {
    this.#simulation.network.setLink(change);
  }

  async traffic() {
    const { total } = this.#simulation.network.counters();
    return { frames: total.sent, bytes: total.bytesSent };
  }

  #info(id: NodeId): NodeInformation {
    const { actor } = this.#simulation.host(id);
    const information = actor?.describe() ?? this.#crashed.get(id);
    if (information === undefined) throw new Error(`Node ${id} has not started.`);
    return information;
  }

  /** What the host has told the nodes, told to one that begins a life. */
  #setUp(id: NodeId): void {
    const intervalMs = this.#blockIntervalMs;
    this.#simulation.host(id).ask((actor) => actor.tell({ type: 'host.produceBlocks', intervalMs }));
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.sleep(lookMs);
  }
}
