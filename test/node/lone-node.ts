import { packBytes, unpackBytes } from '../../src/ground/byte-strings.js';
import { Random } from '../../src/ground/random.js';
import type { ClientReply, Consistency } from '../../src/node/clients/client-requests.js';
import { NodeActor } from '../../src/node/node-actor.js';
import type { NodeOptions } from '../../src/node/options.js';
import { defaultLimits, defaultSnapshots, defaultTimings } from '../../src/node/validate-options.js';
import type { LogIndex, NodeId, Term } from '../../src/raft/entry.js';
import type { AppendEntries, AppendEntriesResponse, Message } from '../../src/raft/messages.js';
import type { Run } from '../../src/raft/run.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { clusterTag, FrameDecoder, FrameEncoder, type Spoken } from '../../src/wire/messages.js';
import type { SealedRun } from '../../src/wire/packed-runs.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { VirtualClock } from '../router/virtual-clock.js';
import { bytesOf, Ledger, textOf } from './ledger.js';
import { ScriptedDisk } from './scripted-disk.js';

export type Of<Type extends Message['type']> = Extract<Message, { type: Type }>;

export interface Sent<M extends Message = Message> {
  readonly to: NodeId;
  readonly message: M;
}

export interface Sketch extends Partial<Omit<NodeOptions, 'limits'>> {
  readonly limits?: Partial<NodeOptions['limits']>;
  readonly term?: Term;
  readonly votedFor?: NodeId | null;
  /** Terms of the entries found on disk; each is the command `index/term`. */
  readonly log?: readonly Term[];
  /** What was found on disk instead, as it lies there. */
  readonly recovered?: readonly SealedRun[];
  readonly application?: Ledger;
  readonly slowDisk?: boolean;
}

const cipher = createCipher({ kind: 'none' }, new Random(1));
const seals = new RunSeals(cipher);

const cluster = clusterTag('test');
/** The life of the node under test. */
const ownLife = 1;
/** The life of each of its peers. */
const lifeOf = (peer: NodeId): number => 100 + peer;

/** The message as a frame that nobody else has, of a peer that knows the node. */
export function frameOf(message: Spoken, to: NodeId = 0): Uint8Array {
  const envelope = { to, cluster, life: lifeOf(message.from), receiverLife: ownLife };
  return new FrameEncoder(cipher, seals).encode(message, envelope);
}

/** Entries from an index on, whose commands are the texts, in one run. */
export function runOf(firstIndex: LogIndex, term: Term, ...texts: readonly string[]): Run {
  const body = packBytes(texts.map(bytesOf));
  return { firstIndex, count: texts.length, term, kind: 'command', leaderId: 9, body };
}

/** An entry whose command is the text; a no-op without one. */
export function entry(index: LogIndex, term: Term, text?: string): Run {
  return text === undefined ? { ...runOf(index, term, ''), kind: 'noop' } : runOf(index, term, text);
}

/** One node with real chart, rules and wire, in a world where time, disk and peers do what the test says. */
export class LoneNode {
  readonly clock = new VirtualClock();
  readonly disk = new ScriptedDisk();
  readonly application: Ledger;
  readonly actor: NodeActor;
  readonly deaths: unknown[] = [];
  readonly standings: string[] = [];
  readonly news: string[] = [];
  /** What it has told of configurations. */
  readonly configurations: string[] = [];
  readonly options: NodeOptions;
  readonly #decoder = new FrameDecoder(cipher, seals);
  /** What the transport was given and may keep until it is told that the turn has sent what it has to. */
  #gathered: Sent[] = [];
  #sent: Sent[] = [];
  readonly #introduced = new Set<NodeId>();
  #deliver: (from: NodeId, frame: Uint8Array) => void = () => {};

