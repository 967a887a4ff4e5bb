import type { NodeId } from '../../ground/ids.js';
import { type EndReason, endReasons, type RefusalReason, refusalReasons } from './counters.js';
import { isWay, type Way } from './lane.js';
import { type CarrierIdentity, protocolVersions, type VersionRange } from './options.js';
import { type Party, parseParty, partyText, partyUri } from './party.js';

/*
 * How two sides come to know each other. Greetings are JSON: builds that do not exist yet have to read them, and
 * fields that a build does not know mean nothing to it.
 *
 *     dialer                               acceptor
 *       hello    versions, cluster id, who,  ─────►
 *                whom, life, lane
 *                ◄─────  welcome   the version, cluster id, who, life, a token
 *       ready    the token                   ─────►  only now is the connection open over there
 *
 * Either answers with a `refusal` in the place of its next word, so that both logs can tell why. The token shows
 * that it is a living dialer that speaks, not what was recorded of one.
 */

export const greetingBytesMax = 4096;

export interface Hello {
  readonly greeting: 'hello';
  readonly versions: VersionRange;
  readonly clusterId: string | null;
  /** The dialer's URI. */
  readonly from: string;
  /** The node that it means to reach; null if it only knows an address. */
  readonly to: NodeId | null;
  readonly incarnation: number;
  readonly lane: Way;
  /** Where the dialer is to be found, if it listens. */
  readonly advertise: string | null;
  /** On a bus, where hellos are repeated: the token of the welcome, once there was one. */
  readonly token: number | null;
}

export interface Welcome {
  readonly greeting: 'welcome';
  readonly version: number;
  readonly clusterId: string | null;
  readonly from: string;
  readonly incarnation: number;
  /** The process that it answers: on a bus, others of the same name may hear it. */
  readonly toIncarnation: number;
  /** To be said again by the dialer. */
  readonly token: number;
}

export interface Refusal {
  readonly greeting: 'refusal';
  readonly reason: RefusalReason;
  readonly detail: string;
}

/** On a bus, where nobody sees a connection end: that the line of this token does, and why. */
export interface Goodbye {
  readonly greeting: 'goodbye';
  readonly token: number;
  readonly reason: EndReason;
  readonly detail: string;
}

export type Greeting = Hello | Welcome | Refusal | Goodbye;

/** Who the other side is, once both are content. */
export interface Peer {
  readonly party: Party;
  readonly clusterId: string | null;
  readonly incarnation: number;
  readonly version: number;
}

export function welcomeFrom(
  identity: CarrierIdentity,
  { version, incarnation }: Peer,
  token: number,
): Welcome {
  return {
    greeting: 'welcome',
    version,
    clusterId: identity.clusterId,
    from: partyUri(identity.self),
    incarnation: identity.incarnation,
    toIncarnation: incarnation,
    token,
  };
}

export function encodeGreeting(greeting: Greeting): Uint8Array {
  return Buffer.from(JSON.stringify(greeting));
}

/** What was said, or null if it is no greeting. Never throws. */
export function parseGreeting(bytes: Uint8Array): Greeting | null {
  if (bytes.byteLength > greetingBytesMax) return null;
  let said: unknown;
  try {
    said = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch {
    return null;
  }
  if (typeof said !== 'object' || said === null) return null;
  const fields = said as Readonly<Record<string, unknown>>;
  if (fields.greeting === 'hello') return isHello(fields) ? fields : null;
  if (fields.greeting === 'welcome') return isWelcome(fields) ? fields : null;
  if (fields.greeting === 'goodbye') return goodbyeFrom(fields);
  return fields.greeting === 'refusal' ? refusalFrom(fields) : null;
}

type Fields = Readonly<Record<string, unknown>>;

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= 512;
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);

function isHello(fields: Fields): fields is Fields & Hello {
  const { versions } = fields;
  return (
    Array.isArray(versions) &&
    versions.length === 2 &&
    versions.every(isNumber) &&
    isTextOrNull(fields.clusterId) &&
    isText(fields.from) &&
    (fields.to === null || isNumber(fields.to)) &&
    isNumber(fields.incarnation) &&
    isWay(fields.lane) &&
    isTextOrNull(fields.advertise) &&
    (fields.token === null || isNumber(fields.token))
  );
}

function isWelcome(fields: Fields): fields is Fields & Welcome {
  return (
    isNumber(fields.version) &&
    isTextOrNull(fields.clusterId) &&
    isText(fields.from) &&
    isNumber(fields.incarnation) &&
    isNumber(fields.toIncarnation) &&
    isNumber(fields.token)
  );
}

/** A later build may have reasons that this one does not know; what it says is shown to people in any case. */
function refusalFrom({ reason, detail }: Fields): Refusal {
  const known = refusalReasons.find((each) => each === reason);
  return { greeting: 'refusal', reason: known ?? 'malformed', detail: shownInLog(detail) };
}

function goodbyeFrom({ token, reason, detail }: Fields): Goodbye | null {
  if (!isNumber(token)) return null;
  const known = endReasons.find((each) => each === reason);
  return { greeting: 'goodbye', token, reason: known ?? 'closed', detail: shownInLog(detail) };
}

