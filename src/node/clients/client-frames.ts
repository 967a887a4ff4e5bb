import { Packr } from 'msgpackr';
import { ConclaveError } from '../../ground/errors.js';
import type { ChaosOrder } from '../host/chaos-orders.js';
import type { ErrorReport } from '../host/error-report.js';
import { type Order, type OrderOutcome, orderIn } from '../host/orders.js';
import type { LogRecord } from '../host/protocol.js';
import type { NodeInformation } from '../information.js';
import type { Observation } from '../watch/observation.js';
import {
  type ClientReply,
  type ClientRequest,
  consistencies,
  type ProposedPlace,
} from './client-requests.js';

/*
 * Requests and replies as they travel to and from clients in other processes: a byte that says what it is, numbers of
 * a fixed size (little-endian), and the rest as it is, be it packed commands, bytes of the application, MessagePack, or
 * JSON where it is rare. What is rest is never copied.
 *
 *     1 propose   first 6  count 4          packed commands      129 applied      first 6  count 4  index 6  term 6  results
 *     2 read      request 6  consistency 1  query                130 refused      first 6  count 4           JSON
 *     3 describe  request 6                                      131 answer       request 6  index 6         result
 *     4 log       request 6  from 6  to 6  bytesMax 6            132 readRefused  request 6                  JSON
 *     5 proposeInSession  first 6  count 4  place  commands      133 described    request 6                  JSON
 *     6 session   first 6  what 1  place                         134 records      request 6                  JSON
 *
 *     8 proposeVerified  first 6  count 4  place  commands    (session 0: of none)
 *     9 order     request 6                 JSON                 136 ordered      request 6                  JSON
 *     7 readNoOlder  request 6  maxStaleMs 6  query              135 staleAnswer  request 6  index 6  ageMs 6  result
 *    10 watch     bundles 2                                      137 observed                            MessagePack
 *                                                                138 watchRefused                        JSON
 *
 * A place in a session is three numbers: session 6  sequence 6  acknowledged 6.
 */

/**
 * What a client elsewhere may ask beside what a session does: how the node stands, what its log holds, what it does, and
 * of operators orders.
 */
export type RemoteRequest =
  | ClientRequest
  | { readonly type: 'order'; readonly request: number; readonly order: Order | ChaosOrder }
  | { readonly type: 'describe'; readonly request: number }
  | {
      readonly type: 'log';
      readonly request: number;
      readonly from: number;
      readonly to: number;
      readonly bytesMax: number;
    }
  | WatchRequest;

/** To be told so many bundles more of what the node does, see `LineWatch`; 0 ends it. */
export interface WatchRequest {
  readonly type: 'watch';
  readonly bundles: number;
}

/** What is told of a node that is watched. */
export type WatchReply =
  | { readonly type: 'observed'; readonly observation: Observation }
  | { readonly type: 'watchRefused'; readonly error: ErrorReport };

export type RemoteReply =
  | ClientReply
  | { readonly type: 'ordered'; readonly request: number; readonly outcome: OrderOutcome }
  | { readonly type: 'described'; readonly request: number; readonly information: NodeInformation }
  | {
      readonly type: 'records';
      readonly request: number;
      readonly records: readonly LogRecord[];
      readonly lastLogIndex: number;
    }
  | WatchReply;

const code = {
  propose: 1,
  read: 2,
  describe: 3,
  log: 4,
  proposeInSession: 5,
  session: 6,
  readNoOlder: 7,
  proposeVerified: 8,
  order: 9,
  watch: 10,
  applied: 129,
  refused: 130,
  answer: 131,
  readRefused: 132,
  described: 133,
  records: 134,
  staleAnswer: 135,
  ordered: 136,
  observed: 137,
  watchRefused: 138,
} as const;

const sessionRequests = ['open', 'keepAlive', 'end'] as const;

/** Bytes of a number: 48 bits, which a term or an index does not reach. */
const wide = 6;

class Writer {
  readonly bytes: Buffer;
  #at = 0;

  constructor(type: number, numbers: readonly (readonly [value: number, width: number])[], rest: Uint8Array) {
    const head = 1 + numbers.reduce((sum, [, width]) => sum + width, 0);
    // Of its own, for it changes threads.
    this.bytes = Buffer.from(new ArrayBuffer(head + rest.byteLength));
    this.#at = this.bytes.writeUInt8(type, 0);
    for (const [value, width] of numbers) this.#at = this.bytes.writeUIntLE(value, this.#at, width);
    this.bytes.set(rest, this.#at);
  }
}

/** Reads numbers one after the other; throws RangeError past the end. */
class Reader {
  readonly #bytes: Buffer;
  #at = 1;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  number(width = wide): number {
    const value = this.#bytes.readUIntLE(this.#at, width);
    this.#at += width;
    return value;
  }

