import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { ApplicationSource } from '../application/application.js';
import { type Logger, requireLogger } from '../cluster/logger.js';
import { type ClusterOptions, type ClusterSettings, resolveOptions } from '../cluster/options.js';
import { InvalidOptionError } from '../ground/errors.js';
import { refuseUnknown, requireBoolean, requireInteger, shown } from '../ground/option-checks.js';
import type { Limits, Timings } from '../node/options.js';
import type { NodeId } from '../raft/entry.js';
import { parseAddress } from '../router/carriers/address.js';
import {
  type CarrierLimits,
  type CredentialFiles,
  requireAddress,
  requireCarrierOptions,
  type TcpOptions,
  type TlsOptions,
} from '../router/carriers/options.js';
import { requireName } from '../router/carriers/party.js';
import type { LinkPolicy } from '../router/link-policy.js';
import type { CipherOptions } from '../wire/cipher.js';
import type { Joining } from './identity.js';

/** What `RaftServer.start` takes. Durations are in milliseconds. */
export interface ServerOptions {
  /** This process's member: a number of its own, never used again for another. */
  readonly id: NodeId;
  /** The cluster's name, in certificates and on the wire: letters, digits, hyphens and underscores ('conclave'). */
  readonly cluster?: string;
  /** The directory of this member's log, made if it is not there. */
  readonly data: string;
  /** Where the other members and clients reach this one: `host:port`; port 0 takes a free one. */
  readonly listen: string;
  /** Where they find it, if that is not where it listens. */
  readonly advertise?: string;
  /**
   * The first voting members by number, with their addresses, this one included: needed at the first start of a new
   * cluster. Later they say where those that are members still are to be looked for first; who belongs to the cluster
   * its log says.
   */
  readonly members?: Readonly<Record<NodeId, string>>;
  /**
   * Addresses (`host:port`) of some members of a cluster that is there: at its first start this process asks to be let
   * in, receives the log and then a vote. Later, where to look for the others.
   */
  readonly join?: readonly string[];
  /** It joins to receive the log alone, and never votes (false). */
  readonly learner?: boolean;
  /** It joins in the place of this member, which leaves in the same change. */
  readonly replaces?: NodeId;
  /** Certificates: needed beyond this machine. */
  readonly tls?: CredentialFiles;
  /** Leave this machine without TLS: anybody on the way can read, alter and make up what is said. */
  readonly insecurePlainText?: boolean;
  /** The replicated state machine, the same at all members (the key-value store). */
  readonly application?: ApplicationSource;
  /** What seals entries (`pseudo`, which is no protection). The same at all members, for good. */
  readonly cipher?: CipherOptions;
  readonly timings?: Partial<Timings>;
  readonly limits?: Partial<Limits>;
  /** This node takes a snapshot of its state after so many entries (0: not for their number). */
  readonly snapshotEvery?: number;
  /** And after so many bytes of commands, or as many as the last snapshot has if those are more (64 MiB). */
  readonly snapshotLogBytes?: number;
  /** Bounds of the connections. */
  readonly carrierLimits?: Partial<CarrierLimits>;
  /** The policy of this process's links at first (clean): for experiments. */
  readonly link?: Partial<LinkPolicy>;
  readonly segmentBytes?: number;
  readonly preVote?: boolean;
  readonly checkQuorum?: boolean;
  /** Is a command that is proposed here applied once, however often it has to be sent (true)? */
  readonly sessions?: boolean;
  /** As of `RaftCluster` (off); the same at all members. */
  readonly leases?: ClusterOptions['leases'];
  /** Seeds election timeouts (drawn at random). */
  readonly seed?: number;
  /**
   * Where those who look after the process reach it by HTTP, with `/livez`, `/readyz` and `/metrics`: `host:port`, or a
   * port of this machine alone; 0 takes a free one (nowhere).
   */
  readonly administration?: string | number;
  /** Takes what happens, as a logger of pino does (nobody). */
  readonly logger?: Logger;
}

const known: Record<keyof ServerOptions, true> = {
  id: true,
  cluster: true,
  data: true,
  listen: true,
  advertise: true,
  members: true,
  join: true,
  learner: true,
  replaces: true,
  tls: true,
  insecurePlainText: true,
  application: true,
  cipher: true,
  timings: true,
  limits: true,
  snapshotEvery: true,
  snapshotLogBytes: true,
  carrierLimits: true,
  link: true,
  segmentBytes: true,
  preVote: true,
  checkQuorum: true,
  sessions: true,
  leases: true,
  seed: true,
  administration: true,
  logger: true,
};

/** The options, complete and checked, as far as they can be without what is on disk. */
export interface ServerSettings {
  readonly id: NodeId;
  readonly cluster: string;
  readonly directory: string;
  readonly members: ReadonlyMap<NodeId, string> | null;
  /** Where members of a cluster are to be asked for; empty: nowhere. */
  readonly join: readonly string[];
  readonly joining: Joining | null;
  readonly replaces: NodeId | null;
  readonly listen: string;
  readonly carrier: TcpOptions | TlsOptions;
  /** Null: nowhere. */
  readonly administration: string | null;
  readonly logger: Logger | null;
  /** What the node is started with, once it is known who votes, in which cluster. */
  readonly nodeSettings: (clusterId: string, voters: readonly NodeId[]) => ClusterSettings;
}