/** No line breaks or terminal sequences of strangers. */
function shownInLog(text: unknown): string {
  return isText(text) ? text.replace(/[^\x20-\x7e]/g, '?') : '';
}

export function refusal(reason: RefusalReason, detail: string): Refusal {
  return { greeting: 'refusal', reason, detail: detail.slice(0, 500) };
}

export function helloFrom(
  identity: CarrierIdentity,
  rest: Pick<Hello, 'to' | 'lane' | 'advertise'> & Partial<Pick<Hello, 'token'>>,
): Hello {
  const { self, clusterId, incarnation, versions = protocolVersions } = identity;
  return { greeting: 'hello', versions, clusterId, from: partyUri(self), incarnation, token: null, ...rest };
}

/** What the acceptor makes of a hello. */
export function judgeHello(
  hello: Hello,
  identity: CarrierIdentity,
  certified: Party | null,
  ways: readonly Way[],
): Peer | Refusal {
  const version = commonVersion(identity.versions ?? protocolVersions, hello.versions);
  if (typeof version !== 'number') return version;
  const party = judgeParty(hello.from, identity, certified);
  if ('greeting' in party) return party;
  // A node may ask as a client does: on behalf of the program that it is part of.
  if (!ways.includes(hello.lane) || (hello.lane !== 'client' && party.kind !== 'node')) {
    const what = hello.lane === 'client' ? 'Clients are not let in here' : 'Only a node is let in for this';
    return refusal('kind', `${what}, and this is a ${party.kind}, for ${hello.lane}.`);
  }
  if (isSame(party, identity.self) && hello.incarnation !== identity.incarnation) {
    return refusal('node', `Here is ${partyText(identity.self)} already: two processes have one identity.`);
  }
  if (
    party.kind === 'node' &&
    hello.lane !== 'client' &&
    hasLostItsData(party.node, hello.clusterId, identity)
  ) {
    return lostItsData(party);
  }
  const stranger = judgeCluster(hello.clusterId, identity);
  if (stranger !== null) return stranger;
  if (hello.to !== null && !isNode(identity.self, hello.to)) {
    return refusal('node', `Here is ${partyText(identity.self)}, not node ${hello.to}.`);
  }
  return { party, clusterId: hello.clusterId, incarnation: hello.incarnation, version };
}

/** What the dialer makes of the answer. */
export function judgeWelcome(
  welcome: Welcome,
  identity: CarrierIdentity,
  certified: Party | null,
  wanted: NodeId | null,
): Peer | Refusal {
  const { version, incarnation, clusterId } = welcome;
  const [min, max] = identity.versions ?? protocolVersions;
  if (version < min || version > max) {
    return refusal('version', `Version ${version} was chosen, and ${min} to ${max} are spoken here.`);
  }
  const party = judgeParty(welcome.from, identity, certified);
  if ('greeting' in party) return party;
  const stranger = judgeCluster(clusterId, identity);
  if (stranger !== null) return stranger;
  if (party.kind !== 'node' || (wanted !== null && party.node !== wanted)) {
    return refusal('node', `Node ${String(wanted)} was dialed, and ${partyText(party)} has answered.`);
  }
  if (hasLostItsData(party.node, clusterId, identity)) return lostItsData(party);
  return { party, clusterId, incarnation, version };
}

/** Who the other side is: in plain text whom it says to be, else whom it is certified to be, if it says the same. */
function judgeParty(from: string, { self }: CarrierIdentity, certified: Party | null): Party | Refusal {
  const said = parseParty(from);
  if (said === null) return refusal('name', 'It does not say who it is in a form that is known here.');
  if (certified !== null && partyUri(certified) !== from) {
    return refusal('name', `It says it is ${from}, and it is known to be ${partyUri(certified)}.`);
  }
  if (said.cluster !== self.cluster) {
    return refusal('cluster', `It is of cluster ${said.cluster}, and this is cluster ${self.cluster}.`);
  }
  return said;
}

function judgeCluster(theirs: string | null, { clusterId }: CarrierIdentity): Refusal | null {
  if (theirs === null || clusterId === null || theirs === clusterId) return null;
  return refusal('cluster', `Its cluster has the id ${theirs}, and this one has ${clusterId}.`);
}

function lostItsData(party: Party): Refusal {
  return refusal(
    'lost',
    `${partyText(party)} has been of this cluster and comes without its data: it would vote as if it had promised nothing.`,
  );
}

/** A member that has once known the cluster's id keeps it, and its log beside it. */
function hasLostItsData(
  node: NodeId,
  theirs: string | null,
  { clusterId, former = [] }: CarrierIdentity,
): boolean {
  return theirs === null && clusterId !== null && former.includes(node);
}

function commonVersion([min, max]: VersionRange, [theirMin, theirMax]: VersionRange): number | Refusal {
  const highest = Math.min(max, theirMax);
  if (highest >= Math.max(min, theirMin)) return highest;
  return refusal(
    'version',
    `It speaks versions ${theirMin} to ${theirMax}, and ${min} to ${max} are spoken here. Upgrade one of the two.`,
  );
}

function isNode(party: Party, node: NodeId): boolean {
  return party.kind === 'node' && party.node === node;
}

function isSame(one: Party, other: Party): boolean {
  return partyUri(one) === partyUri(other);
}
