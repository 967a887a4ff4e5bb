import { lookForLeader } from '../client/leader-wait.js';
import { MembershipCalls } from '../client/membership-calls.js';
import { leaderAmong, nodeIdMax } from '../client/raft-client.js';
import type { RemoteLines } from '../client/remote-lines.js';
import type { Logger } from '../cluster/logger.js';
import type { Clock } from '../ground/clock.js';
import { type ClosedError, ConclaveError, NotAMemberError } from '../ground/errors.js';
import { messageOf } from '../ground/thrown.js';
import type { Order, SnapshotTaken } from '../node/host/orders.js';
import type { MembersInformation, NodeInformation } from '../node/information.js';
import { defaultTimings } from '../node/validate-options.js';
import type { Leader } from '../node/when-ready.js';
import type { NodeId } from '../raft/entry.js';
import type { CarrierEvent } from '../router/carriers/events.js';
import type { Router } from '../router/router.js';
import { DataLostError, MemberExistsError } from './errors.js';
import type { ServerIdentity } from './identity.js';
import type { ServerSettings } from './options.js';

/** How soon it is asked again what was not granted, in milliseconds. */
const askAgainMs = 200;
/** Whoever was removed is spoken to for so many of the longest election timeouts, so that it hears of it. */
const farewellTimeouts = 20;

/** What a process's membership needs around it. */
export interface ServerMembershipHost {
  readonly clock: Clock;
  readonly logger: Logger | null;
  readonly router: Pick<Router, 'remote' | 'detach' | 'adopt' | 'introduce'>;
  readonly lines: RemoteLines;
  /** The leader that this process's node knows of, or null. */
  leader(): Leader | null;
  infos(): Promise<readonly NodeInformation[]>;
  order(to: NodeId, order: Order, timeoutMs: number): Promise<SnapshotTaken | null>;
  /** It is known which cluster this is: the node is to start. */
  startNode(clusterId: string): Promise<void>;
  fail(error: unknown): void;
  /** Why nothing is to be asked any more, or null. */
  closed(): ClosedError | Error | null;
  changed(configuration: MembersInformation): void;
}

/**
 * Who the members are and where, as this process has to know it, and how it comes to be one of them:
 *
 *     first start   it waits until all the others have let it in, and then takes part (see `identity.ts`)
 *     joining       it looks for the cluster at the addresses it was given, starts its node with nothing, and asks to be
 *                   added until it is what it is to be
 *     member        it follows the configuration in its node's log, and says where it is when that is elsewhere
 */
export class ServerMembership {
  /** What the calls of `RaftServer` about members do. */
  readonly calls: MembershipCalls;
  readonly #settings: ServerSettings;
  readonly #identity: ServerIdentity;
  readonly #host: ServerMembershipHost;
  readonly #farewellMs: number;
  /** Members that have not let this one in yet, at the first start; and the id that one of them told. */
  readonly #strangers: Set<NodeId>;
  #told: string | null = null;
  #configuration: MembersInformation | null = null;
  /** Who speaks, and is no member by this node's log: its log may lag. */
  readonly #acquaintances = new Set<NodeId>();
  /** Who is no member any more by a configuration that may yet be taken back. */
  readonly #leaving = new Set<NodeId>();
  /** Who was removed, until it is a member again; those that are still spoken to, with their timers. */
  readonly #gone = new Set<NodeId>();
  readonly #farewells = new Map<NodeId, unknown>();
  #address = '';
  #isAnnouncing = false;
  #isClosed = false;

