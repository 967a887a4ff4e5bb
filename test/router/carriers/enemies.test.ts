import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { expect } from 'chai';
import { parseAddress } from '../../../src/router/carriers/address.js';
import { protocolVersions } from '../../../src/router/carriers/options.js';
import { messageKind } from '../../../src/router/carriers/stream/framed-socket.js';
import { certificateFiles } from '../../../src/server/development-certificates.js';
import type { CarrierPeer } from './carrier-peer.js';
import { RawSpeaker } from './raw-speaker.js';
import { StreamWorld, sharedCertificates } from './stream-world.js';

/*
 * Those who can reach a node's port and mean no good, or whose program has gone mad. Each is turned away and counted,
 * holds no memory, and meanwhile nodes 1 and 3 talk to each other as if nothing were.
 */

async function filesOf(node: number, cluster = 'shop') {
  return certificateFiles(join(await sharedCertificates(), cluster), { kind: 'node', cluster, node });
}

for (const kind of ['tls', 'tcp'] as const) {
  describe(`A carrier over ${kind} among enemies`, () => {
    let world: StreamWorld;
    let one: CarrierPeer;
    let three: CarrierPeer;

    beforeEach(async () => {
      world = new StreamWorld(kind);
      const limits = { frameBytesMax: 1_000_000, pendingMax: 8, connectionsMax: 20, handshakeMsMax: 700 };
      one = await (await world.make({ node: 1, limits })).open();
      three = await (await world.make({ node: 3, limits })).open();
      await world.introduce(one, three, 3);
      await world.introduce(three, one, 1);
      await one.told('connected', ({ dialed }) => !dialed);
    });
    afterEach(async () => {
      await three.reach(one, 1, 'as if nothing were');
      await one.reach(three, 3, 'as if nothing were');
      await world.end();
    });

    /** Somebody with the certificate of node 2. */
    async function speaker(): Promise<RawSpeaker> {
      return kind === 'tls' ? RawSpeaker.tls(one.address, await filesOf(2)) : RawSpeaker.plain(one.address);
    }

    it('counts and closes what is no handshake at all', async () => {
      const { host, port } = parseAddress(one.address);
      for (const bytes of [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), Buffer.alloc(3000, 255)]) {
        const raw = new RawSpeaker(connect(port, host));
        raw.socket.write(bytes);
        await raw.closed();
      }
      const { refused } = one.counters;
      expect(kind === 'tls' ? refused.tls : refused.malformed).to.equal(2);
    });

    it('counts and closes what says the right things in the wrong order', async () => {
      const frame = await speaker();
      frame.say(messageKind.frame, Buffer.from('who asks for a handshake'));
      await frame.closed();
      const welcome = await speaker();
      welcome.greet({
        greeting: 'welcome',
        version: protocolVersions[1],
        clusterId: null,
        from: 'conclave://shop/node/2',
        incarnation: 1,
        toIncarnation: 1,
        token: 1,
      });
      expect(await welcome.greeting()).to.include({ greeting: 'refusal', reason: 'malformed' });
      const eager = await speaker();
      eager.hello();
      await eager.greeting();
      eager.say(messageKind.frame, Buffer.from('x'));
      await eager.closed();
      const deaf = await speaker();
      deaf.hello();
      await deaf.greeting();
      deaf.say(messageKind.ready, Buffer.from('what was it again?'));
      expect(await deaf.greeting()).to.include({ greeting: 'refusal', reason: 'malformed' });
      expect(one.counters.refused.malformed).to.equal(4);
      expect(one.arrivals.filter(({ from }) => from.node === 2)).to.have.length(0);
    });

    it('closes half a handshake within its bound', async () => {
      const silent = await speaker();
      const halfway = await speaker();
      halfway.hello();
      await halfway.greeting();
      const slow = await speaker();
      slow.socket.write(Buffer.alloc(5));
      const start = performance.now();
      await Promise.all([silent, halfway, slow].map((each) => each.closed()));
      expect(performance.now() - start).to.be.below(2500);
      expect(one.counters.refused.timeout).to.equal(3);
      expect(one.counters.connectionsPending).to.equal(0);
    });

    it('keeps a thousand idle connections to a handful, and lets its own in', async () => {
      const { host, port } = parseAddress(one.address);
      const idle = [];
      for (let count = 0; count < 1000; count++) {
        const socket = connect(port, host);
        idle.push(new RawSpeaker(socket));
        if (count % 50 === 0) await once(socket, 'connect');
      }
      await one.until('their number', () => one.counters.refused.full > 900);
      expect(one.counters.connectionsPending).to.be.at.most(8);
      await three.reach(one, 1, 'among a thousand');
      world.cut();
      world.mend();
      await three.reach(one, 1, 'let in among a thousand');
      await Promise.all(idle.map((each) => each.closed()));
      expect(one.counters.connectionsPending).to.equal(0);
    });

    it('lets no more in than it has room for', async () => {
      const enter = async (number: number) => {
        const each = await speaker();
        // Each is another node by its word alone, which only plain text takes.
        await each.enter({ from: `conclave://shop/node/${kind === 'tls' ? 2 : 100 + number}` });
      };
      // One after the other, so that it is not their haste that is refused.
      for (let number = 0; number < 30; number++) await enter(number).catch(() => {});
      expect(one.counters.connectionsOpen).to.be.at.most(20 + 2);
      if (kind === 'tls') expect(one.counters.ended.replaced).to.be.above(20);
      else expect(one.counters.refused.full).to.be.above(5);
    });

    it('takes no announcement of gigabytes for a reason to hold them', async () => {
      const memory = process.memoryUsage().rss;
      for (const number of [1, 2, 3]) {
        const raw = await speaker();
        await raw.enter({ incarnation: number });
        raw.say(messageKind.frame, Buffer.alloc(100), { bytes: 0xffff_ffff });
        await raw.closed();
      }
      const small = await speaker();
      small.say(messageKind.greeting, Buffer.alloc(100), { bytes: 5000 });
      await small.closed();
      expect(one.counters.ended.malformed).to.equal(3);
      expect(one.counters.refused.malformed).to.equal(1);
      expect(process.memoryUsage().rss - memory).to.be.below(200_000_000);
    });

    it('ends a connection on which a message comes twice, or is missing', async () => {
      const twice = await speaker();
      await twice.enter();
      twice.say(messageKind.frame, Buffer.from('once'));
      twice.say(messageKind.frame, Buffer.from('once'), { number: 3 });
      await twice.closed();
      const missing = await speaker();
      await missing.enter();
      missing.say(messageKind.frame, Buffer.from('after a gap'), { number: 4 });
      await missing.closed();
      expect(one.counters.ended.sequence).to.equal(2);
      const texts = one.arrivals
        .filter(({ from }) => from.node === 2)
        .map(({ frame }) => String(Buffer.from(frame)));
      expect(texts).to.deep.equal(['once']);
    });

    it('ends a connection that says what an open one does not say', async () => {
      for (const said of [messageKind.greeting, messageKind.ready, 99]) {
        const raw = await speaker();
        await raw.enter();
        raw.say(said, Buffer.from('{}'));
        await raw.closed();
      }
      expect(one.counters.ended.malformed).to.equal(3);
    });

    it('ends a connection whose other side falls silent', async () => {
      const raw = await speaker();
      await raw.enter();
      await one.told('disconnected', ({ reason, peer }) => reason === 'silent' && peer === 'node 2');
      await raw.closed();
    });

    it('spares the log a flood', async () => {
      const before = one.events.length;
      for (let count = 0; count < 100; count++) {
        const raw = await RawSpeaker.plain(one.address);
        raw.socket.end('GARBAGE ABCDEFGHIJKLMNOP');
        await raw.closed();
      }
      expect(one.counters.refused.tls + one.counters.refused.malformed).to.equal(100);
      expect(one.events.length - before).to.be.below(10);
      expect(one.counters.eventsSuppressed).to.be.above(90);
    });
  });
}

