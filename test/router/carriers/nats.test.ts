import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from '@nats-io/transport-node';
import { expect } from 'chai';
import type { ClientGuest } from '../../../src/router/carriers/carrier.js';
import { parsePart, partsOf } from '../../../src/router/carriers/nats/parts.js';
import { protocolVersions } from '../../../src/router/carriers/options.js';
import { certificateFiles } from '../../../src/server/development-certificates.js';
import { Cable } from './cable.js';
import { briskLimits, type CarrierPeer } from './carrier-peer.js';
import { Caller, itServesClients, till } from './client-conformance.js';
import { itCarries } from './conformance.js';
import { needNatsServer } from './nats-server.js';
import { NatsWorld } from './nats-world.js';
import { sharedCertificates } from './stream-world.js';

describe('On a NATS server', () => {
  before(function () {
    needNatsServer(this);
  });

  itCarries('NATS', () => NatsWorld.start());
  itCarries('NATS with a small max_payload', () => NatsWorld.start('max_payload: 4000'));
  itServesClients('NATS', () => NatsWorld.start());
  itServesClients('NATS with a small max_payload', () => NatsWorld.start('max_payload: 4000'));

  describe('a carrier', () => {
    let world: NatsWorld;
    afterEach(() => world.end());

    async function pair(...more: Parameters<NatsWorld['make']>[1][]): Promise<[CarrierPeer, CarrierPeer]> {
      const [one, two] = [await world.make({ node: 1 }, more[0]), await world.make({ node: 2 }, more[1])];
      one.carrier.setRemote(2, []);
      two.carrier.setRemote(1, []);
      await Promise.all([one.open(), two.open()]);
      return [one, two];
    }

    it('survives the death of the bus', async () => {
      world = await NatsWorld.start();
      const [one, two] = await pair();
      await one.reach(two, 2, 'before');
      await world.server.kill();
      await one.told('busLost');
      await one.until('no way', () => one.counters.connectionsOpen === 0);
      for (let number = 0; number < 5000; number++) one.send(2, String(number));
      expect(one.remote(2)).to.include({ framesWaiting: 4096, overflowed: 904 });
      await world.server.start();
      await two.until('the newest', () => two.texts.includes('4999'), 20_000);
      await two.reach(one, 1, 'after');
      expect(two.texts.slice(-4096)).to.deep.equal(Array.from({ length: 4096 }, (_, at) => String(904 + at)));
    });

    it('ends the lines of its clients when its process is gone, which the NATS server tells them', async () => {
      world = await NatsWorld.start();
      const cable = await Cable.to(world.server.address);
      const guests: ClientGuest[] = [];
      const limits = { ...briskLimits, silenceMsMax: 600_000 };
      const node = await world.make(
        { node: 1, limits },
        { servers: [cable.address], clients: true },
        (guest) => guests.push(guest),
      );
      await node.open();
      const client = new Caller(world.client(till, { limits }));
      await client.carrier.open();
      client.line(1, []);
      await node.until('it was let in', () => guests.length === 1);
      cable.cut();
      await node.until('the client heard so', () => client.told.includes('1 ended'));
      await client.carrier.close();
      await cable.close();
    });

    it('takes a client that lost the bus for another than it was, with nothing of before to be missed', async () => {
      world = await NatsWorld.start();
      const cable = await Cable.to(world.server.address);
      const guests: ClientGuest[] = [];
      const limits = { ...briskLimits, silenceMsMax: 600_000 };
      const admit = (guest: ClientGuest) => {
        guests.push(guest);
        guest.heard = (frame) => guest.send(frame);
      };
      const node = await world.make({ node: 1, limits }, { clients: true }, admit);
      await node.open();
      const client = new Caller(world.client(till, { limits, servers: [cable.address] }));
      await client.carrier.open();
      const line = client.line(1, []);
      await node.until('it was told the members', () => client.members.includes(1));
      cable.cut();
      await node.until('the client heard so', () => client.told.includes('1 ended'));
      cable.mend();
      await node.until('it came again', () => guests.length === 2);
      line.send(Buffer.from('\u0001anew'));
      await node.until('an answer', () => client.heard.length === 1);
      expect(client.told).to.deep.equal(['1 open', '1 ended', '1 open']);
      await client.carrier.close();
      await cable.close();
    });

    it('shows its clients that something was lost under way, and has them begin anew', async () => {
      world = await NatsWorld.start();
      const heard: string[] = [];
      let come = 0;
      const node = await world.serve(1, (guest) => {
        come++;
        guest.heard = (frame) => heard.push(Buffer.from(frame).toString());
      });
      const client = new Caller(world.client(till));
      await client.carrier.open();
      const line = client.line(1, []);
      await node.until('it was let in', () => come === 1);
      // Whoever may publish in its name takes the next number away from it, as if its next word had been lost.
      const enemy = await connect({ servers: world.server.address });
      const asks: Uint8Array[] = [];
      const at = 'conclave.shop.1.writer-till.ask.*';
      let subject = '';
      enemy.subscribe(at, {
        callback: (_, message) => {
          subject = message.subject;
          asks.push(message.data.slice());
        },
      });
      await enemy.flush();
      line.send(Buffer.from('one'));
      await node.until('it', () => heard.length === 1 && asks.length === 1);
      const token = parsePart(asks[0]!)!.token;
      const [later] = partsOf(Buffer.from('three'), token, () => 3, 1000);
      enemy.publish(subject, later);
      await node.until('it came again', () => come === 2);
      expect(client.told).to.include('1 ended');
      expect(heard).to.deep.equal(['one']);
      line.send(Buffer.from('anew'));
      await node.until('what it said then', () => heard.length === 2);
      expect(heard).to.deep.equal(['one', 'anew']);
      await enemy.close();
      await client.carrier.close();
    });

    it('waits for a bus that is not there yet', async () => {
      world = await NatsWorld.start();
      await world.server.kill();
      const [one, two] = await pair();
      expect(await one.told('busLost'))
        .to.have.property('detail')
        .that.matches(/\w/);
      await world.server.start();
      await one.reach(two, 2, 'at last');
    });

    it('speaks in its own name only, where the server is configured as docs/network.md says', async () => {
      const page = await readFile(new URL('../../../../docs/network.md', import.meta.url), 'utf8');
      const [, settings] = /<!-- used by [^>]* -->\s+```\n([^`]*)```/.exec(page) ?? [];
      world = await NatsWorld.start(settings);
      const [one, two] = await pair({ user: 'node1', pass: 'first' }, { user: 'node2', pass: 'second' });
      await one.reach(two, 2, 'as the server allows');
      await two.reach(one, 1, 'as the server allows');
      const impostor = await world.make({ node: 3 }, { user: 'node2', pass: 'second' });
      impostor.carrier.setRemote(1, []);
      await impostor.open();
      expect((await impostor.told('busError')).detail).to.match(/permissions violation/i);
      impostor.send(1, 'I am three');
      await two.reach(one, 1, 'once more');
      expect(one.arrivals.filter(({ from }) => from.node === 3)).to.have.length(0);
      expect(impostor.counters.connectionsOpen).to.equal(0);
      const guess = await world.make({ node: 1 }, { user: 'node1', pass: 'wrong' });
      await guess.open();
      expect((await guess.told('busLost')).detail).to.match(/authorization/i);
    });

    it('reaches the server over TLS, and shows it a certificate', async () => {
      const directory = join(await sharedCertificates(), 'shop');
      const self = { kind: 'node', cluster: 'shop', node: 1 } as const;
      const { authority, certificate, key } = certificateFiles(directory, self);
      world = await NatsWorld.start(
        `tls { cert_file: "${certificate}", key_file: "${key}", ca_file: "${authority}", verify: true }`,
      );
      const tls = { caFile: authority, certFile: certificate, keyFile: key };
      const [one, two] = await pair({ tls }, { tls });
      await one.reach(two, 2, 'under way unread');
      const stranger = await world.make({ node: 3 }, { tls: { caFile: authority } });
      await stranger.open();
      await stranger.told('busLost');
    });

    it('takes no harm from what anybody may publish', async () => {
      world = await NatsWorld.start();
      const [one, two] = await pair();
      await two.reach(one, 1, 'before');
      const recorded: Uint8Array[] = [];
      await one.until('two', () => one.counters.connectionsOpen === 1);
      const enemy = await connect({ servers: world.server.address });
      enemy.subscribe('conclave.shop.1.2.control', {
        callback: (_, { data }) => void recorded.push(data.slice()),
      });
      await enemy.flush();
      await two.reach(one, 1, 'transfer a million');
      one.arrivals.length = 0;
      const lost = one.counters.partsLost;
      const replayed = [...recorded];
      for (const data of replayed) enemy.publish('conclave.shop.1.2.control', data);
      for (const data of [
        new Uint8Array(0),
        new Uint8Array(19),
        Buffer.alloc(500, 255),
        Buffer.from('{"greeting":1}'),
      ]) {
        for (const lane of ['greet', 'control', 'bulk', 'other'])
          enemy.publish(`conclave.shop.1.2.${lane}`, data);
      }
      const [forged] = partsOf(Buffer.from('forged'), 12345, () => 1_000_000, 1000);
      enemy.publish('conclave.shop.1.2.control', forged);
      const [part] = partsOf(Buffer.alloc(10), 12345, () => 1, 1000);
      const huge = Buffer.from(part!);
      huge.writeUInt32BE(0xffff_ffff, 11);
      enemy.publish('conclave.shop.1.7.bulk', huge);
      enemy.publish('conclave.shop.1.x.bulk', huge);
      await enemy.flush();
      await one.until('all were counted', () => one.counters.partsLost >= lost + replayed.length + 10);
      await two.reach(one, 1, 'after');
      expect(new Set(one.texts)).to.deep.equal(new Set(['after']));
      expect(one.counters.refused.malformed).to.equal(4);
      await enemy.close();
    });

    it('refuses versions, clusters and nodes that do not fit, and tells both logs', async () => {
      world = await NatsWorld.start();
      const two = await world.make({ node: 2 });
      two.carrier.setRemote(1, []);
      const self = { kind: 'node', cluster: 'shop', node: 1 } as const;
      const [, newest] = protocolVersions;
      const versions = [newest + 1, newest + 2] as const;
      const identity = { self, clusterId: null, incarnation: 3, versions };
      const one = await world.make({ node: 1 }, { identity });
      one.carrier.setRemote(2, []);
      await Promise.all([one.open(), two.open()]);
      for (const peer of [one, two]) {
        await peer.told('refused', ({ byUs, reason }) => byUs && reason === 'version');
        await peer.told('refused', ({ byUs, reason }) => !byUs && reason === 'version');
        expect(peer.counters.connectionsOpen).to.equal(0);
      }
    });
  });
});

describe('A carrier over NATS without its package', () => {
  it('says what to install', async () => {
    const hooks = `export function resolve(name, context, next) {
      if (name === '@nats-io/transport-node') throw new Error('Cannot find package');
      return next(name, context);
    }`;
    const program = `
      import { register } from 'node:module';
      register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
      const { createCarrier } = await import(${JSON.stringify(new URL('../../../src/router/carriers/create-carrier.js', import.meta.url).href)});
      const identity = { self: { kind: 'node', cluster: 'shop', node: 1 }, clusterId: null, incarnation: 1 };
      const host = { clock: {}, random: {}, receive() {}, tell() {} };
      await createCarrier({ kind: 'nats', identity, servers: ['127.0.0.1:1'] }, host).open().catch(({ code, message }) => {
        console.log(code, message);
      });`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    expect(stdout).to.match(/^MISSING_PACKAGE .*npm install @nats-io\/transport-node/);
  });
});
