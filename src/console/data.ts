import { KeyValueError } from '../application/key-value/client.js';
import type { Value } from '../application/key-value/commands.js';
import * as queries from '../application/key-value/queries.js';
import * as results from '../application/key-value/results.js';
import { printable } from '../ground/printable.js';
import { type Command, requestTimeoutMs } from './command.js';
import { parseNodeId } from './notation.js';
import { UsageError } from './usage-error.js';
import { valueJson, valueText } from './values.js';

const commit = 'a leader and a majority';

export const put: Command = {
  name: 'put',
  forms: ['K V'],
  help: 'set a key; the value is the rest of the line',
  example: 'put colour deep blue',
  waitsFor: commit,
  parse(args) {
    const key = args.next('The key');
    const value = args.rest('The value');
    return async ({ store }) => {
      const { index, term, previous } = await store.put(key, value, { timeoutMs: requestTimeoutMs });
      return {
        fields: { key, value, previous: valueJson(previous), index, term },
        lines: [`${printable(key)} = ${printable(value)}  ${place(index, term)}`],
      };
    };
  },
};

export const get: Command = {
  name: 'get',
  forms: ['K [stale [N]]'],
  help: 'what a key holds; stale: what one node has applied, without asking whether it is up to date',
  example: 'get colour stale 2',
  waitsFor: 'a leader and a majority that confirms it',
  parse(args, ids) {
    const key = args.next('The key');
    const isStale = args.takes('stale');
    const node = isStale && !args.isEmpty ? parseNodeId(args.next('The node'), ids) : null;
    args.end();
    return async ({ store }) => {
      const consistency = isStale ? 'stale' : 'linearizable';
      const value = await store.get(key, {
        consistency,
        timeoutMs: requestTimeoutMs,
        ...(node === null ? {} : { node }),
      });
      const where = node === null ? '' : ` at node ${node}`;
      return {
        fields: { key, value: valueJson(value), consistency, ...(node === null ? {} : { node }) },
        lines: [`${held(key, value)}${where}`],
      };
    };
  },
};

export const read: Command = {
  name: 'read',
  forms: ['K linearizable', 'K lease', 'K stale [N]'],
  help: 'what a key holds, and as of which index: as of now, by the leader’s lease without a round of messages (or as of now, if it has none), or as one node has it, and how old that is',
  example: 'read colour stale 2',
  waitsFor: 'a leader and, unless it has a lease, a majority that confirms it',
  parse(args, ids) {
    const key = args.next('The key');
    const consistency = (['linearizable', 'lease', 'stale'] as const).find((each) => args.takes(each));
    if (consistency === undefined) throw new UsageError('It is to be linearizable, lease or stale.');
    const node = consistency === 'stale' && !args.isEmpty ? parseNodeId(args.next('The node'), ids) : null;
    args.end();
    return async ({ cluster }) => {
      const { result, index, ageMs } = await cluster.read(queries.get(key), {
        consistency,
        timeoutMs: requestTimeoutMs,
        ...(node === null ? {} : { node }),
      });
      const found = results.decodeValue(result);
      if (!found.ok) throw new KeyValueError(found);
      const { value } = found;
      const where = node === null ? '' : ` at node ${node}`;
      return {
        fields: {
          ...{ key, value: valueJson(value), consistency, index },
          ...(node === null ? {} : { node }),
          ...(ageMs === undefined ? {} : { ageMs }),
        },
        lines: [
          `${held(key, value)}${where}  (index ${index}${ageMs === undefined ? '' : `, ${ageText(ageMs)}`})`,
        ],
      };
    };
  },
};

function ageText(ageMs: number | null): string {
  return ageMs === null ? 'of unknown age' : `${Math.round(ageMs)} ms old`;
}

export const remove: Command = {
  name: 'delete',
  forms: ['K [if V]'],
  help: 'delete a key, or only if it holds this value: a lock that is one’s own',
  example: 'delete lock if me',
  waitsFor: commit,
  parse(args) {
    const key = args.next('The key');
    if (args.takes('if')) return removeIf(key, args.rest('The value that it is to hold'));
    args.end();
    return async ({ store }) => {
      const { index, term, previous } = await store.delete(key, { timeoutMs: requestTimeoutMs });
      const what = previous === null ? 'held nothing' : `held ${valueText(previous)}`;
      return {
        fields: { key, previous: valueJson(previous), index, term },
        lines: [`${printable(key)} deleted, it ${what}  ${place(index, term)}`],
      };
    };
  },
};

function removeIf(key: string, expected: string): ReturnType<Command['parse']> {
  return async ({ store }) => {
    const options = { timeoutMs: requestTimeoutMs };
    const { index, term, deleted, previous } = await store.compareAndDelete(key, expected, options);
    const what = deleted ? `${printable(key)} deleted` : unchanged(key, previous, expected);
    return {
      fields: { key, expected, deleted, previous: valueJson(previous), index, term },
      lines: [`${what}  ${place(index, term)}`],
    };
  };
}

export const cas: Command = {
  name: 'cas',
  forms: ['K OLD NEW'],
  help: 'compare and set: if the key holds OLD, it holds NEW then; nothing stands for no value ("nothing" for the word)',
  example: 'cas lock nothing me',
  waitsFor: commit,
  parse(args) {
    const key = args.next('The key');
    const expected = args.valueOrNothing('The value that it is to hold before');
    const value = args.restOrNothing('The value that it is to hold afterwards');
    return async ({ store }) => {
      const options = { timeoutMs: requestTimeoutMs };
      const { index, term, swapped, previous } = await store.compareAndSet(key, expected, value, options);
      const what = swapped ? held(key, value) : unchanged(key, previous, expected);
      return {
        fields: { key, expected, value, swapped, previous: valueJson(previous), index, term },
        lines: [`${what}  ${place(index, term)}`],
      };
    };
  },
};

export const propose: Command = {
  name: 'propose',
  forms: ['TEXT'],
  help: 'append a record; the text is the rest of the line',
  example: 'propose first come, first served',
  waitsFor: commit,
  parse(args) {
    const text = args.rest('The text');
    if (text === '') throw new UsageError('The text is empty.');
    return async ({ store }) => {
      const { index, term, position } = await store.record(Buffer.from(text), {
        timeoutMs: requestTimeoutMs,
      });
      return {
        fields: { text, position, index, term },
        lines: [`record ${position}  ${place(index, term)}`],
      };
    };
  },
};

export const proposeVerified: Command = {
  name: 'propose-verified',
  forms: ['TEXT'],
  help: 'append a record, if a majority of voters finds it valid by what each has applied; the text is the rest of the line',
  example: 'propose-verified first come, first served',
  waitsFor: 'a leader and a majority that finds it valid',
  parse(args) {
    const text = args.rest('The text');
    if (text === '') throw new UsageError('The text is empty.');
    return async ({ store }) => {
      const options = { timeoutMs: requestTimeoutMs, verify: true };
      const { index, term, position } = await store.record(Buffer.from(text), options);
      return {
        fields: { text, position, index, term },
        lines: [`record ${position}, found valid  ${place(index, term)}`],
      };
    };
  },
};

function place(index: number, term: number): string {
  return `(index ${index}, term ${term})`;
}

function held(key: string, value: Value | null): string {
  return value === null ? `${printable(key)} holds nothing` : `${printable(key)} = ${valueText(value)}`;
}

function unchanged(key: string, previous: Value | null, expected: Value | null): string {
  return `not changed: ${printable(key)} holds ${quoted(previous)}, not ${quoted(expected)}`;
}

function quoted(value: Value | null): string {
  return value === null ? 'nothing' : `"${valueText(value)}"`;
}