/** @throws {InvalidOptionError} naming the option, what it is, and what it may be. */
export function resolveServerOptions(options: ServerOptions): ServerSettings {
  refuseUnknown('option', options, known);
  const { id, cluster = 'conclave', data, members, join = [], learner = false, logger = null } = options;
  requireInteger('id', id, 0, 10 ** 15 - 1);
  requireName('cluster', cluster);
  if (typeof data !== 'string' || data === '') {
    throw new InvalidOptionError(`data is ${shown(data)}. Give the path of a directory.`);
  }
  const directory = resolve(data);
  if (logger !== null) requireLogger(logger);
  const carrier = carrierOf(options, cluster);
  requireCarrierOptions(carrier);
  requireJoin(join, members, carrier);
  requireBoolean('learner', learner);
  if (options.replaces !== undefined) {
    requireInteger('replaces', options.replaces, 0, 10 ** 15 - 1);
    if (join.length === 0 || learner || options.replaces === id) {
      throw new InvalidOptionError(
        `replaces is ${options.replaces}. Only a voter that joins takes the place of another: give join, and no learner.`,
      );
    }
  }
  if (learner && join.length === 0) {
    throw new InvalidOptionError(
      'learner is true and join is not given. The first members all vote; a learner joins them.',
    );
  }
  const settings = nodeSettingsOf(options, directory);
  return {
    id,
    cluster,
    directory,
    members: members === undefined ? null : membersOf(members, id, carrier),
    join,
    joining: join.length === 0 ? null : learner ? 'learner' : 'voter',
    replaces: options.replaces ?? null,
    listen: options.listen,
    carrier,
    administration: administrationOf(options.administration),
    logger,
    nodeSettings: (clusterId, voters) => ({ ...settings, clusterId, voters, candidates: voters }),
  };
}

function nodeSettingsOf(options: ServerOptions, directory: string): ClusterSettings {
  const { segmentBytes, application, cipher, timings, limits, link, preVote, checkQuorum } = options;
  const { sessions, leases, seed, snapshotEvery, snapshotLogBytes } = options;
  return resolveOptions({
    storage: { kind: 'disk', directory, ...(segmentBytes === undefined ? {} : { segmentBytes }) },
    ...(application === undefined ? {} : { application }),
    ...(cipher === undefined ? {} : { cipher }),
    ...(timings === undefined ? {} : { timings }),
    ...(limits === undefined ? {} : { limits }),
    ...(snapshotEvery === undefined ? {} : { snapshotEvery }),
    ...(snapshotLogBytes === undefined ? {} : { snapshotLogBytes }),
    ...(link === undefined ? {} : { link }),
    ...(preVote === undefined ? {} : { preVote }),
    ...(checkQuorum === undefined ? {} : { checkQuorum }),
    ...(sessions === undefined ? {} : { sessions }),
    ...(leases === undefined ? {} : { leases }),
    ...(seed === undefined ? {} : { seed }),
  });
}

function administrationOf(address: string | number | undefined): string | null {
  if (address === undefined) return null;
  const text = /^\d+$/.test(String(address)) ? `127.0.0.1:${address}` : String(address);
  parseAddress(text);
  return text;
}

function carrierOf(options: ServerOptions, cluster: string): TcpOptions | TlsOptions {
  const { id, listen, advertise, tls, insecurePlainText = false, carrierLimits = {} } = options;
  if (typeof listen !== 'string') {
    throw new InvalidOptionError(`listen is ${shown(listen)}. Give host:port, such as 127.0.0.1:7001.`);
  }
  const common = {
    identity: {
      self: { kind: 'node', cluster, node: id },
      clusterId: null,
      incarnation: randomBytes(6).readUIntBE(0, 6),
    },
    listen,
    clients: true,
    limits: carrierLimits,
    ...(advertise === undefined ? {} : { advertise }),
  } as const;
  return tls === undefined
    ? { kind: 'tcp', ...common, insecurePlainText }
    : { kind: 'tls', ...common, credentials: tls };
}

function requireJoin(join: readonly string[], members: unknown, carrier: TcpOptions | TlsOptions): void {
  if (!Array.isArray(join)) {
    throw new InvalidOptionError(`join is ${shown(join)}. Give a list of addresses: ['host:port', …].`);
  }
  for (const address of join) requireAddress(carrier, address);
  if (join.length === 0 || members === undefined) return;
  throw new InvalidOptionError(
    'members and join are both given. Give members for the first start of a new cluster, join to become a member of one that is there.',
  );
}

function membersOf(
  members: Readonly<Record<NodeId, string>>,
  self: NodeId,
  carrier: TcpOptions | TlsOptions,
): Map<NodeId, string> {
  if (typeof members !== 'object' || members === null) {
    throw new InvalidOptionError(`members is ${shown(members)}. Give an object: { 1: 'host:port', … }.`);
  }
  const found = new Map<NodeId, string>();
  for (const [key, address] of Object.entries(members)) {
    const id = Number(key);
    requireInteger('A member', id, 0, 10 ** 15 - 1);
    requireAddress(carrier, address);
    found.set(id, address);
  }
  if (!found.has(self)) {
    throw new InvalidOptionError(
      `members names ${[...found.keys()].join(', ')}, and not node ${self} itself.`,
    );
  }
  return found;
}
