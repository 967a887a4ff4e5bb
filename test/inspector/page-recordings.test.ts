import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import type { RecordingHeader } from '../../src/inspector/recording/format.js';
import { writeRecording } from '../../src/inspector/recording/recording-text.js';
import { InspectorServer } from '../../src/inspector/server/inspector-server.js';
import type { ObservedKind } from '../../src/node/watch/observation.js';
import { launchChromium } from './chromium.js';
import { QuietCluster } from './quiet-cluster.js';
import { crashed, header, type Loose, moved, numbered, stand, wired, withLog } from './recorded.js';
import { WatchedPage } from './watched-page.js';

/* The page with a recording open: what is shown of it can be known to the last detail. */

describe("the inspector's page, with a recording open", function () {
  this.timeout(30_000);
  let browser: Browser | null = null;
  let server: InspectorServer;
  let shown: WatchedPage;

  before(async function () {
    browser = await launchChromium();
    if (browser === null) this.skip();
  });
  after(() => browser?.close());

  beforeEach(async () => {
    server = await InspectorServer.start(new QuietCluster(), async () => ({ ok: true, lines: [] }), {
      port: 0,
    });
    shown = await WatchedPage.open(browser as Browser, server.url);
  });
  afterEach(async () => {
    try {
      await shown.close();
    } finally {
      await server.close();
    }
  });

  /** Opens a recording as a person would, from a file. */
  async function open(text: string, name = 'a.jsonl'): Promise<void> {
    await shown.page
      .locator('#file')
      .setInputFiles({ name, mimeType: 'application/jsonl', buffer: Buffer.from(text) });
  }

  const recording = (steps: readonly Loose[], nodes: RecordingHeader['nodes'] = header.nodes) =>
    writeRecording({ header: { ...header, nodes }, steps: numbered(...steps) });

  it('says what is wrong with a file, and leaves the way back from the one before open', async () => {
    const { page } = shown;
    const notice = page.locator('#notice');
    await open('no recording', 'b.txt');
    await notice.getByText('b.txt: This file is no recording of Conclave.').waitFor();
    await notice.getByRole('button', { name: 'Dismiss' }).click();
    await notice.waitFor({ state: 'hidden' });
    await open(recording([wired(1, [0, 1]), crashed(2000)]));
    await page.getByText('recording, 0.00 s of 2.00 s').waitFor();
    await open(`${JSON.stringify(header)}\n{"kind":"stand","at":5,"node":0}`, 'c.jsonl');
    await notice.getByText('c.jsonl: Line 2 of the recording is no step.').waitFor();
    await page.getByText('recording, 0.00 s of 2.00 s').waitFor();
    await notice.getByRole('button', { name: 'Back to the live cluster' }).click();
    await page.getByText(/^live, /).waitFor();
    await page.locator('#open:focus').waitFor();
  });

  it('shows nothing of the network before anything is told of it', async () => {
    await open(recording([stand(1, 0)]));
    await shown.page.getByText('recording, 0.00 s').waitFor();
    await shown.page.locator('#ring svg').waitFor({ state: 'hidden' });
  });

  it('calls an entry divergent that the leader does not have, and not one that it may yet tell of', async () => {
    const leader = stand(1, 0, { term: 3, role: 'leader', ...withLog([1, 3], 1) });
    await open(recording([wired(0, [0, 1]), leader, stand(2, 1, { term: 2, ...withLog([1, 3, 3], 1) })]));
    const row = shown.page.locator('#log-table tbody tr').nth(1);
    await row.locator('.cell.open').nth(1).waitFor();
    expect(await row.locator('.cell.divergent').count()).to.equal(0);
    await open(recording([wired(0, [0, 1]), leader, stand(2, 1, { term: 3, ...withLog([1, 2, 2], 1) })]));
    await row.locator('.cell.divergent').nth(1).waitFor();
    await shown.page.getByText('Entries 1 to 1 are committed').waitFor();
  });

  it('plays a recording from its start, through an election, to its end', async () => {
    const { page } = shown;
    await open(
      recording([
        wired(0, [0, 1]),
        stand(0, 0),
        stand(0, 1),
        moved(1000, 1, 'alive.preCandidate', {
          role: 'preCandidate',
          active: ['alive.preCandidate'],
          votes: [[1, true]],
        }),
        moved(1001, 1, 'alive.candidate', {
          role: 'candidate',
          active: ['alive.candidate'],
          term: 2,
          votedFor: 1,
          votes: [[1, true]],
        }),
        moved(1002, 1, 'x', {
          votes: [
            [1, true],
            [0, true],
          ],
        }),
        moved(1003, 1, 'alive.leader', { role: 'leader', active: ['alive.leader'], leaderId: 1 }),
        moved(1500, 1, 'alive.leader', {}),
      ]),
    );
    await page.getByText('recording, 0.00 s of 1.50 s').waitFor();
    await page.keyboard.press(']');
    await shown.sees(1, 'preCandidate');
    await page.locator('#election-title').getByText('Election for term 2, under way').waitFor();
    await page.keyboard.press(']');
    await shown.sees(1, 'candidate');
    await page.keyboard.press('.');
    await page
      .locator('#election-votes caption')
      .getByText('Node 1: 2 votes (1 and 0); a majority is 2 of 2.')
      .waitFor();
    await page.keyboard.press('[');
    await page.keyboard.press('[');
    await shown.sees(1, 'preCandidate');
    await page.getByRole('button', { name: 'Play' }).click();
    await shown.sees(1, 'leader');
    await page.getByText('recording, 1.50 s of 1.50 s').waitFor();
    await page.getByText(/^Node 1 leads term 2 since 1\.00 s\./).waitFor();
    await page.locator('#play[aria-label="Play"]').waitFor();
  });

  it('opens a recording of version 1, and says what it cannot tell', async () => {
    const old = await readFile(
      new URL('../../../test/inspector/fixtures/recording-version-1.jsonl', import.meta.url),
      'utf8',
    );
    await open(old, 'old.jsonl');
    await shown.page
      .locator('#notice')
      .getByText('Recording old.jsonl. Nodes told in bundles then')
      .waitFor();
    await shown.node(4).waitFor();
    await shown.page.locator('#marks button.election').first().click();
    await shown.page.locator('.node.leader').waitFor();
  });

  it('shows messages of several kinds on one link one behind the other', async () => {
    const sent = (message: ObservedKind): Loose => ({
      kind: 'send',
      at: 1,
      node: 0,
      to: [1],
      message,
      entries: 1,
      text: '',
    });
    await open(
      recording([
        wired(0, [0, 1]),
        stand(0, 0),
        stand(0, 1),
        sent('heartbeat'),
        sent('appendEntries'),
        sent('preVote'),
      ]),
    );
    await shown.page.getByText('recording, 0.00 s of 0.00 s').waitFor();
    for (let steps = 0; steps < 3; steps++) await shown.page.keyboard.press('.');
    const flights = shown.page.locator('.flight');
    await flights.nth(2).waitFor({ state: 'attached' });
    const places = await flights.evaluateAll((all) => all.map((each) => each.getAttribute('transform')));
    expect(new Set(places).size).to.equal(3);
  });

  for (const width of [1280, 400]) {
    it(`shows role, term and height of each of twelve nodes, at ${width} pixels`, async () => {
      await shown.page.setViewportSize({ width, height: 900 });
      const ids = Array.from({ length: 12 }, (_, id) => id);
      const nodes = ids.map((id) => ({ id, votes: true }));
      const given = { term: 7, ...withLog(Array(42).fill(7)) };
      await open(recording([wired(0, ids), ...ids.map((id) => stand(0, id, given))], nodes));
      for (const text of ['follower', 'term 7', 'height 42']) {
        const texts = shown.page.locator('.node text', { hasText: text });
        await texts.nth(11).waitFor();
        expect((await texts.nth(5).boundingBox())?.height).to.be.above(8);
      }
    });
  }

  for (const width of [1280, 400]) {
    it(`keeps 31 nodes apart, each with its name in it, at ${width} pixels`, async () => {
      await shown.page.setViewportSize({ width, height: 900 });
      const ids = Array.from({ length: 31 }, (_, id) => id);
      const nodes = ids.map((id) => ({ id, votes: true }));
      await open(recording([wired(0, ids), ...ids.map((id) => stand(0, id))], nodes));
      const bodies = shown.page.locator('.node .body');
      await bodies.nth(30).waitFor();
      const boxes = await Promise.all(ids.map((id) => bodies.nth(id).boundingBox()));
      const centres = boxes.map((box) => ({ x: box?.x ?? 0, y: box?.y ?? 0 }));
      const gaps = centres.map(({ x, y }, at) => {
        const next = centres[(at + 1) % 31] ?? { x, y };
        return Math.hypot(next.x - x, next.y - y) - (boxes[at]?.width ?? 0);
      });
      expect(Math.min(...gaps)).to.be.above(0);
      const names = await shown.page.locator('.node .name').nth(30).boundingBox();
      expect(names?.height).to.be.above(9);
      expect(names?.width).to.be.below(boxes[30]?.width ?? 0);
    });
  }

  it('has one stop for the Tab key in the logs, and a name for each cell', async () => {
    const { page } = shown;
    await open(recording([wired(0, [0, 1]), stand(1, 0), stand(1, 1)]));
    const cells = page.locator('#log-table td');
    await page.getByText(/^recording, /).waitFor();
    await page.locator('#log-table tbody tr').nth(2).waitFor({ state: 'detached' });
    expect(await page.locator('#log-table td[tabindex="0"]').count()).to.equal(1);
    const names = await cells.evaluateAll((all) => all.map((cell) => cell.getAttribute('aria-label')));
    expect(names).to.not.include(null);
  });
});
