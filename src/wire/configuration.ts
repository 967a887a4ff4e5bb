import { packBytes, unpackBytes } from '../ground/byte-strings.js';
import { Configuration, type ConfigurationData, flawIn, type Member } from '../raft/configuration.js';
import type { Run } from '../raft/run.js';
import { NoCipher } from './no-cipher.js';
import { packTuple, type Scalar, TupleReader } from './tuple.js';

/*
 * What an entry of the kind `configuration` carries: a tuple
 *
 *     [format version, ids, incarnations, addresses, parts, priorities]
 *
 * of lists with an item a member, in one order. Addresses are UTF-8. A member's part is a sum: 1 for a voter, 2 for
 * a learner, 4 for a voter of the configuration that is being left; where nobody has a 4, none is. Whoever carries
 * the entry enciphers it.
 */

const formatVersion = 1;
const parts = { voters: 1, learners: 2, outgoing: 4 } as const;
/** Members that a configuration may have. */
export const membersMax = 1024;
/** The highest priority. */
export const priorityMax = 255;
/** Bytes of an address. */
export const addressBytesMax = 256;

export function encodeConfiguration(data: ConfigurationData): Uint8Array<ArrayBuffer> {
  const members = new Map<number, { member: Member; part: number }>();
  for (const name of ['voters', 'learners', 'outgoing'] as const) {
    for (const member of data[name] ?? []) {
      const part = (members.get(member.id)?.part ?? 0) + parts[name];
      members.set(member.id, { member, part });
    }
  }
  const all = [...members.values()];
  const packed = packTuple([
    formatVersion,
    all.map(({ member }) => member.id),
    all.map(({ member }) => member.incarnation),
    all.map(({ member }) => new TextEncoder().encode(member.address)),
    all.map(({ part }) => part),
    all.map(({ member }) => member.priority),
  ]);
  return new Uint8Array(packed.subarray(packed.start, packed.end));
}

const reader = new TupleReader(new NoCipher());
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The configuration, or null when the bytes are none that a cluster could have. Never throws. */
export function decodeConfiguration(bytes: Uint8Array): ConfigurationData | null {
  const tuple = reader.read(bytes, 0, bytes.length);
  if (tuple?.length !== 6 || tuple[0] !== formatVersion) return null;
  const [, ids, incarnations, addresses, sums, priorities] = tuple;
  if (!isList(ids) || ids.length > membersMax) return null;
  const lists = [incarnations, addresses, sums, priorities];
  if (!lists.every((list) => isList(list) && list.length === ids.length)) return null;
  const members = ids.map((id, at) =>
    toMember(id, itemOf(incarnations, at), itemOf(addresses, at), itemOf(priorities, at)),
  );
  if (!members.every((member) => member !== null)) return null;
  const having = (part: number) => members.filter((_, at) => (Number(itemOf(sums, at)) & part) !== 0);
  const outgoing = having(parts.outgoing);
  const data: ConfigurationData = {
    voters: having(parts.voters),
    learners: having(parts.learners),
    outgoing: outgoing.length === 0 ? null : outgoing,
  };
  return flawIn(data) === null && new Set(ids).size === ids.length ? data : null;
}

/** The body of the run of one entry that carries the configuration. */
export function configurationBody(data: ConfigurationData): Uint8Array {
  return packBytes([encodeConfiguration(data)]);
}

/** The configuration that a run of that kind carries, alone; null when it carries none. Never throws. */
export function readConfiguration({ body, count }: Run): Configuration | null {
  const [command] = (count === 1 ? unpackBytes(body, 1) : null) ?? [];
  const data = command === undefined ? null : decodeConfiguration(command);
  return data === null ? null : new Configuration(data);
}

function toMember(id: Scalar, incarnation: unknown, address: unknown, priority: unknown): Member | null {
  if (!isNatural(id) || !isNatural(incarnation) || !isNatural(priority) || priority > priorityMax)
    return null;
  if (!(address instanceof Uint8Array) || address.length > addressBytesMax) return null;
  try {
    return { id, incarnation, priority, address: utf8.decode(address) };
  } catch {
    return null;
  }
}

function isList(value: unknown): value is readonly Scalar[] {
  return Array.isArray(value);
}

function itemOf(list: unknown, at: number): unknown {
  return (list as readonly Scalar[])[at];
}

function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
