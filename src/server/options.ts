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
  type CarrierOptions,
  type CredentialFiles,
  type NatsAccess,
  natsAccessIn,
  natsServers,
  requireAddress,
  requireCarrierOptions,
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
  /** Where the other members and clients reach this one: `host:port`; port 0 takes a free one. Not with `nats`. */
  readonly listen?: string;
  /** Where they find it, if that is not where it listens. */
  readonly advertise?: string;
  /**
   * The first voting members by number, with their addresses, this one included: needed at the first start of a new
   * cluster. Later they say where those that are members still are to be looked for first; who belongs to the cluster
   * its log says. With `nats` their numbers alone, for there they have no addresses.
   */
  readonly members?: Readonly<Record<NodeId, string>> | readonly NodeId[];
  /**
   * Addresses (`host:port`) of some members of a cluster that is there: at its first start this process asks to be let
   * in, receives the log and then a vote. Later, where to look for the others. With `nats`: true.
   */
  readonly join?: readonly string[] | boolean;
  /** It joins to receive the log alone, and never votes (false). */
  readonly learner?: boolean;
  /** It joins in the place of this member, which leaves in the same change. */
  readonly replaces?: NodeId;
  /** Certificates: needed beyond this machine. */
  readonly tls?: CredentialFiles;
  /** All that is said goes over these NATS servers (`nats://host:port`), and nothing listens here. */
  readonly nats?: NatsAccess & { readonly servers: string | readonly string[] };
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
  /** May operators cut and slow down this process's links, and stop its node, for experiments (false)? See `ChaosCalls`. */
  readonly chaos?: boolean;
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
  nats: true,
  insecurePlainText: true,
  application: true,
  cipher: true,
  timings: true,
  limits: true,
  snapshotEvery: true,
  snapshotLogBytes: true,
  carrierLimits: true,
  link: true,
  chaos: true,
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
  /** Where members of a cluster are to be asked for; empty: nowhere, or on the bus. */
  readonly join: readonly string[];
  readonly joining: Joining | null;
  readonly replaces: NodeId | null;
  readonly listen: string;
  readonly carrier: CarrierOptions;
  /** Null: nowhere. */
  readonly administration: string | null;
  readonly chaos: boolean;
  readonly logger: Logger | null;
  /** What the node is started with, once it is known who votes, in which cluster. */
  readonly nodeSettings: (clusterId: string, voters: readonly NodeId[]) => ClusterSettings;
}