  constructor(
    settings: ServerSettings,
    identity: ServerIdentity,
    electionTimeoutMsMax: number | undefined,
    host: ServerMembershipHost,
  ) {
    this.#settings = settings;
    this.#identity = identity;
    this.#host = host;
    this.#farewellMs = farewellTimeouts * (electionTimeoutMsMax ?? defaultTimings.electionTimeoutMsMax);
    this.#strangers = new Set([...identity.members.keys()].filter((id) => id !== settings.id));
    const look = async () => host.leader() ?? leaderAmong(await host.infos());
    this.calls = new MembershipCalls({
      clock: host.clock,
      idMax: nodeIdMax,
      leader: look,
      nextLeader: (others, waiting) => lookForLeader(look, host.clock, others, waiting, () => this.#closed()),
      isLearner: (id) => this.#configuration?.learners.includes(id) === true,
      closed: () => this.#closed(),
      order: (to, order, timeoutMs) => host.order(to, order, timeoutMs),
    });
  }

  /** The latest configuration in the log of this process's node; null before there is one. */
  get configuration(): MembersInformation | null {
    return this.#configuration;
  }

  /** Where the others find this process, if it was told: what the carrier says of it. */
  get advertised(): string | null {
    const { carrier, members } = this.#settings;
    // On a bus it is where its number is.
    if (carrier.kind === 'nats') return null;
    const told = carrier.advertise ?? members?.get(this.#id);
    if (told !== undefined) return told;
    const known = this.#identity.members.get(this.#id) ?? '';
    return known === '' || this.#identity.hasMoved ? null : known;
  }

  /** The process listens, and the others can be dialed. */
  async begin(address: string): Promise<void> {
    const { clusterId, joining, members } = this.#identity;
    this.#address = address;
    this.#direct(members);
    for (const at of this.#settings.join) {
      this.#host.lines.introduce(at);
      if (clusterId !== null) this.#host.router.introduce(at);
    }
    if (clusterId !== null) {
      await this.#host.startNode(clusterId);
      this.#askForEntry();
    } else if (joining !== null) {
      this.#host.logger?.info({ node: this.#id, join: this.#settings.join }, 'asking to be let in');
      this.#attempt(this.#seekEntry());
    } else if (this.#strangers.size === 0) await this.#takePart();
    else
      this.#host.logger?.info({ node: this.#id }, 'waiting for all other members, as at every first start');
  }

  /** Why calls of clients would fail here, as far as it has to do with who belongs to the cluster; or null. */
  get missing(): string | null {
    if (this.#identity.clusterId === null && this.#identity.joining === null) {
      return 'It waits for all other members, as at every first start.';
    }
    return this.#identity.joining === null ? null : 'It is not let in yet, or has not caught up.';
  }

  /** A member has said which cluster this is. */
  tell(clusterId: string): void {
    this.#told ??= clusterId;
    this.#takePartOnceMet();
  }

  /** @throws {StorageFailedError} {DataLostError} */
  hear(event: CarrierEvent): void {
    const { clusterId, joining, members } = this.#identity;
    if (event.type === 'met') this.#meet(event.node, event.clusterId);
    else if (event.type === 'belongs') {
      // Of others nothing is counted that they could have promised.
      if (members.has(event.node)) this.#identity.noteFormer(event.node);
    } else if (event.type === 'advertised') this.#acquaint(event.node, event.address);
    else if (event.type === 'refused' && event.reason === 'lost' && !event.byUs) {
      // One that joins may have borne a member's number that the others have yet to forget.
      if (clusterId !== null || joining !== null) return;
      throw new DataLostError(this.#id, 'other members remember it, and there is nothing here');
    }
  }

  /** Another configuration is in force at this process's node, or known to be committed. */
  configured(configuration: MembersInformation, isCommitted: boolean): void {
    const { voters, votersOutgoing, learners, addresses = {} } = configuration;
    const before = this.#identity.members;
    const ids = [...new Set([...voters, ...votersOutgoing, ...learners])];
    const members = new Map(ids.map((id) => [id, addresses[id] ?? before.get(id) ?? '']));
    const isNews = JSON.stringify(configuration) !== JSON.stringify(this.#configuration);
    this.#configuration = configuration;
    try {
      this.#welcome([...members.keys()].filter((id) => !before.has(id)));
      // By its first entries one that joins is no member, and whom it was told of are.
      if (members.has(this.#id)) {
        for (const id of before.keys()) if (!members.has(id)) this.#leaving.add(id);
        this.#identity.noteMembers(members);
      }
      this.#direct(members);
      if (isCommitted && members.has(this.#id)) this.#bidFarewell(members);
      this.#noteJoined(isCommitted, voters, learners);
    } catch (error) {
      this.#host.fail(error);
    }
    if (isNews) this.#host.changed(configuration);
    this.announce();
  }

  /** Says to the leader, once there is one, where this member is, if the others believe that it is elsewhere. */
  announce(): void {
    const address = this.#ownAddress;
    const { voters = [], learners = [], addresses = {} } = this.#configuration ?? {};
    const isMember = voters.includes(this.#id) || learners.includes(this.#id);
    if (address === null || !isMember || addresses[this.#id] === address) return;
    if (this.#isAnnouncing || this.#closed() !== null || this.#host.leader() === null) return;
    this.#isAnnouncing = true;
    void this.calls
      .update(this.#id, address)
      // Another change is under way, or nobody leads: it is said again.
      .catch(() => this.#pause())
      .then(() => {
        this.#isAnnouncing = false;
        this.announce();
      });
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#farewells.values()) this.#host.clock.clearTimeout(timer);
    this.#farewells.clear();
  }

  get #id(): NodeId {
    return this.#identity.id;
  }

  #closed(): ClosedError | ConclaveError | null {
    const reason = this.#host.closed();
    if (reason === null || reason instanceof ConclaveError) return reason;
    return new ConclaveError('UNEXPECTED', reason.message, { cause: reason });
  }

  /** At the first start: another member has let this one in, and said which cluster this is if it knows. */
  #meet(node: NodeId, theirs: string | null): void {
    if (this.#identity.clusterId !== null || this.#closed() !== null) return;
    this.#strangers.delete(node);
    if (theirs !== null) this.tell(theirs);
    else this.#takePartOnceMet();
  }

  #takePartOnceMet(): void {
    const { clusterId, joining } = this.#identity;
    if (clusterId !== null || joining !== null || this.#closed() !== null) return;
    if (this.#strangers.size === 0) this.#attempt(this.#takePart());
  }

  /** Nobody remembers this member: it takes part, if anybody can say in which cluster. */
  async #takePart(): Promise<void> {
    const clusterId = this.#told ?? this.#identity.newClusterId();
    if (clusterId === null) return;
    this.#identity.adopt(clusterId);
    this.#host.router.adopt(clusterId);
    await this.#host.startNode(clusterId);
  }

  /** There is no data, and a cluster to be joined: once it is found, and this is none of its members, the node starts. */
  async #seekEntry(): Promise<void> {
    const { lines, router } = this.#host;
    for (; !this.#isClosed; await this.#pause()) {
      const infos = await this.#host.infos();
      const leader = leaderAmong(infos);
      const leading = infos.find(({ id, role }) => id === leader?.id && role === 'leader');
      const told = leading?.configuration;
      // To itself this process has no line.
      if (leader?.id === this.#id) throw new MemberExistsError(this.#id, this.#settings.cluster);
      if (this.#told === null || told === undefined || told.voters.length === 0) continue;
      const ids = [...new Set([...told.voters, ...told.votersOutgoing, ...told.learners])];
      if (ids.includes(this.#id)) throw new MemberExistsError(this.#id, this.#settings.cluster);
      const members = new Map(ids.map((id) => [id, told.addresses?.[id] ?? lines.addressOf(id)]));
      this.#identity.join(this.#told, told.voters, members, leading?.commitIndex ?? 0);
      router.adopt(this.#told);
      this.#direct(members);
      await this.#host.startNode(this.#told);
      this.#askForEntry();
      return;
    }
  }

  /** Asks to be let in, and for a vote, until it is so. What can never be is a failure. */
  #askForEntry(): void {
    this.#attempt(
      (async () => {
        for (; !this.#isClosed && this.#identity.joining !== null; await this.#pause()) {
          try {
            await this.#ask();
          } catch (error) {
            // It was let in by an attempt before, and may be more than it asked for by now.
            if (this.#identity.joining === null) return;
            const code = error instanceof ConclaveError ? error.code : '';
            if (code === 'CHANGE_REFUSED' || code === 'ACCESS_DENIED') throw error;
            this.#host.logger?.warn({ node: this.#id, err: messageOf(error) }, 'not let in yet');
          }
        }
      })(),
    );
  }

  async #ask(): Promise<void> {
    const { replaces } = this.#settings;
    const address = this.#ownAddress ?? '';
    if (replaces !== null) {
      try {
        await this.calls.replace(replaces, this.#id, { address });
        return;
      } catch (error) {
        // It is gone, by an earlier attempt perhaps, or by another's hand.
        if (!(error instanceof NotAMemberError)) throw error;
      }
    }
    await this.calls.add(this.#id, { learner: this.#identity.joining === 'learner', address });
  }

  #attempt(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (this.#closed() === null) this.#host.fail(error);
    });
  }

  #noteJoined(isCommitted: boolean, voters: readonly NodeId[], learners: readonly NodeId[]): void {
    const { joining } = this.#identity;
    if (joining === null || !isCommitted) return;
    if (!(joining === 'voter' ? voters : [...voters, ...learners]).includes(this.#id)) return;
    this.#identity.noteJoined();
    this.#host.logger?.info({ node: this.#id, as: joining }, 'let in');
  }

  /** Where the others are, as far as it is known; where they were said to be at the start is tried first. */
  #direct(members: ReadonlyMap<NodeId, string>): void {
    for (const [id, address] of members) {
      if (id === this.#id) continue;
      const hint = this.#settings.members?.get(id) ?? address;
      const addresses = [...new Set([hint, address])].filter((each) => each !== '');
      this.#host.router.remote(id, addresses);
      this.#host.lines.setMember(id, addresses);
    }
  }

  /**
   * A node speaks that is no member by this node's log. That log may lag behind, and then the other may lead, and has to
   * be answered.
   */
  #acquaint(id: NodeId, address: string): void {
    if (id === this.#id || this.#identity.members.has(id) || this.#gone.has(id)) return;
    if (this.#identity.clusterId === null) return;
    this.#acquaintances.add(id);
    this.#host.router.remote(id, address === '' ? [] : [address]);
  }

  /** Who is a member now and was none has promised nothing under this membership, whoever bore its number before. */
  #welcome(ids: readonly NodeId[]): void {
    for (const id of ids) {
      if (id === this.#id) continue;
      this.#host.clock.clearTimeout(this.#farewells.get(id));
      const wasSpokenTo = this.#farewells.delete(id);
      const wasKnown = this.#acquaintances.delete(id);
      this.#gone.delete(id);
      this.#identity.forgetFormer(id);
      // The carrier is to note it anew.
      if (wasSpokenTo || wasKnown) this.#host.router.detach(id);
    }
  }

  /** Whoever is no member for certain hears so for a while, and is not dialed any more. */
  #bidFarewell(members: ReadonlyMap<NodeId, string>): void {
    const others = new Set([...this.#leaving, ...this.#identity.former]);
    this.#leaving.clear();
    for (const id of others) {
      if (id === this.#id || members.has(id) || this.#gone.has(id)) continue;
      this.#gone.add(id);
      this.#identity.forgetFormer(id);
      this.#host.lines.removeMember(id);
      const end = () => {
        this.#farewells.delete(id);
        this.#host.router.detach(id);
      };
      this.#farewells.set(id, this.#host.clock.setTimeout(end, this.#farewellMs));
    }
  }

  /** Where this member is to be reached; null where that is not known, for it listens on all addresses. */
  get #ownAddress(): string | null {
    const isAnywhere = /^(0\.0\.0\.0|\[::\]):/.test(this.#address);
    return this.advertised ?? (isAnywhere || this.#address === '' ? null : this.#address);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#host.clock.setTimeout(resolve, askAgainMs);
    });
  }
}
