import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import type { Inspector } from '../../src/inspector/inspect.js';
import { inspect } from '../../src/inspector/inspect.js';
import { readRecording } from '../../src/inspector/recording/recording-text.js';
import { launchChromium } from './chromium.js';
import { keyValue, untilHeight } from './cluster-work.js';
import { WatchedPage } from './watched-page.js';

/*
 * A person before the page: everything here is done with mouse and keys and seen with eyes, on a real cluster.
 * Its first leader is elected at once; after that elections take long enough for a busy machine not to cause any.
 */
const timings = { electionTimeoutMsMin: 1000, electionTimeoutMsMax: 2000, heartbeatMs: 100 };

/** The same for a server that comes in another's place: a page that is open goes on with it. */
const token = 'correct-horse-battery';

describe("the inspector's page", function () {
  this.timeout(40_000);
  let browser: Browser | null = null;
  let cluster: RaftCluster;
  let inspector: Inspector;
  let shown: WatchedPage;
  let isCut = false;

  before(async function () {
    browser = await launchChromium();
    if (browser === null) this.skip();
  });
  after(() => browser?.close());

  beforeEach(async () => {
    isCut = false;
    cluster = await RaftCluster.start({ nodes: 5, leader: 2, timings, seed: 7 });
    await cluster.waitForLeader();
    inspector = await inspect(cluster, { port: 0, token });
    shown = await WatchedPage.open(browser as Browser, inspector.url);
  });
  afterEach(async () => {
    try {
      await shown?.close({ lostConnection: isCut });
    } finally {
      await cluster.close();
    }
  });

  it('shows who leads, and whom the others follow', async () => {
    const { id, term } = await cluster.waitForLeader();
    await shown.sees(id, 'leader');
    expect(await shown.page.locator('.node.leader').count()).to.equal(1);
    await shown.page.getByText(`Node ${id} leads term ${term}, since before this was watched.`).waitFor();
    expect(await shown.node(id).getAttribute('aria-label')).to.match(
      new RegExp(`^Node ${id}: leader, term ${term}, height \\d`),
    );
    await shown.page.locator('#chart [data-state="alive.leader"].active').waitFor();
    await shown.page.getByRole('button', { name: 'All', exact: true }).click();
    await shown.page.locator('#chart [data-state="alive.leader.authority.serving"].active').waitFor();
  });

  it('traces the transition that was taken last', async () => {
    const { id: old } = await cluster.waitForLeader();
    await shown.choose(old, 'Stop');
    await shown.page.locator('#chart [data-transition="alive:host.stop:0"].traced').waitFor();
    await shown.page.getByRole('button', { name: 'Reasons' }).click();
    await shown.page
      .locator('#chart [data-label="alive:host.stop:0"].traced')
      .getByText('is stopped')
      .waitFor();
    await shown.page.locator('#chart [data-state="dead"].active').waitFor();
    await shown.page.getByText('dead: Stopped by command').waitFor();
  });

  it('lets a node be dragged into a minority, where nothing commits until the network is healed', async () => {
    const { id: old } = await cluster.waitForLeader();
    await shown.sees(old, 'leader');
    const { page } = shown;
    await shown.drag(old, ...outwards(old));
    await page
      .locator('#answers')
      .getByText(new RegExp(`^cut into .*\\{${old}\\}`))
      .waitFor();
    await page.locator('.partition').nth(1).waitFor({ state: 'attached' });
    const { id: next } = await cluster.waitForLeader({ otherThan: old, timeoutMs: 20_000 });
    await shown.sees(next, 'leader');
    const { index } = await keyValue(cluster).put('colour', 'blue');
    await untilHeight(cluster, next, index);
    expect((await cluster.info(old)).commitIndex).to.be.below(index);
    await page.getByRole('button', { name: 'Heal' }).click();
    await untilHeight(cluster, old, index);
    await page.locator('.partition').first().waitFor({ state: 'detached' });
  });

  it('puts the nodes in their places at once, where a pointer finds them', async () => {
    const { page } = shown;
    const { id } = await cluster.waitForLeader();
    await page.addInitScript(`
      globalThis.slides = 0;
      addEventListener('transitionrun', ({ target }) => { slides += target.matches('.node') ? 1 : 0; });
    `);
    await page.reload();
    await shown.sees(id, 'leader');
    expect(await page.evaluate('slides')).to.equal(0);
  });

  it('offers in an open menu what can be done now, not what could be done when it was opened', async () => {
    const { page } = shown;
    const { id: old } = await cluster.waitForLeader();
    await shown.node(old).click();
    await page.getByRole('menuitem', { name: 'Crash' }).and(page.locator(':not(:focus)')).waitFor();
    await page.keyboard.press('ArrowDown');
    await cluster.crash(old);
    await page.getByRole('menuitem', { name: 'Restart' }).waitFor();
    expect(await page.getByRole('menuitem', { name: 'Crash' }).count()).to.equal(0);
    await page.locator('#menu :focus').waitFor();
  });

  it('shows the suffix that a new leader cuts off an old one’s log (Figure 7)', async () => {
    const { id: old } = await cluster.waitForLeader();
    await shown.sees(old, 'leader');
    cluster.isolate(old);
    // The answer comes once the cut is in force: nothing proposed from now on reaches another node.
    await cluster.networkCounters();
    const lost = [1, 2, 3].map(() =>
      cluster.propose(new Uint8Array(4), { node: old, timeoutMs: 500 }).catch(() => null),
    );
    const row = shown.page.locator('#log-table tbody tr').nth(old);
    await row.locator('.cell.divergent, .cell.open').first().waitFor();
    await cluster.waitForLeader({ otherThan: old, timeoutMs: 20_000 });
    await keyValue(cluster).put('colour', 'blue');
    cluster.heal();
    await row.locator('.cell.truncated, .cell.replaced').first().waitFor();
    await Promise.all(lost);
  });

  it('says that the connection is lost, and finds the server again when it is back', async () => {
    isCut = true;
    // What it knows then is to be that somebody leads.
    await shown.page
      .getByText(/^Node \d+ leads term/)
      .first()
      .waitFor();
    const { port } = new URL(inspector.url);
    await inspector.close();
    await shown.page.getByText('connection lost').waitFor();
    await shown.page.locator('#notice').getByText('Trying again').waitFor();
    // It says what it knows, and since when it knows no more.
    await shown.page
      .getByText(
        /^Not connected since [\d.]+ s\. At that moment: Node .* What happened since is not known here\.$/,
      )
      .waitFor();
    inspector = await inspect(cluster, { port: Number(port), token });
    await shown.page.getByText('connected', { exact: true }).waitFor();
    await shown.page.locator('#notice').waitFor({ state: 'hidden' });
    const { id } = await cluster.waitForLeader();
    await shown.sees(id, 'leader');
  });

  it('can be used with the keyboard alone', async () => {
    const { page } = shown;
    const { keyboard } = page;
    const press = async (...keys: string[]) => {
      for (const key of keys) await keyboard.press(key);
    };
    await page.locator('.node').first().waitFor();
    // From the top: skip link, the controls of time, propose, heal, then the ring, one stop with arrow keys within.
    await press('Tab', 'Tab');
    expect(await focused(page)).to.equal('jump-back');
    await page.locator('#open').focus();
    await press('Tab');
    expect(await focused(page)).to.equal('propose');
    await press('Enter');
    await page.locator('#answers .answer').first().waitFor();
    await press('Tab', 'Tab', 'ArrowRight', 'ArrowRight');
    expect(await page.evaluate('document.activeElement.dataset.node')).to.equal('2');
    await press('Enter');
    await page.getByRole('menuitem', { name: 'Stop' }).waitFor();
    await press('ArrowDown', 'ArrowDown', 'ArrowDown', 'Enter');
    await page.locator('#answers').getByText('node 2 is cut off').waitFor();
    await page.locator('.partition').nth(1).waitFor({ state: 'attached' });
    expect(await page.evaluate('document.activeElement.dataset.node')).to.equal('2');
    await press('Enter');
    await page.getByRole('menuitem', { name: /^Join/ }).waitFor();
    await press('Escape', 'Shift+Tab', 'Enter');
    await page.locator('#answers').getByText('all nodes are connected').waitFor();
    await press('Tab', 'Tab', 'Tab', 'ArrowDown');
    await page.locator('#subject').and(page.locator(':focus')).waitFor();
    await page.locator('#chart').focus();
    await press('ArrowDown', 'ArrowDown');
    await page
      .locator('#description')
      .getByText(/^alive: /)
      .waitFor();
    await page.locator('#play').focus();
    await press('Enter');
    await page.locator('#play[aria-label="Play"]').waitFor();
    await press(',');
    await page
      .locator('#step-words')
      .getByText(/^[\d,]+\. /)
      .waitFor();
    await press('l');
    await page.getByText(/^live, /).waitFor();
    await page.locator('#line').focus();
    await keyboard.type('leader');
    await press('Enter');
    await page.locator('#answers .asked').getByText('> leader').waitFor();
  });

  it('saves the recording to a file and opens it again, with nothing to command in it', async () => {
    const { page } = shown;
    const { id } = await cluster.waitForLeader();
    await shown.sees(id, 'leader');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save' }).click(),
    ]);
    const file = await download.path();
    const { header, steps } = readRecording(await readFile(file, 'utf8'));
    expect(header.nodes).to.have.length(5);
    expect(steps.some((step) => step.kind === 'stand' && step.state.role === 'leader')).to.equal(true);
    await page.locator('#file').setInputFiles(file);
    await page.getByText(/^Recording /).waitFor();
    // As it was when the recording begins: on a busy machine another may lead by now.
    await page.getByText(/^Node \d leads term \d+, since before this was watched\./).waitFor();
    await page.locator('button:disabled', { hasText: 'Heal' }).waitFor();
    await page.getByPlaceholder('A recording takes no commands.').and(page.locator(':disabled')).waitFor();
    await page.getByRole('button', { name: 'Back to the live cluster' }).click();
    await page.getByText(/^live, /).waitFor();
  });

  it('follows members that come and go, and goes back to those of before', async () => {
    const { page } = shown;
    const { id } = await cluster.waitForLeader();
    await shown.sees(id, 'leader');
    await shown.node(1).click();
    await page.getByRole('menuitem', { name: 'Add node 5 as a learner' }).click();
    await page.getByText('Node 5 only learns.').waitFor();
    await shown.sees(5, 'learner');
    await shown.node(5).click();
    await page.getByRole('menuitem', { name: 'Give it a vote' }).click();
    await page.getByText('6 of 6 nodes run.').waitFor();
    await shown.sees(5, 'follower');
    await shown.node(1).click();
    await page.getByRole('menuitem', { name: 'Remove it', exact: true }).click();
    await page.getByText('5 of 5 nodes run.').waitFor();
    expect(await shown.node(1).count()).to.equal(0);
    expect((await cluster.info(id)).configuration.voters).to.deep.equal([0, 2, 3, 4, 5]);
    // The past has the nodes of then.
    await page.getByRole('button', { name: /node 5 has come/ }).click();
    await shown.node(1).waitFor();
    expect(await page.locator('.node').count()).to.equal(6);
  });

  it('shows the thread of each node as its supervisor sees it', async () => {
    const { page } = shown;
    const { id } = await cluster.waitForLeader();
    await shown.sees(id, 'leader');
    await page.locator('#subject').selectOption({ label: `thread of node ${id}` });
    await page.locator('#chart [data-state="active.running"].active').waitFor();
    await cluster.crash(id);
    await page.locator('#chart [data-state="crashed"].active').waitFor();
    const steps = page.locator('#transitions .path');
    await steps.getByText('active.running → terminating').waitFor();
    await steps.getByText('terminating → crashed').waitFor();
  });

  it('shows a page that is opened later how the crashed last stood, and every chart', async () => {
    const { id } = await cluster.waitForLeader();
    await shown.sees(id, 'leader');
    await cluster.crash(id);
    const { term, height } = await cluster.info(id);
    expect(term).to.be.above(0);
    const later = await WatchedPage.open(browser as Browser, inspector.url);
    const crashed = later.page.getByRole('button', {
      name: new RegExp(`^Node ${id}: crashed, at last term ${term}, height ${height}, .*voted for itself$`),
    });
    await crashed.waitFor();
    for (const label of ['cluster', 'client session', `thread of node ${id}`]) {
      await later.page.locator('#subject').selectOption({ label });
      await later.page.locator('#chart .active').first().waitFor();
      await later.page
        .locator('#active-states')
        .getByText(/^Active state /)
        .waitFor();
    }
    await later.close();
  });

  it('can be read by a screen reader', async () => {
    const { page } = shown;
    const { id, term } = await cluster.waitForLeader();
    const other = (id + 1) % 5;
    await cluster.crash(other);
    await shown.sees(id, 'leader');
    await shown.sees(other, 'dead');
    await page.locator('#line').fill('nonsense');
    await page.keyboard.press('Enter');
    await page.locator('#answers .failed').waitFor();
    expect(await page.locator('#answers .failed').innerText()).to.match(
      /^"nonsense" is no command\..*[^\]]$/s,
    );
    await page.locator('#log-table .cell.applied').first().waitFor();
    const snapshot = await page.locator('body').ariaSnapshot();
    const names = [
      new RegExp(
        `status: Node ${id} leads term ${term}, since before this was watched\\. 4 of 5 nodes run\\.`,
      ),
      /paragraph: "Connection to the cluster: connected"/,
      new RegExp(
        `group "Nodes":[\\s\\S]*"Node ${id}: leader, term ${term}, height \\d+, committed \\d+, voted for itself"`,
      ),
      new RegExp(`"Node ${other}: crashed, at last term \\d+, height \\d+, `),
      /group "Links":\s+- 'button "Link between node 0 and node 1: 0 ms"'/,
      /combobox "Statechart of"/,
      /paragraph: "Active state alive\.leader\.authority\.serving: All that was committed when its term began is applied/,
      /list "Recent transitions"/,
      new RegExp(`grid "The end of each node’s log, by index"[\\s\\S]*rowheader "Node ${id}, the leader · `),
      new RegExp(`gridcell "node ${id}, entry 1, term \\d+, applied"`),
      /slider "Moment of the recording"/,
      /region "Time":[\s\S]*button "One step back"[\s\S]*button "Pause"[\s\S]*button "One step on"/,
      /combobox "Speed"/,
      /region "Term \d+":[\s\S]*led already when this was first watched/,
      /region "In a word":[\s\S]*term: term[\s\S]*quorum[\s\S]*commit[\s\S]*pre-vote/,
      /list "What happened":[\s\S]*node \d crashed/,
      /log "Answers": .*nonsense.*is no command/,
    ];
    for (const name of names) expect(snapshot).to.match(name);
    // Links lie under the nodes and are yet read after them, which only the browser's own tree shows.
    const session = await page.context().newCDPSession(page);
    const { nodes } = await session.send('Accessibility.getFullAXTree');
    const ring = nodes.find(({ name }) => String(name?.value).startsWith('Nodes and links.'));
    const parts = ring?.childIds?.map((part) => nodes.find(({ nodeId }) => nodeId === part)?.name?.value);
    expect(parts).to.deep.equal(['Nodes', 'Links']);
    expect(await page.locator('.flights').getAttribute('aria-hidden')).to.equal('true');
    isCut = true;
    await inspector.close();
    await page.getByRole('alert').getByText('Trying again').waitFor();
  });

  it('has nothing wider than the window at 400 pixels', async () => {
    const narrow = await WatchedPage.open(browser as Browser, inspector.url, 400);
    await narrow.page.locator('.node.leader').waitFor();
    const width = await narrow.page.evaluate('document.documentElement.scrollWidth');
    expect(width).to.equal(400);
    await narrow.close();
  });

  /** From a node's place in the ring of five away from its middle, in CSS pixels. */
  function outwards(id: number): [number, number] {
    const angle = (id / 5) * 2 * Math.PI - Math.PI / 2;
    // Upwards there is little room; sideways is out as well.
    return id === 0 ? [-250, 0] : [Math.cos(angle) * 120, Math.sin(angle) * 60 + 40];
  }
});

function focused(page: WatchedPage['page']): Promise<string> {
  return page.evaluate('document.activeElement.id');
}
