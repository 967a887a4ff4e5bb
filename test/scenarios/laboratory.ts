import { expect } from 'chai';
import { record } from '../../src/application/key-value/commands.js';
import type { NodeInformation } from '../../src/node/information.js';
import type { LogEntry, LogIndex, NodeId, Term } from '../../src/raft/entry.js';
import type { LinkPolicy } from '../../src/router/link-policy.js';
import { InVain, throughout, until } from './waiting.js';
import type { Started, World } from './world.js';

/** How long a change of members may take. */
export const changeMs = 60_000;
/** The longest default election timeout: what takes several of these is no matter of chance. */
export const electionTimeoutMs = 300;
/** How long one attempt at an agreement lasts before the command is handed in anew. */
const attemptMs = 2_000;

/** The lab's unreliable network: a tenth is lost, the rest late; datagrams also come twice and out of turn. */
export const unreliable: Partial<LinkPolicy> = {
  latencyMsMin: 0,
  latencyMsMax: 26,
  loss: 0.1,
  duplication: 0.05,
  reordering: 0.1,
};
/** The lab's long reordering: two thirds of what arrives has been overtaken. */
export const longReordering: Partial<LinkPolicy> = { ...unreliable, latencyMsMax: 60, reordering: 0.66 };
export const reliable: Partial<LinkPolicy> = {
  latencyMsMin: 0,
  latencyMsMax: 0,
  loss: 0,
  duplication: 0,
  reordering: 0,
};

export interface Leader {
  readonly id: NodeId;
  readonly term: Term;
}

/**
 * The vocabulary of the scenarios over a world, after the lab's own. Whatever it looks at it also judges: two
 * leaders of one term, or two commands applied at one index, fail the scenario that happened to look.
 */
export class Laboratory {
  readonly world: World;
  readonly #severed = new Set<NodeId>();
  readonly #leaders = new Map<Term, NodeId>();
  readonly #applied = new Map<LogIndex, string>();
  #commands = 0;

  constructor(world: World) {
    this.world = world;
  }

  get ids(): readonly NodeId[] {
    return this.world.ids;
  }

  get majority(): number {
    return Math.floor(this.ids.length / 2) + 1;
  }

  /** The node `steps` after `id`, around the circle. */
  after(id: NodeId, steps = 1): NodeId {
    return (id + steps) % this.ids.length;
  }

  others(...ids: readonly NodeId[]): NodeId[] {
    return this.ids.filter((id) => !ids.includes(id));
  }

  /** A command like no other. */
  command(bytes = 0): Uint8Array {
    return record(new TextEncoder().encode(`command ${++this.#commands} `.padEnd(bytes, '.')));
  }

  // Network

  isConnected(id: NodeId): boolean {
    return !this.#severed.has(id);
  }

  /** Takes nodes off the network: no link to or from them carries anything. */
  async disconnect(...ids: readonly NodeId[]): Promise<void> {
    for (const id of ids) this.#severed.add(id);
    await this.#eachLinkOf(ids, (from, to) => this.world.cut(from, to));
  }

