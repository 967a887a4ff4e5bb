import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { register } from 'prom-client';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { InvalidOptionError } from '../../src/ground/errors.js';
import { ListenFailedError } from '../../src/router/carriers/errors.js';
import { Administration, type AdministrationHost } from '../../src/server/administration.js';
import { certificateFiles } from '../../src/server/development-certificates.js';
import { RaftServer } from '../../src/server/raft-server.js';
import { readMetrics } from '../cluster/read-metrics.js';
import { sharedCertificates } from '../router/carriers/stream-world.js';
import { ServerWorld } from './server-world.js';

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** @param address `host:port` */
function ask(address: string, path: string, { method = 'GET', headers = {} } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(`http://${address}${path}`, { method, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    asking.on('error', reject).end();
  });
}

describe('The administration address', () => {
  let administration: Administration;
  let ailment: () => Promise<string | null>;
  let unready: string | null;
  let metrics: () => Promise<string>;
  const sockets: Socket[] = [];

  const host: AdministrationHost = {
    ailment: () => ailment(),
    unready: async () => unready,
    metrics: () => metrics(),
  };

  beforeEach(async () => {
    ailment = async () => null;
    unready = null;
    metrics = async () => '# TYPE a gauge\na 1\n';
    administration = await Administration.open('127.0.0.1:0', host);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await administration.close();
  });

  const see = (path: string, options?: Parameters<typeof ask>[2]) =>
    ask(administration.address, path, options);

  it('says whether the process lives, whether it serves, and why not', async () => {
    expect(await see('/livez')).to.deep.equal({ status: 200, text: 'ok\n' });
    expect(await see('/readyz?verbose')).to.deep.equal({ status: 200, text: 'ok\n' });
    ailment = async () => 'The thread does not answer.';
    unready = 'It knows no leader.';
    expect(await see('/livez')).to.deep.equal({ status: 503, text: 'The thread does not answer.\n' });
    expect(await see('/readyz')).to.deep.equal({ status: 503, text: 'It knows no leader.\n' });
    expect(await see('/readyz', { method: 'HEAD' })).to.deep.equal({ status: 503, text: '' });
  });

  it('tells the metrics, and those of the process, with nothing in the global registry', async () => {
    const found = readMetrics((await see('/metrics')).text);
    expect(found.value('a')).to.equal(1);
    expect(found.types.get('process_resident_memory_bytes')).to.equal('gauge');
    expect(register.getMetricsAsArray()).to.deep.equal([]);
    metrics = async () => {
      throw new Error('The node does not answer.');
    };
    expect(await see('/metrics')).to.deep.equal({ status: 503, text: 'The node does not answer.\n' });
  });

  it('makes one text for all who ask for it at one time', async () => {
    let made = 0;
    let release = () => {};
    const waited = new Promise<void>((resolve) => {
      release = resolve;
    });
    metrics = async () => {
      made++;
      await waited;
      return 'a 1\n';
    };
    const answers = Array.from({ length: 10 }, () => see('/metrics'));
    while (made === 0) await see('/livez');
    release();
    for (const { status } of await Promise.all(answers)) expect(status).to.equal(200);
    expect(made).to.be.below(10);
  });

  it('takes no command, has nothing else, and answers to no other name on this machine', async () => {
    expect((await see('/livez', { method: 'POST' })).status).to.equal(405);
    expect((await see('/api/command')).status).to.equal(404);
    expect((await see('/metrics', { headers: { Host: 'evil.example' } })).status).to.equal(403);
    expect((await see('/metrics', { headers: { Host: 'localhost:1' } })).status).to.equal(200);
    expect((await see(`/livez?${'a'.repeat(20_000)}`)).status).to.equal(431);
  });

  it('answers a probe among any number of connections that ask nothing', async () => {
    const [, port] = administration.address.split(':');
    for (let round = 0; round < 4; round++) {
      const idle = Array.from({ length: 100 }, () =>
        connect(Number(port), '127.0.0.1').on('error', () => {}),
      );
      sockets.push(...idle);
      await Promise.all(idle.map((socket) => once(socket, 'connect')));
      expect((await see('/livez')).status).to.equal(200);
    }
  });

  it('cannot be where another listens, nor at what is no address', async () => {
    await Administration.open(administration.address, host).then(
      () => expect.fail('The address is taken.'),
      (error) => expect(error).to.be.instanceOf(ListenFailedError),
    );
    const options = { id: 1, data: '/tmp/never', listen: '127.0.0.1:0', administration: 'here' };
    await RaftServer.start(options).then(
      () => expect.fail('It is no address.'),
      (error) => expect(error).to.be.instanceOf(InvalidOptionError),
    );
  });
});

describe('The administration address of a server', function () {
  this.timeout(60_000);
  let world: ServerWorld;
  beforeEach(async () => {
    world = await ServerWorld.of([1, 2, 3]);
  });
  afterEach(() => world.end());

  it('says that a process without a quorum lives and does not serve, until there is one', async () => {
    const first = await world.start(1, { administration: 0 });
    const address = first.administrationAddress ?? '';
    expect(address).to.match(/^127\.0\.0\.1:\d+$/);
    expect((await ask(address, '/livez')).status).to.equal(200);
    expect((await ask(address, '/readyz')).text).to.match(/^It waits for all other members/);
    const second = await world.start(2, { administration: 0 });
    await world.start(3);
    await world.ready();
    for (const server of [first, second]) {
      expect((await ask(server.administrationAddress ?? '', '/readyz')).status).to.equal(200);
    }
    await new KeyValueClient(second).put('a', 'b');
    const found = readMetrics((await ask(address, '/metrics')).text);
    expect(found.value('conclave_node_up', 'node="1"')).to.equal(1);
    expect(found.value('conclave_peer_frames_total', 'peer="2"', 'fate="sent"')).to.be.at.least(1);
    expect(found.value('conclave_connections_open', 'node="1"')).to.be.at.least(1);
    await world.stop(2);
    await ask(second.address, '/livez').then(
      () => expect.fail('It has ended.'),
      () => {},
    );
  });

  it('tells when the certificate ends', async () => {
    const directory = join(await sharedCertificates(), 'shop');
    const tls = certificateFiles(directory, { kind: 'node', cluster: 'shop', node: 1 });
    const server = await world.start(1, { tls });
    const found = readMetrics(await server.metrics());
    const inDays =
      found.value('conclave_certificate_expiry_timestamp_seconds') / 86_400 - Date.now() / 86_400_000;
    expect(inDays).to.be.within(1, 31);
  });
});
