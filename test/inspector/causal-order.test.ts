import { expect } from 'chai';
import { CausalOrder } from '../../src/inspector/recording/causal-order.js';
import type { Step } from '../../src/inspector/recording/format.js';
import type { ChartEvent, Observation, ObservedEvent, SendEvent } from '../../src/node/watch/observation.js';
import { stateOf } from './recorded.js';

/*
 * Nodes tell what they did, each in its own order and on its own clock, in bundles that come when they come. What a
 * person steps through must be one order, and one that Raft could have gone through.
 */

const message = { message: 'preVote', entries: 0, text: 'would you?' } as const;

function sends(at: number, to: number, key: number): SendEvent {
  return { kind: 'send', at, to: [to], keys: [key], ...message };
}

function hears(at: number, from: number, key: number): ChartEvent {
  return { kind: 'chart', at, transitions: [], cause: 'a test', heard: { from, key, ...message } };
}

function acts(at: number): ChartEvent {
  return { kind: 'chart', at, transitions: [], cause: 'by itself' };
}

function bundle(at: number, events: readonly ObservedEvent[], more: Partial<Observation> = {}): Observation {
  return {
    at,
    isFirst: false,
    isCut: false,
    events,
    count: events.length,
    state: stateOf(),
    commitLatency: null,
    ...more,
  };
}

describe('the causal order of what nodes tell', () => {
  let steps: Step[];
  let order: CausalOrder;

  beforeEach(() => {
    steps = [];
    order = new CausalOrder((step) => steps.push(step), 0);
    for (const id of [0, 1, 2]) order.told(id, bundle(0, [], { isFirst: true }), 0);
    order.settle(0);
    steps.length = 0;
  });

  /** What was placed: whose step, and what it was. */
  const placed = () =>
    steps.map((step) => {
      if (!('node' in step)) return step.kind;
      const what = step.kind === 'chart' && step.heard !== undefined ? 'hears' : step.kind;
      return `${step.node} ${what}`;
    });

  it('puts what was heard after what was sent, whatever the clocks say', () => {
    order.told(1, bundle(100, [hears(10, 0, 7), sends(11, 2, 8)]), 0);
    order.told(2, bundle(100, [hears(5, 1, 8)]), 0);
    order.told(0, bundle(100, [sends(30, 1, 7), acts(31)]), 0);
    order.finish();
    expect(placed()).to.deep.equal(['0 send', '1 hears', '1 send', '2 hears', '0 chart']);
    const [sent, heard] = steps;
    expect(heard).to.deep.include({ nr: (sent?.nr ?? 0) + 1 });
    expect(heard).to.have.nested.property('heard.nr', sent?.nr);
    const times = steps.map(({ at }) => at);
    expect(times).to.deep.equal(times.toSorted((a, b) => a - b));
  });

  it('keeps to the times where nothing depends on another', () => {
    order.told(1, bundle(100, [acts(20), acts(40)]), 0);
    order.told(0, bundle(100, [acts(10), acts(30)]), 0);
    order.finish();
    expect(placed()).to.deep.equal(['0 chart', '1 chart', '0 chart', '1 chart']);
  });

  it('compares clocks by what has to be added to each', () => {
    order.told(1, bundle(1100, [acts(1020)]), -1000);
    order.told(0, bundle(100, [acts(30)]), 0);
    order.finish();
    expect(placed()).to.deep.equal(['1 chart', '0 chart']);
    expect(steps.map(({ at }) => at)).to.deep.equal([20, 30]);
  });

  it('waits for a sender that has yet to tell of that time', () => {
    order.told(1, bundle(100, [hears(10, 0, 7)]), 0);
    order.told(2, bundle(400, []), 0);
    order.settle(400);
    expect(placed()).to.deep.equal([]);
    order.told(0, bundle(400, [sends(9, 1, 7)]), 0);
    order.settle(400);
    expect(placed()).to.deep.equal(['0 send', '1 hears']);
  });

  it('does not wait for what its sender has told without: it counted what it sent', () => {
    order.told(1, bundle(100, [hears(10, 0, 7)]), 0);
    order.told(0, bundle(100, []), 0);
    order.settle(300);
    expect(placed()).to.deep.equal(['1 hears']);
    expect(steps[0]).to.have.nested.property('heard.nr', null);
  });

  it('does not wait for ever for one that says nothing', () => {
    order.told(1, bundle(100, [hears(10, 0, 7)]), 0);
    order.settle(900);
    expect(placed()).to.deep.equal([]);
    order.settle(1100);
    expect(placed()).to.deep.equal(['1 hears']);
  });

  it('puts what a killed node sent and could not tell after its end: it was under way', () => {
    order.told(1, bundle(100, [hears(60, 0, 7), acts(61)]), 0);
    order.lives(0, 'crashed', 70);
    order.settle(300);
    expect(placed()).to.deep.equal(['0 life', '1 hears', '1 chart']);
  });

  it('puts the last words of a killed node before its end, also if they come after it', () => {
    order.lives(0, 'crashed', 70);
    order.told(0, bundle(65, [acts(50), sends(60, 1, 7)]), 0);
    order.told(1, bundle(200, [hears(72, 0, 7)]), 0);
    order.settle(400);
    expect(placed()).to.deep.equal(['0 chart', '0 send', '0 life', '1 hears']);
  });

  it('puts a stop where it was in time, though what came before it is told later', () => {
    order.lives(0, 'stopped', 50);
    order.told(0, bundle(100, [acts(40), acts(60)]), 0);
    order.told(1, bundle(200, []), 0);
    order.settle(400);
    expect(placed()).to.deep.equal(['0 chart', '0 life', '0 chart']);
  });

  it('takes frames of the same bytes for one message, and is not stopped by it', () => {
    order.told(0, bundle(100, [sends(10, 1, 7), hears(20, 1, 8)]), 0);
    order.told(1, bundle(100, [hears(11, 0, 7), sends(12, 0, 8), hears(13, 0, 7)]), 0);
    order.told(0, bundle(200, [sends(110, 1, 7)]), 0);
    order.finish();
    expect(placed()).to.deep.equal(['0 send', '1 hears', '1 send', '1 hears', '0 hears', '0 send']);
  });

  it('goes on where the keys of messages lead in a circle', () => {
    order.told(0, bundle(100, [hears(10, 1, 8), sends(11, 1, 7)]), 0);
    order.told(1, bundle(100, [hears(10, 0, 7), sends(11, 0, 8)]), 0);
    order.finish();
    expect(placed()).to.have.length(4);
  });

  it('tells how a node stands as a whole when it has left something out', () => {
    order.told(0, bundle(100, [acts(10)], { isCut: true }), 0);
    order.finish();
    expect(placed()).to.deep.equal(['0 chart', '0 stand']);
  });

  it('places what lies outside the nodes by its time', () => {
    order.around({ kind: 'mark', at: 20, mark: 'fault', text: 'a fault', node: null });
    order.told(0, bundle(100, [acts(10), acts(30)]), 0);
    order.finish();
    expect(placed()).to.deep.equal(['0 chart', 'null mark', '0 chart']);
  });
});
