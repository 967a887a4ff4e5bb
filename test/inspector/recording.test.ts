import { expect } from 'chai';
import type { MarkFrame } from '../../src/inspector/recording/format.js';
import { fewSplits, LoadGatherer, valueRange } from '../../src/inspector/recording/load-series.js';
import { readRecording, writeRecording } from '../../src/inspector/recording/recording-text.js';
import { framesMax, Timeline } from '../../src/inspector/recording/timeline.js';
import { header, mark, nodeFrame, step, worldFrame } from './recorded.js';

describe('a recording', () => {
  it('comes back from its file as it was saved', () => {
    const frames = [nodeFrame(1, 0), mark(2), nodeFrame(3, 1)];
    expect(readRecording(writeRecording({ header, frames }))).to.deep.equal({ header, frames });
  });

  it('says what is wrong with a file that is none', () => {
    const read = (text: string) => () => readRecording(text);
    for (const none of ['', 'PNG', 'null', '{"format":']) {
      expect(read(none), none).to.throw('This file is no recording of Conclave.');
    }
    expect(read(JSON.stringify(header))).to.throw('The recording is empty');
    expect(read(`${JSON.stringify(header)}\n{"kind":"mar`)).to.throw(
      'Line 2 of the recording is no JSON object',
    );
    expect(read('{"name":"other"}')).to.throw('This file is no recording of Conclave.');
    expect(read(JSON.stringify({ ...header, version: 2 }))).to.throw(
      'has version 2; this page reads version 1',
    );
    expect(read(`${JSON.stringify(header)}\n{"kind":"world"}`)).to.throw(
      'Line 2 of the recording is no frame.',
    );
    expect(read(`${JSON.stringify(header)}\n{"kind":"odd","at":1}`)).to.throw(
      'Line 2 of the recording is no frame.',
    );
  });

  it('refuses what a page could not draw, whoever wrote it', () => {
    const world = worldFrame(1, [0, 1]);
    const node = nodeFrame(1, 0);
    const { observation } = node;
    const broken: object[] = [
      { ...node, observation: undefined },
      { ...node, observation: { ...observation, information: { ...observation.information, term: '<b>' } } },
      { ...node, observation: { ...observation, log: { ...observation.log, terms: [null] } } },
      { ...node, observation: { ...observation, links: null } },
      { ...node, id: -1 },
      { ...world, groups: [0] },
      { ...world, link: {} },
      { ...world, lives: [{ id: 0, life: 'toString' }] },
      { ...world, at: 1e300 },
      { ...mark(1), text: 7 },
      { kind: 'chart', at: 1, chart: 'cluster', active: 'serving', transitions: [] },
      { ...mark(1), kind: 'constructor' },
    ];
    const text = (frame: object, head: object = header) =>
      [head, frame].map((each) => JSON.stringify(each)).join('\n');
    for (const frame of broken) {
      expect(() => readRecording(text(frame)), JSON.stringify(frame)).to.throw(
        'Line 2 of the recording is no frame.',
      );
    }
    for (const nodes of [
      null,
      [],
      [null],
      [
        { id: 0, votes: true },
        { id: 0, votes: true },
      ],
      manyNodes(65),
    ]) {
      expect(() => readRecording(text(world, { ...header, nodes }))).to.throw('does not name its nodes');
    }
    expect(readRecording(text(world, { ...header, nodes: manyNodes(64) })).frames).to.deep.equal([world]);
  });

  it('is put in the order of its time', () => {
    const frames = [mark(5), mark(2), mark(9)];
    expect(readRecording(writeRecording({ header, frames })).frames.map(({ at }) => at)).to.deep.equal([
      2, 5, 9,
    ]);
  });
});

function manyNodes(count: number) {
  return Array.from({ length: count }, (_, id) => ({ id, votes: true }));
}

