import type { Random } from '../../src/ground/random.js';
import type { NodeInformation } from '../../src/node/information.js';
import type { Limits, Timings } from '../../src/node/options.js';
import type { LogEntry, LogIndex, NodeId, Term } from '../../src/raft/entry.js';
import type { LeaseOptions } from '../../src/raft/lease.js';
import type { LinkPolicy } from '../../src/router/link-policy.js';

/** What a scenario asks of its world before it begins. Everything else is as in production. */
export interface WorldOptions {
  /** Voters, with the ids 0 … nodes - 1. */
  readonly nodes: number;
  /** The node that is to win the first election. Default: whoever does. */
  readonly leader?: NodeId;
  /** Who may stand for election. Default: all. */
  readonly candidates?: readonly NodeId[];
  readonly timings?: Partial<Timings>;
  readonly preVote?: boolean;
  readonly checkQuorum?: boolean;
  readonly link?: Partial<LinkPolicy>;
  /** The leader proposes a block this often. Default: never. */
  readonly blockIntervalMs?: number;
  /** Do the nodes write to disks, so that they can crash and come back? Default: false. */
  readonly disks?: boolean;
  /** Snapshots are taken after so many entries. Default: as in production. */
  readonly snapshotEvery?: number;
  /** May leaders answer reads by leases? Default: as in production, no. */
  readonly leases?: LeaseOptions;
  /** How much of the log is kept in memory, and how much a message carries. Default: as in production. */
  readonly limits?: Partial<Limits>;
}

/** Where a node put a command that it took. Whether it will be committed is another question. */
export interface Started {
  readonly index: LogIndex;
  readonly term: Term;
}

/** All frames of the network so far, heartbeats and answers included. */
export interface Traffic {
  readonly frames: number;
  readonly bytes: number;
}

/**
 * What a scenario can see and do: a cluster, its network, and time. Threads are one world, the simulation
 * another; a scenario cannot tell which it runs in. Every promise settles after a bounded time of this world,
 * and what it asked for is in force once it does.
 */
export interface World {
  /** Members, and those that are on their way to be; ascending. */
  readonly ids: readonly NodeId[];
  /** The chance of the scenario itself. */
  readonly random: Random;

  /** Milliseconds of this world since some moment, never going back. */
  now(): number;
  sleep(durationMs: number): Promise<void>;

  /** One a node, in the order of `ids`. The role of stopped and crashed nodes is `dead`. */
  infos(): Promise<readonly NodeInformation[]>;
  /** Entries `from` to `to`, committed or not; fewer when the log is shorter, none when the node is crashed. */
  log(id: NodeId, from?: LogIndex, to?: LogIndex): Promise<readonly LogEntry[]>;
  /**
   * Proposes at this node and no other, and waits for its log, not for the commit. Null when the node does not
   * lead, or went before it could say. Commands must differ from one another to be found in the log.
   */
  start(id: NodeId, command: Uint8Array): Promise<Started | null>;
  /** A client proposes, in its session and until it is told: the command's result, or the code of its error. */
  propose(command: Uint8Array): Promise<Uint8Array | string>;
  /** Asks this node, which may answer by its lease: the answer, or a code when none came in time. */
  readByLease(id: NodeId, query: Uint8Array, timeoutMs: number): Promise<Uint8Array | string>;
  /** The client has other work for so long, and hears and says nothing. */
  stall(durationMs: number): Promise<void>;

  /** Deaf and mute, with its memory. */
  stop(id: NodeId): Promise<void>;
  revive(id: NodeId): Promise<void>;
  /** Gone at once, with all that is not on disk. Needs `disks`. */
  crash(id: NodeId): Promise<void>;
  /** Back from what is on disk. */
  restart(id: NodeId): Promise<void>;
  /** Its clock goes so many times as fast as time, from now on. Needs `leases`. */
  setClockRate(id: NodeId, rate: number): Promise<void>;
  setCandidacy(id: NodeId, allowed: boolean): Promise<void>;
  produceBlocks(intervalMs: number | 'off'): Promise<void>;

  /** A node comes, with the log first and a vote then. Null once it is done, or the code of the error. */
  addMember(id: NodeId): Promise<string | null>;
  /** A member goes, and its process with it once it is done. Nobody is asked again after `timeoutMs`. */
  removeMember(id: NodeId, timeoutMs?: number): Promise<string | null>;
  /** Both in one change. */
  replaceMember(id: NodeId, by: NodeId): Promise<string | null>;
  /** Leadership goes to this node. */
  transfer(to: NodeId): Promise<string | null>;
  /** The machine of a node that is no member gets an empty disk. */
  wipe(id: NodeId): Promise<void>;

  /** One direction of one link. */
  cut(from: NodeId, to: NodeId): Promise<void>;
  /** Undoes `cut`. */
  mend(from: NodeId, to: NodeId): Promise<void>;
  /** Nodes of different groups do not reach each other; those not named form one more group. */
  partition(groups: readonly (readonly NodeId[])[]): Promise<void>;
  /** Ends partitions and cuts. Latency, loss and the like stay. */
  heal(): Promise<void>;
  /** Changes the named fields on all links. */
  setLink(change: Partial<LinkPolicy>): Promise<void>;
  traffic(): Promise<Traffic>;
}

/** One text for all worlds. */
export interface Scenario {
  readonly name: string;
  readonly options: WorldOptions;
  /** Rejects when what it looked for did not hold. */
  play(world: World): Promise<void>;
}
