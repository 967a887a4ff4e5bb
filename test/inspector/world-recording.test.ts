import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { inspect } from '../../src/inspector/inspect.js';
import type { MarkFrame, NodeFrame, Recording } from '../../src/inspector/recording/format.js';
import { readRecording } from '../../src/inspector/recording/recording-text.js';
import { Timeline } from '../../src/inspector/recording/timeline.js';
import { WorldRecorder } from '../../src/inspector/recording/world-recorder.js';
import { bundleIntervalMs } from '../../src/node/watch/observation.js';
import { defaultSimulation, type SimulationOptions } from '../../src/simulation/options.js';
import { type RunResult, simulate } from '../../src/simulation/simulation.js';
import { launchChromium } from './chromium.js';
import { eventually } from './cluster-work.js';
import { WatchedPage } from './watched-page.js';

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** `npm run simulate -- WORDS`, without the npm. */
function run(words: readonly string[]) {
  return spawnSync(process.execPath, [program, 'simulate', ...words], { encoding: 'utf8' });
}

const virtualMs = 6000;

function marksIn({ frames }: Recording): readonly MarkFrame[] {
  return frames.filter((frame): frame is MarkFrame => frame.kind === 'mark');
}

function record(options: SimulationOptions): { recording: Recording; result: RunResult } {
  const recorder = new WorldRecorder(options);
  const result = simulate(options, (event) => recorder.heard(event), recorder);
  return { recording: recorder.finish(result.finding), result };
}

/** The first recording that is as wanted: which seed's it is, chance decides. */
function firstRecording(
  options: Partial<SimulationOptions>,
  isWanted: (marks: readonly MarkFrame[]) => boolean,
): { seed: number; recording: Recording } {
  for (let seed = 1; seed <= 40; seed++) {
    const { recording } = record({ ...defaultSimulation, ...options, seed });
    if (isWanted(marksIn(recording))) return { seed, recording };
  }
  throw new Error('No world of forty is as wanted.');
}

