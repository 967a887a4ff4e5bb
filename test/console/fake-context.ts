import { KeyValueClient } from '../../src/application/key-value/client.js';
import { decodeCommand } from '../../src/application/key-value/commands.js';
import { KeyValueStore } from '../../src/application/key-value/key-value-store.js';
import { decodeQuery } from '../../src/application/key-value/queries.js';
import type { MemberInformation } from '../../src/client/events.js';
import { BlockPace } from '../../src/console/block-pace.js';
import type { CommandContext } from '../../src/console/command.js';
import type { CommandedCluster } from '../../src/console/commanded-cluster.js';
import { noMembers } from '../../src/node/information.js';
import type { Leader } from '../../src/node/when-ready.js';
import { cleanLink } from '../../src/router/link-policy.js';
import type { NetworkState } from '../../src/router/network-state.js';

/** A node that is like all others but for what is given. */
export function information(id: number, difference: Partial<MemberInformation> = {}): MemberInformation {
  return {
    id,
    role: 'follower',
    state: 'alive.follower.following',
    term: 1,
    votedFor: 0,
    leaderId: 0,
    candidacy: true,
    configuration: noMembers,
    lastLogIndex: 10,
    firstIndex: 1,
    lastIndex: 10,
    snapshotIndex: 0,
    snapshotTerm: 0,
    commitIndex: 10,
    height: 10,
    peers: [0, 1, 2, 3, 4].filter((peer) => peer !== id),
    digest: 'd10',
    recovery: null,
    failure: null,
    ...difference,
  };
}

export const fiveNodes = [0, 1, 2, 3, 4].map((id) => information(id, id === 0 ? { role: 'leader' } : {}));

export const wholeNetwork: NetworkState = { groups: [[0, 1, 2, 3, 4]], link: cleanLink, links: [] };

/** A cluster that notes what it is asked; a key-value store of its own answers. */
export function fakeContext(
  given: {
    infos?: () => MemberInformation[];
    leader?: () => Leader | null;
    blockIntervalMs?: number;
    /** Nodes that are already as they are to be. */
    unchanged?: readonly number[];
    network?: NetworkState;
  } = {},
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
      return !(given.unchanged ?? []).includes(args[0] as number);
    };
  const noteChange =
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
    snapshot: async (...args) => {
      calls.push(['snapshot', ...args]);
      return [0, 1].map((id) => ({ id, index: 10, term: 1, bytes: 100 }));
    },
    addMember: noteChange('addMember'),
    removeMember: noteChange('removeMember'),
    replaceMember: noteChange('replaceMember'),
    promote: noteChange('promote'),
    updateMember: noteChange('updateMember'),
    setPriority: noteChange('setPriority'),
    abortChange: noteChange('abortChange'),
    transferLeadership: async (...args) => {
      calls.push(['transferLeadership', ...args]);
      return { id: 1, term: 2 };
    },
    partition: note('partition'),
    isolate: note('isolate'),
    cut: note('cut'),
    mend: note('mend'),
    heal: note('heal'),
    setLink: (change, ...ends) => {
      calls.push(['setLink', change, ...ends.filter((id) => id !== undefined)]);
    },
    setLinksOf: note('setLinksOf'),
    network: () => given.network ?? wholeNetwork,
    setCandidacy: async (...args) => {
      calls.push(['setCandidacy', ...args]);
    },
    produceBlocks: note('produceBlocks'),
    propose: async (bytes) => {
      const command = decodeCommand(bytes);
      if (command?.kind === 'put') calls.push(['put', command.key, command.value]);
      if (command?.kind === 'remove') calls.push(['delete', command.key]);
      if (command?.kind === 'compareAndSet')
        calls.push(['cas', command.key, command.expected, command.value]);
      if (command?.kind === 'compareAndRemove') calls.push(['cas', command.key, command.expected, null]);
      if (command?.kind === 'record') calls.push(['record', Buffer.from(command.bytes).toString()]);
      index++;
      return { index, term: 1, result: store.apply(bytes, { index, term: 1 }) };
    },
    read: async (bytes, options) => {
      const query = decodeQuery(bytes);
      if (query?.kind === 'get')
        calls.push([
          'get',
          query.key,
          options?.consistency,
          ...(options?.node === undefined ? [] : [options.node]),
        ]);
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
