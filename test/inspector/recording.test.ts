import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { ClusterState } from '../../src/inspector/recording/cluster-state.js';
import type { Step } from '../../src/inspector/recording/format.js';
import { fewSplits, LoadGatherer, valueRange } from '../../src/inspector/recording/load-series.js';
import { readRecording, writeRecording } from '../../src/inspector/recording/recording-text.js';
import { openingSteps, stepsMax, Timeline } from '../../src/inspector/recording/timeline.js';
import { crashed, header, type Loose, moved, numbered, stand, wired, withLog } from './recorded.js';

/** Compiled, the tests lie one folder deeper than their fixtures. */
const fixture = (name: string) => new URL(`../../../test/inspector/fixtures/${name}`, import.meta.url);

describe('a recording', () => {
  it('comes back from its file as it was saved', () => {
    const steps = numbered(wired(0, [0, 1]), stand(1, 0), crashed(2), stand(3, 1));
    expect(readRecording(writeRecording({ header, steps }))).to.deep.equal({ header, steps });
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
    expect(read(JSON.stringify({ ...header, version: 3 }))).to.throw(
      'has version 3; this page reads versions 1 to 2',
    );
    for (const kind of ['life', 'odd']) {
      expect(read(`${JSON.stringify(header)}\n{"kind":"${kind}","at":1,"nr":1}`)).to.throw(
        'Line 2 of the recording is no step.',
      );
    }
    const backwards = numbered(crashed(5), crashed(4));
    expect(read(writeRecording({ header, steps: backwards }))).to.throw(
      'Line 3 of the recording is before the line above it.',
    );
  });

  it('refuses what a page could not draw, whoever wrote it', () => {
    const [network, node, life] = numbered(wired(1, [0, 1]), stand(1, 0), crashed(1)) as [
      object,
      object,
      object,
    ];
    const { state } = node as { state: object };
    const told = { mark: 'fault', text: 7 };
    const broken: object[] = [
      { ...node, state: undefined },
      { ...node, state: { ...state, term: '<b>' } },
      { ...node, state: { ...state, role: 'king' } },
      { ...node, state: { ...state, log: { last: 1, runs: [[1, null]] } } },
      { ...node, state: { ...state, links: null } },
      { ...node, node: -1 },
      { ...network, groups: [0] },
      { ...network, link: {} },
      { ...life, life: 'toString' },
      { ...life, told },
      { ...life, at: 1e300 },
      { ...life, nr: undefined },
      { kind: 'outer', nr: 1, at: 1, chart: 'cluster', active: 'serving' },
      { kind: 'chart', nr: 1, at: 1, node: 0, transitions: [], cause: '', heard: { from: 0 } },
      { kind: 'mark', nr: 1, at: 1, mark: '<b>', text: '', node: null },
      { ...life, kind: 'constructor' },
      membersStep({ voters: [] }),
      membersStep({ voters: [0, 0] }),
      membersStep({ learners: [1] }),
      membersStep({ nodes: [] }),
      membersStep({ nodes: [0, 0, 1] }),
      membersStep({ nodes: Array.from({ length: 65 }, (_, id) => id) }),
      membersStep({ votersOutgoing: ['<b>'] }),
      membersStep({ learners: undefined }),
    ];
    const text = (step: object, head: object = header) =>
      [head, step].map((each) => JSON.stringify(each)).join('\n');
    for (const step of broken) {
      expect(() => readRecording(text(step)), JSON.stringify(step)).to.throw(
        'Line 2 of the recording is no step.',
      );
    }
    const twice = { id: 0, votes: true };
    for (const nodes of [null, [], [null], [twice, twice], manyNodes(65)]) {
      expect(() => readRecording(text(network, { ...header, nodes }))).to.throw('does not name its nodes');
    }
    expect(readRecording(text(network, { ...header, nodes: manyNodes(64) })).steps).to.deep.equal([network]);
  });

  for (const version of [1, 2]) {
    it(`of version ${version} still opens, and shows an election and its leader`, async () => {
      const text = await readFile(fixture(`recording-version-${version}.jsonl`), 'utf8');
      const recording = readRecording(text);
      const timeline = new Timeline(recording.header, recording.steps);
      const elections = timeline.chronicle.told.filter(({ mark }) => mark === 'election');
      expect(elections).to.not.have.length(0);
      for (const { nr, node } of elections) {
        expect(timeline.stateAfter(nr).nodes.get(node ?? -1)?.state?.role).to.equal('leader');
        expect(timeline.stateAfter(nr - 1).nodes.get(node ?? -1)?.state?.role).to.equal('candidate');
      }
      expect(timeline.chronicle.told.some(({ mark }) => mark === 'timeout')).to.equal(true);
      const last = timeline.stateAfter(timeline.lastNr);
      expect(Math.max(...[...last.nodes.values()].map(({ levels }) => levels.commit))).to.be.above(0);
      expect(timeline.header.isBundled === true).to.equal(version === 1);
      // Saved anew, it is of the version that is written now.
      expect(readRecording(writeRecording(timeline.recording)).header.version).to.equal(2);
    });
  }
});

