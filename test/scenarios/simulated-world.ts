import { MembershipCalls } from '../../src/client/membership-calls.js';
import { sessionLimits } from '../../src/client/session-host.js';
import { packBytes } from '../../src/ground/byte-strings.js';
import type { WaitOptions } from '../../src/ground/call-options.js';
import { NodeDeadError, TimeoutError } from '../../src/ground/errors.js';
import { Random } from '../../src/ground/random.js';
import type { ClientReply } from '../../src/node/clients/client-requests.js';
import { carryOut } from '../../src/node/host/carry-out.js';
import { errorOf } from '../../src/node/host/error-report.js';
import type { Order, OrderOutcome, SnapshotTaken } from '../../src/node/host/orders.js';
import type { NodeInformation } from '../../src/node/information.js';
import { defaultLimits, defaultTimings, snapshotSettings } from '../../src/node/validate-options.js';
import type { Leader } from '../../src/node/when-ready.js';
import type { LogIndex, NodeId } from '../../src/raft/entry.js';
import type { LinkPolicy } from '../../src/router/link-policy.js';
import { Program } from '../../src/simulation/clients/program.js';
import { contentOf } from '../../src/simulation/world/marks.js';
import { World as Simulation } from '../../src/simulation/world/world.js';
import { changeMs, codeOrNull, fingerprint } from './laboratory.js';
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
  ids: readonly NodeId[];
  readonly #members: MembershipCalls;
  /** How far the log had come when a node was removed. */
  readonly #removed = new Map<NodeId, LogIndex>();
  readonly #simulation: Simulation;
  readonly #crashed = new Map<NodeId, NodeInformation>();
  /** Has the scenario been woken since the world ran last? */
  #isWoken = false;
  #blockIntervalMs: number;
  #client: Program | null = null;
  #reads = 0;

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
          ...(options.leases === undefined ? {} : { leases: options.leases }),
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
    this.#members = new MembershipCalls({
      clock: {
        now: () => this.now(),
        setTimeout: (callback, delayMs) => this.#wakeAfter(delayMs, callback),
        clearTimeout: (timer) => this.#simulation.time.cancel(timer as never),
        soon: (turn) => this.#wakeAfter(0, turn),
      },
      idMax: 98,
      leader: () => this.#leader(new Set()),
      nextLeader: (others, waiting) => this.#nextLeader(others, waiting),
      isLearner: () => false,
      closed: () => null,
      order: (to, order) => this.#order(to, order),
      comes: (id) => this.#comes(id),
      goes: async (id) => {
        this.ids = this.ids.filter((other) => other !== id);
        this.#removed.set(id, this.#simulation.oracle.cluster.committed.length);
        this.#simulation.keepDown(id);
      },
    });
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

  async readByLease(id: NodeId, query: Uint8Array, timeoutMs: number): Promise<Uint8Array | string> {
    let answer: Uint8Array | string | null = null;
    this.#simulation.host(id).ask((actor) => {
      const reply = (given: ClientReply) => {
        answer = given.type === 'answer' ? given.result : 'REFUSED';
      };
      actor.read({ kind: 'client', request: ++this.#reads, query, reply }, 'lease');
    });
    const deadline = this.now() + timeoutMs;
    while (answer === null && this.now() < deadline) await this.sleep(lookMs);
    return answer ?? 'TIMEOUT';
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

  async setClockRate(id: NodeId, rate: number): Promise<void> {
    this.#simulation.host(id).setClockRate(rate);
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

  addMember(id: NodeId) {
    return codeOrNull(this.#members.add(id));
  }

  removeMember(id: NodeId, timeoutMs = changeMs) {
    return codeOrNull(this.#members.remove(id, { timeoutMs }));
  }

  replaceMember(id: NodeId, by: NodeId) {
    return codeOrNull(this.#members.replace(id, by));
  }

  transfer(to: NodeId) {
    return codeOrNull(this.#members.transfer(to));
  }

  async wipe(id: NodeId): Promise<void> {
    this.#simulation.wipe(id);
  }

  /** A node that joins starts, with the disk that its machine has. */
  async #comes(id: NodeId): Promise<void> {
    if (this.ids.includes(id)) return;
    const after = this.#removed.get(id) ?? 0;
    const known = this.#simulation.hosts.find((host) => host.id === id);
    if (known === undefined) this.#simulation.addHost(id, after).start();
    else {
      known.join(after);
      this.#simulation.letBack(id);
    }
    this.ids = [...this.ids, id].sort((a, b) => a - b);
    this.#setUp(id);
    await this.#until(() => this.#simulation.host(id).actor !== null);
  }

  #leader(others: ReadonlySet<NodeId>): Leader | null {
    let leader: Leader | null = null;
    for (const { id, actor } of this.#simulation.hosts) {
      const { role = '', term = 0 } = actor?.describe() ?? {};
      if (role !== 'leader' || others.has(id) || term <= (leader?.term ?? 0)) continue;
      leader = { id, term };
    }
    return leader;
  }

  async #nextLeader(others: ReadonlySet<NodeId>, { timeoutMs = 5_000 }: WaitOptions): Promise<Leader> {
    const deadline = this.now() + timeoutMs;
    for (let leader = this.#leader(others); ; leader = this.#leader(others)) {
      if (leader !== null) return leader;
      if (this.now() >= deadline) throw new TimeoutError('a leader', timeoutMs);
      await this.sleep(lookMs);
    }
  }

  async #order(to: NodeId, order: Order): Promise<SnapshotTaken | null> {
    const host = this.#simulation.host(to);
    const life = host.life?.number;
    let outcome: OrderOutcome | null = null;
    const isAsked = host.ask((actor) =>
      carryOut(actor, order, (given) => {
        outcome = given;
      }),
    );
    await this.#until(() => outcome !== null || !isAsked || host.life?.number !== life);
    if (outcome === null) throw new NodeDeadError(to);
    const { error, snapshot } = outcome as OrderOutcome;
    if (error !== null) throw errorOf(error);
    return snapshot;
  }

  #wakeAfter(delayMs: number, callback: () => void) {
    return this.#simulation.time.after(delayMs, () => {
      this.#isWoken = true;
      callback();
    });
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
