import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { inspect } from '../../src/inspector/inspect.js';
import { WorldRecorder } from '../../src/inspector/recorders/world-recorder.js';
import type { Campaign } from '../../src/inspector/recording/campaign.js';
import type { Told } from '../../src/inspector/recording/chronicle.js';
import type { ClusterState } from '../../src/inspector/recording/cluster-state.js';
import type { Recording, Step } from '../../src/inspector/recording/format.js';
import { type NodeSeen, roleOf } from '../../src/inspector/recording/node-seen.js';
import { readRecording } from '../../src/inspector/recording/recording-text.js';
import { Timeline } from '../../src/inspector/recording/timeline.js';
import { defaultSimulation, type SimulationOptions } from '../../src/simulation/options.js';
import { type RunResult, simulate } from '../../src/simulation/simulation.js';
import { launchChromium } from './chromium.js';
import { type StepView, WatchedPage } from './watched-page.js';

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** `npm run simulate -- WORDS`, without the npm. */
function run(words: readonly string[]) {
  return spawnSync(process.execPath, [program, 'simulate', ...words], { encoding: 'utf8' });
}

const virtualMs = 6000;

/** What happened, as the page lists it. */
function toldIn({ header, steps }: Recording): readonly Told[] {
  return new Timeline(header, steps).chronicle.told;
}

function record(options: SimulationOptions): { recording: Recording; result: RunResult } {
  const recorder = new WorldRecorder(options);
  const result = simulate(options, (event) => recorder.heard(event), recorder);
  return { recording: recorder.finish(result.finding), result };
}

