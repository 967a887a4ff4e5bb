import { KeyValueClient } from '../../src/application/key-value/client.js';
import { decodeCommand } from '../../src/application/key-value/commands.js';
import { KeyValueStore } from '../../src/application/key-value/key-value-store.js';
import { decodeQuery } from '../../src/application/key-value/queries.js';
import type { Leader } from '../../src/client/leader-wait.js';
import { BlockPace } from '../../src/console/block-pace.js';
import type { CommandContext } from '../../src/console/command.js';
import type { CommandedCluster } from '../../src/console/commanded-cluster.js';
import type { NodeInformation } from '../../src/node/information.js';

/** A node that is like all others but for what is given. */
export function information(id: number, difference: Partial<NodeInformation> = {}): NodeInformation {
  return {
    id,
    role: 'follower',
    state: 'alive.follower.following',
    term: 1,
    votedFor: 0,
    leaderId: 0,
    candidacy: true,
    lastLogIndex: 10,
    commitIndex: 10,
    height: 10,
    peers: [0, 1, 2, 3, 4].filter((peer) => peer !== id),
    digest: 'd10',
    ...difference,
  };
}

export const fiveNodes = [0, 1, 2, 3, 4].map((id) => information(id, id === 0 ? { role: 'leader' } : {}));

/** A cluster that notes what it is asked; a key-value store of its own answers. */
export function fakeContext(
  given: { infos?: () => NodeInformation[]; leader?: () => Leader | null; blockIntervalMs?: number } = {},
): { context: CommandContext; calls: unknown[] } {
  const calls: unknown[] = [];
  const store = new KeyValueStore();
  let index = 10;
  const note =
    (name: string) =>
    (...args: unknown[]) => {
      calls.push([name, ...args]);
    };
  const noteAsync =
    (name: string) =>
    async (...args: unknown[]) => {
      calls.push([name, ...args]);
    };
  const cluster: CommandedCluster = {
    ids: [0, 1, 2, 3, 4],
    leader: given.leader ?? (() => ({ id: 0, term: 1 })),
    infos: async () => given.infos?.() ?? fiveNodes,
    log: async (...args) => {
      calls.push(['log', ...args]);
      return [];
    },
    stop: noteAsync('stop'),
    revive: noteAsync('revive'),
    crash: noteAsync('crash'),
    restart: noteAsync('restart'),
    partition: note('partition'),
    isolate: note('isolate'),
    cut: note('cut'),
    mend: note('mend'),
    heal: note('heal'),
    setLink: note('setLink'),
    setCandidacy: noteAsync('setCandidacy'),
    produceBlocks: note('produceBlocks'),
    propose: async (bytes) => {
      const command = decodeCommand(bytes);
      if (command?.kind === 'put') calls.push(['put', command.key, command.value]);
      if (command?.kind === 'remove') calls.push(['delete', command.key]);
      if (command?.kind === 'record') calls.push(['record', Buffer.from(command.bytes).toString()]);
      index++;
      return { index, term: 1, result: store.apply(bytes, { index, term: 1 }) };
    },
    read: async (bytes, options) => {
      const query = decodeQuery(bytes);
      if (query?.kind === 'get') calls.push(['get', query.key, options?.consistency]);
      return { result: store.query(bytes), index };
    },
  };
  return {
    calls,
    context: {
      cluster,
      store: new KeyValueClient(cluster),
      blocks: new BlockPace(cluster, given.blockIntervalMs ?? 0),
    },
  };
}