function manyNodes(count: number) {
  return Array.from({ length: count }, (_, id) => ({ id, votes: true }));
}

describe('the timeline of a recording', () => {
  const timelineOf = (...steps: readonly Loose[]) => new Timeline(header, numbered(...steps));

  it('shows each node as it stood after any step', () => {
    const timeline = timelineOf(
      stand(1, 0, { term: 1 }),
      stand(2, 1, { term: 1 }),
      moved(5, 0, 'a:b:0', { term: 2, votedFor: 1 }),
    );
    const termsAfter = (nr: number) =>
      [...timeline.stateAfter(nr).nodes.values()].map(({ state }) => state?.term ?? null);
    expect([1, 2, 3].map(termsAfter)).to.deep.equal([
      [1, null],
      [1, 1],
      [2, 1],
    ]);
    expect(timeline.stateAfter(2).nodes.get(0)?.state?.votedFor).to.equal(null);
  });

  it('finds the step of a moment, the last of those that share it', () => {
    const timeline = timelineOf(stand(1, 0), stand(2, 0), stand(2, 1), crashed(4));
    expect([0, 1, 1.5, 2, 3, 9].map((at) => timeline.nrAt(at))).to.deep.equal([1, 1, 1, 3, 3, 4]);
  });

  it('opens where everybody has told how they stand, and nothing has happened yet', () => {
    const timeline = timelineOf(wired(0, [0, 1]), stand(0, 0), stand(1, 1), moved(2, 0, 'a:b:0'));
    expect(timeline.openingNr).to.equal(3);
  });

  it('knows in which step a message was heard that was sent in another', () => {
    const sent = { kind: 'send', at: 1, node: 0, to: [1], message: 'preVote', entries: 0, text: '' } as const;
    const heard = { from: 0, nr: 2, message: 'preVote', entries: 0, text: '' } as const;
    const timeline = timelineOf(stand(0, 0), sent, stand(1, 1), moved(2, 1, 'a:b:0', {}, { heard }));
    expect(timeline.arrivalsOf(2)).to.deep.equal([{ to: 1, nr: 4 }]);
  });

  it('tells the moves of one chart, newest first, and gathers those that repeat without a change', () => {
    const beat = (at: number) => moved(at, 0, 'leader', { heardLeader: true });
    const timeline = timelineOf(
      stand(0, 0),
      stand(0, 1),
      moved(1, 0, 'candidate', { active: ['alive.candidate'], role: 'candidate' }),
      moved(1, 0, 'elected', { active: ['alive.leader'], role: 'leader' }),
      beat(2),
      beat(3),
      moved(4, 1, 'dead', { active: ['dead'], role: 'dead' }),
    );
    const moves = timeline.moves.until(7, { chart: 'node', node: 0 }, 10);
    expect(moves.map(({ at, times, isChange, id }) => [at, times, isChange, id])).to.deep.equal([
      [3, 2, false, 'leader'],
      [1, 1, true, 'elected'],
      [1, 1, true, 'candidate'],
    ]);
    expect(timeline.moves.until(3, { chart: 'node', node: 0 }, 10)).to.have.length(1);
  });

  it('finds a change that came long before, below what repeated lately', () => {
    const beats = Array.from({ length: 5000 }, (_, at) => moved(at + 2, 0, 'beating'));
    const elected = moved(1, 0, 'leader', { active: ['alive.leader'], role: 'leader' });
    const timeline = timelineOf(stand(0, 0), elected, ...beats);
    const moves = timeline.moves.until(5002, { chart: 'node', node: 0 }, 14);
    expect(moves.map(({ at, id }) => [at, id])).to.deep.equal([
      [5001, 'beating'],
      [1, 'leader'],
    ]);
  });

  it('forgets the oldest when it grows too long, but not how things stood then, nor what had happened', () => {
    const timeline = timelineOf(stand(0, 1, { term: 9 }), stand(0, 0), crashed(1, 1));
    const message = { message: 'preVote', entries: 0, text: '' } as const;
    for (let at = 2; at < stepsMax; at += 2) {
      const nr = timeline.lastNr + 1;
      timeline.add([
        { kind: 'send', nr, at, node: 0, to: [1], ...message },
        {
          kind: 'chart',
          nr: nr + 1,
          at: at + 1,
          node: 0,
          transitions: [],
          cause: '',
          heard: { from: 0, nr, ...message },
        },
      ]);
    }
    expect(timeline.hasForgotten).to.equal(true);
    expect(timeline.lastNr - timeline.firstNr).to.be.below(stepsMax);
    expect(timeline.firstNr).to.be.above(stepsMax / 10);
    for (const nr of [timeline.firstNr, timeline.lastNr]) {
      expect(timeline.stateAfter(nr).nodes.get(1)).to.deep.include({ life: 'crashed' });
      expect(timeline.stateAfter(nr).nodes.get(1)?.state?.term).to.equal(9);
    }
    expect(timeline.before.map(({ text }) => text)).to.deep.equal(['node 1 crashed']);
    // What is kept is a recording of its own.
    const { header: head, steps } = timeline.recording;
    expect(steps.map(({ nr }) => nr).every((nr, at) => nr === at + 1)).to.equal(true);
    const opened = new Timeline(head, steps);
    expect(opened.before).to.deep.equal(timeline.before);
    expect(opened.stateAfter(opened.lastNr).nodes.get(1)?.state?.term).to.equal(9);
    expect(opened.stateAfter(1).nodes.get(1)?.life).to.equal('running');
    expect(opened.stateAfter(opened.openingNr).nodes.get(1)?.life).to.equal('crashed');
    expect(opened.arrivalsOf(opened.lastNr - 1)).to.deep.equal([{ to: 0, nr: opened.lastNr }]);
  });

  it('has at each step the nodes and the voters of then', () => {
    const at = 10;
    const timeline = timelineOf(
      wired(0, [0, 1]),
      stand(0, 0, { role: 'leader', ...withLog([1, 1]) }),
      stand(0, 1, withLog([1, 1], 1)),
      { kind: 'members', at, nodes: [0, 1, 2], voters: [0, 1], votersOutgoing: [], learners: [2] },
      stand(11, 2, withLog([1])),
      { kind: 'members', at: 12, nodes: [0, 1, 2], voters: [1, 2], votersOutgoing: [0, 1], learners: [] },
      { kind: 'members', at: 13, nodes: [1, 2], voters: [1, 2], votersOutgoing: [], learners: [] },
      crashed(14, 1),
    );
    const ids = (nr: number) => [...timeline.stateAfter(nr).nodes.keys()];
    const voters = (nr: number) =>
      [...timeline.stateAfter(nr).nodes.values()].filter((node) => node.isVoter).map(({ id }) => id);
    expect([3, 4, 7].map(ids)).to.deep.equal([
      [0, 1],
      [0, 1, 2],
      [1, 2],
    ]);
    expect([3, 4, 6, 7].map(voters)).to.deep.equal([
      [0, 1],
      [0, 1],
      [0, 1, 2],
      [1, 2],
    ]);
    // Going back, they are there again; and what is told of how it stands tells them too.
    expect(ids(1)).to.deep.equal([0, 1]);
    const told = ClusterState.of(header);
    for (const step of openingSteps(timeline.stateAfter(6), 20)) told.apply(step);
    expect(told.configuration.data).to.deep.equal(timeline.stateAfter(6).configuration.data);
    expect([...told.nodes.keys()]).to.deep.equal([0, 1, 2]);
    // A majority of the old and one of the new, of whom node 2 has only the first entry.
    expect(timeline.stateAfter(6).configuration.hasQuorum((id) => id !== 1)).to.equal(false);
  });

  it('says so when it was not told everything, and counts on', () => {
    const timeline = timelineOf(wired(0, [0, 1]), stand(0, 0), crashed(5));
    timeline.goOn([
      { at: 5, mark: 'fault', text: 'node 0 crashed', node: 0 },
      { at: 9, mark: 'repair', text: 'node 0 restarted', node: 0 },
    ]);
    // It was restarted meanwhile: who tells how all stand tells that it runs, too.
    const opening = ClusterState.of(header);
    opening.apply(numbered(stand(20, 0))[0] as Step);
    timeline.add([...openingSteps(opening, 20), { ...crashed(30), nr: 1 } as Step]);
    expect(timeline.stateAfter(9).nodes.get(0)).to.include({ life: 'running' });
    expect(timeline.chronicle.told.map(({ at, mark, nr }) => [at, mark, nr])).to.deep.equal([
      [5, 'fault', 3],
      [5, 'gap', 4],
      [9, 'repair', 5],
      [30, 'fault', 10],
    ]);
  });
});

