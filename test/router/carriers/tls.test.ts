import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SystemClock } from '../../../src/ground/clock.js';
import { Random } from '../../../src/ground/random.js';
import { parseAddress } from '../../../src/router/carriers/address.js';
import type { ClientGuest } from '../../../src/router/carriers/carrier.js';
import { emptyRemoteTally } from '../../../src/router/carriers/counters.js';
import { CredentialsError, ListenFailedError } from '../../../src/router/carriers/errors.js';
import { judgeHello } from '../../../src/router/carriers/handshake.js';
import { lanes, type Way } from '../../../src/router/carriers/lane.js';
import { protocolVersions, type TlsOptions } from '../../../src/router/carriers/options.js';
import { type Party, partyText, partyUri } from '../../../src/router/carriers/party.js';
import { DialedLine } from '../../../src/router/carriers/stream/dialed-line.js';
import { streamParts } from '../../../src/router/carriers/stream/stream-parts.js';
import {
  certificateFiles,
  type DevelopmentAuthority,
  makeAuthority,
  makeCertificate,
} from '../../../src/server/development-certificates.js';
import { briskLimits, CarrierPeer } from './carrier-peer.js';
import { StreamWorld, sharedCertificates } from './stream-world.js';

const node = (id: number, cluster = 'shop'): Party => ({ kind: 'node', cluster, node: id });
const day = 86_400_000;

