import type { SessionLimits } from '../client/session-host.js';
import type { NodeOptions } from '../node/options.js';
import type { NodeId } from '../raft/entry.js';
import type { LinkPolicy } from '../router/link-policy.js';
import type { CipherOptions } from '../wire/cipher.js';

/** What can go wrong in a simulated world. Each run draws which of these exist at all, and how strong. */
export const faultKinds = [
  // the network
  'latency',
  'loss',
  'duplication',
  'reordering',
  'cuts',
  'partitions',
  'clogs',
  // nodes
  'crashes',
  'powerLosses',
  'pauses',
  'stops',
  'candidacy',
  // clocks
  'drift',
  'jumps',
  // disks
  'slowDisks',
  'stalls',
  'tears',
  'bitFlips',
  'failedWrites',
  'failedSyncs',
  'fullDisks',
  // clients
  'clientDeaths',
  'clientHangs',
  // a loss of power, while a file's name is not on the disk yet
  'lostNames',
  // the network again: what was said long ago is heard once more
  'echoes',
  // leaders cut off one after another, at the moments that the paper's Figure 8 asks for
  'figure8',
  // leaders cut off when a follower has a part of a run of theirs
  'halfRuns',
  // state machines that take their time for each command
  'slowApplications',
  // nodes cut off until the others have given up what those need next
  'absences',
  // members that come, go, learn and vote, with machines that get empty disks
  'memberChanges',
  // leaders that are told to hand over
  'transfers',
  // leaders that produce blocks, at times
  'blocks',
  // commands that the voters are asked about first
  'verifications',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export type Mode = 'safety' | 'liveness';

/** All that decides a run: equal options make equal runs, event by event. */
export interface SimulationOptions {
  readonly seed: number;
  /** Voters. */
  readonly nodes: number;
  readonly mode: Mode;
  /** How long the world lasts, in virtual milliseconds; in liveness mode, until the faults become permanent. */
  readonly virtualMs: number;
  /** The kinds of fault that may be drawn. */
  readonly faults: readonly FaultKind[];
  /** Callers. Null: drawn. */
  readonly clients: number | null;
  /** Do programs number their commands in sessions, which the log knows? Null: drawn. */
  readonly sessions: boolean | null;
  /** May leaders answer reads by leases? Clocks keep within the bound then. Null: drawn. */
  readonly leases: boolean | null;
  readonly cipher: CipherOptions;
}

export const defaultSimulation: SimulationOptions = {
  seed: 1,
  nodes: 5,
  mode: 'safety',
  virtualMs: 60_000,
  faults: faultKinds,
  clients: null,
  sessions: null,
  leases: null,
  cipher: { kind: 'none' },
};

/** Who proposes many commands at a time: how many at most, and how often. */
export interface BulkOptions {
  readonly everyMsMean: number;
  readonly commandsMax: number;
}

/** What the seed makes of the options before anything happens: how this world and its nodes are. */
export interface Character {
  readonly voters: readonly NodeId[];
  readonly node: Omit<NodeOptions, 'id' | 'voters' | 'learners' | 'seed'>;
  /**
   * Entry bytes in one message, drawn anew between these for every message and every proposal, so that runs are cut to
   * be sent; null: as usual.
   */
  readonly appendBytes: { readonly low: number; readonly high: number } | null;
  readonly cipher: CipherOptions;
  readonly link: Partial<LinkPolicy>;
  readonly segmentBytes: number;
  readonly waitsForDisk: boolean;
  /** What a sync takes on average, in milliseconds. */
  readonly syncMs: number;
  /** A node that ended is started again after so long at most, in milliseconds. */
  readonly restartMsMax: number;
  readonly clients: ClientsCharacter;
  /** Are the voters asked about some commands first? (no) */
  readonly verifies?: boolean;
}

/** How those are who use the cluster. */
export interface ClientsCharacter {
  /** So many call, one call at a time each, */
  readonly callers: number;
  /** through the sessions of so many programs. */
  readonly programs: number;
  /** Between a caller's calls, on average, in milliseconds. */
  readonly thinkMsMean: number;
  /** What is said between a session and a node takes up to this, in milliseconds. */
  readonly lineMsMax: number;
  /** Of each session. */
  readonly limits: SessionLimits;
  /** Are commands applied once, however often they are sent? */
  readonly sessions: boolean;
  /** Null: nobody proposes many commands at a time. */
  readonly bulk: BulkOptions | null;
}
