import { InvalidOptionError } from '../../ground/errors.js';
import type { NodeId } from '../../ground/ids.js';
import { refuseUnknown, requireInteger, shown } from '../../ground/option-checks.js';
import { type Address, isLoopback, parseAddress } from './address.js';
import { type Party, requireName } from './party.js';

/**
 * Protocol versions that this build speaks, lowest and highest. A version is that of greetings and messages, and of what
 * the frames are in which nodes speak: 3 is that of frames of format 5. A node makes its frames without knowing who reads
 * them, so that a build speaks the one version alone.
 */
export const protocolVersions: VersionRange = [3, 3];
export type VersionRange = readonly [min: number, max: number];

/** Who this side is. */
export interface CarrierIdentity {
  readonly self: Party;
  /** The cluster's id; null as long as this side has not learned it, and then it takes anybody's of its name. */
  readonly clusterId: string | null;
  /** Nodes that have been of this cluster: without its id they are not let in again. */
  readonly former?: readonly NodeId[];
  /** A random number of this process's life, so that others can tell it from an earlier one. */
  readonly incarnation: number;
  /** Protocol versions that are spoken; those of this build unless a test plays another. */
  readonly versions?: VersionRange;
}

/** Bounds, each with its default. Times are in milliseconds. */
export const carrierLimits = {
  /** The largest frame: the largest message of a node and what is wrapped around it. */
  frameBytesMax: 33 * 1024 * 1024,
  /** What may wait in one lane to one remote node. */
  queueFramesMax: 4096,
  queueBytesMax: 64 * 1024 * 1024,
  waitMsMax: 5000,
  /** Connections that others have made, those that have not yet said who they are included: keep handles for the log. */
  connectionsMax: 512,
  /** Those of clients among them. */
  clientsMax: 384,
  /** Those that have not yet said who they are: one more ends the oldest. */
  pendingMax: 64,
  /** From the first byte to the end of the handshake. */
  handshakeMsMax: 3000,
  /** How often a connection is tried, and after how long a silence it is given up. */
  pingMs: 1000,
  silenceMsMax: 4000,
  /** The pause after the first failure; each doubles it, up to the other. */
  backOffMsMin: 50,
  backOffMsMax: 2000,
  /** A connection that held this long was a good one. */
  provenMs: 2000,
  /** Within this time of new certificates every connection is made anew. */
  renewMsMax: 5000,
  /** No connection outlives the certificates that it was made with for longer than this. */
  connectionMsMax: 3_600_000,
  /** How long good order may take at the end. */
  closeMsMax: 1000,
  /** Events about strangers told in one second; more are counted. */
  eventsPerSecond: 20,
};
export type CarrierLimits = Readonly<typeof carrierLimits>;

/** PEM files. They are read again by `reload`, and looked at every `checkMs`. */
export interface CredentialFiles {
  /** The authorities whose certificates are let in; several may stand in the file while one follows another. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  /** How often, in milliseconds, the files are looked at for new contents (30,000; 0: only on `reload`). */
  readonly checkMs?: number;
}

interface StreamOptions {
  readonly identity: CarrierIdentity;
  /** Clients are let in, too, where this side listens. */
  readonly clients?: boolean;
  /** Where to listen; port 0 takes a free one. Without it this side only dials. */
  readonly listen?: string;
  /** Where others find this side, if that is not where it listens. */
  readonly advertise?: string;
  readonly limits?: Partial<CarrierLimits>;
}

/** Over `node:tls`, with certificates at both ends. */
export interface TlsOptions extends StreamOptions {
  readonly kind: 'tls';
  readonly credentials: CredentialFiles;
}

/** Over plain TCP: anybody who reaches the port may read, alter and say anything. For loopback. */
export interface TcpOptions extends StreamOptions {
  readonly kind: 'tcp';
  /** Leave this machine all the same, unprotected. */
  readonly insecurePlainText?: boolean;
}

/** How a program is let in by NATS servers. What is not named here is as `@nats-io/transport-node` has it. */
export interface NatsAccess {
  /** Passed to the library as it is: file names or PEM texts, or null for none although the server offers it. */
  readonly tls?: Readonly<Record<string, unknown>> | null;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** The text of a `.creds` file. */
  readonly credentials?: string;
}

const natsAccess: Record<keyof NatsAccess, true> = {
  tls: true,
  user: true,
  pass: true,
  token: true,
  credentials: true,
};

/** Over NATS servers. */
export interface NatsOptions extends NatsAccess {
  readonly kind: 'nats';
  readonly identity: CarrierIdentity;
  /** Clients are let in, too. */
  readonly clients?: boolean;
  readonly servers: readonly string[];
  readonly limits?: Partial<CarrierLimits>;
}

