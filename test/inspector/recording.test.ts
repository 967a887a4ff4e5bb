import { expect } from 'chai';
import {
  type Frame,
  type NodeFrame,
  type RecordingHeader,
  readRecording,
  writeRecording,
} from '../../src/inspector/recording/format.js';
import { LoadGatherer } from '../../src/inspector/recording/load-series.js';
import { framesMax, Timeline } from '../../src/inspector/recording/timeline.js';
import type { Observation, ObservedTransition } from '../../src/node/watch/observation.js';

const header: RecordingHeader = {
  format: 'conclave-recording',
  version: 1,
  run: 'a test',
  startedAt: null,
  nodes: [
    { id: 0, votes: true },
    { id: 1, votes: true },
  ],
};

function step(id: string, from: string, to: string): ObservedTransition {
  return { chart: 'node', peer: null, id, target: to, from: [from], to: [to], cause: 'a test', count: 1 };
}

function nodeFrame(
  at: number,
  id: number,
  given: { commitIndex?: number; term?: number; transitions?: ObservedTransition[]; meanMs?: number } = {},
): NodeFrame {
  const { commitIndex = 0, term = 1, transitions = [], meanMs } = given;
  const observation: Observation = {
    events: 1,
    information: {
      id,
      role: 'follower',
      state: 'alive.follower.following',
      term,
      votedFor: null,
      leaderId: 0,
      candidacy: true,
      lastLogIndex: commitIndex,
      commitIndex,
      height: commitIndex,
      peers: [],
    },
    active: ['alive.follower.following'],
    transitions,
    messages: [],
    log: { first: 1, terms: [], durableIndex: 0, truncated: [] },
    links: [],
    commitLatency: meanMs === undefined ? null : { samples: 2, meanMs, maxMs: meanMs },
  };
  return { kind: 'node', at, id, observation };
}

const mark = (at: number): Frame => ({ kind: 'mark', at, mark: 'fault', text: 'node 0 crashed', node: 0 });

describe('a recording', () => {
  it('comes back from its file as it was saved', () => {
    const frames = [nodeFrame(1, 0), mark(2), nodeFrame(3, 1)];
    expect(readRecording(writeRecording({ header, frames }))).to.deep.equal({ header, frames });
  });

  it('says what is wrong with a file that is none', () => {
    const read = (text: string) => () => readRecording(text);
    expect(read('')).to.throw('Line 1 of the recording is no JSON object.');
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
});

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

  it('forgets the oldest when it grows too long, but not how things stood then', () => {
    const timeline = new Timeline(header, [nodeFrame(0, 1, { term: 9 })]);
    for (let at = 1; at <= framesMax; at++) timeline.add([nodeFrame(at, 0)]);
    expect(timeline.hasForgotten).to.equal(true);
    expect(timeline.recording.frames.length).to.be.at.most(framesMax);
    expect(timeline.standingAt(framesMax).nodes.get(1)?.observation.information.term).to.equal(9);
  });
});

describe('the load in a recording', () => {
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
