import { randomBytes } from 'node:crypto';
import type { ProposeOptions, ReadOptions, WaitOptions } from '../ground/call-options.js';
import { SystemClock } from '../ground/clock.js';
import { ClosedError, InvalidOptionError, NodeDeadError, TimeoutError } from '../ground/errors.js';
import { refuseUnknown, requireBoolean } from '../ground/option-checks.js';
import { Random } from '../ground/random.js';
import { timeoutMsDefault } from '../ground/waiting.js';
import type { Answered, Proposed } from '../node/clients/client-requests.js';
import type { SnapshotTaken } from '../node/host/orders.js';
import type { LogOptions, LogRecord } from '../node/host/protocol.js';
import { type NodeInformation, unheardNode } from '../node/information.js';
import { defaultLimits, defaultTimings } from '../node/validate-options.js';
import { type Leader, whenReady } from '../node/when-ready.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import { parseAddress } from '../router/carriers/address.js';
import type { CarrierEvent } from '../router/carriers/events.js';
import {
  type CarrierLimits,
  type CarrierOptions,
  type CredentialFiles,
  type NatsAccess,
  natsAccessIn,
  natsServers,
  requireCarrierOptions,
} from '../router/carriers/options.js';
import { type ClientRole, clientRoles, type Party } from '../router/carriers/party.js';
import { partyOfCertificate } from '../router/carriers/stream/credentials.js';
import { type ChaosCalls, OrderedChaos, orderOver } from './chaos-calls.js';
import type { MemberInformation } from './events.js';
import { lookForLeader } from './leader-wait.js';
import { type AddMemberOptions, MembershipCalls } from './membership-calls.js';
import { readinessOf } from './readiness.js';
import { RemoteLines } from './remote-lines.js';
import { Session } from './session.js';

/** What `RaftClient.connect` takes beside addresses. Everything has a default. */
export interface RaftClientOptions {
  /** The cluster's name ('conclave'; with `tls` the certificate says it). */
  readonly cluster?: string;
  /** Certificates: needed beyond this machine. The one that is shown says what the program may do. */
  readonly tls?: CredentialFiles;
  /** How this program is called, for people ('client'; with `tls` the certificate says it). */
  readonly name?: string;
  /** What it says it is where there are no certificates ('writer'). */
  readonly role?: ClientRole;
  /** How NATS servers let it in, where the addresses are theirs: `nats://host:port`. */
  readonly nats?: NatsAccess;
  /** Leave this machine without TLS: anybody on the way can read, alter and make up what is said. */
  readonly insecurePlainText?: boolean;
  /** How long `connect` looks for a member, in milliseconds (5000). */
  readonly timeoutMs?: number;
  /** The largest command and query that are sent, in bytes: those of the cluster (1 MiB). */
  readonly commandBytesMax?: number;
  readonly queryBytesMax?: number;
  /** Is a command to be applied once, however often it has to be sent (true)? Without, its outcome is unknown more often. */
  readonly sessions?: boolean;
  /** Bounds of the connections. */
  readonly limits?: Partial<CarrierLimits>;
  /** Hears what happens to the connections, for a log. */
  readonly tell?: (event: CarrierEvent) => void;
}

/** Of so many addresses it is said why they did not answer. */
const failuresTold = 4;

/** Numbers of members have so many digits at most in certificates. */
export const nodeIdMax = 10 ** 15 - 1;
export const snapshotTimeoutMs = 60_000;

const known: Record<keyof RaftClientOptions, true> = {
  cluster: true,
  tls: true,
  name: true,
  role: true,
  nats: true,
  insecurePlainText: true,
  timeoutMs: true,
  commandBytesMax: true,
  queryBytesMax: true,
  sessions: true,
  limits: true,
  tell: true,
};

/**
 * A program's way to a cluster whose members are other processes: the session that `RaftCluster` has, over
 * connections. It finds the leader, finds it again, and gets to know members that it was not told of.
 */
export class RaftClient implements AsyncDisposable {
  /** Cuts, partitions and slow links, for operators, where the processes allow them (`chaos`). */
  readonly chaos: ChaosCalls;
  readonly #clock = new SystemClock();
  readonly #lines: RemoteLines;
  readonly #session: Session;
  readonly #membership: MembershipCalls;
  /** Whom it would ask next for the leader. */
  #guess: NodeId | null = null;
  /** Why nobody answered at an address, as last heard. */
  readonly #failures = new Map<string, string>();
  #reached: () => void = () => {};
  #isClosed = false;

