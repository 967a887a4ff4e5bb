import type { MemberInformation } from '../client/events.js';
import { leaderAmong, type RaftClient } from '../client/raft-client.js';
import type { ProposeOptions, ReadOptions } from '../ground/call-options.js';
import { AccessDeniedError, ChaosNotAllowedError, ConclaveError } from '../ground/errors.js';
import type { Answered, Proposed } from '../node/clients/client-requests.js';
import type { SnapshotTaken } from '../node/host/orders.js';
import type { LogOptions, LogRecord } from '../node/host/protocol.js';
import type { Leader } from '../node/when-ready.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import type { LinkPolicy } from '../router/link-policy.js';
import { type NetworkState, networkState } from '../router/network-state.js';
import { Wiring } from '../router/wiring.js';
import type { CommandedCluster } from './commanded-cluster.js';

/** How often it is looked who leads, in milliseconds. */
const lookMs = 200;

/** A command is for the laboratory, where all nodes are threads of one process. */
export class NotOfferedError extends ConclaveError {
  constructor(what: string) {
    super(
      'NOT_OFFERED',
      `A cluster of processes offers no ${what} to those who connect: end or start the process itself. "conclave cluster" is a laboratory that has it.`,
    );
  }
}

/** A new member lives in a process of its own, and its address was not given. */
class WhereError extends ConclaveError {
  constructor(id: NodeId, command: string) {
    super(
      'INVALID_OPTION',
      `Nobody knows where node ${id} is: "${command}". Or start its process with --join, and it asks for this itself.`,
    );
  }
}

/** What members and clients of a cluster of processes have alike. */
type ReachedCluster = Pick<
  RaftClient,
  | 'ids'
  | 'chaos'
  | 'info'
  | 'infos'
  | 'log'
  | 'propose'
  | 'read'
  | 'snapshot'
  | 'addMember'
  | 'removeMember'
  | 'replaceMember'
  | 'promote'
  | 'updateMember'
  | 'setPriority'
  | 'abortChange'
  | 'transferLeadership'
>;

/** What one of them knows by itself. */
type Known = Pick<CommandedCluster, 'leader' | 'network'>;

/** A client looks from time to time who leads: nobody tells it. */
class ClientsView implements Known {
  readonly #client: RaftClient;
  #leader: Leader | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;
  #network: NetworkState | null = null;
  #mayAskForLinks = true;

  constructor(client: RaftClient) {
    this.#client = client;
  }

