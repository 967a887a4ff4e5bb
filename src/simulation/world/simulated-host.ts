import { crc32 } from 'node:zlib';
import { KeyValueStore } from '../../application/key-value/key-value-store.js';
import { unpackBytes } from '../../ground/byte-strings.js';
import type { Random } from '../../ground/random.js';
import type { Transport } from '../../ground/transport.js';
import { serveClient } from '../../node/clients/client-port.js';
import { NodeActor } from '../../node/node-actor.js';
import { Configuration } from '../../raft/configuration.js';
import type { LogIndex, NodeId } from '../../raft/entry.js';
import type { SessionTable } from '../../raft/sessions.js';
import type { Delivery } from '../../router/network.js';
import { SnapshotDamagedError, WalDamagedError } from '../../storage/errors.js';
import { WriteAheadLog } from '../../storage/write-ahead-log.js';
import { clusterTag } from '../../wire/messages.js';
import { DiskRecord, RecordedStorage } from '../disk/disk-record.js';
import { type PowerLoss, SimulatedFileSystem } from '../disk/simulated-file-system.js';
import { type Life, LifeOver } from './life.js';
import { NodeClock } from './node-clock.js';
import type { SessionLine } from './session-line.js';
import { BackgroundDisk, BlockingDisk } from './simulated-disk.js';
import type { HostOptions, Surroundings } from './surroundings.js';
import { WatchedApplication } from './watched-application.js';

/** All simulated nodes are of one cluster. */
const simulatedCluster = clusterTag('simulation');

/** Work that waits for a paused node; what a network brings beyond that is lost. */
const waitingMax = 10_000;

/** A machine with a disk, and the production node in it, which can be ended between any two of its effects. */
export class SimulatedHost {
  readonly id: NodeId;
  readonly disk: SimulatedFileSystem;
  readonly record = new DiskRecord();
  readonly #options: HostOptions;
  readonly #world: Surroundings<SimulatedHost>;
  readonly #random: Random;
  /** All lives of the node have the same seed, and their clocks begin alike: only what is made to tell them apart does. */
  readonly #seed: number;
  readonly #clockBeginsMs: number;
  #life: Life | null = null;
  #lives = 0;
  #receive: ((from: NodeId, frame: Uint8Array) => void) | null = null;
  /** What keeps the node from running now. */
  readonly #holds = new Set<object>();
  #pauses = 0;
  /** What is to run once nothing does. */
  #waiting: (() => void)[] = [];
  #effectsLeft = Number.POSITIVE_INFINITY;
  /** Does only the disk's work count down? */
  #countsDiskAlone = false;
  #powerFails = false;
  #isDamaged = false;
  #isFlipped = false;
  #isStopped = false;
  #joinsAfter: LogIndex | null = null;
  #syncMsMean: number;
  #stalledUntilMs = 0;
  #clockRate = 1;
  #blockIntervalMs = 0;
  #applyMs = 0;

  constructor(options: HostOptions, world: Surroundings<SimulatedHost>, random: Random) {
    this.id = options.node.id;
    this.#options = options;
    this.#world = world;
    this.#random = random;
    this.disk = new SimulatedFileSystem(random.fork());
    this.#seed = random.uint32();
    this.#clockBeginsMs = random.below(1_000_000);
    this.#syncMsMean = options.syncMs;
  }

  /** The present life, or null while the node is down. */
  get life(): Life | null {
    return this.#life;
  }

  /** The running node, or null. */
  get actor(): NodeActor | null {
    return this.#life?.isOver === false ? this.#life.actor : null;
  }

  get isPaused(): boolean {
    return this.#holds.size > 0;
  }

  /** Paused as a whole, not just waiting for its disk. */
  get isAsleep(): boolean {
    return this.#pauses > 0;
  }

  /** Stopped by command. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Its disk did not come through a recovery: the node stays down for good. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** A bit of its disk was flipped: it may not come through a recovery. */
  get isFlipped(): boolean {
    return this.#isFlipped;
  }

  /** From its next life on the node is one that joins, a cluster whose log has come so far. */
  join(after: LogIndex): void {
    this.#joinsAfter = after;
  }

  /** The machine, whose process has ended, gets an empty disk. */
  wipe(): void {
    this.disk.wipe();
    this.record.wipe();
    this.#isDamaged = false;
    this.#isFlipped = false;
  }