/** @throws {InvalidOptionError} naming the option, what it is, and what it may be. */
export function resolveServerOptions(options: ServerOptions): ServerSettings {
  refuseUnknown('option', options, known);
  const { id, cluster = 'conclave', data, members, learner = false, logger = null } = options;
  const { chaos = false } = options;
  requireInteger('id', id, 0, 10 ** 15 - 1);
  requireName('cluster', cluster);
  if (typeof data !== 'string' || data === '') {
    throw new InvalidOptionError(`data is ${shown(data)}. Give the path of a directory.`);
  }
  const directory = resolve(data);
  if (logger !== null) requireLogger(logger);
  const carrier = carrierOf(options, cluster);
  requireCarrierOptions(carrier);
  const join = joinOf(options, carrier);
  const joins = join !== null;
  requireBoolean('learner', learner);
  requireBoolean('chaos', chaos);
  if (options.replaces !== undefined) {
    requireInteger('replaces', options.replaces, 0, 10 ** 15 - 1);
    if (!joins || learner || options.replaces === id) {
      throw new InvalidOptionError(
        `replaces is ${options.replaces}. Only a voter that joins takes the place of another: give join, and no learner.`,
      );
    }
  }
  if (learner && !joins) {
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
    join: join ?? [],
    joining: !joins ? null : learner ? 'learner' : 'voter',
    replaces: options.replaces ?? null,
    listen: options.listen ?? '',
    carrier,
    administration: administrationOf(options.administration),
    chaos,
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

function carrierOf(options: ServerOptions, cluster: string): CarrierOptions {
  const { id, listen, advertise, tls, nats, insecurePlainText = false, carrierLimits = {} } = options;
  const common = {
    identity: {
      self: { kind: 'node', cluster, node: id },
      clusterId: null,
      incarnation: randomBytes(6).readUIntBE(0, 6),
    },
    clients: true,
    limits: carrierLimits,
  } as const;
  if (nats !== undefined) {
    for (const name of ['listen', 'advertise', 'tls', 'insecurePlainText'] as const) {
      if (options[name] === undefined) continue;
      throw new InvalidOptionError(
        `${name} and nats are both given. Over NATS nothing listens; the way to its servers is protected by tls within nats.`,
      );
    }
    if (typeof nats !== 'object' || nats === null) {
      throw new InvalidOptionError(`nats is ${shown(nats)}. Give { servers: ['nats://host:port', …] }.`);
    }
    const { servers, ...access } = nats;
    return { kind: 'nats', ...common, servers: natsServers(servers), ...natsAccessIn({ ...access }) };
  }
  if (typeof listen !== 'string') {
    throw new InvalidOptionError(
      `listen is ${shown(listen)}. Give host:port, such as 127.0.0.1:7001; or nats, to be reached over NATS servers.`,
    );
  }
  const stream = { ...common, listen, ...(advertise === undefined ? {} : { advertise }) };
  return tls === undefined
    ? { kind: 'tcp', ...stream, insecurePlainText }
    : { kind: 'tls', ...stream, credentials: tls };
}

/** Where to ask to be let in; null where that is not wanted. */
function joinOf({ join, members }: ServerOptions, carrier: CarrierOptions): readonly string[] | null {
  if (join === undefined || join === false || (Array.isArray(join) && join.length === 0)) return null;
  if (carrier.kind === 'nats' ? join !== true : !Array.isArray(join)) {
    const right = carrier.kind === 'nats' ? 'true: on NATS' : "a list of addresses: ['host:port', …]";
    throw new InvalidOptionError(`join is ${shown(join)}. Give ${right}.`);
  }
  const addresses = join === true ? [] : (join as readonly string[]);
  if (carrier.kind !== 'nats') for (const address of addresses) requireAddress(carrier, address);
  if (members === undefined) return addresses;
  throw new InvalidOptionError(
    'members and join are both given. Give members for the first start of a new cluster, join to become a member of one that is there.',
  );
}

function membersOf(
  members: NonNullable<ServerOptions['members']>,
  self: NodeId,
  carrier: CarrierOptions,
): Map<NodeId, string> {
  const found = carrier.kind === 'nats' ? numbersIn(members) : addressesIn(members, carrier);
  if (!found.has(self)) {
    throw new InvalidOptionError(
      `members names ${[...found.keys()].join(', ')}, and not node ${self} itself.`,
    );
  }
  return found;
}

function numbersIn(members: unknown): Map<NodeId, string> {
  if (!Array.isArray(members)) {
    throw new InvalidOptionError(
      `members is ${shown(members)}. Over NATS members have no addresses: give their numbers, [1, 2, 3].`,
    );
  }
  for (const id of members) requireInteger('A member', id, 0, 10 ** 15 - 1);
  return new Map(members.map((id) => [id, '']));
}

function addressesIn(
  members: unknown,
  carrier: Exclude<CarrierOptions, { readonly kind: 'nats' }>,
): Map<NodeId, string> {
  if (typeof members !== 'object' || members === null || Array.isArray(members)) {
    throw new InvalidOptionError(`members is ${shown(members)}. Give an object: { 1: 'host:port', … }.`);
  }
  const found = new Map<NodeId, string>();
  for (const [key, address] of Object.entries(members)) {
    const id = Number(key);
    requireInteger('A member', id, 0, 10 ** 15 - 1);
    requireAddress(carrier, address);
    found.set(id, address);
  }
  return found;
}
