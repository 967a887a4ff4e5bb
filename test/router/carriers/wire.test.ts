import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { CarrierTally, emptyRemoteTally } from '../../../src/router/carriers/counters.js';
import type { CarrierEvent } from '../../../src/router/carriers/events.js';
import {
  encodeGreeting,
  greetingBytesMax,
  type Hello,
  helloFrom,
  parseGreeting,
  refusal,
  type Welcome,
  welcomeFrom,
} from '../../../src/router/carriers/handshake.js';
import { LaneQueue } from '../../../src/router/carriers/lane-queue.js';
import { Lives } from '../../../src/router/carriers/lives.js';
import { LogValve } from '../../../src/router/carriers/log-valve.js';
import { partHeaderBytes, partsOf } from '../../../src/router/carriers/nats/parts.js';
import { limitsFrom, protocolVersions } from '../../../src/router/carriers/options.js';
import { Connection } from '../../../src/router/carriers/stream/connection.js';
import { FramedSocket, messageKind } from '../../../src/router/carriers/stream/framed-socket.js';
import { frameFormatVersion } from '../../../src/wire/messages.js';
import { VirtualClock } from '../virtual-clock.js';

/** A socket whose other side is the test. */
class Line extends Duplex {
  readonly written: Buffer[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    done();
  }
}

function framed(line: Line, frameBytesMax: number) {
  const heard: { kind: number; payload: Uint8Array }[] = [];
  const ended: string[] = [];
  const socket = new FramedSocket(line as unknown as Socket, {
    heard: (kind, payload) => heard.push({ kind, payload }),
    ended: (reason) => ended.push(reason),
  });
  socket.frameBytesMax = frameBytesMax;
  return { socket, heard, ended };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('protocol version 1', () => {
  interface Fixture {
    readonly connection: readonly { readonly kind: number; readonly payload: string; readonly hex: string }[];
    readonly greetings: readonly object[];
    readonly part: { readonly token: number; readonly frame: string; readonly hex: readonly string[] };
  }

  // What nodes of an earlier build say and understand. To change it is to make another version.
  const fixture: Fixture = JSON.parse(
    readFileSync(
      new URL('../../../../test/router/carriers/fixtures/protocol-v1.json', import.meta.url),
      'utf8',
    ),
  );

  it('is said and heard on a connection as it always was', async () => {
    const [out, into] = [new Line(), new Line()];
    const speaker = framed(out, 100).socket;
    for (const { kind, payload } of fixture.connection) speaker.send(kind, Buffer.from(payload));
    await settled();
    expect(out.written.map((bytes) => bytes.toString('hex'))).to.deep.equal(
      fixture.connection.map(({ hex }) => hex),
    );
    const { heard } = framed(into, 100);
    for (const { hex } of fixture.connection) into.push(Buffer.from(hex, 'hex'));
    await settled();
    expect(
      heard.map(({ kind, payload }) => ({ kind, payload: Buffer.from(payload).toString() })),
    ).to.deep.equal(fixture.connection.map(({ kind, payload }) => ({ kind, payload })));
  });

  it('understands the greetings it always did', () => {
    for (const greeting of fixture.greetings) {
      expect(parseGreeting(Buffer.from(JSON.stringify(greeting)))).to.deep.equal(greeting);
    }
    const [hello, welcome] = fixture.greetings as [Hello, Welcome];
    const self = { kind: 'node', cluster: 'shop', node: 1 } as const;
    const identity = { self, clusterId: 'd41d8c', incarnation: 77 };
    const told = helloFrom(identity, { to: 2, lane: 'control', advertise: '127.0.0.1:7001' });
    expect(told).to.deep.equal({ ...hello, versions: protocolVersions });
    const peer = { party: self, clusterId: null, incarnation: 77, version: 1 };
    const other = { self: { ...self, node: 2 }, clusterId: 'd41d8c', incarnation: 88 };
    expect(welcomeFrom(other, peer, 4_000_000_000)).to.deep.equal(welcome);
  });

  it('is of another version when the frames are of another format, so that an upgrade is told why it is not heard', () => {
    expect({ protocol: protocolVersions[1], frames: frameFormatVersion }).to.deep.equal({
      protocol: 3,
      frames: 5,
    });
  });

  it('is cut into parts on a bus as it always was', () => {
    let number = 0;
    const { token, frame, hex } = fixture.part;
    const parts = [...partsOf(Buffer.from(frame), token, () => ++number, partHeaderBytes + 4)];
    expect(parts.map((part) => Buffer.from(part).toString('hex'))).to.deep.equal(hex);
  });
});

describe('messages on a connection', () => {
  it('are heard as they were said, however the bytes are cut', async () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 6000 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        payloads,
        fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1 }),
        async (said, cuts) => {
          const out = new Line();
          const speaker = framed(out, 6000).socket;
          for (const payload of said) speaker.send(messageKind.frame, payload);
          await settled();
          const bytes = Buffer.concat(out.written);
          const into = new Line();
          const { heard, ended } = framed(into, 6000);
          for (let at = 0, count = 0; at < bytes.byteLength; count++) {
            const end = at + cuts[count % cuts.length]!;
            into.push(bytes.subarray(at, end));
            at = end;
          }
          await settled();
          expect(heard.map(({ payload }) => [...payload])).to.deep.equal(said.map((payload) => [...payload]));
          // Handed to another thread as they are: a view of something larger could not be.
          expect(heard.every(({ payload }) => payload.byteLength === payload.buffer.byteLength)).to.equal(
            true,
          );
          expect(ended).to.deep.equal([]);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('end the connection once, whatever bytes come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 })), async (chunks) => {
        const line = new Line();
        const { ended } = framed(line, 100);
        for (const chunk of chunks) line.push(chunk);
        await settled();
        expect(ended.length).to.be.at.most(1);
      }),
      { numRuns: 50 },
    );
  });
});