  private constructor(carrier: CarrierOptions, options: RaftClientOptions) {
    const { commandBytesMax, queryBytesMax } = { ...defaultLimits, ...options };
    this.#lines = new RemoteLines(carrier, {
      clock: this.#clock,
      random: new Random(carrier.identity.incarnation),
      hear: (from, reply) => this.#session.hear(from, reply),
      nodeEnded: (id) => this.#session.nodeEnded(id),
      nodeReached: (id) => {
        if (this.#session.chart.getSnapshot().matches({ leader: 'seeking' })) this.#session.leaderChanged(id);
      },
      membersTold: () => this.#reached(),
      tell: (event) => {
        this.#noteFailure(event);
        options.tell?.(event);
      },
    });
    this.#session = new Session({
      clock: this.#clock,
      commandBytesMax,
      queryBytesMax,
      retryPauseMs: defaultTimings.heartbeatMs,
      sessions: options.sessions ?? true,
      // Nobody reports who leads: one after the other is asked, and whoever does not lead says who does.
      leaderId: () => {
        this.#guess = this.#lines.reachableAfter(this.#guess);
        return this.#guess;
      },
      anyNode: () => this.#lines.reachableAfter(null),
      post: (id, request) => this.#lines.post(id, request),
    });
    const closed = () => (this.#isClosed ? new ClosedError('The client') : null);
    this.chaos = new OrderedChaos({
      ids: () => this.ids,
      order: (to, order) => orderOver(this.#lines, to, order),
    });
    this.#membership = new MembershipCalls({
      clock: this.#clock,
      idMax: nodeIdMax,
      leader: () => this.leader(),
      nextLeader: (others, options) =>
        lookForLeader(() => this.leader(), this.#clock, others, options, closed),
      isLearner: async (id) =>
        (await this.infos()).some(({ configuration }) => configuration.learners.includes(id)),
      closed,
      order: (to, order, timeoutMs) => this.#lines.order(to, order, timeoutMs),
    });
  }

  /**
   * Connects to a cluster. Resolves when a member has answered at one of the addresses; the others it names.
   * @param addresses `host:port` of one member or several, or `nats://host:port` of the servers of a bus, as a list or with
   * commas between.
   * @throws {InvalidOptionError} {CredentialsError}; {TimeoutError} when nobody who is let in answers in time
   */
  static async connect(
    addresses: string | readonly string[],
    options: RaftClientOptions = {},
  ): Promise<RaftClient> {
    refuseUnknown('option', options, known);
    const list =
      typeof addresses === 'string' ? addresses.split(',').map((each) => each.trim()) : [...addresses];
    if (list.length === 0) throw new InvalidOptionError('No address was given. Give host:port of a member.');
    if (options.sessions !== undefined) requireBoolean('sessions', options.sessions);
    const carrier = await carrierOptions(list, options);
    requireCarrierOptions(carrier);
    const client = new RaftClient(carrier, options);
    try {
      await client.#open(list, options.timeoutMs ?? timeoutMsDefault);
    } catch (error) {
      await client.close();
      throw error;
    }
    return client;
  }

  #noteFailure(event: CarrierEvent): void {
    if (event.type === 'refused' || event.type === 'unreachable') {
      this.#failures.set(event.address, event.detail);
    } else if (event.type === 'busLost') this.#failures.set('NATS', event.detail);
    else if (event.type === 'busError') this.#failures.set('NATS', event.detail);
    else if (event.type === 'busFound') this.#failures.delete('NATS');
    else if (event.type === 'connected') this.#failures.delete(event.address);
  }

  #failuresInWords(): string {
    const words = [...this.#failures].slice(0, failuresTold).map(([address, what]) => {
      return `${address}: ${what.replace(/\.$/, '')}`;
    });
    return words.length === 0 ? '' : ` (${words.join('; ')})`;
  }

  async #open(addresses: readonly string[], timeoutMs: number): Promise<void> {
    await this.#lines.open();
    const reached = new Promise<void>((resolve, reject) => {
      this.#reached = () => {
        this.#clock.clearTimeout(timer);
        resolve();
      };
      const giveUp = () =>
        reject(
          new TimeoutError(
            `a member to answer at ${addresses.join(', ')}${this.#failuresInWords()}`,
            timeoutMs,
          ),
        );
      const timer = this.#clock.setTimeout(giveUp, timeoutMs);
    });
    reached.catch(() => {});
    for (const address of addresses) if (!isBus(address)) this.#lines.introduce(address);
    await reached;
  }

  /** The members that are known, ascending. */
  get ids(): readonly NodeId[] {
    return this.#lines.ids;
  }

  /** As of `RaftCluster`. @throws as there */
  propose(command: Uint8Array, options?: ProposeOptions): Promise<Proposed> {
    return this.#session.propose(command, options);
  }

  /** As of `RaftCluster`. @throws as there */
  read(query: Uint8Array, options?: ReadOptions): Promise<Answered> {
    return this.#session.read(query, options);
  }

  /** Resolves when there is room for another command and another query. */
  room(options?: WaitOptions): Promise<void> {
    return this.#session.room(options);
  }

  /** A member as it sees itself; one that cannot be reached with role `dead`, and why. */
  async info(id: NodeId): Promise<MemberInformation> {
    await this.#lines.tried(id);
    try {
      const reply = await this.#lines.ask(id, (request) => ({ type: 'describe', request }));
      if (reply.type === 'described') return { ...reply.information, failure: null };
      throw new NodeDeadError(id);
    } catch (error) {
      if (error instanceof NodeDeadError || error instanceof TimeoutError)
        return unreachableMember(id, error);
      throw error;
    }
  }

  async infos(): Promise<MemberInformation[]> {
    const infos = await Promise.all(this.ids.map((id) => this.info(id)));
    const isMember = this.#follow(infos);
    return infos.filter(({ id }) => isMember(id));
  }

  /** Of members that went nothing more is asked, and those that came are dialed: as the leader says, whoever else may lag. */
  #follow(infos: readonly NodeInformation[]): (id: NodeId) => boolean {
    const leader = leaderAmong(infos);
    const told = infos.find(({ id, role }) => id === leader?.id && role === 'leader')?.configuration;
    if (told === undefined || told.voters.length === 0) return () => true;
    const members = new Set([...told.voters, ...told.votersOutgoing, ...told.learners]);
    for (const id of this.ids) if (!members.has(id)) this.#lines.removeMember(id);
    for (const [id, address] of Object.entries(told.addresses ?? {})) {
      if (!this.#lines.ids.includes(Number(id))) this.#lines.setMember(Number(id), [address]);
    }
    return (id) => members.has(id);
  }

  /** The leader, as the members that can be reached say: the one of the highest term. */
  async leader(): Promise<Leader | null> {
    return leaderAmong(await this.infos());
  }

  /**
   * Resolves with the leader when the cluster serves, see `RaftCluster.ready`.
   * @throws {NotReadyError} {AbortedError} {ClosedError} {InvalidOptionError}
   */
  ready(options: WaitOptions = {}): Promise<Leader> {
    return whenReady(
      {
        clock: this.#clock,
        what: 'The cluster',
        look: async () => {
          const infos = await this.infos();
          return readinessOf(infos, leaderAmong(infos));
        },
        ended: () => (this.#isClosed ? new ClosedError('The client') : null),
        listen: () => () => {},
      },
      options,
    );
  }

  /** A member's log from `from` through `to`, of each command at most `bytesMax` bytes. @throws {NodeDeadError} */
  log(
    id: NodeId,
    from: LogIndex = 1,
    to: LogIndex = Number.MAX_SAFE_INTEGER,
    { bytesMax = Number.MAX_SAFE_INTEGER }: LogOptions = {},
  ): Promise<LogRecord[]> {
    return this.#lines.log(id, from, to, bytesMax);
  }

  /**
   * Takes a member back that was removed and has its data, as `RaftCluster` does. A new process asks for this itself, see
   * `join` of `RaftServer`. For operators, as are all calls down to `snapshot`.
   * @throws as there; {AccessDeniedError}
   */
  addMember(id: NodeId, options?: AddMemberOptions): Promise<void> {
    return this.#membership.add(id, options);
  }

  /** As of `RaftCluster`; the member's process goes on until it is ended, and takes part in nothing. @throws as there */
  removeMember(id: NodeId, options?: WaitOptions): Promise<void> {
    return this.#membership.remove(id, options);
  }

  /** As of `RaftCluster`. @throws as there */
  replaceMember(id: NodeId, by: NodeId, options?: Omit<AddMemberOptions, 'learner'>): Promise<void> {
    return this.#membership.replace(id, by, options);
  }

  /** As of `RaftCluster`. @throws as there */
  promote(id: NodeId, options?: WaitOptions): Promise<void> {
    return this.#membership.promote(id, options);
  }

  /** As of `RaftCluster`: a member that was started elsewhere does so itself. @throws as there */
  updateMember(id: NodeId, address: string, options?: WaitOptions): Promise<void> {
    return this.#membership.update(id, address, options);
  }

  /** As of `RaftCluster`. @throws as there */
  setPriority(id: NodeId, priority: number, options?: WaitOptions): Promise<void> {
    return this.#membership.prioritize(id, priority, options);
  }

  /** As of `RaftCluster`. @throws as there */
  abortChange(options?: WaitOptions): Promise<void> {
    return this.#membership.abort(options);
  }

  /** As of `RaftCluster`. @throws as there */
  transferLeadership(to?: NodeId, options?: WaitOptions): Promise<Leader> {
    return this.#membership.transfer(to ?? null, options);
  }

  /**
   * Has a member take a snapshot of its state, and resolves when that is durable.
   * @throws {SnapshotUnavailableError} {ApplicationError} {NodeDeadError} {AccessDeniedError} {TimeoutError} after a minute
   */
  async snapshot(id: NodeId): Promise<SnapshotTaken> {
    return (await this.#lines.order(id, { type: 'snapshot' }, snapshotTimeoutMs)) as SnapshotTaken;
  }

  /** Ends it. Commands under way end with `OutcomeUnknownError`. Harmless if repeated. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#session.close(new ClosedError('The client'));
    await this.#lines.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Of those who are said to lead, by themselves or by who follows them, the one of the highest term. */
export function leaderAmong(infos: readonly NodeInformation[]): Leader | null {
  let leader: Leader | null = null;
  for (const { leaderId, role, term } of infos) {
    if (role !== 'dead' && leaderId !== null && term > (leader?.term ?? 0)) leader = { id: leaderId, term };
  }
  return leader;
}

/** What is known of a member that does not answer. */
export function unreachableMember(id: NodeId, { message }: Error): MemberInformation {
  return { ...unheardNode(id, 'unreachable'), failure: message };
}

const isBus = (address: string) => /^(nats|tls):/.test(address);

async function carrierOptions(
  addresses: readonly string[],
  options: RaftClientOptions,
): Promise<CarrierOptions> {
  const { cluster = 'conclave', name = 'client', role = 'writer', tls, nats, limits = {} } = options;
  if (!clientRoles.includes(role)) {
    throw new InvalidOptionError(`role is ${String(role)}. Give ${clientRoles.join(', ')}.`);
  }
  const buses = addresses.filter(isBus);
  const incarnation = randomBytes(6).readUIntBE(0, 6);
  if (buses.length > 0 || nats !== undefined) {
    if (buses.length < addresses.length) {
      throw new InvalidOptionError(
        `Some of ${addresses.join(', ')} are no NATS servers. Give nats://host:port of each, or host:port of members and no nats.`,
      );
    }
    for (const given of ['tls', 'insecurePlainText'] as const) {
      if (options[given] === undefined) continue;
      throw new InvalidOptionError(
        `${given} is for connections to members. The way to NATS servers is protected by tls within nats.`,
      );
    }
    const identity = { self: { kind: 'client', cluster, role, name }, clusterId: null, incarnation } as const;
    return { kind: 'nats', identity, servers: natsServers(buses), ...natsAccessIn({ ...nats }), limits };
  }
  for (const address of addresses) parseAddress(address);
  const self: Party =
    tls === undefined ? { kind: 'client', cluster, role, name } : await partyOfCertificate(tls.certificate);
  const identity = { self, clusterId: null, incarnation };
  if (tls !== undefined) return { kind: 'tls', identity, credentials: tls, limits };
  return { kind: 'tcp', identity, limits, insecurePlainText: options.insecurePlainText === true };
}