  rest(): Uint8Array {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    return new Uint8Array(buffer, byteOffset + this.#at, byteLength - this.#at);
  }

  place(): ProposedPlace {
    return { id: this.number(), sequence: this.number(), acknowledged: this.number() };
  }

  json(): unknown {
    return JSON.parse(this.#bytes.toString('utf8', this.#at));
  }
}

const nothing = new Uint8Array(0);

function framed(
  type: number,
  numbers: readonly (readonly [number, number])[],
  rest: Uint8Array = nothing,
): Uint8Array<ArrayBuffer> {
  return new Writer(type, numbers, rest).bytes as Buffer<ArrayBuffer>;
}

const noPlace: ProposedPlace = { id: 0, sequence: 0, acknowledged: 0 };
const unknownAge = 2 ** 48 - 1;

function ageOf(ageMs: number | null): [value: number, width: number] {
  return [ageMs === null ? unknownAge : Math.min(Math.ceil(ageMs), unknownAge - 1), wide];
}

function placed({ id, sequence, acknowledged }: ProposedPlace): [number, number][] {
  return [id, sequence, acknowledged].map((each) => [each, wide]);
}

/** Without records: their structure would have to be known at the other end. */
const packer = new Packr({ useRecords: false, variableMapSize: true });

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** A frame with a buffer of its own. */
export function encodeRequest(request: RemoteRequest): Uint8Array<ArrayBuffer> {
  if (request.type === 'propose') {
    const { first, count, commands, session, verify } = request;
    const which: [number, number][] = [
      [first, wide],
      [count, 4],
    ];
    if (verify) return framed(code.proposeVerified, [...which, ...placed(session ?? noPlace)], commands);
    if (session === undefined) return framed(code.propose, which, commands);
    return framed(code.proposeInSession, [...which, ...placed(session)], commands);
  }
  if (request.type === 'session') {
    const { first, what, session } = request;
    return framed(code.session, [[first, wide], [sessionRequests.indexOf(what), 1], ...placed(session)]);
  }
  if (request.type === 'watch') return framed(code.watch, [[request.bundles, 2]]);
  const number: [number, number] = [request.request, wide];
  if (request.type === 'read') {
    const { consistency, maxStaleMs, query } = request;
    if (maxStaleMs !== undefined) {
      return framed(code.readNoOlder, [number, [Math.floor(maxStaleMs), wide]], query);
    }
    return framed(code.read, [number, [consistencies.indexOf(consistency), 1]], query);
  }
  if (request.type === 'describe') return framed(code.describe, [number]);
  if (request.type === 'order') return framed(code.order, [number], json(request.order));
  const { from, to, bytesMax } = request;
  return framed(code.log, [number, [from, wide], [to, wide], [bytesMax, wide]]);
}

/** The request, or null if it is none. Never throws. */
export function decodeRequest(frame: Uint8Array): RemoteRequest | null {
  const reader = new Reader(frame);
  try {
    switch (frame[0]) {
      case code.propose:
        return { type: 'propose', first: reader.number(), count: reader.number(4), commands: reader.rest() };
      case code.proposeInSession: {
        const [first, count, session] = [reader.number(), reader.number(4), reader.place()];
        return { type: 'propose', first, count, session, commands: reader.rest() };
      }
      case code.proposeVerified: {
        const [first, count, session] = [reader.number(), reader.number(4), reader.place()];
        const request = { type: 'propose', first, count, verify: true, commands: reader.rest() } as const;
        return session.id === 0 ? request : { ...request, session };
      }
      case code.session: {
        const [first, what, session] = [reader.number(), sessionRequests[reader.number(1)], reader.place()];
        return what === undefined ? null : { type: 'session', first, what, session };
      }
      case code.read: {
        const [request, consistency] = [reader.number(), consistencies[reader.number(1)]];
        return consistency === undefined
          ? null
          : { type: 'read', request, consistency, query: reader.rest() };
      }
      case code.readNoOlder: {
        const [request, maxStaleMs] = [reader.number(), reader.number()];
        return { type: 'read', request, consistency: 'stale', maxStaleMs, query: reader.rest() };
      }
      case code.describe:
        return { type: 'describe', request: reader.number() };
      case code.order: {
        const [request, order] = [reader.number(), orderIn(reader.json())];
        return order === null ? null : { type: 'order', request, order };
      }
      case code.watch:
        return { type: 'watch', bundles: reader.number(2) };
      case code.log:
        return {
          type: 'log',
          request: reader.number(),
          from: reader.number(),
          to: reader.number(),
          bytesMax: reader.number(),
        };
      default:
        return null;
    }
  } catch {
    return null;
  }
}

/** A frame with a buffer of its own. */
export function encodeReply(reply: RemoteReply): Uint8Array<ArrayBuffer> {
  if (reply.type === 'applied' || reply.type === 'refused') {
    const { first, count } = reply;
    const which: [number, number][] = [
      [first, wide],
      [count, 4],
    ];
    if (reply.type === 'refused') return framed(code.refused, which, json(reply.error));
    return framed(code.applied, [...which, [reply.index, wide], [reply.term, wide]], reply.results);
  }
  if (reply.type === 'observed') return framed(code.observed, [], packer.pack(reply.observation));
  if (reply.type === 'watchRefused') return framed(code.watchRefused, [], json(reply.error));
  const number: [number, number] = [reply.request, wide];
  switch (reply.type) {
    case 'answer':
      return reply.ageMs === undefined
        ? framed(code.answer, [number, [reply.index, wide]], reply.result)
        : framed(code.staleAnswer, [number, [reply.index, wide], ageOf(reply.ageMs)], reply.result);
    case 'readRefused':
      return framed(code.readRefused, [number], json(reply.error));
    case 'described':
      return framed(code.described, [number], json(reply.information));
    case 'ordered':
      return framed(code.ordered, [number], json(reply.outcome));
    case 'records': {
      const records = reply.records.map((each) => ({
        ...each,
        command: Buffer.from(each.command).toString('base64'),
      }));
      return framed(code.records, [number], json({ records, lastLogIndex: reply.lastLogIndex }));
    }
  }
}

/** The reply, or null if it is none. What a node says is believed in its form: it has shown who it is. Never throws. */
export function decodeReply(frame: Uint8Array): RemoteReply | null {
  const reader = new Reader(frame);
  try {
    switch (frame[0]) {
      case code.applied: {
        const [first, count, index, term] = [
          reader.number(),
          reader.number(4),
          reader.number(),
          reader.number(),
        ];
        return { type: 'applied', first, count, index, term, results: reader.rest() };
      }
      case code.refused:
        return {
          type: 'refused',
          first: reader.number(),
          count: reader.number(4),
          error: errorReport(reader.json()),
        };
      case code.answer:
        return { type: 'answer', request: reader.number(), index: reader.number(), result: reader.rest() };
      case code.staleAnswer: {
        const [request, index, age] = [reader.number(), reader.number(), reader.number()];
        return {
          type: 'answer',
          request,
          index,
          ageMs: age === unknownAge ? null : age,
          result: reader.rest(),
        };
      }
      case code.readRefused:
        return { type: 'readRefused', request: reader.number(), error: errorReport(reader.json()) };
      case code.described:
        return {
          type: 'described',
          request: reader.number(),
          information: reader.json() as NodeInformation,
        };
      case code.ordered: {
        const [request, { error, ...rest }] = [reader.number(), reader.json() as OrderOutcome];
        return {
          type: 'ordered',
          request,
          outcome: { ...rest, error: error === null ? null : errorReport(error) },
        };
      }
      case code.records:
        return { type: 'records', request: reader.number(), ...records(reader.json()) };
      case code.observed:
        return { type: 'observed', observation: observation(packer.unpack(reader.rest())) };
      case code.watchRefused:
        return { type: 'watchRefused', error: errorReport(reader.json()) };
      default:
        return null;
    }
  } catch {
    return null;
  }
}

/** @throws {ConclaveError} for what is none. */
function errorReport(value: unknown): ErrorReport {
  const { code: name, message } = (value ?? {}) as Partial<ErrorReport>;
  if (typeof name === 'string' && typeof message === 'string') return value as ErrorReport;
  throw new ConclaveError('MALFORMED', 'This is no error report.');
}

/** @throws {ConclaveError} for what is none. */
function observation(value: unknown): Observation {
  const { at, events, state } = (value ?? {}) as Partial<Observation>;
  if (typeof at === 'number' && Array.isArray(events) && typeof state === 'object') {
    return value as Observation;
  }
  throw new ConclaveError('MALFORMED', 'This tells nothing of a node.');
}

function records(value: unknown): { records: LogRecord[]; lastLogIndex: number } {
  const told = value as {
    records: (Omit<LogRecord, 'command'> & { command: string })[];
    lastLogIndex: number;
  };
  const opened = told.records.map((each) => ({ ...each, command: Buffer.from(each.command, 'base64') }));
  return { records: opened, lastLogIndex: told.lastLogIndex };
}
