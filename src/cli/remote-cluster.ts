import type { MemberInformation } from '../client/events.js';
import { leaderAmong, type RaftClient } from '../client/raft-client.js';
import type { CommandedCluster } from '../console/commanded-cluster.js';
import type { ProposeOptions, ReadOptions } from '../ground/call-options.js';
import { ConclaveError } from '../ground/errors.js';
import type { Answered, Proposed } from '../node/clients/client-requests.js';
import type { SnapshotTaken } from '../node/host/orders.js';
import type { LogOptions, LogRecord } from '../node/host/protocol.js';
import type { Leader } from '../node/when-ready.js';
import type { LogIndex, NodeId } from '../raft/entry.js';
import { type NetworkState, networkState } from '../router/network-state.js';
import { Wiring } from '../router/wiring.js';

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

/** A cluster of processes, as the command language sees one. */
export class RemoteCluster implements CommandedCluster {
  readonly #client: RaftClient;
  #leader: Leader | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  private constructor(client: RaftClient) {
    this.#client = client;
  }

  /** Resolves once it has been looked who leads. */
  static async over(client: RaftClient): Promise<RemoteCluster> {
    const cluster = new RemoteCluster(client);
    await cluster.#look();
    return cluster;
  }

  async #look(): Promise<void> {
    await this.infos().catch(() => {});
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#look(), lookMs);
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  get ids(): readonly NodeId[] {
    return this.#client.ids;
  }

  leader(): Leader | null {
    return this.#leader;
  }

  async infos(): Promise<MemberInformation[]> {
    const infos = await this.#client.infos();
    this.#leader = leaderAmong(infos);
    return infos;
  }

  log(id: NodeId, from?: LogIndex, to?: LogIndex, options?: LogOptions): Promise<LogRecord[]> {
    return this.#client.log(id, from, to, options);
  }

  propose(command: Uint8Array, options?: ProposeOptions): Promise<Proposed> {
    return this.#client.propose(command, options);
  }

  read(query: Uint8Array, options?: ReadOptions): Promise<Answered> {
    return this.#client.read(query, options);
  }

  /** Nobody here has cut anything: what others did is not known. */
  network(): NetworkState {
    return networkState(this.ids, new Wiring());
  }

  async stop(): Promise<boolean> {
    throw new NotOfferedError('stop');
  }

  async revive(): Promise<boolean> {
    throw new NotOfferedError('revive');
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
    return Promise.all(ids.map(async (each) => ({ id: each, ...(await this.#client.snapshot(each)) })));
  }

  addMember(
    id: NodeId,
    options: { readonly learner?: boolean; readonly address?: string } = {},
  ): Promise<void> {
    if (options.address === undefined) return Promise.reject(new WhereError(id, `add ${id} HOST:PORT`));
    return this.#client.addMember(id, options);
  }

  removeMember(id: NodeId): Promise<void> {
    return this.#client.removeMember(id);
  }

  replaceMember(id: NodeId, by: NodeId, options: { readonly address?: string } = {}): Promise<void> {
    if (options.address === undefined)
      return Promise.reject(new WhereError(by, `replace ${id} ${by} HOST:PORT`));
    return this.#client.replaceMember(id, by, options);
  }

  promote(id: NodeId): Promise<void> {
    return this.#client.promote(id);
  }

  updateMember(id: NodeId, address: string): Promise<void> {
    return this.#client.updateMember(id, address);
  }

  setPriority(id: NodeId, priority: number): Promise<void> {
    return this.#client.setPriority(id, priority);
  }

  abortChange(): Promise<void> {
    return this.#client.abortChange();
  }

  transferLeadership(to?: NodeId): Promise<Leader> {
    return this.#client.transferLeadership(to);
  }

  partition(): void {
    throw new NotOfferedError('partition');
  }

  isolate(): void {
    throw new NotOfferedError('partition');
  }

  cut(): void {
    throw new NotOfferedError('cut');
  }

  mend(): void {
    throw new NotOfferedError('cut');
  }

  heal(): void {
    throw new NotOfferedError('partition');
  }

  setLink(): void {
    throw new NotOfferedError('change of links');
  }

  setLinksOf(): void {
    throw new NotOfferedError('change of links');
  }

  async setCandidacy(): Promise<void> {
    throw new NotOfferedError('candidacy');
  }

  produceBlocks(): void {
    throw new NotOfferedError('blocks');
  }
}