describe('an open connection', () => {
  /** Timers that fire when the test says so, and a time that it sets. */
  class HandClock {
    nowMs = 0;
    timer: (() => void) | null = null;
    now = () => this.nowMs;
    setTimeout = (callback: () => void) => {
      this.timer = callback;
    };
    clearTimeout = () => {
      this.timer = null;
    };
    soon = () => {};

    look(atMs: number): void {
      this.nowMs = atMs;
      const { timer } = this;
      this.timer = null;
      timer?.();
    }
  }

  function open(line: Line) {
    const clock = new HandClock();
    const ended: string[] = [];
    const { socket } = framed(line, 100);
    const party = { kind: 'node', cluster: 'shop', node: 2 } as const;
    const peer = { party, clusterId: null, incarnation: 1, version: 1 };
    new Connection(
      socket,
      { peer, lane: 'control', address: '127.0.0.1:1' },
      { clock, limits: limitsFrom({ pingMs: 100, silenceMsMax: 400 }) },
      { received: () => {}, sent: () => {}, goodbye: () => {}, ended: (reason) => ended.push(reason) },
    );
    return { clock, ended };
  }

  it('is given up when nothing was heard for too long, and not before', () => {
    const { clock, ended } = open(new Line());
    for (const atMs of [100, 200, 300]) clock.look(atMs);
    expect(ended).to.deep.equal([]);
    clock.look(400);
    expect(ended).to.deep.equal(['silent']);
    expect(clock.timer).to.equal(null);
  });

  it('is not given up because this process itself stood still', () => {
    const { clock, ended } = open(new Line());
    clock.look(100);
    // Stopped for ten seconds: whatever has arrived meanwhile is read after the timers.
    clock.look(10_000);
    expect(ended).to.deep.equal([]);
    for (const atMs of [10_100, 10_200, 10_300, 10_400]) clock.look(atMs);
    expect(ended).to.deep.equal(['silent']);
  });
});

describe('a greeting', () => {
  it('is refused in silence when it is none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(Buffer.from)), (bytes) => {
        expect(parseGreeting(bytes)).to.equal(null);
      }),
    );
    expect(parseGreeting(new Uint8Array(greetingBytesMax + 1))).to.equal(null);
  });

  it('of a later build is read without what this one does not know', () => {
    const self = { kind: 'node', cluster: 'shop', node: 1 } as const;
    const hello = helloFrom(
      { self, clusterId: 'x', incarnation: 1 },
      { to: 2, lane: 'bulk', advertise: null },
    );
    const later = Buffer.from(JSON.stringify({ ...hello, colour: 'blue', __proto__: null }));
    expect(parseGreeting(later)).to.include({
      greeting: 'hello',
      from: 'conclave://shop/node/1',
      lane: 'bulk',
    });
    const refused = Buffer.from(
      JSON.stringify({ greeting: 'refusal', reason: 'mood', detail: 'not \u001b[31mtoday\n' }),
    );
    expect(parseGreeting(refused)).to.deep.equal({
      greeting: 'refusal',
      reason: 'malformed',
      detail: 'not ?[31mtoday?',
    });
  });

  it('fits into its bound, with the longest of everything', () => {
    const name = 'x'.repeat(64);
    const self = { kind: 'client', cluster: name, role: 'operator', name } as const;
    const identity = { self, clusterId: '\u0001'.repeat(256), incarnation: Number.MAX_SAFE_INTEGER };
    const hello = helloFrom(identity, {
      to: 10 ** 15 - 1,
      lane: 'control',
      advertise: `${'y'.repeat(253)}:65535`,
    });
    expect(encodeGreeting(hello).byteLength).to.be.below(greetingBytesMax);
    expect(parseGreeting(encodeGreeting(hello))).to.deep.equal(hello);
    const longest = encodeGreeting(refusal('name', '\u0001'.repeat(9999)));
    expect(parseGreeting(longest)).to.include({ greeting: 'refusal', reason: 'name' });
  });
});

