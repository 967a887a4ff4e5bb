import { expect } from 'chai';
import type { ClusterObservation } from '../../src/cluster/cluster-observation.js';
import { ClusterRecorder } from '../../src/inspector/recorders/cluster-recorder.js';
import { ClusterState } from '../../src/inspector/recording/cluster-state.js';
import type { Step } from '../../src/inspector/recording/format.js';
import type { ObservedEvent } from '../../src/node/watch/observation.js';
import { QuietCluster } from './quiet-cluster.js';
import { stateOf } from './recorded.js';

/*
 * Members of a cluster of processes come and go without a word: their machines have clocks of their own, which agree with
 * nobody's, and the same member's has another zero each time that its process starts.
 */
describe('the recorder of a cluster whose nodes are elsewhere', () => {
  let cluster: QuietCluster;
  let recorder: ClusterRecorder;
  let steps: Step[];
  let tell: (observed: ClusterObservation) => void;

  beforeEach(async () => {
    cluster = new QuietCluster();
    steps = [];
    recorder = await ClusterRecorder.start(cluster, (step) => steps.push(step));
    recorder.watch(true);
    tell = (observed) => {
      for (const heard of cluster.watchers) heard(observed);
    };
  });
  afterEach(() => recorder.close());

  function told(id: number, at: number, isFirst: boolean, ...events: readonly ObservedEvent[]): void {
    const state = stateOf({ leaderId: 1, term: 3 });
    const observation = { at, isFirst, events, isCut: false, count: 1, state, commitLatency: null };
    tell({ source: 'node', id, observation });
  }

  /** Everything has its place, and what was told is over. */
  function end(): ClusterState {
    const state = ClusterState.of(recorder.header);
    recorder.close();
    for (const step of steps) state.apply(step);
    return state;
  }

  const lives = () => steps.flatMap((step) => (step.kind === 'life' ? [`${step.node} ${step.life}`] : []));

  it('says once of one that cannot be reached that it is so, and of it as it last stood', () => {
    told(2, 5_000, true);
    tell({ source: 'unreachable', id: 2 });
    tell({ source: 'unreachable', id: 2 });
    const node = end().nodes.get(2);
    expect(lives()).to.deep.equal(['2 unreachable']);
    expect([node?.life, node?.state?.term]).to.deep.equal(['unreachable', 3]);
  });

  it('goes on with it when it is heard again, whatever its new clock says', () => {
    told(2, 9_000_000, true);
    tell({ source: 'unreachable', id: 2 });
    told(2, 12, true);
    const beat = {
      kind: 'send',
      to: [0],
      keys: [7],
      message: 'heartbeat',
      entries: 0,
      text: 'heartbeat',
    } as const;
    told(2, 13, false, { ...beat, at: 12.5 });
    expect(end().nodes.get(2)?.life).to.equal('running');
    expect(lives()).to.deep.equal(['2 unreachable', '2 running']);
    const times = steps.map(({ at }) => at);
    expect(times).to.deep.equal(times.toSorted((a, b) => a - b));
    expect(steps.at(-1)).to.deep.include({ kind: 'send', node: 2 });
    expect(steps.at(-1)?.at, 'on the clock of the one that listens').to.be.below(60_000);
  });

  it('links a message that one machine sent with its arrival at another, whose clocks do not agree', () => {
    told(0, 70, true);
    told(1, 8_000_000, true);
    const said = { message: 'heartbeat', entries: 0, text: 'heartbeat' } as const;
    const heard = { from: 1, key: 7, ...said };
    const took = { id: 'alive:peer.appendEntries:0', target: null };
    // Who hears it tells first.
    told(0, 172, false, { kind: 'chart', at: 171, transitions: [took], cause: 'heartbeat', heard });
    told(1, 8_000_101, false, { kind: 'send', at: 8_000_100, to: [0], keys: [7], ...said });
    end();
    const sent = steps.find(({ kind }) => kind === 'send');
    const arrival = steps.find((step) => step.kind === 'chart');
    expect(arrival?.kind === 'chart' && arrival.heard?.nr).to.equal(sent?.nr);
    expect(arrival?.nr).to.be.above(sent?.nr as number);
  });

  it('says nothing of one that cannot be reached because it is no member any more', () => {
    cluster.ids = [0, 1];
    tell({ source: 'unreachable', id: 2 });
    end();
    expect(lives()).to.deep.equal([]);
  });
});
