import type { Clock } from '../ground/clock.js';
import {
  CommandTooLargeError,
  InvalidOptionError,
  NodeDeadError,
  OverloadedError,
  QueryTooLargeError,
} from '../ground/errors.js';
import type { Transport } from '../ground/transport.js';
import type { Configuration } from '../raft/configuration.js';
import type { LogEntry, LogIndex, NodeId } from '../raft/entry.js';
import { membersHeard } from '../raft/liveness.js';
import { configurationIsCommitted } from '../raft/membership.js';
import type { Message } from '../raft/messages.js';
import type { Replica } from '../raft/replica.js';
import { entriesOf, longestCommand } from '../raft/run.js';
import type { SessionTable } from '../raft/sessions.js';
import { FrameEncoder, frameKey, type Letter } from '../wire/messages.js';
import { type NodeChart, newChart } from './chart.js';
import { confirmReads } from './clients/client-actions.js';
import {
  type ClientRead,
  type Consistency,
  type Proposal,
  refuseProposal,
} from './clients/client-requests.js';
import { OpenRequests } from './clients/open-requests.js';
import { describeNode, membersOf, standingOf } from './describe.js';
import type { DiskLane } from './disk/disk-lane.js';
import type { LogReader } from './disk/log-reader.js';
import type { NodeInformation, NodeStanding, Recovery } from './information.js';
import { abandonLeadership } from './leadership/leadership-actions.js';
import { CommitTimer } from './measures/commit-timer.js';
import { measureNode } from './measures/measure-node.js';
import type { NodeMeasures } from './measures/measures.js';
import type { NodeObserver, SnapshotNews } from './node-observer.js';
import type { NodeOptions } from './options.js';
import { assemble, type Happening, type NodeParts, type PartPorts } from './parts.js';
import type { Inbox } from './peers/inbox.js';
import type { ArrivalCounts } from './snapshots/arriving.js';
import type { SnapshotKeeper, SnapshotOutcome } from './snapshots/snapshot-keeper.js';
import { messageBytesMax } from './validate-options.js';
import { NodeWatch } from './watch/node-watch.js';
import type { Observation } from './watch/observation.js';

/** Events waiting for the next turn; what a network brings beyond that is dropped, what clients ask is refused. */
const mailboxEventsMax = 65_536;
/** Reads in one event: they are bounded by their bytes, and these may be few. */
const readsTogetherMax = 256;

interface LastReads {
  readonly event: Extract<Happening, { type: 'client.read' | 'client.readStale' }>;
  readonly reads: ClientRead[];
}
/** Bytes of the queries that clients wait for; one of the largest size always fits. */
const queriesBytesMax = 2 * messageBytesMax;

/** What waits for its turn: a peer's message is judged only then. */
type Mail = Happening | { readonly type: 'peer.message'; readonly message: Message };

/** The world of one node, and who hears of it. */
export interface NodePorts extends PartPorts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly observer: NodeObserver;
}

/**
 * A node: the chart, the rules it calls, and the ports. It works in turns. Drain the mailbox, step the chart once
 * an event, then flush: what may leave at once, one write and sync, what had to wait for it, and the replies.
 */
export class NodeActor {
  readonly #parts: NodeParts;
  readonly #ports: Omit<NodePorts, 'recovered'>;
  readonly #chart: NodeChart;
  readonly #encoder: FrameEncoder;
  readonly #requests: OpenRequests;
  readonly #commitTimer: CommitTimer;
  /** What became of snapshots in this turn. */
  #news: SnapshotNews[] = [];
  /** How much the log had taken when it was last seen to. */
  #bytesSeenTo = 0;
  /** What was applied before this turn: what came in it, whoever looks on has not seen yet. */
  #appliedBefore: LogIndex = 0;
  #mailbox: Mail[] = [];
  /** Those that were put into the mailbox last: others may join them while nothing comes behind. */
  #lastReads: LastReads = { event: { type: 'client.read', reads: [] }, reads: [] };
  /** What of the mailbox this turn has not come to yet, the next one last. If the node dies, nobody else will. */
  #inHand: Mail[] = [];
  /** Timers that are due in this turn; one that an event of the turn cancels is taken out again. */
  readonly #due = new Set<TurnTimer>();
  #turnIsDue = false;
  #flushing = false;
  #ended = false;
  #standing: NodeStanding;
  #commitReported: LogIndex = 0;
  #configurationReported: Configuration | null = null;
  #configurationIsReportedCommitted = false;
  #heightReported: LogIndex = 0;
  /** There only while somebody watches. */
  #watch: NodeWatch | null = null;