  constructor(sketch: Sketch = {}) {
    const { term, votedFor = null, application = new Ledger(), slowDisk, limits, ...others } = sketch;
    const { log = [], recovered, ...rest } = others;
    this.application = application;
    this.disk.isSlow = slowDisk ?? false;
    this.options = {
      id: 0,
      voters: [0, 1, 2],
      learners: [],
      timings: defaultTimings,
      preVote: true,
      checkQuorum: true,
      candidacy: true,
      seed: 7,
      snapshots: defaultSnapshots,
      ...rest,
      limits: { ...defaultLimits, ...limits },
    };
    this.actor = new NodeActor(this.options, {
      transport: {
        send: (to, frame) => {
          const message = this.#decoder.decode(frame);
          if (message !== null && message.type !== 'hello') this.#gathered.push({ to, message });
        },
        flush: () => this.#sent.push(...this.#gathered.splice(0)),
        receive: (handler) => {
          this.#deliver = handler;
        },
      },
      disk: this.disk,
      recovered: {
        ...new MemoryStorage().recover(),
        hardState: { term: term ?? log.at(-1) ?? 0, votedFor },
        runs: recovered ?? log.map((each, at) => seals.sealed(entry(at + 1, each, `${at + 1}/${each}`))),
      },
      application,
      clock: this.clock,
      ciphers: { frames: cipher, entries: cipher },
      identity: { id: this.options.id, cluster, life: ownLife },
      observer: {
        standingChanged: ({ state, term }) => this.standings.push(`${state} in ${term}`),
        progressed: () => {},
        snapshotNews: (news) => this.news.push(news.type),
        configured: ({ voters }, isCommitted) =>
          this.configurations.push(`${voters}${isCommitted ? ', committed' : ''}`),
        died: (error) => this.deaths.push(error),
      },
    });
    for (const peer of [...this.options.voters, ...this.options.learners]) this.#introduce(peer);
    this.pass(0);
  }

  get info() {
    return this.actor.describe();
  }

  get role(): string {
    return this.info.role;
  }

  get term(): Term {
    return this.actor.replica.currentTerm;
  }

  /** Lets time pass, and with it the turns that are due. */
  pass(durationMs: number): void {
    this.clock.pass(durationMs);
  }

  /** Lets time pass until something is so, at most ten seconds of it. Returns how long it took. */
  passUntil(isSo: () => boolean): number {
    for (let passedMs = 0; passedMs <= 10_000; passedMs++) {
      if (isSo()) return passedMs;
      this.pass(1);
    }
    throw new Error(`Waited ten seconds in vain; the node is ${this.info.state} in term ${this.term}.`);
  }

  /** Messages arrive together, and the turn they cause is taken. */
  hear(...messages: readonly Message[]): void {
    for (const message of messages) {
      this.#introduce(message.from);
      this.hearFrame(message.from, frameOf(message, this.options.id));
    }
    this.pass(0);
  }

  /** The peer says who it is, and repeats the number that it was asked for at first. */
  #introduce(peer: NodeId): void {
    if (peer === this.options.id || this.#introduced.has(peer)) return;
    this.#introduced.add(peer);
    const hello = { type: 'hello', term: 0, from: peer, asks: 0, answers: 1 } as const;
    this.hearFrame(peer, frameOf(hello, this.options.id));
  }

  hearFrame(from: NodeId, frame: Uint8Array): void {
    this.#deliver(from, frame);
  }

  /** What was sent since the last call. */
  take(): Sent[] {
    return this.#sent.splice(0);
  }

  /** What of this type was sent since the last call; the rest is forgotten. */
  takeOf<Type extends Message['type']>(type: Type): Sent<Of<Type>>[] {
    return this.take().filter((sent): sent is Sent<Of<Type>> => sent.message.type === type);
  }

  tell(event: Parameters<NodeActor['tell']>[0]): void {
    this.actor.tell(event);
    this.pass(0);
  }

  completeWrite(): void {
    this.disk.complete();
    this.pass(0);
  }

