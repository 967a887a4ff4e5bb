import { ApplicationError } from '../../ground/errors.js';
import type { Random } from '../../ground/random.js';
import type { NodeStanding } from '../../node/information.js';
import type { SnapshotNews } from '../../node/node-observer.js';
import type { Limits } from '../../node/options.js';
import { messageInWords } from '../../node/watch/message-words.js';
import type { Configuration } from '../../raft/configuration.js';
import type { LogIndex, NodeId } from '../../raft/entry.js';
import { InvariantViolation } from '../../raft/invariant.js';
import { cleanLink, type LinkPolicy, mergePolicy } from '../../router/link-policy.js';
import { Network } from '../../router/network.js';
import { StorageFailedError, WalDamagedError } from '../../storage/errors.js';
import type { Recovered } from '../../storage/storage.js';
import { createCiphers } from '../../wire/create-cipher.js';
import { logSealOf } from '../../wire/log-seal.js';
import { FrameDecoder, type Spoken } from '../../wire/messages.js';
import { RunSeals } from '../../wire/run-seals.js';
import type { PowerLoss } from '../disk/simulated-file-system.js';
import { Oracle } from '../invariants/oracle.js';
import { type AskedNodes, Requests } from '../invariants/requests.js';
import { Violation } from '../invariants/violation.js';
import type { Character } from '../options.js';
import { RareStates } from '../rare-states/rare-states.js';
import { Clogs } from './clogs.js';
import { openRequestsOf } from './life.js';
import { SimulatedHost } from './simulated-host.js';
import type { Surroundings } from './surroundings.js';
import type { FrameListener } from './tape.js';
import { Trace, type TraceEvent } from './trace.js';
import { VirtualTime } from './virtual-time.js';
import type { Applied } from './watched-application.js';

/** Frames under way on one link; what does not fit is dropped, as a network would. */
const queueMax = 512;

/** Looks on. It may read anything and must change nothing: a run is the same with it and without. */
export interface Spectator {
  /** The world is about to start. */
  begins(world: World): void;
  /** Something happened in it, and is over. */
  stepped(): void;
  /** A node sends a frame. */
  sent?(from: NodeId, to: NodeId, frame: Uint8Array): void;
  /** A machine has an empty disk now. */
  wiped?(node: NodeId): void;
}

/** Several that look on, as one; those that are null are not there. */
export function spectators(all: readonly (Spectator | null)[]): Spectator {
  const each = all.filter((one) => one !== null);
  return {
    begins(world) {
      for (const one of each) one.begins(world);
    },
    stepped() {
      for (const one of each) one.stepped();
    },
    sent(from, to, frame) {
      for (const one of each) one.sent?.(from, to, frame);
    },
    wiped(node) {
      for (const one of each) one.wiped?.(node);
    },
  };
}

/** Whoever has lines to nodes hears of their lives. */
export interface NodeNews {
  /** A process of the node begins. */
  launched(host: SimulatedHost): void;
  standingChanged(host: SimulatedHost, standing: NodeStanding): void;
  ended(host: SimulatedHost): void;
}

/**
 * Everything there is: hosts with disks and nodes, the production network between them, virtual time, and an oracle
 * that looks at every step. It does nothing by itself but restart what has ended; faults and clients act on it.
 */
