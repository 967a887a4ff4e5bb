import type { Command } from './command.js';
import { listNodes } from './faults.js';
import { parseBlockInterval, parseNodeIds } from './notation.js';

export const candidates: Command = {
  name: 'candidates',
  forms: ['N,N…'],
  help: 'who may stand for election, from now on',
  parse(args, ids) {
    const allowed = parseNodeIds(args.next('The nodes such as 0,2'), ids);
    args.end();
    return async ({ cluster }) => {
      await Promise.all(ids.map((id) => cluster.setCandidacy(id, allowed.includes(id))));
      return {
        fields: { candidates: allowed },
        lines: [`only ${listNodes(allowed)} may stand for election`],
      };
    };
  },
};

export const blocks: Command = {
  name: 'blocks',
  forms: ['MS', 'off'],
  help: 'how often the leader proposes a block',
  parse(args) {
    const intervalMs = parseBlockInterval('A block interval', args.next('The block interval'));
    args.end();
    return async ({ blocks: pace }) => {
      pace.set(intervalMs);
      return {
        fields: { intervalMs },
        lines: [intervalMs === 0 ? 'no blocks are produced' : `a block every ${intervalMs} ms`],
      };
    };
  },
};
