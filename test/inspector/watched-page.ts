import { expect } from 'chai';
import type { Browser, Locator, Page } from 'playwright-core';

/** What a page shows of a step. */
export interface StepView {
  readonly summary: string;
  readonly words: string;
  /** By node, as are the heights of what its log shows as applied. */
  readonly roles: readonly string[];
  readonly applied: readonly number[];
  /** Whom the log names as the leader. */
  readonly crowned: readonly number[];
  readonly chartOf: string;
  /** The states that are lit in the chart. */
  readonly lit: readonly string[];
}

/** A page of the inspector as a person has it before them, and what it must not do. */
export class WatchedPage {
  readonly page: Page;
  readonly #origin: string;
  readonly #complaints: string[] = [];
  readonly #foreign: string[] = [];

  private constructor(page: Page, url: string) {
    this.page = page;
    this.#origin = new URL(url).origin;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.#complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.#complaints.push(String(error)));
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol !== 'data:' && protocol !== 'blob:' && origin !== this.#origin)
        this.#foreign.push(request.url());
    });
  }

  static async open(browser: Browser, url: string, width = 1280): Promise<WatchedPage> {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    page.setDefaultTimeout(15_000);
    const watched = new WatchedPage(page, url);
    await page.goto(url);
    await page.locator('#connection[data-state="open"]').waitFor();
    return watched;
  }

  node(id: number): Locator {
    return this.page.locator(`[data-node="${id}"].node`);
  }

  /** Waits until the page shows this node in this role. */
  async sees(id: number, role: string): Promise<void> {
    await this.page.locator(`.node[data-node="${id}"][data-role="${role}"]`).waitFor();
  }

  /** What is to be seen of a step, once it is on show. */
  async atStep(nr: number): Promise<StepView> {
    const { page } = this;
    await page.locator(`#step-words[data-nr="${nr}"]`).waitFor();
    return page.evaluate(`(() => {
      const all = (selector) => [...document.querySelectorAll(selector)];
      const rows = all('#log-table tbody tr');
      return {
        summary: document.getElementById('summary').textContent,
        words: document.getElementById('step-words').textContent,
        roles: all('.node').map((node) => node.dataset.role),
        crowned: rows.flatMap((row, id) => (row.cells[0].textContent.includes('♛') ? [id] : [])),
        applied: rows.map((row) => {
          const cells = [...row.querySelectorAll('.cell.applied')];
          return Math.max(0, ...cells.map((cell) => Number(cell.dataset.index)));
        }),
        chartOf: document.getElementById('statechart-title').textContent,
        lit: all('#chart .active').map((state) => state.dataset.state),
      };
    })()`);
  }

  async choose(id: number, item: string): Promise<void> {
    await this.node(id).click();
    await this.page.getByRole('menuitem', { name: item, exact: true }).click();
  }

  /** Drags a node by so many CSS pixels. */
  async drag(id: number, byX: number, byY: number): Promise<void> {
    const box = await this.node(id).locator('.body').boundingBox();
    if (box === null) throw new Error(`Node ${id} is not on the page.`);
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const { mouse } = this.page;
    await mouse.move(x, y);
    await mouse.down();
    await mouse.move(x + byX / 2, y + byY / 2);
    await mouse.move(x + byX, y + byY);
    await mouse.up();
  }

  /** @param lostConnection the test has cut it, which browsers report as an error. */
  async close({ lostConnection = false } = {}): Promise<void> {
    await this.page.close();
    const isExpected = (text: string) =>
      lostConnection && /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|Failed to load/.test(text);
    expect(
      this.#complaints.filter((text) => !isExpected(text)),
      'errors in the console',
    ).to.deep.equal([]);
    expect(this.#foreign, 'fetched from elsewhere').to.deep.equal([]);
  }
}
