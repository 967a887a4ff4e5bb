import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import type { Inspector } from '../../src/inspector/inspect.js';
import { inspect } from '../../src/inspector/inspect.js';
import { launchChromium } from './chromium.js';
import { eventually } from './cluster-work.js';
import { WatchedPage } from './watched-page.js';

/*
 * A person before the page who wants to see an election, on a real cluster. Its first leader is elected at once; after
 * that elections take long enough for a busy machine not to cause any.
 */
const timings = { electionTimeoutMsMin: 1000, electionTimeoutMsMax: 2000, heartbeatMs: 100 };

describe("an election in the inspector's page", function () {
  this.timeout(40_000);
  let browser: Browser | null = null;
  let cluster: RaftCluster;
  let inspector: Inspector;
  let shown: WatchedPage;

  before(async function () {
    browser = await launchChromium();
    if (browser === null) this.skip();
  });
  after(() => browser?.close());

  beforeEach(async () => {
    cluster = await RaftCluster.start({ nodes: 5, leader: 2, timings, seed: 7 });
    await cluster.waitForLeader();
    inspector = await inspect(cluster, { port: 0 });
    shown = await WatchedPage.open(browser as Browser, inspector.url);
  });
  afterEach(async () => {
    try {
      await shown?.close();
    } finally {
      await cluster.close();
    }
  });

  it('shows the election that a click on “Crash” causes, in the chart and on the time axis', async () => {
    const { id: old } = await cluster.waitForLeader();
    await shown.sees(old, 'leader');
    await shown.choose(old, 'Crash');
    const { id: next } = await cluster.waitForLeader({ otherThan: old, timeoutMs: 20_000 });
    await shown.sees(next, 'leader');
    await shown.page.locator(`.node[data-node="${old}"].crashed`).waitFor();
    await shown.page.locator('#subject').selectOption({ label: `node ${next}` });
    const steps = shown.page.locator('#transitions .path');
    await steps.getByText('preCandidate → candidate').first().waitFor();
    await steps.getByText('candidate → leader.authority.establishing').first().waitFor();
    // In the words of the machine, which come when its chart does.
    const cause = /a majority would vote for it: preVoteResponse from node \d/;
    await shown.page
      .locator('#transitions li', { hasText: 'preCandidate → candidate' })
      .getByText(cause)
      .first()
      .waitFor();
    await shown.page.locator('#marks .fault').getByText(`node ${old} crashed`).waitFor();
    await shown.page.locator('#marks .election').getByText(`node ${next} leads`).first().waitFor();
  });

  it('tells why there was an election, who voted for whom, and what was needed', async () => {
    const { page } = shown;
    const { id: old } = await cluster.waitForLeader();
    await shown.sees(old, 'leader');
    await page
      .locator('#election')
      .getByText(`Node ${old} led already when this was first watched`)
      .waitFor();
    await shown.choose(old, 'Crash');
    const { id: next, term } = await cluster.waitForLeader({ otherThan: old, timeoutMs: 20_000 });
    await page.locator('#election-title').getByText(`Election of term ${term}`, { exact: true }).waitFor();
    const why = new RegExp(
      `^At [\\d.]+ s node \\d asked for votes: its election timer of \\d+ ms ran out without a word from node ${old}, which had crashed \\d+ ms before\\.$`,
    );
    await page.locator('#election-why').getByText(why).waitFor();
    await page
      .locator('#election-votes caption')
      .getByText(/a majority is 3 of 5\.$/)
      .waitFor();
    await page
      .locator('#election-votes tbody tr', { hasText: `node ${next} (itself)` })
      .getByText(`node ${next}`, { exact: true })
      .waitFor();
    expect(await page.locator('#election-votes tbody tr').count()).to.equal(5);
    await page.locator('#election-outcome').getByText(`Node ${next} leads since`).waitFor();
    await page
      .getByText(new RegExp(`^Node ${next} leads term ${term} since [\\d.]+ s\\. 4 of 5 nodes run\\.$`))
      .waitFor();
  });

  it('steps through a live election from the timeout to the leader, all parts agreeing', async () => {
    const { page } = shown;
    const { id: old } = await cluster.waitForLeader();
    await shown.sees(old, 'leader');
    await shown.choose(old, 'Crash');
    const { id: next, term } = await cluster.waitForLeader({ otherThan: old, timeoutMs: 20_000 });
    await page.locator('#election-title').getByText(`Election of term ${term}`, { exact: true }).waitFor();
    let nr = Number(await page.locator('#election-start').getAttribute('data-nr'));
    await page.locator('#election-start').click();
    const told: string[] = [];
    for (let steps = 0; steps < 200 && !told.at(-1)?.includes('is leader'); steps++) {
      const view = await shown.atStep(nr++);
      told.push(view.words);
      const leaders = view.roles.flatMap((role, id) => (role === 'leader' ? [id] : []));
      expect(view.crowned).to.deep.equal(leaders);
      if (leaders.length === 0) expect(view.summary).to.match(/^No leader\. 4 of 5 nodes run\./);
      else expect(view.summary).to.match(new RegExp(`^Node ${next} leads term ${term} since`));
      const [, acting] = /^[\d,]+\. node (\d)/.exec(view.words) ?? [];
      if (acting !== undefined) {
        expect(view.chartOf).to.equal(`Statechart of node ${acting}`);
        expect(view.lit).to.include(`alive.${view.roles[Number(acting)]}`);
      }
      await page.keyboard.press('.');
    }
    const order = [
      /its election timer runs out → is preCandidate/,
      /would you vote for me in term/,
      /a majority would vote for it → is candidate, term \d+, votes for itself/,
      /asks for a vote/,
      /votes for node \d/,
      /grants the vote/,
      /a majority voted for it → is leader/,
    ].map((pattern) => told.findIndex((words) => pattern.test(words)));
    expect(order).to.deep.equal(order.toSorted((a, b) => a - b));
    expect(order[0]).to.equal(0);
  });

  it('shows in slow motion what is done to the cluster, as it happened', async () => {
    const { page } = shown;
    const { id: old } = await cluster.waitForLeader();
    await shown.sees(old, 'leader');
    await page.locator('#speed').selectOption('1/50');
    await shown.choose(old, 'Crash');
    await page.locator(`.node[data-node="${old}"].crashed`).waitFor();
    const { id: next } = await cluster.waitForLeader({ otherThan: old, timeoutMs: 20_000 });
    // What has long happened has not been shown yet.
    await page.getByText(/^No leader\. 4 of 5 nodes run/).waitFor();
    expect(await page.locator(`.node[data-node="${next}"]`).getAttribute('data-role')).to.not.equal('leader');
    await page.locator('#marks .later').getByText(`node ${next} leads`).waitFor();
    await page.keyboard.press(']');
    await page.locator('#step-words').getByText('is preCandidate').waitFor();
    await page.getByRole('button', { name: 'Play' }).click();
    const moments: number[] = [];
    await eventually(async () => {
      moments.push(Number(await page.locator('#scrubber').inputValue()));
      return (await page.locator('.node.leader').count()) === 1;
    });
    await shown.sees(next, 'leader');
    // At a fiftieth, in some looks a second: nothing was skipped.
    const leaps = moments.map((at, nth) => at - (moments[nth - 1] ?? at));
    expect(Math.max(...leaps)).to.be.below(40);
    await page.locator('body').press('l');
    await page.getByText(/^live, /).waitFor();
  });

  it('steps back to the moment of an election, and live again', async () => {
    const { page } = shown;
    const { id: old } = await cluster.waitForLeader();
    await shown.sees(old, 'leader');
    await shown.choose(old, 'Stop');
    const { id: next } = await cluster.waitForLeader({ otherThan: old, timeoutMs: 20_000 });
    await shown.sees(next, 'leader');
    await page.locator('#subject').selectOption({ label: `node ${next}` });
    await page.locator('#transitions button').filter({ hasText: 'preCandidate → candidate' }).first().click();
    await page.locator(`.node[data-node="${next}"][data-role="candidate"]`).waitFor();
    await page.locator(`.node[data-node="${old}"][data-role="dead"]`).waitFor();
    const before = Number(await page.locator('#step-words').getAttribute('data-nr'));
    await page.getByRole('button', { name: 'One step back' }).click();
    await shown.atStep(before - 1);
    await shown.sees(next, 'preCandidate');
    await page.getByRole('button', { name: 'Live' }).click();
    await page.getByText(/^live, /).waitFor();
  });
});