  /** Starts the process: recovers from the disk, and takes part. Does nothing when it runs or its disk is damaged. */
  start(): void {
    if (this.#life !== null || this.#isDamaged) return;
    const { trace, time } = this.#world;
    const beginning = { ms: this.#clockBeginsMs, rate: this.#clockRate };
    const clock = new NodeClock(time, this.#random.fork(), beginning, (run) => this.#enter(life, run));
    const application = new WatchedApplication(
      new KeyValueStore(),
      (applied) => {
        if (!this.#effect(life)) throw new LifeOver();
        if (this.#applyMs > 0) clock.spend(this.#applyMs);
        trace.event(this.id, 'apply', applied.index, applied.term);
        this.#world.applied(this, applied);
      },
      () => {
        const { actor } = life;
        if (actor !== null) this.#stateSeen(life, actor.replica.lastApplied, false);
      },
      this.#world.verifies ? (command) => this.#world.judged(this, command) : null,
    );
    const life: Life = {
      number: ++this.#lives,
      clock,
      application,
      actor: null,
      lines: new Set(),
      isOver: false,
    };
    this.#life = life;
    this.#isStopped = false;
    this.#world.launched(this);
    this.#enter(life, () => this.#recover(life));
  }

  #recover(life: Life): void {
    const log = new WriteAheadLog({
      fileSystem: this.disk.handOver({
        effect: () => {
          if (!this.#effect(life, true)) throw new LifeOver();
        },
        later: (work) => {
          this.#world.time.after(this.#drawSyncMs(), () => {
            if (!life.isOver) work();
          });
        },
        madeAhead: () => this.#world.segmentMadeAhead(),
      }),
      directory: '/node',
      clusterId: 'simulation',
      nodeId: this.id,
      segmentBytes: this.#options.segmentBytes,
      lock: null,
    });
    const synced = (changedFrom: LogIndex | null) => {
      this.#world.trace.event(this.id, 'durable', this.record.hardState.term, this.record.lastIndex);
      if (changedFrom !== null) this.#world.stored(this, changedFrom);
    };
    const storage = new RecordedStorage(log, this.record, synced, (from) =>
      this.#world.replacing(this, from),
    );
    try {
      const { voters, learners } = this.#options.node;
      const recovered = storage.recover(this.#options.seal, Configuration.of(voters, learners).data);
      this.#world.recovered(this, recovered);
      const { hardState, lastIndex } = this.record;
      this.#world.trace.event(this.id, 'start', life.number, hardState.term, lastIndex);
      life.actor = this.#boot(life, storage, recovered);
      const intervalMs = this.#blockIntervalMs;
      if (intervalMs > 0) life.actor.tell({ type: 'host.produceBlocks', intervalMs });
    } catch (error) {
      if (life.isOver) return;
      this.#refused(life, error);
    }
  }

  #boot(life: Life, storage: RecordedStorage, recovered: ReturnType<RecordedStorage['recover']>): NodeActor {
    const surroundings = {
      effect: () => this.#effect(life, true),
      syncMs: () => this.#drawSyncMs(),
      after: (delayMs: number, work: () => void) => {
        this.#world.time.after(delayMs, () => this.#enter(life, work));
      },
      block: (delayMs: number) => this.#block(delayMs),
    };
    const Port = this.#options.waitsForDisk ? BlockingDisk : BackgroundDisk;
    return new NodeActor(
      { ...this.#options.node, ...this.#joining, seed: this.#seed },
      {
        transport: this.#transport(life),
        disk: new Port(storage, surroundings),
        recovered,
        application: life.application,
        clock: life.clock,
        identity: { id: this.id, cluster: simulatedCluster, life: 1 + this.#random.below(2 ** 48 - 1) },
        ciphers: this.#options.ciphers(),
        observer: {
          standingChanged: (standing) => {
            if (!life.isOver) this.#world.standingChanged(this, standing);
          },
          progressed: () => {},
          snapshotNews: (news) => {
            if (life.isOver) return;
            if (news.type === 'restored') this.#stateSeen(life, news.snapshot.mark.index, true);
            this.#world.snapshotNews(this, news);
          },
          died: (error) => {
            if (!life.isOver) this.#died(life, error);
          },
        },
      },
    );
  }

  get #joining(): Pick<HostOptions['node'], 'joins' | 'joinsAfter'> {
    return this.#joinsAfter === null ? {} : { joins: true, joinsAfter: this.#joinsAfter };
  }

  /** The state of application and sessions, at this entry. */
  #stateSeen({ application, actor }: Life, index: LogIndex, isRestored: boolean): void {
    const sessions = actor === null ? '' : describeSessions(actor.sessions);
    this.#world.stateSeen(this, index, crc32(sessions, application.stateNumber()), isRestored);
  }

  #transport(life: Life): Transport {
    return {
      send: (to, frame) => {
        if (this.#effect(life)) this.#world.send(this.id, to, frame);
      },
      receive: (handler) => {
        this.#receive = handler;
      },
    };
  }

  /** A frame arrives from the network. */
  arrive(from: NodeId, frame: Uint8Array): Delivery {
    const life = this.#life;
    if (life === null || this.#receive === null) return 'unreachable';
    if (this.#waiting.length >= waitingMax) return 'dropped';
    const receive = this.#receive;
    this.#enter(life, () => receive(from, frame), false);
    return 'delivered';
  }

  /** Has the node serve a session for as long as this life lasts. */
  serve(line: SessionLine): void {
    const life = this.#life;
    if (life === null) {
      line.break(false);
      return;
    }
    life.lines.add(line);
    const port = line.serve(
      (run) => this.#enter(life, run),
      () => this.#effect(life),
    );
    this.#enter(life, () => {
      if (life.actor !== null) serveClient(port, life.actor);
    });
  }

  /** Asks something of the node, or tells it. False when nobody is there. */
  ask(request: (actor: NodeActor) => void): boolean {
    const life = this.#life;
    if (life === null) return false;
    this.#enter(life, () => {
      if (life.actor !== null) request(life.actor);
    });
    return true;
  }

  /** Ends the process at its next effect but `effects`: a frame sent, a call to the disk, an entry applied, a reply. */
  crashWithin(effects: number, powerFails: boolean, countsDiskAlone = false): void {
    this.#effectsLeft = effects;
    this.#countsDiskAlone = countsDiskAlone;
    this.#powerFails = powerFails;
  }

  /** Takes back a crash that was to come. */
  spare(): void {
    this.#effectsLeft = Number.POSITIVE_INFINITY;
    this.#countsDiskAlone = false;
  }

  /** Ends the process now. With the power goes what was not synced. */
  crash(powerFails: boolean): void {
    const life = this.#life;
    if (life === null) return;
    life.isOver = true;
    this.#powerFails = powerFails;
    this.#bury(life);
  }

  /** Keeps the node from running until what is returned is called. */
  hold(): () => void {
    const hold = {};
    this.#holds.add(hold);
    return () => {
      if (this.#holds.delete(hold) && this.#holds.size === 0) this.#goOn();
    };
  }

  /** Pauses the node. With `clockStands` it wakes believing that no time has passed. Returns how to wake it. */
  pause(clockStands: boolean): () => void {
    const life = this.#life;
    const release = this.hold();
    this.#pauses++;
    if (clockStands) life?.clock.freeze();
    return () => {
      this.#pauses--;
      life?.clock.goOn();
      release();
    };
  }

  #goOn(): void {
    if (this.#waiting.length > 0) this.#world.time.after(0, () => this.#catchUp());
  }

  /** Runs what waits, in the order in which it came, until one of them holds the node again. */
  #catchUp(): void {
    while (!this.isPaused) {
      const run = this.#waiting.shift();
      if (run === undefined) return;
      run();
    }
  }

  stop(): void {
    if (this.ask((actor) => actor.tell({ type: 'host.stop' }))) this.#isStopped = true;
  }

  revive(): void {
    this.#isStopped = false;
    this.ask((actor) => actor.tell({ type: 'host.revive' }));
  }

  /** As its host tells it, in this life and the next ones: how often it is to produce a block if it leads; 0: never. */
  produceBlocks(intervalMs: number): void {
    this.#blockIntervalMs = intervalMs;
    this.ask((actor) => actor.tell({ type: 'host.produceBlocks', intervalMs }));
  }

  setCandidacy(allowed: boolean): void {
    this.ask((actor) => actor.tell({ type: 'host.setCandidacy', allowed }));
  }

  campaign(): void {
    this.ask((actor) => actor.tell({ type: 'host.campaign' }));
  }

  /** Flips a bit at rest. False when there is nothing to flip. */
  flipBit(): boolean {
    this.#isFlipped = this.disk.flipBit();
    return this.#isFlipped;
  }

  setClockRate(rate: number): void {
    this.#clockRate = rate;
    this.#life?.clock.setRate(rate);
  }

  setSyncMs(mean: number): void {
    this.#syncMsMean = mean;
  }

  /** Each command that the state machine applies takes so long. */
  setApplyMs(ms: number): void {
    this.#applyMs = ms;
  }

  /** Syncs that begin within that time end only after it. */
  stallDisk(ms: number): void {
    this.#stalledUntilMs = this.#world.time.now() + ms;
  }

  endStall(): void {
    this.#stalledUntilMs = 0;
  }

  #drawSyncMs(): number {
    const stalledMs = Math.max(0, this.#stalledUntilMs - this.#world.time.now());
    return stalledMs + this.#random.between(0.2, 1.8) * this.#syncMsMean;
  }

  #block(delayMs: number): void {
    this.#world.time.after(delayMs, this.hold());
  }