/**
 * The servers in a list of their addresses, with or without `nats://` before them.
 * @throws InvalidOptionError
 */
export function natsServers(given: unknown): string[] {
  const servers = typeof given === 'string' ? given.split(',').map((each) => each.trim()) : given;
  const areTexts = Array.isArray(servers) && servers.every((each) => typeof each === 'string' && each !== '');
  if (!areTexts || servers.length === 0) {
    throw new InvalidOptionError(
      `servers is ${shown(given)}. Give the addresses of NATS servers: ['nats://127.0.0.1:4222', …].`,
    );
  }
  for (const each of servers) {
    if (/^(nats:\/\/|tls:\/\/)?[^\s/@]+$/.test(each)) continue;
    throw new InvalidOptionError(
      `${shown(each)} is no address of a NATS server. Give nats://host:port; who is let in say with user and pass, token or credentials.`,
    );
  }
  return servers;
}

/** What is said about being let in, and nothing else. @throws InvalidOptionError */
export function natsAccessIn(given: Readonly<Record<string, unknown>>): NatsAccess {
  refuseUnknown('NATS option', given, natsAccess);
  for (const name of ['user', 'pass', 'token', 'credentials'] as const) {
    if (given[name] === undefined || typeof given[name] === 'string') continue;
    throw new InvalidOptionError(`The NATS option ${name} is ${shown(given[name])}. Give a text.`);
  }
  return given as NatsAccess;
}

/** Plain data: it crosses to the router's thread. */
export type CarrierOptions = TlsOptions | TcpOptions | NatsOptions;

/**
 * Makes sure that a carrier can be made of them, wherever that will be done.
 * @throws InvalidOptionError
 */
export function requireCarrierOptions(options: CarrierOptions): void {
  const { kind, identity, limits } = options;
  if (kind !== 'tls' && kind !== 'tcp' && kind !== 'nats') {
    throw new InvalidOptionError(`There is no carrier of kind ${shown(kind)}. Choose tls, tcp or nats.`);
  }
  requireIdentity(identity);
  limitsFrom(limits);
  if (kind === 'nats') {
    natsServers(options.servers);
    return;
  }
  for (const address of [options.listen, options.advertise]) {
    if (address !== undefined) requireAddress(options, address);
  }
}

/**
 * Reads an address to which this carrier may go.
 * @throws InvalidOptionError
 */
export function requireAddress(options: CarrierOptions, text: string): Address {
  const address = parseAddress(text);
  if (options.kind !== 'tcp' || options.insecurePlainText === true || isLoopback(address.host))
    return address;
  throw new InvalidOptionError(
    `${text} is beyond this machine, where plain text can be read, altered and made up by anybody on the way. Use TLS, or say insecurePlainText: true if the network itself is trusted.`,
  );
}

/**
 * Makes sure that a carrier with these options can be told of a remote node.
 * @throws InvalidOptionError
 */
export function requireRemote(options: CarrierOptions, node: NodeId, addresses: readonly string[]): void {
  requireInteger('A remote node', node, 0, 10 ** 15 - 1);
  const { self } = options.identity;
  if (self.kind === 'node' && self.node === node) {
    throw new InvalidOptionError(`Node ${node} is here itself. Name other nodes only.`);
  }
  if (options.kind !== 'nats') for (const address of addresses) requireAddress(options, address);
}

/** @throws InvalidOptionError */
export function limitsFrom(given: Partial<CarrierLimits> = {}): CarrierLimits {
  refuseUnknown('limit', given, carrierLimits);
  const limits = { ...carrierLimits };
  for (const name of Object.keys(carrierLimits) as (keyof CarrierLimits)[]) {
    const value = given[name];
    if (value === undefined) continue;
    requireInteger(name, value, 1, 2 ** 31 - 1);
    limits[name] = value;
  }
  return limits;
}

function requireIdentity(identity: CarrierIdentity): void {
  const { self, clusterId, incarnation, versions = protocolVersions } = identity;
  requireName('cluster', self.cluster);
  if (self.kind === 'node') requireInteger('The node', self.node, 0, 10 ** 15 - 1);
  else requireName("The client's name", self.name);
  requireClusterId(clusterId);
  requireInteger('incarnation', incarnation, 0, Number.MAX_SAFE_INTEGER);
  const [min, max] = versions;
  requireInteger('The lowest version', min, 1, 65_535);
  requireInteger('The highest version', max, min, 65_535);
}

/** @throws InvalidOptionError */
export function requireClusterId(clusterId: unknown): void {
  if (clusterId === null) return;
  if (typeof clusterId === 'string' && clusterId.length >= 1 && clusterId.length <= 256) return;
  throw new InvalidOptionError(`The cluster's id is ${shown(clusterId)}. Give 1 to 256 characters, or null.`);
}