describe('A carrier over TLS among those who are not who they say', () => {
  let world: StreamWorld;
  let one: CarrierPeer;
  beforeEach(async () => {
    world = new StreamWorld('tls');
    one = await (await world.make({ node: 1 })).open();
  });
  afterEach(() => world.end());

  it('refuses who shows no certificate, and tells him', async () => {
    const raw = await RawSpeaker.tls(one.address);
    expect(await raw.greeting()).to.include({ reason: 'certificate', detail: 'It shows no certificate.' });
    await raw.closed();
    expect(one.counters.refused.certificate).to.equal(1);
  });

  it('refuses the right certificate with another name', async () => {
    const raw = await RawSpeaker.tls(one.address, await filesOf(2));
    raw.hello({ from: 'conclave://shop/node/3' });
    expect(await raw.greeting()).to.include({ reason: 'name' });
    const refused = await one.told('refused');
    expect(refused).to.include({ byUs: true, reason: 'name', peer: 'node 2' });
    expect(refused.detail).to.match(/says it is conclave:\/\/shop\/node\/3, and it is known to be .*node\/2/);
  });

  it('refuses a client at the door of the nodes', async () => {
    const files = certificateFiles(join(await sharedCertificates(), 'shop'), {
      kind: 'client',
      cluster: 'shop',
      role: 'writer',
      name: 'web',
    });
    const raw = await RawSpeaker.tls(one.address, files);
    raw.hello({ from: 'conclave://shop/client/writer/web' });
    expect(await raw.greeting()).to.include({ reason: 'kind' });
  });

  it('gives no ticket by which one could come back without showing a certificate again', async () => {
    const { host, port } = parseAddress(one.address);
    const first = connectTls({ host, port, rejectUnauthorized: false });
    const sessions: Buffer[] = [];
    first.on('session', (session) => sessions.push(session));
    first.on('error', () => {});
    await once(first, 'secureConnect');
    first.resume();
    await once(first, 'close');
    for (const session of sessions) {
      const again = connectTls({ host, port, rejectUnauthorized: false, session });
      again.on('error', () => {});
      await once(again, 'secureConnect');
      expect(again.isSessionReused()).to.equal(false);
      again.destroy();
    }
  });
});

describe('A carrier over plain TCP', () => {
  it('does not take the recording of a connection for its author', async () => {
    const world = new StreamWorld('tcp');
    const one = await (await world.make({ node: 1 })).open();
    const two = await (await world.make({ node: 2 })).open();
    const recorded = world.cableTo(one).record();
    await world.introduce(two, one, 1);
    await two.reach(one, 1, 'transfer a million');
    await two.close();
    one.arrivals.length = 0;
    for (const bytes of recorded()) {
      const raw = await RawSpeaker.plain(one.address);
      raw.socket.write(bytes);
      await raw.closed();
    }
    expect(one.texts).to.deep.equal([]);
    expect(one.counters.refused.malformed).to.be.at.least(1);
    await world.end();
  });
});
