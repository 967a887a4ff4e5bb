import { expect } from 'chai';
import type { Application } from '../../src/application/application.js';
import { RaftNode } from '../../src/node/raft-node.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { Ledger } from './ledger.js';
import { LoneNode } from './lone-node.js';

/** An application that returns from one of its methods what it should not. */
function returning(method: keyof Application, value: unknown): Ledger {
  return Object.assign(new Ledger(), { [method]: () => value });
}

function serving(application: Ledger): LoneNode {
  const node = new LoneNode({ application });
  node.serve();
  return node;
}

/*
 * An application is somebody else's code, and JavaScript lets it return anything. What is no bytes must be caught
 * where it comes from: further on it kills the thread with an error that names neither the method nor the mistake,
 * and a question that does so kills one node after the other, for it is asked again.
 */
describe('An application that returns something else than it should', () => {
  const wrong: [string, unknown, RegExp][] = [
    ['a string', 'text', /returned a string/],
    ['a promise', Promise.resolve(new Uint8Array(1)), /returned a promise .*synchronous/],
    ['a map', new Map(), /returned an object \(Map\)/],
    ['a function', () => 1, /returned a function/],
    ['null', null, /returned null/],
  ];
  for (const [name, value, message] of wrong) {
    it(`kills the node when it applies and returns ${name}, and says so`, () => {
      const node = serving(returning('apply', value));
      const answers = node.propose('a');
      node.acknowledge(1);
      expect(answers).to.deep.equal(['0+1 OUTCOME_UNKNOWN']);
      expect(node.deaths).to.have.length(1);
      expect((node.deaths[0] as Error).message)
        .to.match(/apply entry 2: apply /)
        .and.match(message);
    });

    it(`fails one query that returns ${name}, and goes on`, () => {
      const node = serving(returning('query', value));
      expect(node.read('stale')).to.deep.equal(['APPLICATION_FAILED']);
      const read = node.read();
      node.acknowledge(1);
      expect(read).to.deep.equal(['APPLICATION_FAILED']);
      expect(node.deaths).to.deep.equal([]);
    });
  }

  it('has no result when it applies and returns nothing', () => {
    const node = serving(returning('apply', undefined));
    const answers = node.propose('a', 'b');
    node.acknowledge(1);
    expect(answers).to.deep.equal([' ']);
    expect(node.deaths).to.deep.equal([]);
  });

  for (const [name, verdict] of [
    ['nothing', undefined],
    ['a promise', Promise.resolve(true)],
    ['a number', 1],
  ]) {
    it(`finds a command invalid when it verifies and returns ${name}`, () => {
      const node = serving(returning('verify', verdict));
      const answers = node.propose('a');
      const [question] = node.takeOf('verify');
      const { term, request } = question!.message;
      node.hear({ type: 'verifyResponse', term, from: 1, request, approved: [false] });
      expect(answers).to.deep.equal(['0+1 COMMAND_REJECTED']);
    });
  }

  const blocks: [string, () => unknown, RegExp][] = [
    ['a string', () => 'text', /produce returned a string/],
    ['more than a command may have', () => new Uint8Array(11), /has 11 bytes .* at most 10/],
    [
      'by a throw',
      () => {
        throw new Error('nothing in stock');
      },
      /nothing in stock/,
    ],
  ];
  for (const [name, produce, message] of blocks) {
    it(`kills the leader when it produces a block (${name}), and says so`, () => {
      const application = Object.assign(new Ledger(), { produce: produce as () => Uint8Array });
      const node = new LoneNode({ application, limits: { commandBytesMax: 10 } });
      node.serve();
      node.tell({ type: 'host.produceBlocks', intervalMs: 10 });
      node.pass(20);
      expect((node.deaths[0] as Error).message)
        .to.match(/failed to produce a block/)
        .and.match(message);
      expect(node.actor.replica.log.lastIndex, 'nothing but its no-op').to.equal(1);
    });
  }

  it('is named when its digest is no text', () => {
    const node = serving(new Ledger());
    Object.assign(node.application, { digest: () => 5 });
    expect(() => node.info).to.throw(/digest returned a number/);
  });
});

describe('A node in the caller’s own thread', () => {
  const options = {
    id: 0,
    voters: [0],
    transport: { send: () => {}, receive: () => {} },
    timings: { electionTimeoutMsMin: 10, electionTimeoutMsMax: 20, heartbeatMs: 5 },
  };

  it('outlives an observer that throws, which the process hears of', async () => {
    const thrown = new Promise((resolve) => {
      const [mochas] = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        if (mochas !== undefined) process.on('uncaughtException', mochas);
        resolve(error);
      });
    });
    const mistake = new Error('a mistake of the observer');
    let isFirst = true;
    const observer = {
      progressed: () => {
        if (!isFirst) return;
        isFirst = false;
        throw mistake;
      },
    };
    const node = RaftNode.start({
      ...options,
      storage: new MemoryStorage(),
      application: new Ledger(),
      observer,
    });
    expect(await thrown).to.equal(mistake);
    const { result } = await node.propose(Buffer.from('a'));
    expect(Buffer.from(result).toString()).to.equal('a@2');
    node.close();
  });

  it('refuses a wrong key before it reads the storage, which would stay locked', () => {
    const storage = Object.assign(new MemoryStorage(), { recover: () => expect.fail('was recovered') });
    const cipher = { kind: 'aes-256-gcm', key: new Uint8Array(5) } as const;
    const wrong = { ...options, storage, application: new Ledger(), cipher };
    expect(() => RaftNode.start(wrong)).to.throw(/32 bytes/);
  });

  it('refuses an application that lacks a method, before it reads the storage', () => {
    const storage = Object.assign(new MemoryStorage(), { recover: () => expect.fail('was recovered') });
    const application = Object.assign(new Ledger(), { restore: undefined as never });
    expect(() => RaftNode.start({ ...options, storage, application })).to.throw(/no method restore/);
  });

  it('refuses what is no bytes, and keeps a copy of what is', async () => {
    const elected: { resolve: () => void } = { resolve: () => {} };
    const leads = new Promise<void>((resolve) => {
      elected.resolve = resolve;
    });
    const node = RaftNode.start({
      ...options,
      storage: new MemoryStorage(),
      application: new Ledger(),
      observer: { standingChanged: ({ state }) => state.endsWith('serving') && elected.resolve() },
    });
    await leads;
    const codeOf = (promise: Promise<unknown>) => promise.catch(({ code }: { code: string }) => code);
    expect(await codeOf(node.propose('text' as never))).to.equal('INVALID_OPTION');
    expect(await codeOf(node.read('text' as never))).to.equal('INVALID_OPTION');
    expect(await codeOf(node.read(new Uint8Array(1), 'strong' as never))).to.equal('INVALID_OPTION');
    const bytes = Buffer.from('first');
    const proposed = node.propose(bytes);
    bytes.write('again');
    expect(Buffer.from((await proposed).result).toString()).to.equal('first@2');
    node.close();
  });
});
