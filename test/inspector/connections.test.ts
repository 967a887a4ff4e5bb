import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { InspectorServer } from '../../src/inspector/server/inspector-server.js';
import { HttpConnections } from '../../src/server/http-connections.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';
import { QuietCluster } from './quiet-cluster.js';
import { ask, authorization, Watcher } from './server-clients.js';

/*
 * The inspector shares the process with the log: nine hundred connections that asked nothing once took all the files
 * that the process may open, and nodes died for want of one.
 */
describe("the inspector's connections", () => {
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  function open(port: number, localAddress = '127.0.0.1'): Socket {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    socket.on('error', () => {});
    sockets.push(socket);
    return socket;
  }

  /** Opens so many that ask nothing, and waits until the server has met them all. */
  async function idle(port: number, count: number): Promise<Socket[]> {
    const opened = Array.from({ length: count }, () => open(port));
    await Promise.all(opened.map((socket) => once(socket, 'connect')));
    return opened;
  }

  const isOpen = (socket: Socket) => !socket.destroyed;

  describe('of a server', () => {
    let cluster: QuietCluster;
    let server: InspectorServer;
    let port: number;

    beforeEach(async () => {
      cluster = new QuietCluster();
      server = await InspectorServer.start(cluster, async () => ({ ok: true, lines: [] }), { port: 0 });
      port = Number(new URL(server.url).port);
    });
    afterEach(() => server.close());

    it('are few, and whoever has the token finds room among any number of others', async () => {
      const watcher = await Watcher.open(server);
      await watcher.heard(/event: steps/);
      const crowd: Socket[] = [];
      for (let round = 0; round < 9; round++) {
        crowd.push(...(await idle(port, 100)));
        const { status } = await ask(server, 'GET', '/api/log?node=1&from=1&to=1');
        expect(status).to.equal(200);
      }
      // All from one address: half of what there may be, and the watcher is one of them.
      expect(crowd.filter(isOpen)).to.have.length.below(64);
      expect(cluster.watchers.size).to.equal(1);
      cluster.events.emit('nodeCrashed', { id: 2 });
      await watcher.heard(/node 2 crashed/);
      watcher.close();
    });

    it('are closed in seconds when they ask nothing, or never come to an end of it', async () => {
      const [silent, slow, sender] = (await idle(port, 3)) as [Socket, Socket, Socket];
      slow.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-');
      const dripping = setInterval(() => slow.write('x'), 200);
      sender.write(
        `POST /api/command HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${authorization(server)}\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{`,
      );
      const beganMs = performance.now();
      for (const socket of [silent, slow, sender]) socket.resume();
      await Promise.all([silent, slow, sender].map((socket) => once(socket, 'close')));
      clearInterval(dripping);
      expect(performance.now() - beganMs).to.be.below(14_000);
    }).timeout(30_000);
  });

  describe('where few files may be open', () => {
    let http: Server;
    let port: number;

    beforeEach(async () => {
      http = createServer(() => {});
      new HttpConnections(http, 320);
      http.listen(0, '127.0.0.1');
      await once(http, 'listening');
      ({ port } = http.address() as AddressInfo);
    });
    afterEach(() => http.close());

    it('are fewer, one address having half of them at most', async () => {
      await idle(port, 60);
      await untilOpen(20);
      const far = Array.from({ length: 60 }, (_, at) => open(port, `127.0.0.${2 + (at % 10)}`));
      await Promise.all(far.map((socket) => once(socket, 'connect')));
      await untilOpen(40);
    });

    /** Waits until the server has met all that knocked, and so many are left. */
    async function untilOpen(count: number): Promise<void> {
      const connections = promisify(http.getConnections.bind(http));
      while ((await connections()) !== count) await turn();
    }
  });

  it('take no node its files', async function () {
    if (process.platform === 'win32') this.skip();
    const directory = temporaryDirectory();
    const program = `
      import { RaftCluster, inspect, KeyValueClient } from ${JSON.stringify(new URL('../../src/index.js', import.meta.url).href)};
      const cluster = await RaftCluster.start({ nodes: 3, storage: { kind: 'disk', directory: ${JSON.stringify(directory)}, segmentBytes: 4096 } });
      const inspector = await inspect(cluster, { port: 0 });
      const store = new KeyValueClient(cluster);
      await store.put('colour', 'blue');
      cluster.events.on('nodeDied', ({ id, error }) => console.log('died ' + id + ' ' + error.message));
      console.log(inspector.url);
      for await (const _ of process.stdin) break;
      for (const id of cluster.ids) { await cluster.crash(id); await cluster.restart(id); await cluster.waitForLeader(); }
      // Longer than a segment: each node makes new ones.
      for (let round = 0; round < 20; round++) await store.put('colour', 'x'.repeat(1000));
      console.log('served');
      await cluster.close();`;
    const child = spawn(
      'sh',
      ['-c', 'ulimit -n 128 && exec "$0" --input-type=module -e "$1"', process.execPath, program],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const { value: url } = await lines.next();
      await idle(Number(new URL(url).port), 300);
      child.stdin.end('go\n');
      expect((await lines.next()).value).to.equal('served');
      expect(await once(child, 'exit')).to.deep.equal([0, null]);
    } finally {
      child.kill('SIGKILL');
      removeDirectory(directory);
    }
  }).timeout(60_000);
});
