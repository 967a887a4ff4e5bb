import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import type { CommandOutcome } from '../../src/inspector/command-outcome.js';
import { readRecording } from '../../src/inspector/recording/recording-text.js';
import { type InspectorOptions, InspectorServer } from '../../src/inspector/server/inspector-server.js';
import type { Observation } from '../../src/node/watch/observation.js';
import { launchChromium } from './chromium.js';
import { QuietCluster } from './quiet-cluster.js';
import { stateOf, withLog } from './recorded.js';
import { WatchedPage } from './watched-page.js';

/* The page before a cluster that does only what it is told to: what is shown can be known to the last detail. */

/** The same for a server that comes in another's place: a page that is open goes on with it. */
const token = 'correct-horse-battery';

describe("the inspector's page, with what it is given", function () {
  this.timeout(30_000);
  let browser: Browser | null = null;
  let cluster: QuietCluster;
  let server: InspectorServer;
  let shown: WatchedPage;
  let lines: string[];
  let isCut = false;
  /** `wait leader` waits for it. */
  let released: Promise<void>;

  before(async function () {
    browser = await launchChromium();
    if (browser === null) this.skip();
  });
  after(() => browser?.close());

  async function serve(options: InspectorOptions): Promise<void> {
    const run = async (line: string): Promise<CommandOutcome> => {
      lines.push(line);
      if (line === 'wait leader') await released;
      return { ok: true, lines: [`did ${line}`] };
    };
    server = await InspectorServer.start(cluster, run, options);
  }

  beforeEach(async () => {
    isCut = false;
    lines = [];
    cluster = new QuietCluster();
    await serve({ port: 0, token });
    shown = await WatchedPage.open(browser as Browser, server.url);
  });
  afterEach(async () => {
    try {
      await shown.close({ lostConnection: isCut });
    } finally {
      await server.close();
    }
  });

  it('offers in the past what can be done now, and then shows what comes of it', async () => {
    const { page } = shown;
    cluster.events.emit('nodeStopped', { id: 1 });
    cluster.events.emit('nodeRevived', { id: 1 });
    await page.locator('#marks button').filter({ hasText: 'node 1 revived' }).waitFor();
    await page.locator('#marks button').filter({ hasText: 'node 1 stopped' }).click();
    await page.locator('#live[aria-pressed="false"]').waitFor();
    await shown.node(1).click();
    await page.locator('#menu').getByText('Node 1, now').waitFor();
    await page.getByRole('menuitem', { name: 'Stop' }).click();
    await page.getByText(/^live, /).waitFor();
    await page.getByText('did stop 1').waitFor();
    expect(lines).to.deep.equal(['stop 1']);
  });

  it('keeps the moment that somebody looks at when another run begins, until they let go of it', async () => {
    isCut = true;
    const { page } = shown;
    const { port } = new URL(server.url);
    cluster.events.emit('nodeStopped', { id: 1 });
    await page.locator('#marks button').filter({ hasText: 'node 1 stopped' }).click();
    await page.locator('#live[aria-pressed="false"]').waitFor();
    await server.close();
    await page.getByText('connection lost').waitFor();
    // Nothing of the new run reads like the last one's.
    cluster.leads = { id: 2, term: 4 };
    await serve({ port: Number(port), token });
    const notice = page.locator('#notice');
    await notice.getByText('Another run began.').waitFor();
    await page.locator('#marks button').filter({ hasText: 'node 1 stopped' }).waitFor();
    await notice.getByRole('button', { name: 'Back to the live cluster' }).click();
    await page.locator('#marks').getByText('node 2 leads term 4 already').waitFor();
    expect(await page.locator('#marks .what').allInnerTexts()).to.deep.equal(['node 2 leads term 4 already']);
  });

  it('holds a node that is dragged under the pointer, whatever is told meanwhile', async () => {
    const { page } = shown;
    const box = await shown.node(0).locator('.body').boundingBox();
    const [x, y] = [(box?.x ?? 0) + 30, (box?.y ?? 0) + 30];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 150, y - 40);
    cluster.events.emit('nodeStopped', { id: 0 });
    await page.locator('.node[data-node="0"][data-role="dead"]').waitFor();
    await page.locator('.node[data-node="0"].dragged').waitFor({ timeout: 1000 });
    await page.mouse.move(x + 260, y - 40);
    await page.mouse.up();
    await page.getByText('did partition 1,2 0').waitFor();
  });

  it('keeps a node of a crowd in its group that is dragged within the ring', async () => {
    cluster.ids = Array.from({ length: 31 }, (_, id) => id);
    const { page } = shown;
    isCut = true;
    const { port } = new URL(server.url);
    await server.close();
    await serve({ port: Number(port) });
    await page.goto(server.url);
    const body = shown.node(0).locator('.body');
    const [box, ring] = [await body.boundingBox(), await page.locator('#ring svg').boundingBox()];
    await page.mouse.move((box?.x ?? 0) + 10, (box?.y ?? 0) + 10);
    await page.mouse.down();
    await page.mouse.move(
      (ring?.x ?? 0) + (ring?.width ?? 0) / 2,
      (ring?.y ?? 0) + (ring?.height ?? 0) * 0.33,
    );
    await page
      .locator('.drop-hint')
      .getByText(/^with /)
      .waitFor();
    await page.mouse.up();
    // Whatever the drop had asked for would have come before this.
    await page.locator('#line').fill('status');
    await page.locator('#line').press('Enter');
    await page.getByText('did status').waitFor();
    expect(lines).to.deep.equal(['status']);
  });

  it('lets a finger drag a node', async () => {
    const touched = await WatchedPage.open(browser as Browser, server.url, 400);
    const session = await touched.page.context().newCDPSession(touched.page);
    await session.send('Emulation.setTouchEmulationEnabled', { enabled: true });
    const box = await touched.node(1).locator('.body').boundingBox();
    const [x, y] = [(box?.x ?? 0) + 30, (box?.y ?? 0) + 30];
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', by = 0) =>
      session.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: type === 'touchEnd' ? [] : [{ x, y: y - by }],
      });
    await touch('touchStart');
    for (let by = 15; by <= 150; by += 15) await touch('touchMove', by);
    await touch('touchEnd');
    await touched.page.getByText('did partition 0,2 1').waitFor();
    await touched.close();
  });

  it('tells as one what one click did to many links', async () => {
    const { page } = shown;
    await page.locator('.node').first().waitFor();
    const slow = { latencyMsMin: 200, latencyMsMax: 400, distribution: 'uniform' as const };
    for (const [from, to] of [
      [0, 1],
      [1, 0],
      [0, 2],
      [2, 0],
    ] as const) {
      cluster.events.emit('linkChanged', { change: slow, from, to });
    }
    cluster.events.emit('linkChanged', { change: { cut: true }, from: 1, to: 2 });
    await page.locator('#marks').getByText('link 1 → 2: cut').waitFor();
    await page.locator('#marks').getByText('links of node 0: 200–400 ms').waitFor();
    cluster.events.emit('linkChanged', { change: { loss: 0.3 }, of: 1, from: undefined, to: undefined });
    await page.locator('#marks').getByText('links of node 1: 30 % lost').waitFor();
    // And who led when all this began.
    expect(await page.locator('#marks li').count()).to.equal(4);
  });

  it('puts each answer below what was asked', async () => {
    const { page } = shown;
    let release = () => {};
    released = new Promise((resolve) => {
      release = resolve;
    });
    const line = page.locator('#line');
    for (const text of ['wait leader', 'status']) {
      await line.fill(text);
      await line.press('Enter');
    }
    await page.getByText('did status').waitFor();
    release();
    await page.getByText('did wait leader').waitFor();
    expect(await page.locator('#answers pre').allInnerTexts()).to.deep.equal([
      '> wait leader',
      'did wait leader',
      '> status',
      'did status',
    ]);
  });

  it('keeps a notice below a first line of any height', async () => {
    isCut = true;
    const { page } = shown;
    await page.setViewportSize({ width: 880, height: 700 });
    await page.evaluate("document.getElementById('summary').style.minHeight = '90px'");
    await server.close();
    const notice = page.locator('#notice');
    await notice.waitFor();
    await page.mouse.wheel(0, 400);
    const [head, below] = await Promise.all([page.locator('header').boundingBox(), notice.boundingBox()]);
    expect(below?.y).to.be.at.least((head?.y ?? 0) + (head?.height ?? 0));
  });

  it('lets in who follows the printed address from another site', async () => {
    const { port } = new URL(server.url);
    await server.close();
    isCut = true;
    await serve({ port: Number(port), token });
    const chat = createServer((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(`<a href="${server.url}">look</a>`);
    });
    chat.listen(0, 'localhost');
    await once(chat, 'listening');
    const page = await (browser as Browser).newPage();
    await page.goto(`http://localhost:${(chat.address() as AddressInfo).port}`);
    await page.getByText('look').click();
    await page.locator('#connection[data-state="open"]').waitFor();
    expect(page.url()).to.equal(`http://127.0.0.1:${port}/`);
    await page.reload();
    await page.locator('#connection[data-state="open"]').waitFor();
    await page.close();
    chat.close();
  });

  it('is shown within no other site’s page, and tells none anything', async () => {
    const { origin } = new URL(server.url);
    const paths = ['/', '/api/events', `/api/events?token=${token}`, '/api/log?node=1&from=1&to=1'];
    const frames = paths.map((path) => `<iframe src="${origin}${path}"></iframe>`);
    const other = createServer((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(frames.join(''));
    });
    other.listen(0, 'localhost');
    await once(other, 'listening');
    const page = await (browser as Browser).newPage();
    const answers = new Map<string, number>();
    page.on('response', (response) => answers.set(response.url().slice(origin.length), response.status()));
    await page.goto(`http://localhost:${(other.address() as AddressInfo).port}`);
    for (const path of paths) expect(answers.get(path), path).to.equal(403);
    // The page that this test began with, and nobody else.
    expect(cluster.watchers.size).to.equal(1);
    await page.close();
    other.close();
  });

  it('lists what happened before it was opened, with no moment to go back to, and nothing twice', async () => {
    const { page } = shown;
    cluster.events.emit('nodeStopped', { id: 1 });
    const mark = page.locator('#marks button').filter({ hasText: 'node 1 stopped' });
    await mark.and(page.locator(':enabled')).waitFor();
    await page.addInitScript(`
      globalThis.EventSource = class extends EventSource {
        constructor(url) { super(url); globalThis.breakOff = () => this.dispatchEvent(new Event('error')); }
      };
    `);
    await page.reload();
    await mark.and(page.locator(':disabled')).waitFor();
    cluster.events.emit('nodeRevived', { id: 1 });
    await page.locator('#marks button:enabled').filter({ hasText: 'node 1 revived' }).waitFor();
    // The server tells it all again to a page that comes back.
    await page.evaluate('breakOff()');
    await page.getByText('connection lost').waitFor();
    cluster.events.emit('nodeStopped', { id: 2 });
    await page.locator('#marks button:enabled').filter({ hasText: 'node 2 stopped' }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save' }).click(),
    ]);
    const { header: head, steps } = readRecording(await readFile(await download.path(), 'utf8'));
    const told = steps.flatMap((step) => {
      if (step.kind === 'mark') return [step.mark === 'gap' ? 'gap' : step.text];
      return 'told' in step && step.told !== undefined ? [step.told.text] : [];
    });
    expect(head.before?.map(({ text }) => text)).to.include('node 1 stopped');
    expect(told).to.deep.equal(['node 1 revived', 'gap', 'node 2 stopped']);
  });

  it('says why the server does not let it in', async () => {
    isCut = true;
    const { port } = new URL(server.url);
    await server.close();
    await serve({ port: Number(port), token: 'another-horse-battery' });
    await shown.page.locator('#notice').getByText('The token is missing or wrong.').waitFor();
  });

  it('tells of an entry that was cut off, and nothing of the one in its place', async () => {
    const { page } = shown;
    await page.locator('.node').first().waitFor();
    const observed = (at: number, more: Partial<Observation>): Observation => ({
      at,
      isFirst: false,
      isCut: false,
      events: [],
      count: 1,
      state: stateOf(withLog([1, 2, 7], 0)),
      commitLatency: null,
      ...more,
    });
    const cut = { last: 2, runs: [] };
    for (const heard of cluster.watchers) {
      heard({ source: 'node', id: 1, observation: observed(1, { isFirst: true }) });
      const event = { kind: 'chart', at: 2, transitions: [], cause: '', change: { log: cut } } as const;
      heard({ source: 'node', id: 1, observation: observed(2, { events: [event] }) });
    }
    const row = page.locator('#log-table tbody tr').nth(1);
    // The node answers with an entry of term 1.
    await row.locator('.cell.truncated').click();
    await page.locator('#log-cuts').getByText('Truncated a moment ago: node 1 entry 3 of term 7.').waitFor();
    await page
      .locator('#log-detail')
      .getByText('entry 3 of term 7 was truncated. The node has it no longer.')
      .waitFor();
  });
});
