import { expect } from 'chai';
import fc from 'fast-check';
import { decodeRequest, encodeRequest, type RemoteRequest } from '../../src/node/clients/client-frames.js';
import { type Order, orderIn } from '../../src/node/host/orders.js';

const number = fc.nat(2 ** 48 - 1);
const count = fc.nat(2 ** 32 - 1);
const bytes = fc.uint8Array({ maxLength: 40 });
const place = fc.record({ id: number, sequence: number, acknowledged: number });

const address = fc.string({ maxLength: 60 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), id: number, address, learner: fc.boolean() }),
  fc.record({ kind: fc.constantFrom('remove' as const, 'promote' as const), id: number }),
  fc.record({ kind: fc.constant('update' as const), id: number, address }),
  fc.record({ kind: fc.constant('prioritize' as const), id: number, priority: fc.nat(255) }),
);
const order: fc.Arbitrary<Order> = fc.oneof(
  fc.constant({ type: 'snapshot' as const }),
  fc.record({ type: fc.constant('transfer' as const), to: fc.option(number) }),
  fc.record({
    type: fc.constant('change' as const),
    change: fc.oneof(fc.constant('abort' as const), fc.array(step, { minLength: 1, maxLength: 4 })),
  }),
);

const requests: fc.Arbitrary<RemoteRequest> = fc.oneof(
  fc.record({ type: fc.constant('propose' as const), first: number, count, commands: bytes }),
  fc.record({ type: fc.constant('propose' as const), first: number, count, commands: bytes, session: place }),
  fc.record({
    type: fc.constant('propose' as const),
    first: number,
    count,
    commands: bytes,
    verify: fc.constant(true as const),
  }),
  fc.record({
    type: fc.constant('propose' as const),
    first: number,
    count,
    commands: bytes,
    session: place.map((each) => ({ ...each, id: Math.max(1, each.id) })),
    verify: fc.constant(true as const),
  }),
  fc.record({
    type: fc.constant('read' as const),
    request: number,
    query: bytes,
    consistency: fc.constant('stale' as const),
    maxStaleMs: number,
  }),
  fc.record({
    type: fc.constant('session' as const),
    first: number,
    what: fc.constantFrom('open', 'keepAlive', 'end'),
    session: place,
  }),
  fc.record({
    type: fc.constant('read' as const),
    request: number,
    query: bytes,
    consistency: fc.constantFrom('linearizable', 'stale', 'lease'),
  }),
  fc.record({ type: fc.constant('describe' as const), request: number }),
  fc.record({ type: fc.constant('order' as const), request: number, order }),
  fc.record({
    type: fc.constant('log' as const),
    request: number,
    from: number,
    to: number,
    bytesMax: number,
  }),
  fc.record({ type: fc.constant('watch' as const), bundles: fc.nat(65_535) }),
);

describe('Requests of clients in other processes', () => {
  it('arrive as they were sent, in memory of their own', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const frame = encodeRequest(request);
        expect(frame.byteLength).to.equal(frame.buffer.byteLength);
        expect(decodeRequest(frame)).to.deep.equal(request);
      }),
    );
  });

  it('are none when they are cut within their numbers, or name nothing that can be asked', () => {
    const session = { id: 5, sequence: 1, acknowledged: 1 };
    for (const request of [
      { type: 'propose', first: 1, count: 1, commands: new Uint8Array(0), session },
      { type: 'session', first: 1, what: 'end', session },
      { type: 'watch', bundles: 7 },
    ] as const) {
      const frame = encodeRequest(request);
      for (let length = 0; length < frame.length; length++) {
        expect(decodeRequest(frame.slice(0, length)), `${request.type} ${length}`).to.equal(null);
      }
    }
    const unknown = encodeRequest({ type: 'session', first: 1, what: 'end', session });
    unknown[7] = 3;
    expect(decodeRequest(unknown)).to.equal(null);
    fc.assert(fc.property(bytes, (garbage) => void decodeRequest(garbage)));
  });

  it('are no orders where anything of them cannot be meant', () => {
    const add = { kind: 'add', id: 4, address: 'a:1', learner: false };
    const change = (...steps: unknown[]) => ({ type: 'change', change: steps });
    expect(orderIn(change(add))).to.deep.equal(change(add));
    for (const value of [
      null,
      'snapshot',
      {},
      { type: 'crash' },
      { type: 'transfer' },
      { type: 'transfer', to: -1 },
      { type: 'transfer', to: '1' },
      { type: 'change' },
      { type: 'change', change: 'all' },
      change(),
      change(...Array.from({ length: 65 }, () => add)),
      change(null),
      change({ ...add, kind: 'become' }),
      change({ ...add, id: 1.5 }),
      change({ ...add, address: 7 }),
      change({ ...add, address: 'x'.repeat(257) }),
      change({ ...add, learner: 'no' }),
      change(add, { kind: 'remove' }),
      change({ kind: 'promote', id: null }),
      change({ kind: 'update', id: 1 }),
      change({ kind: 'prioritize', id: 1, priority: 256 }),
      change({ kind: 'prioritize', id: 1, priority: -1 }),
    ]) {
      expect(orderIn(value), JSON.stringify(value)).to.equal(null);
    }
    // What else stands in one is left behind.
    expect(orderIn(change({ ...add, incarnation: 3 }))).to.deep.equal(change(add));
  });
});