export class World implements Surroundings<SimulatedHost> {
  readonly time = new VirtualTime();
  readonly trace: Trace;
  readonly network: Network;
  readonly clogs: Clogs;
  readonly #hosts: SimulatedHost[];
  readonly oracle: Oracle;
  readonly requests: Requests;
  /** Processes of clients. */
  readonly programs = new Set<NodeNews>();
  /** The limits and the heartbeat that clients know of. */
  readonly limits: Limits;
  readonly heartbeatMs: number;
  readonly rare: RareStates;
  /** How all links are while no fault touches them. */
  readonly usualLink: LinkPolicy;
  readonly usualSyncMs: number;
  /** A node that ended is started again after so long at most. */
  readonly restartMsMax: number;
  readonly electionTimeoutMsMax: number;
  /** May leaders answer by leases? Then no clock jumps or stands still. */
  readonly hasLeases: boolean;
  /** Are the voters asked about commands first, where clients want that? Members do not change then. */
  readonly verifies: boolean;
  /** What listens to the frames that are sent. */
  readonly tapes = new Set<FrameListener>();
  #watcher: (() => void) | null = null;
  readonly #random: Random;
  readonly #reader: FrameDecoder;
  /** What has happened that must not. Kept until the step is over: what is thrown in a chart never gets out. */
  #violation: Violation | null = null;
  readonly #newHost: (id: NodeId, random: Random) => SimulatedHost;
  readonly #spareRandom: Random;
  /** Hosts that a fault, or the operator, keeps down. */
  readonly #keptDown = new Set<NodeId>();
  readonly #spectator: Spectator | null;