describe('the recording of a simulated run', function () {
  this.timeout(40_000);
  let directory: string;
  let file: string;
  let seed: number;
  let hash: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'recording-'));
    file = join(directory, 'run.jsonl');
    ({ seed } = firstRecording(
      { virtualMs },
      (marks) =>
        marks.slice(0, -60).some(({ mark }) => mark === 'election') &&
        marks.some(({ text }) => /^node \d restarted$/.test(text)),
    ));
    const words = `--seed ${seed} --virtual-seconds ${virtualMs / 1000} --json --recording`.split(' ');
    const { status, stdout } = run([...words, file]);
    expect(status).to.equal(0);
    hash = JSON.parse(stdout).hash;
  });
  after(() => rm(directory, { recursive: true }));

  it('shows a leader, how it came to lead, and the faults, in virtual time', async () => {
    const recording = readRecording(await readFile(file, 'utf8'));
    const { header, frames } = recording;
    expect(header).to.deep.include({ run: `seed ${seed}`, startedAt: null });
    expect(header.nodes).to.have.length(5);
    const times = frames.map(({ at }) => at);
    expect(times).to.deep.equal([...times].sort((a, b) => a - b));
    expect(times.at(-1)).to.be.within(virtualMs / 2, virtualMs);

    const marks = marksIn(recording);
    expect(new Set(marks.map(({ mark }) => mark))).to.have.keys('fault', 'repair', 'election');
    const episodes = marks.filter(({ text }) => /^(fault|over): (?!links cut)/.test(text));
    expect(episodes).to.not.have.length(0);
    for (const { text } of episodes) expect(text).to.match(/ \((nodes? |links |all |the leader)/);
    const election = marks.find(({ mark }) => mark === 'election') as MarkFrame;
    const node = election.node as number;
    const timeline = new Timeline(header, frames);
    const soon = election.at + 2 * bundleIntervalMs;
    const standing = timeline.standingAt(soon);
    expect(election.text).to.equal(`node ${node} leads term ${standing.world?.leader?.term}`);
    expect(standing.nodes.get(node)?.observation.information.role).to.equal('leader');
    const targets = timeline
      .stepsUntil(soon, { chart: 'node', node }, 100)
      .map(({ transition }) => transition.target);
    expect(targets.some((target) => target?.startsWith('alive.candidate'))).to.equal(true);
    expect(targets.some((target) => target?.startsWith('alive.leader'))).to.equal(true);
  });

  it('holds a bundle of each life at its beginning, and then at most ten a second', async () => {
    const recording = readRecording(await readFile(file, 'utf8'));
    for (const { id } of recording.header.nodes) {
      const starts = marksIn(recording).filter(({ text }) => text === `node ${id} restarted`);
      const bundles = recording.frames.filter(
        (each): each is NodeFrame => each.kind === 'node' && each.id === id,
      );
      expect(bundles[0]?.at).to.be.lessThan(bundleIntervalMs);
      for (const { at } of starts) {
        const first = bundles.find((bundle) => bundle.at >= at) as NodeFrame;
        expect(first.at).to.equal(at);
        expect(first.observation.information.role).to.equal('follower');
      }
      expect(bundles.length).to.be.within(10, virtualMs / bundleIntervalMs + 1 + starts.length);
    }
  });

  it('shows a node asleep from when it is paused until it wakes, and at no other time', () => {
    const { recording } = firstRecording({ virtualMs, faults: ['pauses'] }, (marks) =>
      marks.some(({ text }) => text.endsWith(' woke')),
    );
    const asleep = new Set<number>();
    let shown = 0;
    for (const frame of recording.frames) {
      if (frame.kind === 'mark' && frame.node !== null) {
        if (frame.text.endsWith(' paused')) asleep.add(frame.node);
        if (frame.text.endsWith(' woke')) asleep.delete(frame.node);
      }
      if (frame.kind !== 'world') continue;
      const paused = frame.lives.filter(({ life }) => life === 'paused').map(({ id }) => id);
      expect(paused).to.have.members([...asleep]);
      shown += paused.length;
    }
    expect(shown).to.be.above(0);
  });

  it('leaves the run as it is unrecorded, in every mode', () => {
    expect(hash).to.equal(simulate({ ...defaultSimulation, seed, virtualMs }).hash);
    for (const mode of ['safety', 'liveness'] as const) {
      for (const each of [seed, seed + 1]) {
        const options = { ...defaultSimulation, seed: each, mode, virtualMs: 2000 };
        expect(record(options).result).to.deep.equal(simulate(options));
      }
    }
  });

  it('tells of a partition who is apart, and until when', () => {
    const faultsIn = (marks: readonly MarkFrame[]) => marks.filter(({ mark }) => mark !== 'election');
    const { recording } = firstRecording({ virtualMs: 2000, faults: ['partitions'] }, (marks) => {
      const [first, next] = faultsIn(marks);
      return first?.text.startsWith('cut apart') === true && next?.text === 'partition over';
    });
    const timeline = new Timeline(recording.header, recording.frames);
    const [cut, mended] = faultsIn(timeline.marks) as [MarkFrame, MarkFrame];
    const groups = timeline.standingAt(cut.at).world?.groups ?? [];
    expect(groups).to.have.length(2);
    expect(groups.flat()).to.have.members([0, 1, 2, 3, 4]);
    expect(cut.text).to.equal(`cut apart: {${groups[0]?.join(' ')}} {${groups[1]?.join(' ')}}`);
    expect(timeline.standingAt(mended.at).world?.groups).to.deep.equal([[0, 1, 2, 3, 4]]);
  });

  it('ends with what broke', () => {
    const recorder = new WorldRecorder(defaultSimulation);
    const finding = { invariant: 'LeaderCompleteness', text: 'It is.', atMs: 0 };
    expect(recorder.finish(finding).frames.at(-1)).to.deep.include({
      kind: 'mark',
      mark: 'fault',
      text: 'LeaderCompleteness is broken',
    });
  });

  it('takes a recording of many runs, or in no place, for a wrong option', async () => {
    for (const words of ['--seeds 2', '--seed 1 --seeds 2']) {
      const many = run([...words.split(' '), '--recording', join(directory, 'many')]);
      expect([many.status, many.stdout]).to.deep.equal([2, '']);
      expect(many.stderr).to.include('name it with --seed N, without --seeds');
    }
    await writeFile(join(directory, 'plain'), '');
    const nowhere = run(['--seed', '2', '--recording', join(directory, 'plain', 'run')]);
    expect([nowhere.status, nowhere.stdout]).to.deep.equal([2, '']);
    expect(nowhere.stderr).to.include('The recording cannot be written');
  });

  it('opens in the page, which steps through it in virtual time', async function () {
    const browser: Browser | null = await launchChromium();
    if (browser === null) return this.skip();
    const election = marksIn(readRecording(await readFile(file, 'utf8'))).find(
      ({ mark }) => mark === 'election',
    ) as MarkFrame;
    const cluster = await RaftCluster.start({ nodes: 1 });
    try {
      const inspector = await inspect(cluster, { port: 0 });
      const shown = await WatchedPage.open(browser, inspector.url);
      const { page } = shown;
      await page.locator('#file').setInputFiles(file);
      await page.getByText(/^Recording run\.jsonl/).waitFor();
      await shown.node(4).waitFor();

      await page.locator('#scrubber').fill(`${election.at}`);
      await page.getByText(/^Node \d leads term \d+\./).waitFor();
      // Sixty marks that come later do not hide it.
      await page.locator('#marks .election').getByText(election.text, { exact: true }).waitFor();
      // What a chart did later is not told yet.
      await eventually(async () => {
        const told = await page.locator('#transitions .when').allTextContents();
        return told.every((when) => Number.parseFloat(when) <= election.at / 1000 + 0.005);
      });
      // The bundle that tells of it comes a little later.
      for (let steps = 0; steps < 20 && (await page.locator('.node.leader').count()) === 0; steps++) {
        await stepped(page, '#step-forward', (at, before) => at > before);
      }
      await shown.sees(election.node as number, 'leader');
      await stepped(page, '#step-back', (at, before) => at < before);
      await shown.close();
    } finally {
      await cluster.close();
      await browser.close();
    }
  });
});

/** Presses a button and waits until the page shows another moment. */
async function stepped(
  page: Page,
  button: string,
  isThere: (at: number, before: number) => boolean,
): Promise<void> {
  const moment = async () => Number(await page.locator('#scrubber').inputValue());
  const before = await moment();
  await page.locator(button).click();
  await eventually(async () => isThere(await moment(), before));
}
