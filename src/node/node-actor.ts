import type { Clock } from '../ground/clock.js';
import {
  CommandTooLargeError,
  InvalidOptionError,
  NodeDeadError,
  OverloadedError,
  QueryTooLargeError,
} from '../ground/errors.js';
import type { Transport } from '../ground/transport.js';
import type { LogEntry, LogIndex, NodeId } from '../raft/entry.js';
import { membersHeard } from '../raft/liveness.js';
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
import { describeNode, standingOf } from './describe.js';
import type { DiskLane } from './disk/disk-lane.js';
import type { LogReader } from './disk/log-reader.js';
import type { NodeInformation, NodeStanding, Recovery } from './information.js';
import { abandonLeadership } from './leadership/leadership-actions.js';
import { CommitTimer } from './measures/commit-timer.js';
import { measureNode } from './measures/measure-node.js';
import type { NodeMeasures } from './measures/measures.js';
import type { NodeObserver } from './node-observer.js';
import type { NodeOptions } from './options.js';
import { assemble, type Happening, type NodeParts, type PartPorts } from './parts.js';
import type { Inbox } from './peers/inbox.js';
import { Reporter } from './reporter.js';
import type { ArrivalCounts } from './snapshots/arriving.js';
import type { SnapshotKeeper, SnapshotOutcome } from './snapshots/snapshot-keeper.js';
import { type Mail, mailboxEventsMax, Turns } from './turns.js';
import { messageBytesMax } from './validate-options.js';
import { NodeWatch } from './watch/node-watch.js';
import type { Observation } from './watch/observation.js';

/** Bytes of the queries that clients wait for; one of the largest size always fits. */
const queriesBytesMax = 2 * messageBytesMax;

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
  readonly #turns: Turns;
  readonly #reporter: Reporter;
  /** How much the log had taken when it was last seen to. */
  #bytesSeenTo = 0;
  /** What was applied before this turn: what came in it, whoever looks on has not seen yet. */
  #appliedBefore: LogIndex = 0;
  #flushing = false;
  /** There only while somebody watches. */
  #watch: NodeWatch | null = null;

  /** @throws {UnreadableLogError} */
  constructor(options: NodeOptions, ports: NodePorts) {
    // What was recovered is not kept: it is opened, and would keep all that was read from the disk in memory.
    const { recovered: _, ...lasting } = ports;
    this.#ports = lasting;
    this.#reporter = new Reporter(ports.observer);
    this.#turns = new Turns(ports.clock, { step: (mail) => this.#step(mail), flush: () => this.#flush() });
    const { clock } = this.#turns;
    this.#parts = assemble(options, ports, clock, (news) => this.#reporter.note(news));
    const { replica, seals, counts } = this.#parts;
    this.#requests = new OpenRequests(counts);
    this.#commitTimer = new CommitTimer(replica, ports.clock, (tookMs) => counts.commits.add(tookMs));
    this.#encoder = new FrameEncoder(ports.ciphers.frames, seals);
    this.#chart = newChart(this.#parts, clock);
    this.#chart.subscribe({ error: (error) => this.#die(error) });
    this.#chart.start();
    this.#reporter.begin(this.standing);
    ports.transport.receive((from, frame) => this.#receiveFrame(from, frame));
    this.#parts.inbox.greet();
    this.#turns.request();
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
    return measureNode(this.#parts, this.standing, this.#requests.size);
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
   * Has the node tell what it does, in bundles, from now on, and first how it stands. Returns how to end that; while
   * nobody watches it costs nothing. The bundles are timed by the node's clock unless the first who watches gives another,
   * so that a simulation can watch without leaving a trace.
   */
  watch(heard: (observation: Observation) => void, clock: Clock = this.#parts.clock): () => void {
    if (this.#turns.hasEnded) return () => {};
    this.#watch ??= new NodeWatch({ parts: this.#parts, chart: this.#chart, clock });
    const watch = this.#watch;
    // Who watches twice is told twice.
    const told = (observation: Observation) => heard(observation);
    watch.add(told);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (watch.watchers > 1) watch.remove(told);
      else {
        if (this.#watch === watch) this.#watch = null;
        watch.end();
      }
    };
  }

  /** How many watch it. */
  get watchers(): number {
    return this.#watch?.watchers ?? 0;
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
      refuseProposal(open, nothingVerifies());
    } else if (longestBytes > commandBytesMax) {
      refuseProposal(open, new CommandTooLargeError(longestBytes, commandBytesMax));
    } else if (this.#turns.isFull) refuseProposal(open, this.#mailboxIsFull());
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
    } else if (this.#turns.isFull) reads.refuse(open, this.#mailboxIsFull());
    else {
      const type = consistency === 'stale' ? 'client.readStale' : 'client.read';
      const asked = consistency === 'lease' ? ({ ...open, mayUseLease: true } as const) : open;
      if (this.#turns.hasEnded) this.#refuseEnded({ type, reads: [asked] });
      else this.#turns.putRead(type, asked);
    }
  }

  #mailboxIsFull(): OverloadedError {
    return new OverloadedError(
      `Node ${this.#parts.replica.id} has too many requests to look at (at most ${mailboxEventsMax}). Nothing was appended: slow down and send it again.`,
    );
  }

  /** Asks for a snapshot of the state; answered exactly once. */
  takeSnapshot(reply: (outcome: SnapshotOutcome) => void): void {
    if (this.#turns.hasEnded) {
      reply(new NodeDeadError(this.#parts.replica.id));
      return;
    }
    this.#parts.snapshots.take(reply);
    this.#turns.request();
  }

  /** Puts an event into the mailbox. */
  tell(event: Happening): void {
    if (this.#turns.hasEnded) this.#refuseEnded(event);
    else this.#turns.put(event);
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
    this.#watch?.end();
    this.#watch = null;
    for (const event of this.#turns.end()) this.#refuseEnded(event);
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
    if (this.#turns.hasEnded) return;
    this.end();
    const { proposals, verifications, reads, replica } = this.#parts;
    proposals.abandon(cause);
    verifications.refuseAll();
    abandonLeadership(this.#parts);
    reads.refuseAll(new NodeDeadError(replica.id));
    this.#requests.refuseAll(replica.id, cause);
  }

  #receiveFrame(from: NodeId, frame: Uint8Array): void {
    if (this.#turns.hasEnded) return;
    const { inbox } = this.#parts;
    const message = this.#turns.isFull ? inbox.drop() : inbox.read(from, frame);
    // What is not for the chart may be owed an answer all the same.
    this.#turns.request();
    if (message === null) return;
    this.#watch?.received(message, frameKey(frame));
    this.#turns.put({ type: 'peer.message', message });
  }

  #step(mail: Mail): void {
    if (this.#turns.hasEnded) return;
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
      if (this.#turns.hasEnded) return;
      this.#keepPromises();
      this.#forgetSeals();
      const more = this.#workOnState();
      this.#commitTimer.look();
      this.#watch?.applied();
      reads.serveApplied();
      this.#sendNow();
      if (more || disk.underWaySinceMs === null) this.#continue(more);
      this.#reporter.report(this.#parts, this.standing);
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
    if (more || disk.coveringSequence > disk.durableSequence) this.#turns.request();
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

  #die(error: unknown): void {
    if (this.#turns.hasEnded) return;
    try {
      this.abandon(error);
    } finally {
      this.#ports.observer.died(error);
    }
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
