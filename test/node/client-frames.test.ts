import { expect } from 'chai';
import fc from 'fast-check';
import { decodeRequest, encodeRequest, type RemoteRequest } from '../../src/node/clients/client-frames.js';

const number = fc.nat(2 ** 48 - 1);
const count = fc.nat(2 ** 32 - 1);
const bytes = fc.uint8Array({ maxLength: 40 });
const place = fc.record({ id: number, sequence: number, acknowledged: number });

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
  fc.record({
    type: fc.constant('log' as const),
    request: number,
    from: number,
    to: number,
    bytesMax: number,
  }),
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
});
