import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { KeyValueStore } from '../../src/application/key-value/key-value-store.js';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { InvalidOptionError } from '../../src/ground/errors.js';
import { shown } from '../../src/ground/option-checks.js';
import { InspectorServer } from '../../src/inspector/server/inspector-server.js';
import { RaftNode } from '../../src/node/raft-node.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';

/*
 * A program that is given its settings by somebody else can only pass on what an error says: every option that is
 * refused is named, with what it is. What is given as null or undefined counts as not given in most places.
 */

const noNumber = ['text', '', true, [], {}, 10n, Symbol('s'), Number.NaN];
const noCount = [...noNumber, -1, 1.5, Number.POSITIVE_INFINITY];
const noBoolean = ['yes', '', 0, [], {}, 10n, Symbol('s')];
const noText = [5, true, [], {}, 10n, Symbol('s')];
const noObject = [5, 'text', true, [null], 10n, Symbol('s')];
const noId = [...noCount, null];

const nobody = {
  propose: () => Promise.reject(new Error('sent')),
  read: () => Promise.reject(new Error('sent')),
};
const client = new KeyValueClient(nobody);

const node = (options: object) => {
  const transport = { send: () => {}, receive: () => {} };
  const rest = {
    id: 0,
    voters: [0, 1],
    transport,
    storage: new MemoryStorage(),
    application: new KeyValueStore(),
  };
  RaftNode.start({ ...rest, ...options } as never).close();
};
const disk = (setting: object) =>
  RaftCluster.start({ storage: { kind: 'disk', directory: 'd', ...setting } });
const cluster = (options: object) => RaftCluster.start(options);
const ownApplication = (options: object) => cluster({ application: { module: '/own.js', ...options } });
const inspect = (options: object) => InspectorServer.start({} as never, () => Promise.reject(), options);

/** Who takes it, the option (a group's as group.name), and what it must not be. */
const table: [string, (options: never) => unknown, Record<string, readonly unknown[]>][] = [
  [
    'RaftCluster.start',
    cluster,
    {
      nodes: [...noCount, 0, 100],
      learners: [...noCount, 100],
      clusterId: [...noText, '', 'x'.repeat(65)],
      application: noObject,
      'application.module': [undefined, null, ...noText, '', './relative.js'],
      storage: noObject,
      'storage.kind': [undefined, null, ...noText, 'tape'],
      cipher: noObject,
      'cipher.kind': [undefined, null, ...noText, 'rot13'],
      link: noObject,
      'link.latencyMsMin': [...noNumber, -1],
      'link.latencyMsMax': [...noNumber, -1, 1e9],
      'link.distribution': [...noText, 'even'],
      'link.loss': [...noNumber, -1, 2],
      'link.duplication': [...noNumber, -1, 2],
      'link.reordering': [...noNumber, -1, 2],
      'link.cut': noBoolean,
      timings: noObject,
      'timings.electionTimeoutMsMin': [...noNumber, 0, 1e9],
      'timings.electionTimeoutMsMax': [...noNumber, 0, 1e9],
      'timings.heartbeatMs': [...noNumber, 0, 1e9],
      limits: noObject,
      'limits.commandBytesMax': [...noCount, 0, 2 ** 40],
      'limits.queryBytesMax': [...noCount, 0, 2 ** 40],
      'limits.appendBytesMax': [...noCount, 0, 2 ** 40],
      'limits.appendsInFlightMax': [...noCount, 0],
      'limits.proposalsMax': [...noCount, 0],
      'limits.readsMax': [...noCount, 0],
      preVote: noBoolean,
      checkQuorum: noBoolean,
      seed: [...noNumber, 1.5],
      leader: [...noCount, 5],
      candidates: [...noObject, [], [5]],
      blockIntervalMs: [...noNumber, -1, 1e9],
    },
  ],
  [
    'the disk of RaftCluster.start',
    disk,
    { directory: [null, ...noText, ''], segmentBytes: [...noCount, 512, 5000] },
  ],
  [
    'the application of RaftCluster.start',
    ownApplication,
    { options: [() => 1, Symbol('s'), { f: () => 1 }] },
  ],
  [
    'RaftNode.start',
    node,
    {
      id: [...noId, 7],
      voters: [null, ...noObject, [], [-1], [0, 0]],
      learners: [...noObject, ['1'], [0]],
      transport: [null, ...noObject, {}],
      storage: [null, ...noObject, {}],
      clock: [null, ...noObject, {}],
      observer: [null, 5, 'text', { died: 5 }],
      cipher: noObject,
      'cipher.kind': ['rot13', 5],
      timings: noObject,
      'timings.heartbeatMs': [...noNumber, 0],
      limits: noObject,
      'limits.readsMax': noCount,
      preVote: noBoolean,
      checkQuorum: noBoolean,
      candidacy: noBoolean,
      seed: [...noNumber, 1.5],
      misspelt: [5],
    },
  ],
  [
    'RaftCluster.inspect',
    inspect,
    {
      port: [null, '7700', ...noCount, 65_536],
      host: [null, ...noText, ''],
      token: [...noText, '', 'too short'],
      misspelt: [5],
    },
  ],
];

