import { randomUUID } from 'node:crypto';
import type { MessagePort } from 'node:worker_threads';
import type { ClientLines } from '../client/client-lines.js';
import { type ClusterEvents, type NodeFailure, SnapshotTeller } from '../client/events.js';
import { Member } from '../cluster/nodes/member.js';
import { freeNodeDirectory, makeNodeDirectory } from '../cluster/nodes/node-directories.js';
import { NodeLife } from '../cluster/nodes/node-life.js';
import { nodeTask } from '../cluster/nodes/node-task.js';
import type { ClusterSettings } from '../cluster/options.js';
import type { Clock } from '../ground/clock.js';
import { ApplicationError } from '../ground/errors.js';
import { Random } from '../ground/random.js';
import type { MembersInformation } from '../node/information.js';
import type { Observation } from '../node/watch/observation.js';
import type { NodeId } from '../raft/entry.js';
import { type Party, partyText } from '../router/carriers/party.js';
import type { Router } from '../router/router.js';
import { Chaos } from './chaos.js';
import type { ServerIdentity } from './identity.js';

/** What a process's own node needs around it. */
export interface LocalNodeHost {
  readonly clock: Clock;
  readonly events: ClusterEvents;
  readonly router: Router;
  readonly lines: ClientLines;
  readonly identity: ServerIdentity;
  /** Is the node to tell what it does? */
  isWatched(): boolean;
  observed(observation: Observation): void;
  /** The node's role, term or leader is another, or it runs that did not, or the other way round. */
  changed(): void;
  /** Another configuration is in force at the node, or it is known now that the one in force is committed. */
  configured(configuration: MembersInformation, isCommitted: boolean): void;
  /** It is down, and starting it again would not help. */
  lost(failure: NodeFailure): void;
}

/** The one node of this process, on its thread, over all its lives. */
export class LocalNode {
  readonly member: Member;
  /** Null: nobody may. */
  readonly chaos: Chaos | null;
  readonly #settings: ClusterSettings;
  readonly #host: LocalNodeHost;
  readonly #owner = randomUUID();
  readonly #random: Random;
  readonly #snapshots: SnapshotTeller;

  constructor(id: NodeId, settings: ClusterSettings, allowsChaos: boolean, host: LocalNodeHost) {
    const { clock, events } = host;
    this.#settings = settings;
    this.#host = host;
    this.#snapshots = new SnapshotTeller(events);
    this.#random = new Random(settings.seed);
    this.member = new Member(id, 'follower', {
      clock,
      isDurable: true,
      launch: (task, listener) => new NodeLife(task, listener),
      task: () => this.#task(id),
      firstRequests: () => (host.isWatched() ? [{ type: 'watch', on: true }] : []),
      observed: (observation) => host.observed(observation),
      standingChanged: ({ role, state, term, leaderId }) => {
        events.emit('roleChanged', { id, role, state, term, leaderId });
        host.changed();
      },
      progressed: (commitIndex, height) => events.emit('committed', { id, commitIndex, height }),
      recovering: (recovery) => events.emit('recovering', { id, ...recovery }),
      configured: (configuration, isCommitted) => host.configured(configuration, isCommitted),
      snapshotNews: (news) => this.#snapshots.tell(id, news),
      ready: ({ tornBytes }, isFirst) => {
        events.emit(isFirst ? 'nodeStarted' : 'nodeRestarted', { id, tornBytes });
        host.changed();
      },
      ended: () => host.changed(),
      died: (failure) => this.#failed('nodeDied', failure),
      failed: (failure) => this.#failed('nodeFailed', failure),
      crashed: () => events.emit('nodeCrashed', { id }),
    });
    const ids = () => [...host.identity.members.keys()].sort((a, b) => a - b);
    this.chaos = allowsChaos ? new Chaos({ router: host.router, member: this.member, ids }) : null;
  }

  /** Starts it; rejected with what keeps it from recovering. */
  async start(): Promise<void> {
    await this.member.start();
    this.#host.identity.noteFormer(this.member.id);
  }

  /** Takes the line of a client that has come over the network, or hangs up. While the node recovers, it waits. */
  admit(party: Party, port: MessagePort): void {
    const mayPropose = party.kind === 'node' || party.role !== 'reader';
    const mayOperate = party.kind === 'node' || party.role === 'operator';
    const rights = { name: partyText(party), mayPropose, mayOperate };
    const chaosPort = mayOperate ? (this.chaos?.open() ?? null) : null;
    if (this.member.post({ type: 'client', port, rights, chaosPort })) return;
    port.close();
    chaosPort?.close();
  }

  /** Ends the thread and lets others have its directory. @throws {ThreadStuckError} {LockLeftError} */
  async close(): Promise<void> {
    await this.member.close();
    freeNodeDirectory(this.#settings, this.member.id, this.#owner);
  }

  #failed(name: 'nodeDied' | 'nodeFailed', failure: NodeFailure): void {
    const { events } = this.#host;
    const { id, error, restartInMs } = failure;
    if (error instanceof ApplicationError) {
      events.emit('applicationFailed', { id, index: error.index ?? null, error });
    }
    events.emit(name, failure);
    this.#host.changed();
    if (restartInMs === null) this.#host.lost(failure);
  }

  /** What a life of the node begins with. @throws {DirectoryUnusableError} {ClosedError} */
  #task(id: NodeId): ReturnType<typeof nodeTask> {
    const { identity, router, lines } = this.#host;
    const hadLog = identity.former.includes(id);
    const { voters, members } = identity;
    const joins = !voters.includes(id);
    const addresses = Object.fromEntries(
      [...members].filter(([each, at]) => at !== '' && voters.includes(each)),
    );
    makeNodeDirectory(this.#settings, id, hadLog);
    return nodeTask(id, this.#settings, {
      candidacy: true,
      joins,
      joinsAfter: identity.joinedAfter,
      addresses,
      seed: this.#random.uint32(),
      owner: this.#owner,
      hadLog,
      line: router.attach(id),
      clientPort: lines.attach(id),
    });
  }
}
