import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { ClosedError, InvalidOptionError } from '../../src/ground/errors.js';
import type { CommandOutcome } from '../../src/inspector/command-outcome.js';
import { recordingFormat, recordingVersion } from '../../src/inspector/recording/format.js';
import { EventStream } from '../../src/inspector/server/event-stream.js';
import { type InspectorOptions, InspectorServer } from '../../src/inspector/server/inspector-server.js';
import type { Observation } from '../../src/node/watch/observation.js';
import { QuietCluster } from './quiet-cluster.js';
import { stateOf } from './recorded.js';
import { ask, authorization, Watcher } from './server-clients.js';

const header = {
  format: recordingFormat,
  version: recordingVersion,
  run: 'quiet',
  startedAt: null,
  nodes: [],
} as const;

describe("the inspector's server", () => {
  let cluster: QuietCluster;
  let server: InspectorServer;
  let lines: string[];

  async function start(options: InspectorOptions = {}): Promise<InspectorServer> {
    const run = async (line: string): Promise<CommandOutcome> => {
      lines.push(line);
      return { ok: true, lines: [`did ${line}`] };
    };
    server = await InspectorServer.start(cluster, run, { port: 0, ...options });
    return server;
  }

  beforeEach(() => {
    cluster = new QuietCluster();
    lines = [];
  });
  afterEach(() => server?.close());

  const json = { 'content-type': 'application/json' };
  const command = (line: unknown, headers: Record<string, string> = json) =>
    ask(server, 'POST', '/api/command', headers, JSON.stringify(line));

  it('serves the page to this machine, and nothing but the page’s own files', async () => {
    await start();
    expect((await ask(server, 'GET', '/')).body).to.include('<title>Conclave</title>');
    expect((await ask(server, 'GET', '/page/main.js')).status).to.equal(200);
    expect((await ask(server, 'GET', '/vendor/uplot.js')).status).to.equal(200);
    for (const path of [
      '/page/../server/access.js',
      '/page/%2e%2e/server/access.js',
      '/package.json',
      '/page/',
      '/server/access.js',
    ]) {
      expect((await ask(server, 'GET', path)).status, path).to.equal(404);
    }
  });

  it('allows the page its own scripts only, and to talk to nobody else', async () => {
    await start();
    const policy = (await ask(server, 'GET', '/')).headers['content-security-policy'];
    expect(policy).to.include("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'");
  });

  it('carries out a line and answers what came of it', async () => {
    await start();
    const { status, body } = await command({ line: 'crash 1' });
    expect({ status, body: JSON.parse(body) }).to.deep.equal({
      status: 200,
      body: { ok: true, lines: ['did crash 1'] },
    });
  });

  it('is led to by other sites, and shown within none', async () => {
    await start();
    const link = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    const frame = { ...link, 'sec-fetch-dest': 'iframe' };
    const statusOf = async (path: string, headers: Record<string, string>) =>
      (await ask(server, 'GET', path, headers)).status;
    expect(await statusOf('/', link)).to.equal(200);
    for (const path of ['/page/main.js', '/charts/node.svg', '/api/events', '/api/log?node=1&from=1&to=1']) {
      expect(await statusOf(path, link), path).to.equal(403);
      expect(await statusOf(path, frame), path).to.equal(403);
      expect(await statusOf(path, { ...frame, 'sec-fetch-site': 'same-origin' }), path).to.equal(403);
    }
    expect(await statusOf('/', frame)).to.equal(403);
    const { headers } = await ask(server, 'GET', '/');
    expect(headers).to.include({ 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' });
    expect(headers['content-security-policy']).to.include("frame-ancestors 'none'");
  });

  it('refuses what comes from another site, or under a name that is not its own', async () => {
    await start();
    const { port } = new URL(server.url);
    const foreign: Record<string, string>[] = [
      { ...json, origin: 'http://elsewhere.example' },
      { ...json, origin: `http://127.0.0.1:${Number(port) + 1}` },
      { ...json, origin: 'null' },
      { ...json, 'sec-fetch-site': 'cross-site' },
      { ...json, host: 'elsewhere.example' },
      { ...json, host: `elsewhere.example:${port}` },
    ];
    for (const headers of foreign) {
      expect((await command({ line: 'crash 1' }, headers)).status, JSON.stringify(headers)).to.equal(403);
      const { 'content-type': _, ...get } = headers;
      expect((await ask(server, 'GET', '/api/events', get)).status, JSON.stringify(get)).to.equal(403);
    }
    expect(lines).to.deep.equal([]);
    for (const headers of [
      { ...json, origin: new URL(server.url).origin },
      { ...json, host: `localhost:${port}` },
      // As a tunnel leads here.
      { ...json, host: 'localhost:8080', origin: 'http://localhost:8080' },
    ]) {
      expect((await command({ line: 'status' }, headers)).status).to.equal(200);
    }
  });

  it('gives up a command whose asker is gone, and no other', async () => {
    const askers: AbortSignal[] = [];
    let begun = () => {};
    server = await InspectorServer.start(
      cluster,
      (_, asker) => {
        askers.push(asker);
        begun();
        return new Promise((resolve) => {
          asker.onabort = () => resolve({ ok: true, lines: [] });
        });
      },
      { port: 0 },
    );
    const ask = async () => {
      const taken = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const asking = new AbortController();
      const answer = fetch(new URL('/api/command', server.url), {
        method: 'POST',
        headers: { ...json, authorization: authorization(server) },
        body: '{"line":"wait leader"}',
        signal: asking.signal,
      }).catch((error: Error) => error.name);
      await taken;
      return { asking, answer };
    };
    const [first, second] = [await ask(), await ask()];
    const [firstAsker, secondAsker] = askers as [AbortSignal, AbortSignal];
    const gone = once(firstAsker, 'abort');
    first.asking.abort();
    await gone;
    expect(await first.answer).to.equal('AbortError');
    expect(secondAsker.aborted).to.equal(false);
    second.asking.abort();
    await second.answer;
  });

  it('refuses bodies that are too large or not what it takes', async () => {
    await start();
    const status = async (body: string, headers: Record<string, string> = json) =>
      (await ask(server, 'POST', '/api/command', headers, body)).status;
    expect(await status('{"line":"status"}', { 'content-type': 'text/plain' })).to.equal(415);
    for (const body of [
      '',
      'status',
      '[]',
      'null',
      '{}',
      '{"line":1}',
      '{"line":"a","more":1}',
      '{"line":"a\\nb"}',
    ]) {
      expect(await status(body), body).to.equal(400);
    }
    expect(await status(JSON.stringify({ line: 'x'.repeat(70_000) }))).to.equal(413);
    expect(lines).to.deep.equal([]);
  });

  it('opens log entries as text without anything that a page could mistake', async () => {
    await start();
    const { body } = await ask(server, 'GET', '/api/log?node=1&from=1&to=1');
    expect(JSON.parse(body)).to.deep.equal([
      { index: 1, term: 1, leaderId: 1, kind: 'command', bytes: 4, text: '<b>·' },
    ]);
    for (const query of [
      '',
      '?node=1',
      '?node=x&from=1&to=2',
      '?node=1&from=1&to=9999',
      '?node=-1&from=1&to=1',
    ]) {
      expect((await ask(server, 'GET', `/api/log${query}`)).status, query).to.equal(400);
    }
  });

  it('has of a long command only its beginning come from the node, and tells how long it is', async () => {
    await start();
    cluster.command = 'x'.repeat(1_000_000);
    const asked: unknown[] = [];
    const { log } = cluster;
    cluster.log = (...args) => {
      asked.push(args);
      return log.apply(cluster, args);
    };
    const [entry] = JSON.parse((await ask(server, 'GET', '/api/log?node=1&from=1&to=1')).body);
    expect(entry).to.include({ bytes: 1_000_000, text: 'x'.repeat(200) });
    expect(asked).to.deep.equal([[1, 1, 1, { bytesMax: 200 }]]);
  });

  it('looks into a bounded number of logs at one time', async () => {
    await start();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let looks = 0;
    let allLook = () => {};
    const all = new Promise<void>((resolve) => {
      allLook = resolve;
    });
    cluster.log = async () => {
      if (++looks === 4) allLook();
      await released;
      return [];
    };
    const look = () => ask(server, 'GET', '/api/log?node=1&from=1&to=1');
    const four = Array.from({ length: 4 }, look);
    await all;
    const { status, body } = await look();
    expect({ status, body }).to.deep.equal({
      status: 503,
      body: '4 looks into logs are under way already. Let one of them end first.\n',
    });
    release();
    await Promise.all(four);
    expect((await look()).status).to.equal(200);
  });

  it('says in few and harmless words what went wrong', async () => {
    await start();
    cluster.log = () => Promise.reject(new Error(`\u001b[2J${'x'.repeat(10_000_000)}`));
    const { status, body } = await ask(server, 'GET', '/api/log?node=1&from=1&to=1');
    expect(status).to.equal(500);
    expect(body)
      .to.match(/^\\u001b\[2Jx+… /)
      .and.have.length.below(2_000);
  });

  it('has the nodes watched while somebody looks, and only then', async () => {
    await start();
    expect(cluster.watchers.size).to.equal(0);
    const first = await Watcher.open(server);
    await cluster.untilWatchedBy(1);
    const second = await Watcher.open(server);
    await first.heard(
      /"format":"conclave-recording".*\n\nevent: steps\ndata: \[\{"kind":"members".*\{"kind":"network"/s,
    );
    await second.heard(/"text":"node 1 leads term 3 already"/);
    first.close();
    cluster.events.emit('nodeCrashed', { id: 2 });
    await second.heard(/"node":2,"life":"crashed","told":\{"mark":"fault","text":"node 2 crashed"\}/);
    expect(cluster.watchers.size).to.equal(1);
    second.close();
    await cluster.untilWatchedBy(0);
  });

  it('drops a watcher that does not read, with a reason, and goes on with those who do', async () => {
    await start();
    const reader = await Watcher.open(server);
    const sleeper = await Watcher.open(server);
    await sleeper.heard(/event: steps/);
    sleeper.pause();
    // Much in all, and each as long as a mark may be.
    for (let told = 0; told < 30; told++) {
      for (let each = 0; each < 250; each++) {
        const groups = [Array.from({ length: 1000 }, () => told)];
        cluster.events.emit('partitioned', { groups });
      }
      await reader.heard(new RegExp(`cut apart: \\{${told} `));
    }
    sleeper.resume();
    await sleeper.heard(/event: dropped\ndata: \{"reason":"This page read too slowly/);
    await sleeper.ended;
    reader.close();
  });

  it('tells a newcomer how everything stands, without asking the nodes again', async () => {
    await start();
    const first = await Watcher.open(server);
    const observation: Observation = {
      at: 1,
      isFirst: true,
      isCut: false,
      events: [],
      count: 0,
      state: stateOf({ term: 7, role: 'leader' }),
      commitLatency: null,
    };
    for (const heard of cluster.watchers) heard({ source: 'node', id: 1, observation });
    await first.heard(/"kind":"stand"[^\n]*"term":7/);
    cluster.watched = () => expect.fail('The nodes were asked anew.');
    const second = await Watcher.open(server);
    await second.heard(/"kind":"stand"[^\n]*"term":7/);
    cluster.watched = () => {};
    second.close();
    first.close();
  });

  it('tells a newcomer nothing that happened before what it tells first', async () => {
    await start();
    const first = await Watcher.open(server);
    cluster.events.emit('nodeCrashed', { id: 2 });
    const second = await Watcher.open(server);
    await first.heard(/node 2 crashed/);
    cluster.events.emit('nodeCrashed', { id: 1 });
    await second.heard(/node 1 crashed/);
    const moments = [...second.all.matchAll(/"at":([\d.]+)/g)].map(([, at]) => Number(at));
    expect(moments).to.deep.equal(moments.toSorted((a, b) => a - b));
    first.close();
    second.close();
  });

  it('speaks to its watchers in words that a page hears, also when nothing happens', async () => {
    const stream = new EventStream(() => {}, 20);
    const http = createServer((_, response) => stream.add(response, header, []));
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    const watcher = await Watcher.open({ url: `http://127.0.0.1:${port}` });
    await watcher.heard(/event: alive\ndata: /);
    watcher.close();
    stream.close();
    http.close();
  });

  it('answers what it does not understand with what is wrong', async () => {
    await start();
    const cases: [string, string, number][] = [
      ['GET', '//', 404],
      ['GET', 'nowhere', 400],
      ['HEAD', '/', 200],
      ['OPTIONS', '/api/command', 405],
      ['GET', '/api/command', 405],
      ['DELETE', '/', 405],
    ];
    for (const [method, path, status] of cases) {
      expect((await ask(server, method, path)).status, `${method} ${path}`).to.equal(status);
    }
    expect((await ask(server, 'GET', '/api/command')).headers.allow).to.equal('POST');
  });

  it('leaves nothing behind: no listener, no port', async () => {
    await start();
    const { port } = new URL(server.url);
    const taken = await InspectorServer.start(cluster, async () => ({ ok: true, lines: [] }), {
      port: Number(port),
    }).catch((error: unknown) => error);
    expect(taken).to.include({ code: 'EADDRINUSE' });
    expect(String(taken)).to.include(`cannot listen at 127.0.0.1, port ${port}: another program`);
    await Promise.all([server.close(), server.close()]);
    expect(cluster.events.listeners).to.equal(0);
    await start({ port: Number(port) });
  });

  it('does not outlive a cluster that closes while it starts', async () => {
    cluster.asked = () => cluster.events.emit('stateChanged', { state: 'stopping' });
    const opened = await start().catch((error: unknown) => error);
    expect(opened).to.be.instanceOf(ClosedError);
    expect(cluster.events.listeners).to.equal(0);
    const broken = new Error('A node does not answer.');
    cluster.asked = () => Promise.reject(broken);
    expect(await start().catch((error: unknown) => error)).to.equal(broken);
    expect(cluster.events.listeners).to.equal(0);
  });

  it('tells a newcomer what happened before, as much as is kept', async () => {
    await start();
    for (let nth = 1; nth <= 250; nth++) cluster.events.emit('leaderElected', { id: 1, term: nth });
    const watcher = await Watcher.open(server);
    await watcher.heard(/node 1 leads term 250"/);
    expect(watcher.all).to.include('node 1 leads term 51"').and.not.include('node 1 leads term 50"');
    expect(watcher.all).to.match(/"before":\[/);
    watcher.close();
  });

  it('refuses more watchers than it can serve', async () => {
    await start();
    const watchers = await Promise.all(Array.from({ length: 16 }, () => Watcher.open(server)));
    expect((await ask(server, 'GET', '/api/events')).status).to.equal(503);
    for (const watcher of watchers) watcher.close();
  });

  it('counts nobody as watching whose connection is gone', async () => {
    await start();
    const watcher = await Watcher.open(server);
    await cluster.untilWatchedBy(1);
    watcher.close();
    await cluster.untilWatchedBy(0);
  });

  it('is asked one thing at a time on a connection', async () => {
    await start();
    const watcher = await Watcher.open(server);
    await cluster.untilWatchedBy(1);
    watcher.askAgain();
    await watcher.ended;
    await cluster.untilWatchedBy(0);
  });

  it('says good-bye to its watchers when it closes', async () => {
    await start();
    const watcher = await Watcher.open(server);
    await watcher.heard(/event: steps/);
    await server.close();
    await watcher.heard(/event: dropped\ndata: \{"reason":"The cluster is closing/);
    await watcher.ended;
    await server.close();
  });

  describe('asks for the token', () => {
    const token = 'correct-horse-battery';

    it('of everybody, also at this machine’s own address, and prints one that it draws', async () => {
      await start();
      const first = new URL(server.url).hash;
      expect(first).to.match(/^#token=[\w-]{24}$/);
      expect(new URL(server.url).search).to.equal('');
      await server.close();
      await start();
      expect(new URL(server.url).hash).to.not.equal(first);
      await server.close();
      await start({ host: '0.0.0.0' });
      expect(server.url).to.match(/^http:\/\/0\.0\.0\.0:\d+\/#token=/);
    });

    it('and takes no weak one', async () => {
      for (const weak of ['short', 'correct horse battery', 7]) {
        const opened = await start({ token: weak as string }).catch((error: unknown) => error);
        expect(opened).to.be.instanceOf(InvalidOptionError);
      }
      await start();
    });

    it('before it tells or does anything', async () => {
      await start({ token });
      for (const authorization of ['', 'Bearer wrong-horse-battery', `Basic ${token}`, token]) {
        for (const path of ['/api/events', '/api/events?token=wrong', '/api/log?node=1&from=1&to=1']) {
          expect((await ask(server, 'GET', path, { authorization })).status, path).to.equal(401);
        }
        const log = `/api/log?node=1&from=1&to=1&token=${token}`;
        expect((await ask(server, 'GET', log, { authorization })).status).to.equal(401);
        const cookie = `conclave=${token}; token=${token}`;
        expect((await command({ line: 'crash 1' }, { ...json, authorization, cookie })).status).to.equal(401);
      }
      expect(lines).to.deep.equal([]);
      expect(cluster.watchers.size).to.equal(0);
    });

    it('in a header, or of a stream of events in its address', async () => {
      await start({ token });
      const authorization = `Bearer ${token}`;
      expect((await command({ line: 'status' }, { ...json, authorization })).status).to.equal(200);
      const events = await ask(server, 'GET', `/api/events?token=${token}`, { authorization: '' });
      expect(events.status).to.equal(200);
    });
  });
});