  /** Runs something in the node: now, when it wakes, or never if this life is over by then. */
  #enter(life: Life, run: () => void, changes = true): void {
    if (life !== this.#life || life.isOver) return;
    // What waits comes first, so that a node hears everything in the order in which it was said.
    if (this.isPaused || this.#waiting.length > 0) {
      this.#waiting.push(() => this.#runIn(life, run, changes));
    } else this.#runIn(life, run, changes);
  }

  #runIn(life: Life, run: () => void, changes: boolean): void {
    if (life !== this.#life || life.isOver) return;
    run();
    const spentMs = life.clock.takeSpent();
    if (life.isOver) this.#bury(life);
    else {
      if (spentMs > 0) this.#block(spentMs);
      if (changes) this.#world.stepped(this);
    }
  }

  /** One effect is about to happen. False when the node is not to live to see it. */
  #effect(life: Life, isDisk = false): boolean {
    if (life.isOver) return false;
    if (this.#countsDiskAlone && !isDisk) return true;
    if (this.#effectsLeft-- > 0) return true;
    this.#effectsLeft = Number.POSITIVE_INFINITY;
    life.isOver = true;
    return false;
  }

  #bury(life: Life): void {
    if (this.#life !== life) return;
    this.#effectsLeft = Number.POSITIVE_INFINITY;
    this.#countsDiskAlone = false;
    this.#life = null;
    this.#receive = null;
    this.#holds.clear();
    this.#waiting = [];
    life.clock.close();
    life.actor?.end();
    for (const line of life.lines) line.break(this.#random.chance(0.5));
    this.#world.trace.event(this.id, 'crash', life.number, this.#powerFails ? 1 : 0);
    const loss: PowerLoss | null = this.#powerFails ? this.disk.losePower() : null;
    this.#world.ended(this, loss);
  }

  /** The node gave up by itself: its disk failed, or it saw what must never be. */
  #died(life: Life, error: unknown): void {
    life.isOver = true;
    this.#powerFails = false;
    // The bit was in the one snapshot that the log begins after, or in entries that are read back.
    if (error instanceof SnapshotDamagedError || error instanceof WalDamagedError) {
      this.#isDamaged = this.#isFlipped;
    }
    this.#world.trace.event(this.id, 'died', life.number, 0, 0, String(error));
    this.#world.died(this, error);
  }

  #refused(life: Life, error: unknown): void {
    life.isOver = true;
    this.#powerFails = false;
    this.#world.trace.event(this.id, 'refused', life.number, 0, 0, String(error));
    this.#isDamaged = (error as { code?: unknown }).code === 'WAL_DAMAGED';
    this.#world.refused(this, error);
  }
}

/** All that is known of sessions, command by command: how these came in runs is no part of the state. */
function describeSessions(table: SessionTable): string {
  const { logTimeMs, sessions } = table.capture();
  const described = sessions.map(({ stretches, ...session }) => [
    Object.values(session),
    stretches.flatMap(({ sequence, count, index, term, results }) => {
      const each = results === null ? [] : (unpackBytes(results, count) ?? []);
      return Array.from({ length: count }, (_, at) => {
        return [sequence + at, index + at, term, crc32(each[at] ?? new Uint8Array(0))];
      });
    }),
  ]);
  return JSON.stringify([logTimeMs, described]);
}
