import { printable } from '../ground/printable.js';
import { type Command, requestTimeoutMs } from './command.js';
import { UsageError } from './usage-error.js';
import { valueJson, valueText } from './values.js';

export const put: Command = {
  name: 'put',
  forms: ['K V'],
  help: 'set a key; the value is the rest of the line',
  parse(args) {
    const key = args.next('The key');
    const value = args.rest('The value');
    return async ({ store }) => {
      const { index, term, previous } = await store.put(key, value, { timeoutMs: requestTimeoutMs });
      return {
        fields: { key, value, previous: valueJson(previous), index, term },
        lines: [`${printable(key)} = ${printable(value)}  (index ${index}, term ${term})`],
      };
    };
  },
};

export const get: Command = {
  name: 'get',
  forms: ['K [stale]'],
  help: 'what a key holds; stale asks one node without asking whether it is up to date',
  parse(args) {
    const key = args.next('The key');
    const stale = args.takes('stale');
    args.end();
    return async ({ store }) => {
      const consistency = stale ? 'stale' : 'linearizable';
      const value = await store.get(key, { consistency, timeoutMs: requestTimeoutMs });
      return {
        fields: { key, value: valueJson(value), consistency },
        lines: [
          value === null ? `${printable(key)} holds nothing` : `${printable(key)} = ${valueText(value)}`,
        ],
      };
    };
  },
};

export const remove: Command = {
  name: 'delete',
  forms: ['K'],
  help: 'delete a key',
  parse(args) {
    const key = args.next('The key');
    args.end();
    return async ({ store }) => {
      const { index, term, previous } = await store.delete(key, { timeoutMs: requestTimeoutMs });
      const what = previous === null ? 'held nothing' : `held ${valueText(previous)}`;
      return {
        fields: { key, previous: valueJson(previous), index, term },
        lines: [`${printable(key)} deleted, it ${what}  (index ${index}, term ${term})`],
      };
    };
  },
};

export const propose: Command = {
  name: 'propose',
  forms: ['TEXT'],
  help: 'append a record; the text is the rest of the line',
  parse(args) {
    const text = args.rest('The text');
    if (text === '') throw new UsageError('The text is empty.');
    return async ({ store }) => {
      const { index, term, position } = await store.record(Buffer.from(text), {
        timeoutMs: requestTimeoutMs,
      });
      return {
        fields: { text, position, index, term },
        lines: [`record ${position}  (index ${index}, term ${term})`],
      };
    };
  },
};