  async look(): Promise<void> {
    const infos = this.#client.infos().then(
      (told) => this.note(told),
      () => {},
    );
    await Promise.all([infos, this.lookAtLinks()]);
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.look(), lookMs);
  }

  note(infos: readonly MemberInformation[]): void {
    this.#leader = leaderAmong(infos);
  }

  leader(): Leader | null {
    return this.#leader;
  }

  /** As the members said last. */
  network(): NetworkState {
    return this.#network ?? networkState(this.#client.ids, new Wiring());
  }

  async lookAtLinks(): Promise<void> {
    if (!this.#mayAskForLinks) return;
    try {
      this.#network = await this.#client.chaos.network();
    } catch (error) {
      // Where chaos is not allowed, nobody has cut anything.
      this.#mayAskForLinks = !(error instanceof ChaosNotAllowedError || error instanceof AccessDeniedError);
    }
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

/** A cluster of processes, as the command language sees one. */
export class RemoteCluster implements CommandedCluster {
  readonly #reached: ReachedCluster;
  readonly #known: Known & Partial<Pick<ClientsView, 'note' | 'lookAtLinks' | 'close'>>;

  private constructor(reached: ReachedCluster, known: Known) {
    this.#reached = reached;
    this.#known = known;
  }

  /** As a client sees it. Resolves once it has been looked who leads. */
  static async over(client: RaftClient): Promise<RemoteCluster> {
    const view = new ClientsView(client);
    await view.look();
    return new RemoteCluster(client, view);
  }

  /** As one of its members sees it. */
  static of(server: ReachedCluster & Known): RemoteCluster {
    // The member ends when whoever started it says so.
    return new RemoteCluster(server, { leader: () => server.leader(), network: () => server.network() });
  }

  close(): void {
    this.#known.close?.();
  }

  get ids(): readonly NodeId[] {
    return this.#reached.ids;
  }

  leader(): Leader | null {
    return this.#known.leader();
  }

  async infos(): Promise<MemberInformation[]> {
    const infos = await this.#reached.infos();
    this.#known.note?.(infos);
    return infos;
  }

  log(id: NodeId, from?: LogIndex, to?: LogIndex, options?: LogOptions): Promise<LogRecord[]> {
    return this.#reached.log(id, from, to, options);
  }

  propose(command: Uint8Array, options?: ProposeOptions): Promise<Proposed> {
    return this.#reached.propose(command, options);
  }

  read(query: Uint8Array, options?: ReadOptions): Promise<Answered> {
    return this.#reached.read(query, options);
  }

  network(): NetworkState {
    return this.#known.network();
  }

  async stop(id: NodeId): Promise<boolean> {
    const { state } = await this.#reached.info(id);
    await this.#reached.chaos.stop(id);
    return state !== 'dead';
  }

  async revive(id: NodeId): Promise<boolean> {
    const { state } = await this.#reached.info(id);
    await this.#reached.chaos.revive(id);
    return state === 'dead';
  }

  async crash(): Promise<boolean> {
    throw new NotOfferedError('crash');
  }

  async restart(): Promise<boolean> {
    throw new NotOfferedError('restart');
  }

  async snapshot(id?: NodeId): Promise<(SnapshotTaken & { readonly id: NodeId })[]> {
    const running = (await this.infos()).filter(({ role }) => role !== 'dead').map((info) => info.id);
    const ids = id === undefined ? running : [id];
    return Promise.all(ids.map(async (each) => ({ id: each, ...(await this.#reached.snapshot(each)) })));
  }

  addMember(
    id: NodeId,
    options: { readonly learner?: boolean; readonly address?: string } = {},
  ): Promise<void> {
    if (options.address === undefined) return Promise.reject(new WhereError(id, `add ${id} HOST:PORT`));
    return this.#reached.addMember(id, options);
  }

  removeMember(id: NodeId): Promise<void> {
    return this.#reached.removeMember(id);
  }

  replaceMember(id: NodeId, by: NodeId, options: { readonly address?: string } = {}): Promise<void> {
    if (options.address === undefined)
      return Promise.reject(new WhereError(by, `replace ${id} ${by} HOST:PORT`));
    return this.#reached.replaceMember(id, by, options);
  }

  promote(id: NodeId): Promise<void> {
    return this.#reached.promote(id);
  }

  updateMember(id: NodeId, address: string): Promise<void> {
    return this.#reached.updateMember(id, address);
  }

  setPriority(id: NodeId, priority: number): Promise<void> {
    return this.#reached.setPriority(id, priority);
  }

  abortChange(): Promise<void> {
    return this.#reached.abortChange();
  }

  transferLeadership(to?: NodeId): Promise<Leader> {
    return this.#reached.transferLeadership(to);
  }

  partition(groups: readonly (readonly NodeId[])[]): Promise<void> {
    return this.#wired(this.#reached.chaos.partition(groups));
  }

  isolate(id: NodeId): Promise<void> {
    return this.#wired(this.#reached.chaos.isolate(id));
  }

  cut(from: NodeId, to: NodeId): Promise<void> {
    return this.#wired(this.#reached.chaos.cut(from, to));
  }

  mend(from: NodeId, to: NodeId): Promise<void> {
    return this.#wired(this.#reached.chaos.mend(from, to));
  }

  heal(): Promise<void> {
    return this.#wired(this.#reached.chaos.heal());
  }

  setLink(change: Partial<LinkPolicy>, from?: NodeId, to?: NodeId): Promise<void> {
    return this.#wired(this.#reached.chaos.setLink(change, from, to));
  }

  setLinksOf(id: NodeId, change: Partial<LinkPolicy>): Promise<void> {
    return this.#wired(this.#reached.chaos.setLinksOf(id, change));
  }

  /** What is looked at next shows what was done. */
  async #wired(done: Promise<unknown>): Promise<void> {
    await done;
    await this.#known.lookAtLinks?.();
  }

  setCandidacy(id: NodeId, allowed: boolean): Promise<void> {
    return this.#reached.chaos.setCandidacy(id, allowed);
  }

  produceBlocks(): void {
    throw new NotOfferedError('blocks');
  }
}