/** The first recording that is as wanted: which seed's it is, chance decides. */
function firstRecording(
  options: Partial<SimulationOptions>,
  isWanted: (told: readonly Told[]) => boolean,
): { seed: number; recording: Recording } {
  for (let seed = 1; seed <= 40; seed++) {
    const { recording } = record({ ...defaultSimulation, ...options, seed });
    if (isWanted(toldIn(recording))) return { seed, recording };
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
      (told) =>
        told.find(({ mark }) => mark === 'timeout' || mark === 'standing')?.mark === 'timeout' &&
        told.slice(0, -60).some(({ mark }) => mark === 'election') &&
        told.some(({ text }) => /^node \d restarted$/.test(text)),
    ));
    const words = `--seed ${seed} --virtual-seconds ${virtualMs / 1000} --json --recording`.split(' ');
    const { status, stdout } = run([...words, file]);
    expect(status).to.equal(0);
    hash = JSON.parse(stdout).hash;
  });
  after(() => rm(directory, { recursive: true }));

  it('shows a leader, how it came to lead, and the faults, in virtual time', async () => {
    const recording = readRecording(await readFile(file, 'utf8'));
    const { header, steps } = recording;
    expect(header).to.deep.include({ run: `seed ${seed}`, startedAt: null });
    expect(header.nodes).to.have.length(5);
    expect(steps.at(-1)?.at).to.be.within(virtualMs / 2, virtualMs);

    const told = toldIn(recording);
    expect(new Set(told.map(({ mark }) => mark))).to.include.keys(
      'fault',
      'repair',
      'timeout',
      'standing',
      'election',
    );
    const episodes = told.filter(({ text }) => /^(fault|over): (?!links cut)/.test(text));
    expect(episodes).to.not.have.length(0);
    for (const { text } of episodes) expect(text).to.match(/ \((nodes? |links |all |the leader)/);
    const election = told.find(({ mark }) => mark === 'election') as Told;
    const node = election.node as number;
    const timeline = new Timeline(header, steps);
    const state = timeline.stateAfter(election.nr);
    expect(state.leader).to.deep.include({ id: node });
    expect(election.text).to.match(
      new RegExp(`^node ${node} leads term ${state.leader?.state?.term} with the votes of`),
    );
    const states = timeline.moves
      .until(election.nr, { chart: 'node', node }, 100)
      .filter(({ isChange }) => isChange)
      .map(({ to }) => to[0]);
    expect(states.slice(0, 2)).to.deep.equal(['alive.leader.authority.establishing', 'alive.candidate']);
  });

  it('opens at its beginning, from where each election can be stepped through', async () => {
    const { header, steps } = readRecording(await readFile(file, 'utf8'));
    const timeline = new Timeline(header, steps);
    const opening = timeline.stateAfter(timeline.openingNr);
    expect(opening.at).to.be.below(1);
    for (const { state } of opening.nodes.values()) expect(state?.role).to.equal('follower');
    for (const campaign of timeline.chronicle.campaigns.until(timeline.lastNr)) {
      const { node, nr, stood, end } = campaign;
      const roleAfter = (at: number) => timeline.stateAfter(at).nodes.get(node)?.state?.role;
      expect(roleAfter(nr)).to.be.oneOf(['preCandidate', 'candidate']);
      if (stood !== null) expect(roleAfter(stood.nr)).to.equal('candidate');
      if (end?.isElected !== true) continue;
      expect([roleAfter(end.nr - 1), roleAfter(end.nr)]).to.deep.equal(['candidate', 'leader']);
      // Each vote that it counts is a step of its own, before it leads.
      const places = (stood?.votes ?? []).map((vote) => vote.nr);
      expect(new Set(places).size).to.equal(places.length);
      for (const place of places) expect(place).to.be.below(end.nr);
    }
  });

  it('shows a node asleep from when it is paused until it wakes, and at no other time', () => {
    const { recording } = firstRecording({ virtualMs, faults: ['pauses'] }, (told) =>
      told.some(({ text }) => text.endsWith(' woke')),
    );
    const timeline = new Timeline(recording.header, recording.steps);
    const asleep = new Set<number>();
    let shown = 0;
    for (const step of recording.steps) {
      if (step.kind === 'life' && step.told !== undefined) {
        if (step.told.text.endsWith(' paused')) asleep.add(step.node);
        if (step.told.text.endsWith(' woke')) asleep.delete(step.node);
      }
      const paused = [...timeline.stateAfter(step.nr).nodes.values()].filter(({ life }) => life === 'paused');
      expect(paused.map(({ id }) => id)).to.have.members([...asleep]);
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
    const faultsIn = (told: readonly Told[]) =>
      told.filter(({ mark }) => mark === 'fault' || mark === 'repair');
    const { recording } = firstRecording({ virtualMs: 2000, faults: ['partitions'] }, (told) => {
      const [first, next] = faultsIn(told);
      return first?.text.startsWith('cut apart') === true && next?.text === 'partition over';
    });
    const timeline = new Timeline(recording.header, recording.steps);
    const [cut, mended] = faultsIn(timeline.chronicle.told) as [Told, Told];
    const groups = timeline.stateAfter(cut.nr).network?.groups ?? [];
    expect(groups).to.have.length(2);
    expect(groups.flat()).to.have.members([0, 1, 2, 3, 4]);
    expect(cut.text).to.equal(`cut apart: {${groups[0]?.join(' ')}} {${groups[1]?.join(' ')}}`);
    expect(timeline.stateAfter(mended.nr).network?.groups).to.deep.equal([[0, 1, 2, 3, 4]]);
  });

  it('ends with what broke', () => {
    const recorder = new WorldRecorder(defaultSimulation);
    const finding = { invariant: 'LeaderCompleteness', text: 'It is.', atMs: 0 };
    expect(recorder.finish(finding).steps.at(-1)).to.deep.include({
      kind: 'mark',
      mark: 'fault',
      text: 'LeaderCompleteness is broken',
    });
  });

  it('takes a recording of many runs, or in no place, for a wrong option', async () => {
    const refusals = [
      ['--seeds 2', 'name it with --seed N'],
      ['--seed 1 --seeds 2', 'cannot be used with'],
    ] as const;
    for (const [words, refusal] of refusals) {
      const many = run([...words.split(' '), '--recording', join(directory, 'many')]);
      expect([many.status, many.stdout]).to.deep.equal([2, '']);
      expect(many.stderr).to.include(refusal);
    }
    await writeFile(join(directory, 'plain'), '');
    const nowhere = run(['--seed', '2', '--recording', join(directory, 'plain', 'run')]);
    expect([nowhere.status, nowhere.stdout]).to.deep.equal([2, '']);
    expect(nowhere.stderr).to.include('The recording cannot be written');
  });

  it('opens in the page, which steps through it in virtual time', async function () {
    const browser: Browser | null = await launchChromium();
    if (browser === null) return this.skip();
    const { header, steps } = readRecording(await readFile(file, 'utf8'));
    const timeline = new Timeline(header, steps);
    const [won] = timeline.chronicle.campaigns.until(timeline.lastNr).filter(({ end }) => end?.isElected);
    const { node, nr, stood, end } = won as Campaign;
    const cluster = await RaftCluster.start({ nodes: 1 });
    try {
      const inspector = await inspect(cluster, { port: 0 });
      const shown = await WatchedPage.open(browser, inspector.url);
      const { page } = shown;
      await page.locator('#file').setInputFiles(file);
      await page.getByText(/^Recording run\.jsonl/).waitFor();
      await shown.node(4).waitFor();
      // It opens at its start.
      await page.getByText(/^recording, 0\.00 s of /).waitFor();
      await page.getByText(/^No leader\. 5 of 5 nodes run/).waitFor();
      await page.locator('#play[aria-label="Play"]').waitFor();

      await page
        .locator('#marks button.timeout', { hasText: `node ${node} asks` })
        .last()
        .click();
      let roles: (string | null)[] = [];
      for (let at = nr; at <= (end?.nr ?? 0); at++) {
        const view = await shown.atStep(at);
        expectAgreement(view, timeline.stateAfter(at), timeline.step(at));
        const role = view.roles[node] ?? null;
        if (role !== roles.at(-1)) roles = [...roles, role];
        await page.locator('#step-forward').click();
      }
      expect(roles).to.deep.equal(
        stood === null ? [] : ['preCandidate', 'candidate', 'leader'].slice(3 - roles.length),
      );
      await page.locator('#step-back').click();
      await shown.atStep(end?.nr ?? 0);
      await shown.close();
    } finally {
      await cluster.close();
      await browser.close();
    }
  });
});

/** The first line, the picture, the chart and the log show the same. */
function expectAgreement(view: StepView, state: ClusterState, step: Step | null): void {
  const { leader } = state;
  expect(view.summary).to.match(leader === null ? /^No leader/ : new RegExp(`^Node ${leader.id} leads term`));
  for (const { id, levels, ...node } of state.nodes.values()) {
    expect(view.roles[id], `node ${id} in the picture`).to.equal(roleOf({ id, levels, ...node }));
    expect(view.applied[id], `node ${id} in the log`).to.equal(levels.height);
  }
  expect(view.crowned).to.deep.equal(leader === null ? [] : [leader.id]);
  if (step !== null && 'node' in step && step.kind !== 'mark') {
    expect(view.chartOf).to.equal(`Statechart of node ${step.node}`);
    const role = roleOf(state.nodes.get(step.node) as NodeSeen);
    if (role !== 'dead') expect(view.lit).to.include(`alive.${role}`);
  }
}