  constructor(
    character: Omit<Character, 'clients'>,
    random: Random,
    reader: ((event: TraceEvent) => void) | null,
    spectator: Spectator | null = null,
  ) {
    const { cipher } = character;
    this.#random = random.fork();
    this.#spectator = spectator;
    this.usualLink = mergePolicy(cleanLink, character.link);
    this.usualSyncMs = character.syncMs;
    this.restartMsMax = character.restartMsMax;
    this.limits = character.node.limits;
    this.heartbeatMs = character.node.timings.heartbeatMs;
    this.hasLeases = character.node.leases !== undefined;
    this.verifies = character.verifies ?? false;
    this.electionTimeoutMsMax = character.node.timings.electionTimeoutMsMax;
    this.trace = new Trace(this.time, reader);
    const own = createCiphers(cipher, random.fork());
    this.#reader = new FrameDecoder(own.frames, new RunSeals(own.entries));
    this.network = new Network({
      clock: {
        now: () => this.time.now(),
        setTimeout: (callback, delayMs) => this.time.after(delayMs, callback),
        clearTimeout: (timer) => this.time.cancel(timer as ReturnType<VirtualTime['after']>),
      },
      random: random.fork(),
      deliver: (to, from, frame) => this.#deliver(to, from, frame),
      link: character.link,
      queueMax,
    });
    this.clogs = new Clogs((from, to, frame) => this.network.send(from, to, frame));
    const seal = logSealOf(cipher, own.entries);
    this.#newHost = (id, own) => {
      const limits = limitsOf(character, own);
      const options = {
        node: { ...character.node, id, voters: character.voters, learners: [], limits },
        ciphers: () => createCiphers(cipher, own),
        seal,
        segmentBytes: character.segmentBytes,
        waitsForDisk: character.waitsForDisk,
        syncMs: character.syncMs,
      };
      return new SimulatedHost(options, this, own);
    };
    this.#hosts = character.voters.map((id) => this.#newHost(id, random.fork()));
    this.#spareRandom = random.fork();
    this.oracle = new Oracle(new Map(this.hosts.map((host) => [host.id, host.record])));
    this.rare = new RareStates(this.oracle.cluster);
    this.requests = new Requests(this.oracle.cluster, this.#askedNodes(), this.rare, (violation) =>
      this.fail(violation),
    );
  }

  /** Machines that there are, ascending. Those that are no members may run all the same. */
  get hosts(): readonly SimulatedHost[] {
    return this.#hosts;
  }

  /** Brings another machine, whose node is to join a cluster whose log has come so far. It has yet to be started. */
  addHost(id: NodeId, joinsAfter: LogIndex): SimulatedHost {
    const host = this.#newHost(id, this.#spareRandom.fork());
    host.join(joinsAfter);
    host.disk.faults.tears = this.#hosts[0]?.disk.faults.tears ?? false;
    this.#hosts.push(host);
    this.oracle.cluster.disks.set(id, host.record);
    return host;
  }

  /** A host that is kept down gets an empty disk. It must be no member, nor be on its way to become one. */
  wipe(id: NodeId): void {
    this.host(id).wipe();
    this.oracle.cluster.wiped(id);
    this.trace.event(id, 'wipe');
    this.#spectator?.wiped?.(id);
  }

  start(): void {
    this.#spectator?.begins(this);
    for (const host of this.hosts) host.start();
  }

  #askedNodes(): AskedNodes {
    return {
      leads: (id) => this.host(id).actor?.replica.leaderId === id,
      asked: (id) => this.rare.readAsked(this.host(id).actor),
      answered: (id) => this.rare.readAnswered(this.host(id).actor),
    };
  }

  /** Something happened that must never happen. It is thrown when the step is over: charts keep what is thrown in them. */
  fail(violation: Violation): void {
    this.#violation ??= violation;
  }

  /** Who belongs to the cluster, by the latest configuration that is committed. */
  get configuration(): Configuration {
    return this.oracle.cluster.configuration;
  }

  host(id: NodeId): SimulatedHost {
    const host = this.hosts.find((each) => each.id === id);
    if (host === undefined) throw new Error(`There is no node ${id} in this world.`);
    return host;
  }

  /** Runs until `endMs`, or until `isDone` holds. @throws {Violation} when an invariant breaks. */
  run(endMs: number, isDone: () => boolean = () => false): void {
    while (this.#violation === null && !isDone() && this.time.step(endMs)) this.#spectator?.stepped();
    if (this.#violation !== null) throw this.#violation;
  }

  /** Ends a host and lets it not come back. */
  keepDown(id: NodeId): void {
    this.#keptDown.add(id);
    this.host(id).crash(false);
  }

  isKeptDown(id: NodeId): boolean {
    return this.#keptDown.has(id);
  }

  /** Starts a host again that was kept down. */
  letBack(id: NodeId): void {
    this.#keptDown.delete(id);
    this.host(id).start();
  }

  send(from: NodeId, to: NodeId, frame: Uint8Array): void {
    this.#spectator?.sent?.(from, to, frame);
    this.#traceFrame(from, 'send', to, frame);
    for (const tape of this.tapes) tape.hear(from, to, frame);
    if (!this.clogs.hold(from, to, frame)) this.network.send(from, to, frame);
  }

  /** What a frame says; null when it cannot be read. */
  read(frame: Uint8Array): Spoken | null {
    return this.#reader.decode(frame);
  }

  #inWords(frame: Uint8Array): string {
    const message = this.read(frame);
    return message === null ? 'unreadable' : messageInWords(message);
  }

  #deliver(to: NodeId, from: NodeId, frame: Uint8Array) {
    this.#traceFrame(to, 'receive', from, frame);
    return this.host(to).arrive(from, frame);
  }

  #traceFrame(node: NodeId, kind: 'send' | 'receive', other: NodeId, frame: Uint8Array): void {
    const end = frame.length;
    const checksum = ((frame[end - 4] as number) |
      ((frame[end - 3] as number) << 8) |
      ((frame[end - 2] as number) << 16) |
      ((frame[end - 1] as number) << 24)) as number;
    const text = this.trace.isRead ? this.#inWords(frame) : '';
    this.trace.event(node, kind, other, checksum, end, text);
  }

  launched(host: SimulatedHost): void {
    for (const program of this.programs) program.launched(host);
  }

  stepped(host: SimulatedHost): void {
    if (host.life !== null) this.requests.knowsWhatIsOpen(host.id, openRequestsOf(host.life));
    const seen = this.oracle.stepped(host);
    if (seen === null) return;
    this.requests.stepped(host.id);
    const { currentTerm, commitIndex, log } = seen.replica;
    this.trace.event(host.id, 'turn', currentTerm, commitIndex, log.lastIndex);
    this.rare.stepped(seen);
    this.#watcher?.();
  }

  /** Is somebody told of every step? */
  get isWatched(): boolean {
    return this.#watcher !== null;
  }

  /** Has a fault told of every step of a node, after the oracle; null ends it. There is one watcher at a time. */
  watch(watcher: (() => void) | null): void {
    this.#watcher = watcher;
  }

  applied(host: SimulatedHost, applied: Applied): void {
    this.requests.applied(host.id, applied);
    this.oracle.applied(host, applied);
  }

  judged(host: SimulatedHost, command: Uint8Array): boolean {
    return this.requests.judged(host.id, command);
  }

  replacing(host: SimulatedHost, from: LogIndex): void {
    this.rare.replacing(host.record, from);
  }

  stored(host: SimulatedHost, changedFrom: LogIndex): void {
    this.oracle.stored(host, changedFrom);
  }

  recovered(host: SimulatedHost, recovered: Recovered): void {
    this.oracle.recovered(host, recovered);
    if (recovered.tornBytes > 0) this.rare.count('a torn tail repaired');
    if (host.disk.fileCount > 1) this.rare.count('a recovery of more than one segment');
  }

  stateSeen(host: SimulatedHost, index: LogIndex, state: number, isRestored: boolean): void {
    this.oracle.stateSeen(host, index, state, isRestored);
  }

  segmentMadeAhead(): void {
    this.rare.count('a segment that was made ahead');
  }

  snapshotNews(host: SimulatedHost, news: SnapshotNews): void {
    this.rare.snapshotNews(news);
    if (news.type === 'unavailable') return;
    const { mark, bytes } = news.snapshot;
    this.trace.event(host.id, 'snapshot', mark.index, bytes, 0, news.type);
  }

  standingChanged(host: SimulatedHost, standing: NodeStanding): void {
    this.trace.event(host.id, 'role', standing.term, standing.leaderId ?? -1, 0, standing.state);
    this.rare.standingChanged(host, standing);
    for (const program of this.programs) program.standingChanged(host, standing);
  }

  ended(host: SimulatedHost, loss: PowerLoss | null): void {
    this.rare.ended(host.id);
    this.requests.processEnded(host.id);
    for (const program of this.programs) program.ended(host);
    if (loss !== null) this.rare.powerLost(loss);
    if (host.isDamaged || this.#keptDown.has(host.id)) return;
    this.time.after(this.#random.between(1, this.restartMsMax), () => {
      if (!this.#keptDown.has(host.id)) host.start();
    });
  }

  died(host: SimulatedHost, error: unknown): void {
    if (error instanceof StorageFailedError) {
      this.rare.count('a node that died of its disk');
      return;
    }
    if (host.isDamaged) {
      this.rare.count('a damaged disk refused');
      return;
    }
    // What the oracle throws while an entry is applied, the node takes for a failure of its application.
    const cause = error instanceof ApplicationError ? error.cause : error;
    const name = error instanceof InvariantViolation ? 'AssertionOfTheNode' : 'NodeSurvives';
    this.fail(cause instanceof Violation ? cause : new Violation(name, host.id, textOf(error)));
  }

  refused(host: SimulatedHost, error: unknown): void {
    if (error instanceof Violation) throw error;
    if (error instanceof WalDamagedError && !host.isFlipped) {
      throw new Violation('TornTailIsRepaired', host.id, `No bit was flipped, and yet: ${error.message}`);
    }
    if (error instanceof WalDamagedError) this.rare.count('a damaged disk refused');
    else if (error instanceof StorageFailedError) this.rare.count('a recovery that met a failing disk');
    else throw new Violation('NodeStarts', host.id, textOf(error));
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** A node's limits. How much a message may carry is drawn when it is asked for. */
function limitsOf({ node: { limits }, appendBytes }: Omit<Character, 'clients'>, random: Random): Limits {
  if (appendBytes === null) return limits;
  const { low, high } = appendBytes;
  return {
    ...limits,
    get appendBytesMax() {
      return low + random.below(Math.max(1, high - low));
    },
  };
}