const calls: [string, (value: never) => unknown, readonly unknown[]][] = [
  ['cluster', (cluster) => new KeyValueClient(cluster), [undefined, null, 5, {}]],
  ['key', (key) => client.put(key, 'blue'), [undefined, null, ...noText, '', 'x'.repeat(1025)]],
  ['key', (key) => client.get(key), [undefined, null, ...noText, '']],
  ['key', (key) => client.delete(key), [undefined, null, ...noText, '']],
  ['value', (value) => client.put('colour', value), [undefined, null, ...noText]],
  ['expected', (expected) => client.compareAndSet('colour', expected, 'blue'), [undefined, ...noText]],
  ['by', (by) => client.increment('count', by), [null, ...noNumber, 1.5]],
  ['bytes', (bytes) => client.record(bytes), [undefined, null, ...noText, 'text']],
  ['prefix', (prefix) => client.list(prefix), [undefined, null, ...noText]],
  ['page', (page) => client.list('', page), [null, ...noObject, { misspelt: 5 }]],
  ['limit', (limit) => client.list('', { limit }), [null, ...noCount, 0, 1001]],
  ['after', (after) => client.list('', { after }), noText],
  ['position', (position) => client.recordAt(position), [undefined, null, ...noCount]],
  ['from', (from) => client.records(from), [undefined, null, ...noCount]],
  ['limit', (limit) => client.records(0, limit), [null, ...noCount, 0, 1001]],
];

/** What is thrown or rejected. */
async function refusal(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    return error;
  }
}

async function expectRefusal(name: string, value: unknown, run: () => unknown): Promise<void> {
  const what = `${name} = ${shown(value)}`;
  const error = await refusal(run);
  expect(error, what).to.be.instanceOf(InvalidOptionError);
  expect((error as Error).message, what).to.contain(name);
}

describe('options that are wrong', () => {
  for (const [taker, start, options] of table) {
    for (const [path, values] of Object.entries(options)) {
      it(`are refused by name: ${path} of ${taker}`, async () => {
        const names = path.split('.');
        for (const value of values) {
          const given = names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
          // A group's error speaks of one of it: "Give the timings …", "There is no timing …".
          const name = (names.at(-1) as string).replace(/s$/, '');
          await expectRefusal(name, value, () => start(given as never));
        }
      });
    }
  }

  for (const [name, call, values] of calls) {
    it(`are refused by name: ${name} of ${String(call).replace(/^.*=> /, '')}`, async () => {
      for (const value of values) await expectRefusal(name, value, () => call(value as never));
    });
  }

  it('are shown as they are', () => {
    const values = ['text', '', 5, Number.NaN, null, undefined, [1, 2], Object.create(null), 10n];
    expect(values.map(shown).join(' · ')).to.equal(
      'text · an empty text · 5 · NaN · null · undefined · a list of 2 · an object · 10',
    );
  });
});