describe('the timeline of a recording', () => {
  it('shows each node as it last told of itself at that moment', () => {
    const timeline = new Timeline(header, [
      nodeFrame(1, 0, { term: 1 }),
      nodeFrame(2, 1, { term: 1 }),
      nodeFrame(5, 0, { term: 2 }),
    ]);
    const termsAt = (at: number) =>
      [...timeline.standingAt(at).nodes].map(([id, { observation }]) => [id, observation.information.term]);
    expect(termsAt(0.5)).to.deep.equal([]);
    expect(termsAt(1)).to.deep.equal([[0, 1]]);
    expect(termsAt(4.9)).to.deep.equal([
      [0, 1],
      [1, 1],
    ]);
    expect(termsAt(5)).to.deep.equal([
      [0, 2],
      [1, 1],
    ]);
  });

  it('steps from moment to moment, and stays at its ends', () => {
    const timeline = new Timeline(header, [nodeFrame(1, 0), nodeFrame(2, 0), nodeFrame(2, 1), mark(4)]);
    expect([timeline.momentAfter(1), timeline.momentAfter(2), timeline.momentAfter(4)]).to.deep.equal([
      2, 4, 4,
    ]);
    expect([timeline.momentBefore(4), timeline.momentBefore(2), timeline.momentBefore(1)]).to.deep.equal([
      2, 1, 1,
    ]);
  });

  it('tells the steps of one chart, newest first, and gathers those that repeat without a change', () => {
    const beat = step('pulse:after heartbeatInterval:2', 'leader', 'leader');
    const timeline = new Timeline(header, [
      nodeFrame(1, 0, {
        transitions: [step('a:x:0', 'follower', 'candidate'), step('b:y:0', 'candidate', 'leader')],
      }),
      nodeFrame(2, 0, { transitions: [beat, { ...beat, target: null, count: 9 }] }),
      nodeFrame(3, 0, { transitions: [beat] }),
      nodeFrame(4, 1, { transitions: [step('z:z:0', 'leader', 'dead')] }),
    ]);
    const steps = timeline.stepsUntil(10, { chart: 'node', node: 0 }, 10);
    expect(
      steps.map(({ at, times, isChange, transition }) => [at, times, isChange, transition.id]),
    ).to.deep.equal([
      [3, 2, false, beat.id],
      [1, 1, true, 'b:y:0'],
      [1, 1, true, 'a:x:0'],
    ]);
    expect(timeline.stepsUntil(1, { chart: 'node', node: 0 }, 1)).to.have.length(1);
  });

  it('gathers by their kind those that repeat by turns, so that a busy leader shows how it came to lead', () => {
    const beat = step('pulse:after heartbeatInterval:2', 'leader', 'leader');
    const block = step('production:after blockInterval:1', 'leader', 'leader');
    const frames = Array.from({ length: 50 }, (_, at) =>
      nodeFrame(at + 2, 0, { transitions: [beat, block, beat] }),
    );
    const elected = nodeFrame(1, 0, { transitions: [step('b:y:0', 'candidate', 'leader'), beat] });
    const timeline = new Timeline(header, [elected, ...frames]);
    const steps = timeline.stepsUntil(100, { chart: 'node', node: 0 }, 14);
    expect(steps.map(({ at, times, transition }) => [at, times, transition.id])).to.deep.equal([
      [51, 101, beat.id],
      [51, 50, block.id],
      [1, 1, 'b:y:0'],
    ]);
  });

  it('shows an election at the moment when its leader tells of it', () => {
    const election: MarkFrame = {
      kind: 'mark',
      at: 10,
      mark: 'election',
      text: 'node 0 leads term 2',
      node: 0,
    };
    const told = nodeFrame(95, 0, { role: 'leader' });
    const frames = [nodeFrame(5, 0), election, nodeFrame(40, 0), nodeFrame(50, 1), told];
    expect(new Timeline(header, frames).momentOf(election)).to.equal(95);
    // A leader that is gone before it can tell.
    expect(new Timeline(header, frames.slice(0, 4)).momentOf(election)).to.equal(10);
    const late = nodeFrame(900, 0, { role: 'leader' });
    expect(new Timeline(header, [election, late]).momentOf(election)).to.equal(10);
  });

  it('finds a change that came long before, below what repeated lately', () => {
    const beat = step('pulse:after heartbeatInterval:2', 'leader', 'leader');
    const frames = Array.from({ length: 5000 }, (_, at) => nodeFrame(at + 2, 0, { transitions: [beat] }));
    const elected = nodeFrame(1, 0, { transitions: [beat, step('b:y:0', 'candidate', 'leader'), beat] });
    const timeline = new Timeline(header, [elected, ...frames]);
    const steps = timeline.stepsUntil(5001, { chart: 'node', node: 0 }, 14);
    expect(steps.map(({ at, transition }) => [at, transition.id])).to.deep.equal([
      [5001, beat.id],
      [1, 'b:y:0'],
    ]);
    expect(timeline.stepsUntil(1, { chart: 'node', node: 0 }, 14).map(({ times }) => times)).to.deep.equal([
      1, 1, 1,
    ]);
  });

  it('forgets the oldest when it grows too long, but not how things stood then', () => {
    const timeline = new Timeline(header, [nodeFrame(0, 1, { term: 9 })]);
    for (let at = 1; at <= framesMax; at++) timeline.add([nodeFrame(at, 0)]);
    expect(timeline.hasForgotten).to.equal(true);
    expect(timeline.recording.frames.length).to.be.at.most(framesMax);
    expect(timeline.standingAt(framesMax).nodes.get(1)?.observation.information.term).to.equal(9);
    // What is kept to say how things stood is no moment to go back to, also not once it was saved.
    const cut = framesMax / 10;
    const opened = readRecording(writeRecording(timeline.recording));
    for (const { firstAt, lastAt } of [timeline, new Timeline(opened.header, opened.frames)]) {
      expect({ firstAt, lastAt }).to.deep.equal({ firstAt: cut, lastAt: framesMax });
    }
    expect(timeline.standingAt(cut).nodes.get(1)?.at).to.equal(0);
  });
});