  /** @throws {UnreadableLogError} */
  constructor(options: NodeOptions, ports: NodePorts) {
    // What was recovered is not kept: it is opened, and would keep all that was read from the disk in memory.
    const { recovered: _, ...lasting } = ports;
    this.#ports = lasting;
    const clock = this.#turnClock();
    this.#parts = assemble(options, ports, clock, (news) => this.#news.push(news));
    const { replica, seals, counts } = this.#parts;
    this.#requests = new OpenRequests(counts);
    this.#commitTimer = new CommitTimer(replica, ports.clock, (tookMs) => counts.commits.add(tookMs));
    this.#encoder = new FrameEncoder(ports.ciphers.frames, seals);
    this.#chart = newChart(this.#parts, clock);
    this.#chart.subscribe({ error: (error) => this.#die(error) });
    this.#chart.start();
    this.#standing = standingOf(this.#chart.getSnapshot(), replica);
    ports.transport.receive((from, frame) => this.#receiveFrame(from, frame));
    this.#parts.inbox.greet();
    this.#requestTurn();
  }

  /** The state that the rules work on. Look, do not touch. */
  get replica(): Readonly<Replica> {
    return this.#parts.replica;
  }

  /** The chart's running actor, for inspection. */
  get chart(): NodeChart {
    return this.#chart;
  }

  /** What peers have said, and what of it was dropped. */
  get inbox(): Pick<Inbox, 'counters' | 'nonsenseCount' | 'forFormerBearer'> {
    return this.#parts.inbox;
  }

  /** How the node stands; cheaper than `describe`, for nothing is asked of the application. */
  get standing(): NodeStanding {
    return standingOf(this.#chart.getSnapshot(), this.#parts.replica);
  }

  get recovery(): Recovery | null {
    return this.#parts.applier.recovery;
  }

  /** Which write covers all that the node is now, and which are durable. */
  get disk(): Pick<DiskLane, 'coveringSequence' | 'durableSequence'> {
    return this.#parts.disk;
  }

  /** How many of its clients' requests it has not answered in full. */
  get requestsOpen(): number {
    return this.#requests.size;
  }

  /** How long a session may be silent that is opened here, in milliseconds of log time. */
  get sessionTimeoutMs(): number {
    return this.#parts.options.limits.sessionTimeoutMs;
  }

  /** May it answer reads by itself at the moment, as a leader with a lease? */
  get hasLease(): boolean {
    return this.#parts.lease.isHeld(this.#parts.clock.now());
  }

  /** What is known of clients' commands. Look, do not touch. */
  get sessions(): SessionTable {
    return this.#parts.sessions;
  }

  /** The snapshots of the node's state, for inspection. */
  get snapshots(): Pick<SnapshotKeeper, 'newest' | 'isRestoring' | 'chart' | 'state'> {
    return this.#parts.snapshots;
  }

  /** What became of the snapshots that others sent, and how often the log was read back from disk. */
  get snapshotCounts(): Readonly<ArrivalCounts> & { readonly portionsRead: number } {
    const { arriving, reader } = this.#parts;
    return { ...arriving.counts, portionsRead: reader.portionsRead };
  }

  describe(): NodeInformation {
    return describeNode(this.#parts, this.#chart.getSnapshot());
  }

  /** What it measures of itself. */
  measure(): NodeMeasures {
    const standing = standingOf(this.#chart.getSnapshot(), this.#parts.replica);
    return measureNode(this.#parts, standing, this.#requests.size);
  }

  /** The log, also what of it is on disk alone. */
  get logReader(): Pick<LogReader, 'firstIndex' | 'slice'> {
    return this.#parts.reader;
  }

  /** The log's entries from `from` through `to`, one by one. */
  openLog(from: LogIndex, to: LogIndex): LogEntry[] {
    return this.#parts.reader.range(from, to).flatMap(entriesOf);
  }

  /**
   * Has the node tell what it does, in bundles, from now on; null ends it, and then it costs nothing. The bundles
   * are timed by the node's clock unless given another, so that a simulation can watch without leaving a trace.
   */
  watch(heard: ((observation: Observation) => void) | null, clock: Clock = this.#parts.clock): void {
    this.#watch?.end();
    this.#watch = null;
    if (heard === null || this.#ended) return;
    this.#watch = new NodeWatch({ parts: this.#parts, chart: this.#chart, clock }, heard);
  }

  /** Asks for commands to be replicated; answered through `proposal.reply`, each command exactly once. */
  propose(proposal: Proposal): void {
    const { count, body } = proposal;
    if (count === 0) return;
    const { commandBytesMax } = this.#parts.options.limits;
    const longestBytes = longestCommand(body, count);
    const open = this.#requests.addProposal(proposal);
    if (longestBytes === null || !isInPlace(proposal)) refuseProposal(open, malformed(count, body));
    else if (proposal.isToBeVerified && this.#parts.application.verify === undefined) {
      refuseProposal(proposal, nothingVerifies());
    } else if (longestBytes > commandBytesMax) {
      refuseProposal(open, new CommandTooLargeError(longestBytes, commandBytesMax));
    } else if (this.#mailbox.length >= mailboxEventsMax) refuseProposal(open, this.#mailboxIsFull());
    else this.tell({ type: 'client.propose', proposal: open });
  }

  /** Asks a question of the application; answered exactly once. */
  read(read: ClientRead, consistency: Consistency): void {
    const { reads, options, replica } = this.#parts;
    const { readsMax, queryBytesMax } = options.limits;
    const { length } = read.query;
    const isFull = reads.size >= readsMax || this.#requests.queryBytes + length > queriesBytesMax;
    const open = this.#requests.addRead(read);
    if (length > queryBytesMax) reads.refuse(open, new QueryTooLargeError(length, queryBytesMax));
    else if (isFull) {
      const text = `Node ${replica.id} has too many reads waiting (at most ${readsMax}, with ${queriesBytesMax} bytes of queries). Ask again later.`;
      reads.refuse(open, new OverloadedError(text));
    } else if (this.#mailbox.length >= mailboxEventsMax) reads.refuse(open, this.#mailboxIsFull());
    else {
      const type = consistency === 'stale' ? 'client.readStale' : 'client.read';
      this.#tellOfRead(type, consistency === 'lease' ? ({ ...open, mayUseLease: true } as const) : open);
    }
  }

  /** Reads that are alike and come one behind the other are one event: the chart takes its time for each. */
  #tellOfRead(type: 'client.read' | 'client.readStale', read: ClientRead): void {
    const { event, reads } = this.#lastReads;
    const isAlike = event.type === type && reads[0]?.mayUseLease === read.mayUseLease;
    if (isAlike && reads.length < readsTogetherMax && this.#mailbox.at(-1) === event) {
      reads.push(read);
      return;
    }
    const first = [read];
    this.#lastReads = { event: { type, reads: first }, reads: first };
    this.tell(this.#lastReads.event);
  }

  #mailboxIsFull(): OverloadedError {
    return new OverloadedError(
      `Node ${this.#parts.replica.id} has too many requests to look at (at most ${mailboxEventsMax}). Nothing was appended: slow down and send it again.`,
    );
  }

  /** Asks for a snapshot of the state; answered exactly once. */
  takeSnapshot(reply: (outcome: SnapshotOutcome) => void): void {
    if (this.#ended) {
      reply(new NodeDeadError(this.#parts.replica.id));
      return;
    }
    this.#parts.snapshots.take(reply);
    this.#requestTurn();
  }

  /** Puts an event into the mailbox. */
  tell(event: Happening): void {
    if (this.#ended) {
      this.#refuseEnded(event);
      return;
    }
    this.#mailbox.push(event);
    this.#requestTurn();
  }

  #refuseEnded(event: Mail): void {
    const error = new NodeDeadError(this.#parts.replica.id);
    if (event.type === 'client.propose') refuseProposal(event.proposal, error);
    if (event.type === 'client.read' || event.type === 'client.readStale') {
      for (const read of event.reads) this.#parts.reads.refuse(read, error);
    }
    if (event.type === 'host.change' || event.type === 'host.transfer') event.asked.reply(error);
  }

  /** Ends the actor: nothing is flushed, nothing heard or said from now on. */
  end(): void {
    this.watch(null);
    this.#ended = true;
    this.#due.clear();
    for (const event of [...this.#inHand.splice(0), ...this.#mailbox.splice(0)]) this.#refuseEnded(event);
    this.#parts.links.close();
    this.#parts.commits.cancel();
    this.#parts.snapshots.close();
    this.#parts.arriving.abandon();
    this.#chart.stop();
  }

  /**
   * Ends the actor and tells its clients that nobody will learn the outcome of what they asked here.
   * @param cause what it dies of, if it does
   */
  abandon(cause?: unknown): void {
    if (this.#ended) return;
    this.end();
    const { proposals, verifications, reads, replica } = this.#parts;
    proposals.abandon(cause);
    verifications.refuseAll();
    abandonLeadership(this.#parts);
    reads.refuseAll(new NodeDeadError(replica.id));
    this.#requests.refuseAll(replica.id, cause);
  }

  #receiveFrame(from: NodeId, frame: Uint8Array): void {
    if (this.#ended) return;
    const { inbox } = this.#parts;
    const message = this.#mailbox.length < mailboxEventsMax ? inbox.read(from, frame) : inbox.drop();
    // What is not for the chart may be owed an answer all the same.
    this.#requestTurn();
    if (message === null) return;
    this.#watch?.received(message, frameKey(frame));
    this.#mailbox.push({ type: 'peer.message', message });
  }

  #requestTurn(): void {
    if (this.#turnIsDue || this.#ended) return;
    this.#turnIsDue = true;
    this.#ports.clock.soon(() => this.#turn());
  }

  #turn(): void {
    this.#turnIsDue = false;
    this.#inHand = this.#mailbox.reverse();
    this.#mailbox = [];
    for (let event = this.#inHand.pop(); event !== undefined; event = this.#inHand.pop()) this.#step(event);
    for (const timer of this.#due) {
      this.#due.delete(timer);
      if (!this.#ended) timer.callback();
    }
    if (!this.#ended) this.#flush();
  }

  #step(mail: Mail): void {
    if (this.#ended) return;
    const event = mail.type === 'peer.message' ? this.#parts.inbox.hear(mail.message) : mail;
    if (event === null) return;
    if (mail.type === 'peer.message') this.#parts.counts.receivedMessage(mail.message);
    this.#chart.send(event);
  }

  #flush(): void {
    const { disk, reads } = this.#parts;
    this.#flushing = true;
    try {
      this.#commitTimer.look();
      this.#sendNow();
      disk.flush(
        this.#parts.clock.now(),
        (sequence) => this.#durable(sequence),
        (error) => this.#die(error),
      );
      if (this.#ended) return;
      this.#keepPromises();
      this.#forgetSeals();
      const more = this.#workOnState();
      this.#commitTimer.look();
      this.#watch?.applied();
      reads.serveApplied();
      this.#sendNow();
      if (more || disk.underWaySinceMs === null) this.#continue(more);
      this.#report();
    } catch (error) {
      this.#die(error);
    } finally {
      this.#flushing = false;
    }
  }

  /** Applies what is committed, and then works on snapshots. True when more is left of either. */
  #workOnState(): boolean {
    const { replica, snapshots, applier } = this.#parts;
    const wasBehind = replica.lastApplied < replica.termStartIndex;
    applier.applyCommitted();
    if (wasBehind && replica.lastApplied >= replica.termStartIndex) {
      this.#step({ type: 'application.caughtUp' });
    }
    const isMoreToKeep = snapshots.advance();
    this.#boundMemory();
    // A state that is restored now has entries to apply that it waited with.
    const isMoreToApply = !snapshots.isRestoring && replica.lastApplied < replica.commitIndex;
    return isMoreToKeep || isMoreToApply;
  }

  /** Memory keeps the end of the log alone; what is before it, and applied and durable, is read back from disk. */
  #boundMemory(): void {
    const { replica, options, snapshots } = this.#parts;
    const { log } = replica;
    const { logMemoryBytes } = options.limits;
    const applied = this.#appliedBefore;
    this.#appliedBefore = replica.lastApplied;
    if (log.bytesAppended - this.#bytesSeenTo < logMemoryBytes / 4 || snapshots.isRestoring) return;
    this.#bytesSeenTo = log.bytesAppended;
    const index = Math.min(log.indexBefore(logMemoryBytes), applied, log.durableIndex);
    if (index > log.baseIndex) log.dropThrough(index);
  }

  /** A bounded turn may leave work: entries to apply, or writes that its own last step caused. */
  #continue(more: boolean): void {
    const { disk } = this.#parts;
    if (more || disk.coveringSequence > disk.durableSequence) this.#requestTurn();
  }

  /** What promises nothing: appends and heartbeats first, so that followers write while this server does. */
  #sendNow(): void {
    const { links, inbox, outbox, replica, reads, clock, options } = this.#parts;
    if (reads.rounds.needsRound) {
      reads.rounds.beginRound(replica);
      links.heartbeat();
      confirmReads(this.#parts);
    }
    const { electionTimeoutMsMax } = options.timings;
    const alive = links.isOpen ? membersHeard(replica, clock.now(), electionTimeoutMsMax) : [];
    links.flush(alive, (to, message) => this.#send(to, message));
    for (const { to, message } of outbox.takeNow()) this.#send(to, message);
    reads.questionsLeave();
    for (const hello of inbox.takeHellos()) this.#post(hello);
    this.#leave();
  }

  #keepPromises(): void {
    const { outbox, disk } = this.#parts;
    for (const { to, message } of outbox.takeDurable(disk.durableSequence)) this.#send(to, message);
    this.#leave();
  }

  #send(to: NodeId, message: Message): void {
    const { lives } = this.#parts;
    const envelope = lives.envelopeFor(to);
    if (envelope === null) {
      // Nobody is known there: what is said is not for them to hear. It is said again by those who know why.
      const hello = lives.helloFor(to);
      if (hello !== null) this.#post(hello);
      return;
    }
    const frame = this.#encoder.encode(message, envelope);
    this.#parts.counts.sentMessage(message);
    this.#watch?.sent(to, message, frameKey(frame));
    this.#ports.transport.send(to, frame);
  }

  #post({ message, envelope }: Letter): void {
    this.#ports.transport.send(envelope.to, this.#encoder.encode(message, envelope));
  }

  /** A lane is empty: what it held leaves now, before anything else is done. */
  #leave(): void {
    this.#encoder.forget();
    this.#ports.transport.flush?.();
  }

  /** Sealed runs are held until followers and disk have them. A follower that lags has its own sealed for it. */
  #forgetSeals(): void {
    const { seals, replica } = this.#parts;
    if (replica.log.writtenIndex === replica.log.lastIndex) seals.forget();
  }

  /** The disk has answered: at once, within the flush, or later, as an event of its own turn. */
  #durable(sequence: number): void {
    const event = { type: 'disk.durable', sequence } as const;
    if (this.#flushing) this.#step(event);
    else this.tell(event);
  }

  #report(): void {
    const { replica, applier } = this.#parts;
    for (const news of this.#news.splice(0)) this.#ports.observer.snapshotNews(news);
    const standing = standingOf(this.#chart.getSnapshot(), replica);
    const { role, state, term, leaderId } = this.#standing;
    if (
      role !== standing.role ||
      state !== standing.state ||
      term !== standing.term ||
      leaderId !== standing.leaderId
    ) {
      const isNewLeader =
        standing.leaderId !== null && (leaderId !== standing.leaderId || term !== standing.term);
      if (isNewLeader) this.#parts.counts.leaders++;
      this.#standing = standing;
      this.#ports.observer.standingChanged(standing);
    }
    const isCommitted = configurationIsCommitted(replica);
    if (
      replica.configuration !== this.#configurationReported ||
      isCommitted !== this.#configurationIsReportedCommitted
    ) {
      this.#configurationReported = replica.configuration;
      this.#configurationIsReportedCommitted = isCommitted;
      this.#ports.observer.configured?.(membersOf(replica.configuration), isCommitted);
    }
    if (replica.commitIndex !== this.#commitReported || replica.lastApplied !== this.#heightReported) {
      this.#commitReported = replica.commitIndex;
      this.#heightReported = replica.lastApplied;
      this.#ports.observer.progressed(replica.commitIndex, replica.lastApplied, applier.recovery);
    }
  }

  #die(error: unknown): void {
    if (this.#ended) return;
    try {
      this.abandon(error);
    } finally {
      this.#ports.observer.died(error);
    }
  }

  /**
   * The node's clock, but a timer waits for its turn, behind what has arrived: on a thread that was starved, the
   * heartbeats that came in time are heard before the silence is judged.
   */
  #turnClock(): Clock {
    const { clock } = this.#ports;
    return {
      now: () => clock.now(),
      setTimeout: (callback, delayMs) => {
        const timer: TurnTimer = { callback, underlying: null };
        timer.underlying = clock.setTimeout(() => {
          this.#due.add(timer);
          this.#requestTurn();
        }, delayMs);
        return timer;
      },
      clearTimeout: (timer) => {
        this.#due.delete(timer as TurnTimer);
        clock.clearTimeout((timer as TurnTimer).underlying);
      },
      soon: (turn) => clock.soon(turn),
    };
  }
}

function nothingVerifies(): InvalidOptionError {
  return new InvalidOptionError(
    'The application has no method verify, so no command can be verified. Nothing was appended: propose it without.',
  );
}

/** Commands of a session are numbered from 1 on, and what is awaited is not after them. */
function isInPlace({ session, count, isOfSession }: Proposal): boolean {
  if (session === undefined) return true;
  const { id, sequence, acknowledged } = session;
  if (![id, sequence, acknowledged].every((number) => Number.isSafeInteger(number) && number >= 0))
    return false;
  if (isOfSession) return true;
  return sequence > 0 && acknowledged <= sequence && Number.isSafeInteger(sequence + count);
}

function malformed(count: number, { length }: Uint8Array): InvalidOptionError {
  return new InvalidOptionError(
    `A proposal of ${length} bytes is not the ${count} packed commands that it is said to be. This is a defect of the client; nothing was appended.`,
  );
}

/** A timer of the node, on one of its clock. */
interface TurnTimer {
  readonly callback: () => void;
  underlying: unknown;
}