  /** Puts nodes back on the network, as far as the other end of each link is on it. */
  async connect(...ids: readonly NodeId[]): Promise<void> {
    for (const id of ids) this.#severed.delete(id);
    await this.#eachLinkOf(ids, async (from, to) => {
      if (this.isConnected(from) && this.isConnected(to)) await this.world.mend(from, to);
    });
  }

  async #eachLinkOf(ids: readonly NodeId[], act: (from: NodeId, to: NodeId) => Promise<void>) {
    for (const id of ids) {
      for (const other of this.others(id)) await Promise.all([act(id, other), act(other, id)]);
    }
  }

  // Sight

  async infos(): Promise<readonly NodeInformation[]> {
    const infos = await this.world.infos();
    for (const { id, role, term } of infos) {
      if (role !== 'leader') continue;
      const known = this.#leaders.get(term);
      expect(known ?? id, `two leaders in term ${term} (election safety, §5.2)`).to.equal(id);
      this.#leaders.set(term, id);
    }
    return infos;
  }

  async info(id: NodeId): Promise<NodeInformation> {
    const found = (await this.infos()).find((node) => node.id === id);
    if (found === undefined) throw new InVain(`There is no node ${id}.`);
    return found;
  }

  /** Waits for a leader whom a majority of all nodes acknowledge, itself on the network. */
  leader(options: { readonly otherThan?: readonly NodeId[] } = {}): Promise<Leader> {
    const unwanted = options.otherThan ?? [];
    const what = `a leader${unwanted.length > 0 ? ` other than ${unwanted.join(', ')}` : ''}`;
    return until(this.world, what, async () => {
      const infos = await this.infos();
      for (const { id, role, term } of infos) {
        if (role !== 'leader' || unwanted.includes(id) || !this.isConnected(id)) continue;
        const followers = infos.filter((node) => node.leaderId === id && node.term === term && isAlive(node));
        if (followers.length >= this.majority) return { id, term };
      }
      return null;
    });
  }

  /** Waits until all nodes that live and are on the network follow one leader, and returns it. */
  settled(): Promise<Leader> {
    return until(this.world, 'all nodes to follow one leader', async () => {
      const infos = (await this.infos()).filter((node) => isAlive(node) && this.isConnected(node.id));
      const leader = infos.find((node) => node.role === 'leader');
      if (leader === undefined) return null;
      const follows = (node: NodeInformation) => node.leaderId === leader.id && node.term === leader.term;
      return infos.every(follows) && { id: leader.id, term: leader.term };
    });
  }

  /** Waits until nobody on the network leads, and then holds that for several election timeouts nobody does. */
  async staysLeaderless(timeouts = 3): Promise<void> {
    const leading = async () => {
      const infos = await this.infos();
      return infos.filter((node) => node.role === 'leader' && this.isConnected(node.id));
    };
    await until(this.world, 'no node on the network to lead', async () => (await leading()).length === 0);
    await throughout(this.world, timeouts * electionTimeoutMs, async () => {
      expect(await leading(), 'leaders without a majority').to.deep.equal([]);
    });
  }

  // Agreement

  /** How many living nodes have applied the entry at `index`, and its command (null while nobody has). */
  async committed(index: LogIndex): Promise<{ readonly nodes: number; readonly command: string | null }> {
    const infos = await this.infos();
    const reached = infos.filter((node) => isAlive(node) && node.height >= index);
    const logs = await Promise.all(reached.map((node) => this.world.log(node.id, index, index)));
    let nodes = 0;
    for (const [at, [entry]] of logs.entries()) {
      // What is behind a snapshot is in the state. (Or the node has crashed between the two questions.)
      if (entry === undefined) {
        if ((reached[at] as NodeInformation).firstIndex > index && this.#applied.has(index)) nodes++;
        continue;
      }
      nodes++;
      this.#holdApplied(entry);
    }
    return { nodes, command: this.#applied.get(index) ?? null };
  }

  #holdApplied(entry: LogEntry): void {
    const known = this.#applied.get(entry.index);
    const seen = fingerprint(entry.command);
    const where = `two commands applied at index ${entry.index} (state machine safety, §5.4.3)`;
    expect(known ?? seen, where).to.equal(seen);
    this.#applied.set(entry.index, seen);
  }

  /** Hands a command to whichever node takes it. Null when none does. */
  async startSomewhere(command: Uint8Array): Promise<(Started & { readonly id: NodeId }) | null> {
    for (const node of await this.infos()) {
      if (node.role !== 'leader' || !this.isConnected(node.id)) continue;
      const started = await this.world.start(node.id, command);
      if (started !== null) return { ...started, id: node.id };
    }
    return null;
  }

  /** A new command, handed to `id`, which must take it. */
  async startAt(id: NodeId, command = this.command()): Promise<Started> {
    const started = await this.world.start(id, command);
    if (started === null) throw new InVain(`Node ${id} did not take a command.`);
    return started;
  }

  /**
   * Agrees on one command: hands it in until `nodes` nodes have applied it at one index, which is returned. It
   * is handed in again when a leader falls with it, so it may stand in the log twice.
   */
  one(nodes: number, command = this.command()): Promise<LogIndex> {
    return until(this.world, `${nodes} nodes to apply a command`, async () => {
      const started = await this.startSomewhere(command);
      return started !== null && (await this.#attempt(started.index, started, nodes, fingerprint(command)));
    });
  }

  /** Waits for one place of a command, as long as there is hope for it. */
  #attempt(index: LogIndex, taker: Leader, nodes: number, wanted: string): Promise<LogIndex | null> {
    const deadline = this.world.now() + attemptMs;
    return until(this.world, `a command of node ${taker.id}`, async () => {
      const found = await this.committed(index);
      if (found.command === wanted && found.nodes >= nodes) return { index };
      const { role, term } = await this.info(taker.id);
      const hopeless =
        found.command === null ? role !== 'leader' || term !== taker.term : found.command !== wanted;
      return (hopeless || this.world.now() >= deadline) && { index: null };
    }).then((end) => end.index);
  }

  /** Waits until `nodes` nodes have applied what stands at `index`. */
  applied(index: LogIndex, nodes = this.ids.length): Promise<string> {
    return until(this.world, `${nodes} nodes to apply index ${index}`, async () => {
      const found = await this.committed(index);
      return found.nodes >= nodes && found.command;
    });
  }

  /**
   * Waits until all living nodes have applied equally far, with nothing left to apply, and holds that they
   * applied the same: equal digests, and equal logs. Returns the log.
   */
  async converged(): Promise<readonly LogEntry[]> {
    const infos = await until(this.world, 'all nodes to apply the same entries', async () => {
      const living = (await this.infos()).filter(isAlive);
      const height = living[0]?.height;
      return living.every((node) => node.height === height && node.lastLogIndex === height) && living;
    });
    const digests = new Set(infos.map((node) => node.digest));
    expect([...digests], 'digests of nodes of one height').to.have.lengthOf(1);
    const height = infos[0]?.height ?? 0;
    // What one of them has given up, its state has, and the digest speaks for.
    const first = Math.max(1, ...infos.map(({ firstIndex }) => firstIndex));
    const logs = await Promise.all(infos.map((node) => this.world.log(node.id, first, height)));
    for (const log of logs)
      expect(log.map(entryText), 'logs of nodes of one digest').to.deep.equal(logs[0]?.map(entryText));
    return logs[0] ?? [];
  }

  // Crashes

  async restartAll(ids: readonly NodeId[]): Promise<void> {
    await Promise.all(ids.map((id) => this.world.restart(id)));
  }
}

export function isAlive(node: NodeInformation): boolean {
  return node.role !== 'dead';
}

/** A command, comparable. */
export function fingerprint(command: Uint8Array): string {
  return Buffer.from(command.buffer, command.byteOffset, command.byteLength).toString('latin1');
}

function entryText({ index, term, kind, command }: LogEntry): string {
  return `${index} (term ${term}) ${kind} ${fingerprint(command)}`;
}

/** What a call that changes the cluster came to: null once it is done, or the code of its error. */
export async function codeOrNull(call: Promise<unknown>): Promise<string | null> {
  try {
    await call;
    return null;
  } catch (error) {
    return String(codeOf(error) ?? error);
  }
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