describe('the load in a recording', () => {
  it('is drawn so that each step of a term is seen, below the marks', () => {
    expect(valueRange([52, 52, null, 53], true)).to.deep.equal({ min: 51, max: 54 });
    expect(valueRange([1, 1], true)).to.deep.equal({ min: 0, max: 2 });
    expect(valueRange([null], true)).to.deep.equal({ min: 0, max: 2 });
    expect(valueRange([0, 100], false).min).to.equal(0);
    expect(fewSplits({ min: 51, max: 54 })).to.deep.equal([51, 52, 53, 54]);
    expect(fewSplits({ min: 0, max: 11.5 })).to.deep.equal([0, 5, 10]);
    expect(fewSplits({ min: 2, max: 17 })).to.deep.equal([5, 10, 15]);
    for (const max of [1, 7, 99, 12_345]) expect(fewSplits({ min: 0, max }).length).to.be.within(2, 5);
  });

  it('knows nothing of a silence, and does not count at once what was committed in it', () => {
    const load = new LoadGatherer();
    load.add([
      nodeFrame(100, 0, { commitIndex: 10 }),
      nodeFrame(600, 0, { commitIndex: 15 }),
      nodeFrame(60_100, 0, { commitIndex: 600 }),
      nodeFrame(60_600, 0, { commitIndex: 605 }),
    ]);
    const { commitsPerSecond } = load.series(0, 61_000);
    expect(commitsPerSecond.slice(0, 3)).to.deep.equal([0, 10, null]);
    expect(commitsPerSecond.slice(-3)).to.deep.equal([null, 0, 10]);
  });

  it('counts each commit once, whoever tells of it, and none for the first word', () => {
    const load = new LoadGatherer();
    load.add([
      nodeFrame(100, 0, { commitIndex: 1000 }),
      nodeFrame(600, 0, { commitIndex: 1010, meanMs: 4 }),
      nodeFrame(700, 1, { commitIndex: 1010, meanMs: 8 }),
      nodeFrame(1600, 1, { commitIndex: 1015, term: 2 }),
    ]);
    const { seconds, commitsPerSecond, latencyMs, term } = load.series(0, 2000);
    expect(seconds).to.deep.equal([0.25, 0.75, 1.25, 1.75]);
    expect(commitsPerSecond).to.deep.equal([0, 20, 0, 10]);
    expect(latencyMs).to.deep.equal([null, 6, null, null]);
    expect(term).to.deep.equal([1, 1, 1, 2]);
  });
});