describe('the load in a recording', () => {
  const loadOf = (...steps: readonly Loose[]) => new Timeline(header, numbered(...steps)).load;
  const committed = (at: number, node: number, commitIndex: number, meanMs?: number) =>
    moved(
      at,
      node,
      'a:b:0',
      { commitIndex, log: { last: commitIndex, runs: [[1, 1]] } },
      meanMs === undefined ? {} : { latency: { samples: 2, meanMs } },
    );

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
    const load = loadOf(
      stand(100, 0, withLog(Array(10).fill(1))),
      committed(600, 0, 15),
      committed(60_100, 0, 600),
      committed(60_600, 0, 605),
    );
    const { commitsPerSecond } = load.series(0, 61_000);
    expect(commitsPerSecond.slice(0, 3)).to.deep.equal([0, 10, null]);
    expect(commitsPerSecond.slice(-3)).to.deep.equal([null, 0, 10]);
  });

  it('counts each commit once, whoever tells of it, and none of how a node stands when it begins to tell', () => {
    const load = loadOf(
      // A page that is opened hears of one that was stopped long ago first.
      stand(100, 1, withLog(Array(10).fill(1))),
      stand(110, 0, withLog(Array(1000).fill(1))),
      committed(600, 0, 1010, 4),
      committed(700, 1, 1010, 8),
      committed(1600, 1, 1015),
      moved(1700, 1, 'a:b:0', { term: 2 }),
    );
    const { seconds, commitsPerSecond, latencyMs, term } = load.series(0, 2000);
    expect(seconds).to.deep.equal([0.25, 0.75, 1.25, 1.75]);
    expect(commitsPerSecond).to.deep.equal([0, 20, 0, 10]);
    expect(latencyMs).to.deep.equal([null, 6, null, null]);
    expect(term).to.deep.equal([1, 1, 1, 2]);
    expect(new LoadGatherer().series(0, 1000).commitsPerSecond).to.deep.equal([0, 0]);
  });
});

/** Of who belongs to a cluster of two, unless it is said otherwise. */
function membersStep(given: object): object {
  const members = { nodes: [0, 1], voters: [0, 1], votersOutgoing: [], learners: [] };
  return { kind: 'members', nr: 1, at: 1, ...members, ...given };
}