describe('A carrier over TLS', () => {
  let world: StreamWorld;
  let directory: string;
  let authority: DevelopmentAuthority;
  before(async () => {
    authority = await makeAuthority('shop');
  });
  beforeEach(async () => {
    world = new StreamWorld('tls');
    directory = await mkdtemp(join(tmpdir(), 'conclave-tls-'));
  });
  afterEach(async () => {
    await world.end();
    await rm(directory, { recursive: true, force: true });
  });

  /** Writes a certificate of our own making to a directory of its own; `trusted` are the authorities it lets in. */
  async function write(party: Party, signer = authority, trusted = [authority], validity = {}, name = 'it') {
    const { certificate, key } = await makeCertificate(signer, party, validity);
    const file = (what: string) => join(directory, `${name}-${what}.pem`);
    await writeFile(file('authority'), trusted.map((each) => each.certificate).join('\n'));
    await writeFile(file('certificate'), certificate);
    await writeFile(file('key'), key);
    return { authority: file('authority'), certificate: file('certificate'), key: file('key'), checkMs: 0 };
  }

  async function withCredentials(
    wanted: Parameters<StreamWorld['make']>[0],
    credentials: TlsOptions['credentials'],
  ): Promise<CarrierPeer> {
    const options = (await world.options(wanted)) as TlsOptions;
    return world.take(new CarrierPeer({ ...options, credentials })).open();
  }

  /** Nodes 1 and 2, where 1 dials 2; both let in what the test's authority has signed. */
  async function bothRefuse(two: CarrierPeer, reason: string, detail: RegExp): Promise<void> {
    const credentials = await write(node(1), authority, [authority], {}, 'one');
    const one = await withCredentials({ node: 1 }, credentials);
    one.carrier.setRemote(2, [two.address]);
    const [here, there] = await Promise.all([
      one.told('refused', (event) => event.reason === reason),
      two.told('refused', (event) => event.reason === reason),
    ]);
    expect(here.byUs, 'one of the two refuses').to.not.equal(there.byUs);
    for (const { detail: told } of [here, there]) expect(told).to.match(detail);
    expect(two.arrivals).to.have.length(0);
    await one.close();
  }

  it('refuses a certificate of another authority, and both logs say so', async () => {
    const other = await makeAuthority('shop');
    const credentials = await write(node(2), other, [authority, other]);
    await bothRefuse(await withCredentials({ node: 2 }, credentials), 'certificate', /not good here/);
  });

  it('refuses an expired certificate', async () => {
    const validity = { fromMs: Date.now() - 2 * day, toMs: Date.now() - day };
    const credentials = await write(node(2), authority, [authority], validity);
    await bothRefuse(await withCredentials({ node: 2 }, credentials), 'certificate', /CERT_HAS_EXPIRED/);
  });

  it('refuses a dialer whose certificate has expired', async () => {
    const validity = { fromMs: Date.now() - 2 * day, toMs: Date.now() - day };
    const one = await withCredentials({ node: 1 }, await write(node(1)));
    const two = await withCredentials(
      { node: 2 },
      await write(node(2), authority, [authority], validity, 'two'),
    );
    two.carrier.setRemote(1, [one.address]);
    expect((await one.told('refused')).detail).to.match(/CERT_HAS_EXPIRED/);
    expect(await two.told('refused')).to.include({ byUs: false, reason: 'certificate' });
  });

  it('refuses a node of another cluster though one authority signed for both', async () => {
    const credentials = await write(node(2, 'bank'));
    const two = await withCredentials({ node: 2, cluster: 'bank' }, credentials);
    await bothRefuse(two, 'cluster', /cluster bank.*cluster shop|cluster shop.*cluster bank/);
  });

  it('refuses another node than the one it dialed', async () => {
    const three = await withCredentials({ node: 3 }, await write(node(3)));
    await bothRefuse(three, 'node', /Here is node 3, not node 2/);
  });

  it('refuses whose protocol versions have nothing in common with its own', async () => {
    const credentials = await write(node(2));
    const options = (await world.options({ node: 2 })) as TlsOptions;
    const [, newest] = protocolVersions;
    const versions = [newest + 1, newest + 2] as const;
    const identity = { ...options.identity, versions };
    const two = await world.take(new CarrierPeer({ ...options, identity, credentials })).open();
    const [oldest] = protocolVersions;
    const words = `speaks versions ${oldest} to ${newest}, and ${versions[0]} to ${versions[1]} are spoken here`;
    await bothRefuse(two, 'version', new RegExp(words));
  });

  it('chooses the highest version that both speak', async () => {
    const peers = [];
    for (const [id, versions] of [
      [1, [1, 3]],
      [2, [2, 5]],
    ] as const) {
      const options = (await world.options({ node: id })) as TlsOptions;
      const identity = { ...options.identity, versions };
      peers.push(await world.take(new CarrierPeer({ ...options, identity })).open());
    }
    const [one, two] = peers as [CarrierPeer, CarrierPeer];
    one.carrier.setRemote(2, [two.address]);
    expect((await one.told('connected')).version).to.equal(3);
    expect((await two.told('connected')).version).to.equal(3);
  });

  describe('with new certificates', () => {
    it('reads them without a restart, renews every connection, and loses nothing', async () => {
      const [one, two] = await Promise.all([
        withCredentials({ node: 1 }, await write(node(1), authority, [authority], {}, 'one')),
        withCredentials({ node: 2 }, await write(node(2), authority, [authority], {}, 'two')),
      ]);
      one.carrier.setRemote(2, [two.address]);
      two.carrier.setRemote(1, [one.address]);
      await one.reach(two, 2, 'begin');
      await two.reach(one, 1, 'begin');
      two.arrivals.length = 0;
      let sent = 0;
      const sending = setInterval(() => {
        for (let count = 0; count < 10; count++) one.send(2, String(sent++));
      }, 1);
      for (let round = 0; round < 3; round++) {
        const before = one.remote(2).connections;
        await write(node(1), authority, [authority], {}, 'one');
        await write(node(2), authority, [authority], {}, 'two');
        await Promise.all([one.carrier.reload(), two.carrier.reload()]);
        await one.until('both lanes anew', () => one.remote(2).connections >= before + 2);
      }
      clearInterval(sending);
      await two.heard(sent);
      expect(two.texts).to.deep.equal(Array.from({ length: sent }, (_, number) => String(number)));
      expect(one.counters.ended.renewed).to.be.at.least(6);
      expect(one.events.filter(({ type }) => type === 'reloaded')).to.have.length(3);
    });

    it('lets nobody stay whom the new authority does not know', async () => {
      const next = await makeAuthority('shop');
      const [one, two] = await Promise.all([
        withCredentials({ node: 1 }, await write(node(1), authority, [authority, next], {}, 'one')),
        withCredentials({ node: 2 }, await write(node(2), authority, [authority, next], {}, 'two')),
      ]);
      two.carrier.setRemote(1, [one.address]);
      await two.reach(one, 1, 'with the old one');
      await write(node(1), next, [next], {}, 'one');
      await one.carrier.reload();
      await one.told('refused', ({ reason }) => reason === 'certificate');
      await one.until('none', () => one.counters.connectionsOpen === 0);
      await write(node(2), next, [next], {}, 'two');
      await two.carrier.reload();
      await two.reach(one, 1, 'with the new one');
    });

    it('keeps what it has when the new ones are no good, and says what is wrong', async () => {
      const [one, two] = await Promise.all([
        withCredentials({ node: 1 }, await write(node(1), authority, [authority], {}, 'one')),
        withCredentials({ node: 2 }, await write(node(2), authority, [authority], {}, 'two')),
      ]);
      const reload = () => one.carrier.reload().then(String, (error: unknown) => error as CredentialsError);
      await copyFile(join(directory, 'two-key.pem'), join(directory, 'one-key.pem'));
      expect(await reload()).to.be.instanceOf(CredentialsError);
      await write(node(7), authority, [authority], {}, 'one');
      expect(((await reload()) as CredentialsError).message).to.match(/names conclave:\/\/shop\/node\/7/);
      await rm(join(directory, 'one-certificate.pem'));
      expect(((await reload()) as CredentialsError).message).to.match(/cannot be read: ENOENT/);
      await writeFile(join(directory, 'one-certificate.pem'), 'nonsense');
      expect(((await reload()) as CredentialsError).message).to.match(/holds no certificate/);
      expect(one.events.filter(({ type }) => type === 'reloadFailed').length).to.be.at.least(3);
      one.carrier.setRemote(2, [two.address]);
      await one.reach(two, 2, 'with what it had');
    });

    it('notices by itself that the files have changed', async () => {
      const credentials = await write(node(1), authority, [authority], {}, 'one');
      const one = await withCredentials({ node: 1 }, { ...credentials, checkMs: 50 });
      await write(node(1), authority, [authority], {}, 'one');
      await one.told('reloaded');
    });

    it('lets what is half written out arrive before it renews a connection', async () => {
      const [one, two] = (await Promise.all(
        [1, 2].map(async (id) => {
          const credentials = await write(node(id), authority, [authority], {}, String(id));
          const limits = { silenceMsMax: 10_000, handshakeMsMax: 10_000 };
          const options = (await world.options({ node: id, limits })) as TlsOptions;
          return world.takeBehindCable({ ...options, credentials });
        }),
      )) as [CarrierPeer, CarrierPeer];
      await world.introduce(one, two, 2);
      await one.until('both lanes', () => one.remote(2).connections === 2);
      world.stall();
      for (let number = 0; number < 12; number++)
        one.carrier.send(2, 'bulk', Buffer.alloc(3_000_000, number));
      await one.until('some are under way', () => one.remote(2).framesSent > 0);
      expect(one.remote(2).framesWaiting).to.be.above(0);
      await write(node(1), authority, [authority], {}, '1');
      await one.carrier.reload();
      await new Promise((resolve) => setTimeout(resolve, 300));
      world.flow();
      const arrivals = await two.heard(12);
      expect(arrivals.map(({ frame }) => frame[0])).to.deep.equal(Array.from({ length: 12 }, (_, at) => at));
      expect(one.counters.ended.renewed).to.be.at.least(1);
    });

    for (const [who, one, two] of [
      ['dialer', { connectionMsMax: 300 }, {}],
      ['acceptor', {}, { connectionMsMax: 300 }],
    ] as const) {
      it(`makes every connection anew before it is too old for the ${who}`, async () => {
        const dialer = await (await world.make({ node: 1, limits: one })).open();
        const acceptor = await (await world.make({ node: 2, limits: two })).open();
        await world.introduce(dialer, acceptor, 2);
        await dialer.until('a few', () => dialer.remote(2).connections >= 6);
        expect(dialer.counters.ended.renewed).to.be.at.least(4);
        expect(dialer.counters.ended.closed).to.equal(0);
      });
    }
  });

  it('learns from a node where it is, and who is at an address', async () => {
    const [one, two, three] = (await Promise.all(
      [1, 2, 3].map(async (id) => (await world.make({ node: id })).open()),
    )) as [CarrierPeer, CarrierPeer, CarrierPeer];
    // Two and three know an address and no node; one and two have never heard of each other.
    three.carrier.introduce(world.cableTo(one).address);
    three.carrier.introduce(world.cableTo(three).address);
    expect(await three.told('introduced')).to.deep.equal({
      type: 'introduced',
      node: 1,
      address: world.cableTo(one).address,
    });
    await three.reach(one, 1, 'pleased to meet you');
    const { address } = await one.told('advertised', (event) => event.node === 3);
    one.carrier.setRemote(3, [address]);
    await one.reach(three, 3, 'and you');
    // A member that has moved says so itself: one has only a wrong address of two.
    one.carrier.setRemote(2, ['127.0.0.1:1']);
    await world.introduce(two, one, 1);
    await one.reach(two, 2, 'found');
  });

  it('says at its start what is wrong with an address or a certificate', async () => {
    const one = await withCredentials({ node: 1 }, await write(node(1)));
    const options = (await world.options({ node: 1 })) as TlsOptions;
    const open = (change: Partial<TlsOptions>) =>
      new CarrierPeer({ ...options, ...change }).open().then(String, (error: unknown) => error as Error);
    const taken = await open({ listen: one.address });
    expect(taken).to.be.instanceOf(ListenFailedError);
    expect((taken as Error).message).to.match(/Cannot listen at 127\.0\.0\.1:\d+: .*EADDRINUSE/);
    const stranger = await open({ credentials: await write(node(2), authority, [authority], {}, 'two') });
    expect((stranger as Error).message).to.match(/names conclave:\/\/shop\/node\/2.*node\/1 as its only URI/);
    expect(() => new CarrierPeer({ ...options, listen: 'nowhere' })).to.throw(/nowhere is no address/);
  });

  it('lets clients in where it is told to, with their role, tells them who else there is, and answers them', async () => {
    const guests: ClientGuest[] = [];
    const said: string[] = [];
    const options = { ...(await world.options({ node: 1 })), clients: true };
    const one = world.take(
      new CarrierPeer(options, (guest) => {
        guests.push(guest);
        guest.heard = (frame) => {
          said.push(`${partyText(guest.party)}: ${Buffer.from(frame)}`);
          guest.send(Buffer.from('done'));
        };
      }),
    );
    await one.open();
    const web = { kind: 'client', cluster: 'shop', role: 'writer', name: 'web' } as const;
    const certificates = join(await sharedCertificates(), 'shop');
    const parts = streamParts(
      {
        kind: 'tls',
        identity: { self: web, clusterId: null, incarnation: 4 },
        credentials: { ...certificateFiles(certificates, web), checkMs: 0 },
        limits: briskLimits,
      },
      { clock: new SystemClock(), random: new Random(5), tell: () => {} },
    );
    await parts.sockets.open();
    const heard: string[] = [];
    const line = new DialedLine(parts, { to: null, lane: 'client' }, emptyRemoteTally(), {
      opened: () => line.send(Buffer.from('put colour blue')),
      received: (_peer, frame) => heard.push(Buffer.from(frame).toString()),
    });
    line.setAddresses([parseAddress(one.address)]);
    await one.until('an answer', () => heard.length === 2);
    expect(heard).to.deep.equal([`\u0000[[1,["${one.address}"]]]`, 'done']);
    expect(said).to.deep.equal(['client web (writer): put colour blue']);
    one.carrier.setRemote(2, ['127.0.0.1:9']);
    await one.until('the other member', () => heard.at(-1)?.includes('[2,["127.0.0.1:9"]]') === true);
    let isGone = false;
    guests[0]!.ended = () => {
      isGone = true;
    };
    line.end('closed');
    await one.until('its end', () => isGone);
    await line.close();
  });

  it('lets no client in as a node, and none at all unless told to', async () => {
    const web = { kind: 'client', cluster: 'shop', role: 'writer', name: 'web' } as const;
    const identity = { self: node(1), clusterId: null, incarnation: 1 };
    const said = {
      clusterId: null,
      versions: protocolVersions,
      incarnation: 2,
      to: null,
      advertise: null,
    } as const;
    const hello = (lane: Way) =>
      ({ ...said, greeting: 'hello', from: partyUri(web), lane, token: null }) as const;
    expect(judgeHello(hello('control'), identity, web, [...lanes, 'client'])).to.include({ reason: 'kind' });
    expect(judgeHello(hello('client'), identity, web, lanes)).to.include({ reason: 'kind' });
    expect(judgeHello(hello('client'), identity, web, ['client'])).to.deep.include({ party: web });
  });
});

describe('A carrier over plain TCP', () => {
  it('does not leave this machine unless told so by name', async () => {
    const world = new StreamWorld('tcp');
    const options = { ...(await world.options({ node: 1 })), kind: 'tcp' } as const;
    expect(() => new CarrierPeer({ ...options, listen: '0.0.0.0:0' })).to.throw(
      /beyond this machine.*insecurePlainText/,
    );
    expect(() => new CarrierPeer({ ...options, advertise: 'db.example:7001' })).to.throw(
      /beyond this machine/,
    );
    const { carrier } = new CarrierPeer(options);
    for (const address of ['10.1.2.3:7001', 'localhost.example:1', '[2001:db8::1]:7001', '128.0.0.1:1']) {
      expect(() => carrier.setRemote(2, [address]), address).to.throw(/beyond this machine/);
    }
    expect(carrier.send(2, 'control', new Uint8Array(1))).to.equal(false);
    new CarrierPeer({ ...options, listen: '0.0.0.0:0', insecurePlainText: true });
    expect(carrier.protection).to.equal('nothing');
    await carrier.close();
  });
});
