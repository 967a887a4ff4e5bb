import type { Application } from '../../src/application/application.js';
import { packBytes } from '../../src/ground/byte-strings.js';
import { Random } from '../../src/ground/random.js';
import type { ClientReply } from '../../src/node/clients/client-requests.js';
import { NodeActor } from '../../src/node/node-actor.js';
import type { SnapshotNews } from '../../src/node/node-observer.js';
import type { Limits, SnapshotSettings } from '../../src/node/options.js';
import { defaultLimits, defaultSnapshots, defaultTimings } from '../../src/node/validate-options.js';
import type { NodeId } from '../../src/raft/entry.js';
import type { Message } from '../../src/raft/messages.js';
import { StorageDisk } from '../../src/storage/disk.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { createCiphers } from '../../src/wire/create-cipher.js';
import { FrameDecoder } from '../../src/wire/messages.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { VirtualClock } from '../router/virtual-clock.js';
import { bytesOf, Ledger } from './ledger.js';

export interface SnapshotWorldOptions {
  readonly nodes?: number;
  readonly learners?: number;
  readonly snapshots?: Partial<SnapshotSettings>;
  readonly limits?: Partial<Limits>;
  readonly application?: () => Application;
  /** False: nobody is started yet. */
  readonly starts?: boolean;
}

interface Host {
  readonly id: NodeId;
  readonly storage: MemoryStorage;
  actor: NodeActor;
  application: Application;
  isUp: boolean;
  lives: number;
}

/** Nodes on one virtual clock with storage that outlives them; the first may stand, the others vote. */
export class SnapshotWorld {
  readonly clock = new VirtualClock();
  readonly hosts: readonly Host[];
  readonly news: { readonly id: NodeId; readonly news: SnapshotNews }[] = [];
  readonly deaths: unknown[] = [];
  /** Every message that was sent, and whether it arrived. */
  readonly sent: { readonly from: NodeId; readonly to: NodeId; readonly message: Message }[] = [];
  /** States that nodes were seen in. */
  readonly states: string[] = [];
  /** Which messages are lost. */
  loses: (message: Message, from: NodeId, to: NodeId) => boolean = () => false;
  readonly #options: SnapshotWorldOptions;
  readonly #handlers = new Map<NodeId, (from: NodeId, frame: Uint8Array) => void>();
  readonly #reader: FrameDecoder;

  constructor(options: SnapshotWorldOptions = {}) {
    this.#options = options;
    const ciphers = createCiphers({ kind: 'none' }, new Random(1));
    this.#reader = new FrameDecoder(ciphers.frames, new RunSeals(ciphers.entries));
    const count = (options.nodes ?? 3) + (options.learners ?? 0);
    this.hosts = Array.from({ length: count }, (_, id) => {
      const storage = new MemoryStorage();
      const host = { id, storage, isUp: false, lives: 0 } as unknown as Host;
      return host;
    });
    if (options.starts !== false) for (const { id } of this.hosts) this.start(id);
  }

  host(id: NodeId): Host {
    return this.hosts[id] as Host;
  }

  start(id: NodeId): void {
    const host = this.host(id);
    const { nodes = 3, learners = 0, limits, snapshots, application = () => new Ledger() } = this.#options;
    host.application = application();
    host.isUp = true;
    host.lives++;
    const { lives } = host;
    const ids = (from: number, length: number) => Array.from({ length }, (_, at) => from + at);
    host.actor = new NodeActor(
      {
        id,
        voters: ids(0, nodes),
        learners: ids(nodes, learners),
        timings: defaultTimings,
        limits: { ...defaultLimits, ...limits },
        snapshots: { ...defaultSnapshots, ...snapshots },
        preVote: true,
        checkQuorum: true,
        candidacy: id === 0,
        seed: id,
      },
      {
        transport: {
          send: (to, frame) => this.#send(id, to, frame),
          receive: (handler) => this.#handlers.set(id, handler),
        },
        recovered: host.storage.recover(),
        disk: new StorageDisk(host.storage),
        application: host.application,
        clock: this.clock,
        ciphers: createCiphers({ kind: 'none' }, new Random(1)),
        identity: { id, cluster: 1, life: lives * 100 + 1 + id },
        observer: {
          standingChanged: ({ state }) => this.states.push(`${id} ${state}`),
          progressed: () => {},
          snapshotNews: (news) => this.news.push({ id, news }),
          died: (error) => this.deaths.push(error),
        },
      },
    );
  }

  #send(from: NodeId, to: NodeId, frame: Uint8Array): void {
    const copy = frame.slice();
    const message = this.#reader.decode(frame.slice());
    if (message !== null && message.type !== 'hello') {
      this.sent.push({ from, to, message });
      if (this.loses(message, from, to)) return;
    }
    this.clock.setTimeout(() => {
      if (this.host(to).isUp) this.#handlers.get(to)?.(from, copy);
    }, 1);
  }

  crash(id: NodeId): void {
    const host = this.host(id);
    host.isUp = false;
    host.actor.end();
    host.storage.close();
  }

  /** Has the leader take commands, one run each, and waits until they are applied there. */
  propose(...texts: readonly string[]): void {
    const answers: ClientReply[] = [];
    for (const text of texts) {
      const body = packBytes([bytesOf(text)]);
      this.host(0).actor.propose({ first: 0, count: 1, body, reply: (answer) => answers.push(answer) });
    }
    this.passUntil(() => answers.length === texts.length);
    const refused = answers.find(({ type }) => type !== 'applied');
    if (refused !== undefined) throw new Error(`Not applied: ${JSON.stringify(refused)}`);
  }

  /** Commands that are alike, `a1` to `aN`, a few at a time. */
  proposeMany(name: string, count: number): void {
    for (let from = 1; from <= count; from += 5) {
      const few = Math.min(5, count + 1 - from);
      this.propose(...Array.from({ length: few }, (_, at) => `${name}${from + at}`));
    }
  }

  elect(): void {
    this.passUntil(() => this.host(0).actor.describe().state.endsWith('serving'));
  }

  /** Everybody who is up has what the leader has. */
  settle(): void {
    this.passUntil(() => {
      const up = this.hosts.filter(({ isUp }) => isUp).map(({ actor }) => actor.describe());
      return up.every(({ height, digest }) => height === up[0]?.height && digest === up[0].digest);
    });
  }

  passUntil(isSo: () => boolean): void {
    for (let passedMs = 0; passedMs <= 20_000; passedMs++) {
      if (isSo()) return;
      this.clock.pass(1);
    }
    throw new Error(
      `Waited in vain; ${this.hosts.map(({ actor }) => JSON.stringify({ ...actor.describe(), digest: '' }))} ${this.deaths.join()}`,
    );
  }

  newsOf(id: NodeId): string[] {
    return this.news.filter((one) => one.id === id).map(({ news }) => news.type);
  }
}
