import type { Command } from './command.js';
import { parseNodeId } from './notation.js';

export const snapshot: Command = {
  name: 'snapshot',
  forms: ['[N]'],
  help: 'have a node, or each, write its state to its disk and give up the log that is older',
  example: 'snapshot 2',
  waitsFor: 'the state to be on disk',
  parse(args, ids) {
    const id = args.isEmpty ? undefined : parseNodeId(args.next('The node'), ids);
    args.end();
    return async ({ cluster }) => {
      const taken = await cluster.snapshot(id);
      return {
        fields: {
          snapshots: taken.map(({ id: node, index, term, bytes }) => ({ node, index, term, bytes })),
        },
        lines: taken.map(
          (one) =>
            `node ${one.id}: snapshot through index ${one.index} (term ${one.term}), ${one.bytes} bytes`,
        ),
      };
    };
  },
};
