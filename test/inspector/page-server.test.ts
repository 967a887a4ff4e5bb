import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { type Inspector, inspect } from '../../src/inspector/inspect.js';
import type { RaftServer } from '../../src/server/raft-server.js';
import { ServerWorld } from '../server/server-world.js';
import { launchChromium } from './chromium.js';
import { WatchedPage } from './watched-page.js';

/** A cluster whose members are processes of their own, seen from one of them: the same page as of a laboratory. */
describe("the inspector's page of a server", function () {
  this.timeout(120_000);
  let browser: Browser | null = null;
  let world: ServerWorld;
  let server: RaftServer;
  let inspector: Inspector;
  let shown: WatchedPage;

  before(async function () {
    browser = await launchChromium();
    if (browser === null) this.skip();
  });
  after(() => browser?.close());

  beforeEach(async () => {
    world = await ServerWorld.of([1, 2, 3]);
    await world.startAll();
    server = world.servers.get(1) as RaftServer;
    inspector = await inspect(server, { port: 0 });
    shown = await WatchedPage.open(browser as Browser, inspector.url);
  });
  afterEach(async () => {
    try {
      await shown?.close();
    } finally {
      await world.end();
    }
  });

  async function run(line: string): Promise<void> {
    await shown.page.getByRole('textbox', { name: 'Command' }).fill(line);
    await shown.page.getByRole('textbox', { name: 'Command' }).press('Enter');
  }

  const says = (text: string | RegExp) => shown.page.locator('#answers').getByText(text).first().waitFor();

  it('shows all members, who leads, and of each its log', async () => {
    const { id: leader } = await server.ready();
    for (const id of [1, 2, 3]) await shown.sees(id, id === leader ? 'leader' : 'follower');
    await run('put colour blue');
    await says(/colour|entry|index/);
    for (const id of [1, 2, 3]) {
      await shown.page
        .locator(`#log-table tbody tr:nth-child(${id}) .cell.applied[data-index="2"]`)
        .waitFor();
    }
  });

  it('shows a member that cannot be reached, another leader, and the member again when it is back', async () => {
    const { id: leader } = await server.ready();
    const gone = leader === 1 ? 2 : leader;
    const other = gone === 2 ? 3 : 2;
    await shown.sees(gone, gone === leader ? 'leader' : 'follower');
    await world.stop(gone);
    await shown.sees(gone, 'dead');
    expect(await shown.node(gone).getAttribute('aria-label')).to.match(
      /^Node \d: unreachable, at last term \d/,
    );
    await shown.page.getByText(`node ${gone} cannot be reached`).waitFor();
    const next = await server.ready({ timeoutMs: 30_000 });
    await shown.sees(next.id, 'leader');
    expect([1, other]).to.include(next.id);
    await world.start(gone);
    await shown.sees(gone, 'follower');
    await shown.page.getByText(`node ${gone} is heard again`).waitFor();
  });

  it('does what operators may, and says what only a laboratory has', async () => {
    const { id: leader } = await server.ready();
    const to = leader === 2 ? 3 : 2;
    await shown.sees(leader, 'leader');
    await shown.choose(to, 'Let it lead');
    await shown.sees(to, 'leader');
    await run(`crash ${to}`);
    await says(/offers no crash/);
    await shown.sees(to, 'leader');
  });
});