describe('the queue of a lane', () => {
  it('keeps the newest frames that fit, in order, and accounts for every other', () => {
    const step = fc.oneof(
      fc.integer({ min: 0, max: 60 }),
      fc.constantFrom('shift' as const, 'pass' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const clock = new VirtualClock();
        const tally = emptyRemoteTally();
        const limits = { queueFramesMax: 8, queueBytesMax: 100, waitMsMax: 50 };
        const queue = new LaneQueue(limits, clock, tally);
        let model: { number: number; bytes: number; atMs: number }[] = [];
        let [pushed, taken] = [0, 0];
        for (const each of steps) {
          if (each === 'pass') clock.pass(20);
          else if (each === 'shift') {
            model = model.filter(({ atMs }) => atMs >= clock.now() - 50);
            const expected = model.shift();
            const frame = queue.shift();
            expect(frame?.byteLength).to.equal(expected?.bytes);
            if (frame !== undefined) taken++;
          } else {
            queue.push(new Uint8Array(each));
            model.push({ number: pushed++, bytes: each, atMs: clock.now() });
            const bytes = () => model.reduce((sum, waiting) => sum + waiting.bytes, 0);
            while (model.length > 8 || (model.length > 1 && bytes() > 100)) model.shift();
          }
          expect(tally.framesWaiting).to.equal(queue.length);
          expect(pushed).to.equal(taken + tally.overflowed + tally.stale + tally.framesWaiting);
        }
        queue.clear();
        expect(tally).to.include({ framesWaiting: 0, bytesWaiting: 0 });
      }),
    );
  });
});

describe('the lives of nodes', () => {
  it('are remembered: none that was followed is taken again, and there is a bound', () => {
    const lives = new Lives();
    expect([lives.note(1, 10), lives.note(1, 10), lives.note(1, 11), lives.note(2, 10)]).to.deep.equal([
      false,
      false,
      true,
      false,
    ]);
    expect([lives.isSuperseded(1, 10), lives.isSuperseded(1, 11), lives.isSuperseded(2, 10)]).to.deep.equal([
      true,
      false,
      false,
    ]);
    for (let life = 100; life < 200; life++) lives.note(1, life);
    expect([lives.isSuperseded(1, 10), lives.isSuperseded(1, 198), lives.isSuperseded(1, 199)]).to.deep.equal(
      [false, true, false],
    );
  });
});

describe('the valve before the log', () => {
  it('tells a failure once in a while, not too many events at a time, and how many it kept', () => {
    const clock = new VirtualClock();
    const told: CarrierEvent[] = [];
    const tally = new CarrierTally();
    const valve = new LogValve(clock, 5, tally, (event) => told.push(event));
    const failure = (detail: string, port: number) =>
      ({ type: 'unreachable', peer: 'node 2', address: `127.0.0.1:${port}`, detail }) as const;
    for (let count = 0; count < 60; count++) {
      valve.tell(failure('refused', count));
      clock.pass(1000);
    }
    expect(told.filter(({ type }) => type === 'unreachable')).to.have.length(2);
    expect(told.find(({ type }) => type === 'suppressed')).to.deep.equal({ type: 'suppressed', events: 29 });
    told.length = 0;
    for (let count = 0; count < 100; count++) valve.tell(failure(`reason ${count}`, 1));
    expect(told.filter(({ type }) => type === 'unreachable')).to.have.length(5);
    expect(tally.eventsSuppressed).to.equal(58 + 95);
  });
});