  /** Grants or refuses what the pre-candidate or candidate asks for now. */
  answerVotes(granted: boolean, ...from: readonly NodeId[]): void {
    const term = this.term;
    for (const voter of from) {
      if (this.role === 'preCandidate') {
        this.hear({ type: 'preVoteResponse', term, from: voter, granted, proposedTerm: term + 1 });
      } else this.hear({ type: 'requestVoteResponse', term, from: voter, granted });
    }
  }

  /** Stands for election and is elected, by as few voters as it takes. The disk must answer at once. */
  becomeLeader(): void {
    const others = this.options.voters.filter((id) => id !== this.options.id);
    const needed = others.slice(0, Math.floor(this.options.voters.length / 2));
    this.passUntil(() => this.role !== 'follower');
    if (this.role === 'preCandidate') this.answerVotes(true, ...needed);
    if (this.role === 'candidate') this.answerVotes(true, ...needed);
    if (this.role !== 'leader') throw new Error(`The node is ${this.role} and should lead.`);
  }

  /** Leads, with its no-op committed. Nothing said so far is left to take. */
  serve(): void {
    this.becomeLeader();
    this.acknowledge(1);
    this.take();
  }

  /** A follower has everything that the leader has by now, and has heard its latest round. */
  acknowledge(from: NodeId, fields: Partial<AppendEntriesResponse> = {}): void {
    const { replica } = this.actor;
    this.hear({
      type: 'appendEntriesResponse',
      incarnation: 0,
      term: this.term,
      from,
      success: true,
      round: replica.round,
      index: replica.log.lastIndex,
      conflictTerm: 0,
      conflictIndex: 0,
      ...fields,
    });
  }

  /** A leader speaks; the current term's, unless said otherwise. */
  hearLeader(from: NodeId, fields: Partial<AppendEntries> = {}): void {
    this.hear(this.append(from, fields));
  }

  /** A heartbeat of the current term, to be delivered by the test. */
  heartbeat(from: NodeId): Uint8Array {
    return frameOf(this.append(from, {}));
  }

  /** What a leader says, to be sent by the test. */
  append(from: NodeId, fields: Partial<AppendEntries>): AppendEntries {
    const { replica } = this.actor;
    const prevLogIndex = fields.prevLogIndex ?? replica.log.lastIndex;
    return {
      type: 'appendEntries',
      incarnation: 0,
      term: this.term,
      from,
      prevLogIndex,
      prevLogTerm: replica.log.termAt(prevLogIndex) ?? 0,
      runs: [],
      leaderCommit: 0,
      round: 0,
      alive: [from, this.options.id],
      ...fields,
    };
  }

  /** Proposes commands; gives what was answered so far, one line an answer. */
  propose(...commands: readonly string[]): string[] {
    const answers: string[] = [];
    this.actor.propose({
      first: 0,
      count: commands.length,
      body: packBytes(commands.map(bytesOf)),
      reply: (reply) => answers.push(lineOf(reply)),
    });
    this.pass(0);
    return answers;
  }

  /** Asks; gives what was answered so far, one line an answer. */
  read(consistency: Consistency = 'linearizable', query = 'all'): string[] {
    const answers: string[] = [];
    const reply = (answer: ClientReply) => answers.push(lineOf(answer));
    this.actor.read({ kind: 'client', request: 0, query: bytesOf(query), reply }, consistency);
    this.pass(0);
    return answers;
  }
}

/** An answer in a line. */
export function lineOf(reply: ClientReply): string {
  switch (reply.type) {
    case 'applied':
      return (unpackBytes(reply.results, reply.count) ?? []).map(textOf).join(' ');
    case 'refused':
      return `${reply.first}+${reply.count} ${reply.error.code} ${reply.error.leaderId ?? ''}`.trimEnd();
    case 'answer':
      return `"${textOf(reply.result)}" at ${reply.index}`;
    case 'readRefused':
      return `${reply.error.code} ${reply.error.leaderId ?? ''}`.trimEnd();
  }
}
