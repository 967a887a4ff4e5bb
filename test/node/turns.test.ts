import { expect } from 'chai';
import type { ClientRead } from '../../src/node/clients/client-requests.js';
import { type Mail, readsTogetherMax, Turns } from '../../src/node/turns.js';
import { VirtualClock } from '../router/virtual-clock.js';

/** Turns whose steps and flushes are written down. */
class Diary {
  readonly clock = new VirtualClock();
  readonly lines: string[] = [];
  readonly steps: Mail[] = [];
  readonly turns: Turns = new Turns(this.clock, {
    step: (mail) => {
      this.steps.push(mail);
      this.lines.push(mail.type);
      this.onStep(mail);
    },
    flush: () => this.lines.push('flush'),
  });
  onStep: (mail: Mail) => void = () => {};

  read(request: number, mayUseLease?: true): ClientRead {
    const read = { kind: 'client', request, query: new Uint8Array(0), reply: () => {} } as const;
    return mayUseLease === undefined ? read : { ...read, mayUseLease };
  }

  /** Of each event of reads, the numbers of its reads. */
  get readsOfSteps(): number[][] {
    return this.steps.map((mail) =>
      mail.type === 'client.read' || mail.type === 'client.readStale'
        ? mail.reads.map((read) => (read.kind === 'client' ? read.request : Number.NaN))
        : [],
    );
  }
}

const campaign = { type: 'host.campaign' } as const;

describe('Turns', () => {
  it('step through what has arrived in its order, and flush once', () => {
    const { clock, turns, lines } = new Diary();
    turns.put(campaign);
    turns.put({ type: 'host.setCandidacy', allowed: false });
    expect(lines).to.deep.equal([]);
    clock.pass(0);
    expect(lines).to.deep.equal(['host.campaign', 'host.setCandidacy', 'flush']);
    clock.pass(10);
    expect(lines).to.have.length(3);
    turns.request();
    turns.request();
    clock.pass(0);
    expect(lines.slice(3)).to.deep.equal(['flush']);
  });

  it('leave what comes in a turn to the next', () => {
    const diary = new Diary();
    diary.onStep = () => {
      diary.onStep = () => {};
      diary.turns.put(campaign);
    };
    diary.turns.put(campaign);
    diary.clock.pass(0);
    expect(diary.lines).to.deep.equal(['host.campaign', 'flush', 'host.campaign', 'flush']);
  });

  it('hear before they judge a silence: a timer that is due comes behind what has arrived, which may cancel it', () => {
    const diary = new Diary();
    const { turns, clock, lines } = diary;
    turns.clock.setTimeout(() => lines.push('late'), 10);
    const cancelled = turns.clock.setTimeout(() => lines.push('cancelled'), 10);
    diary.onStep = () => turns.clock.clearTimeout(cancelled);
    // The thread is kept from both, and from what arrives.
    clock.stall(20);
    turns.put(campaign);
    clock.pass(0);
    expect(lines).to.deep.equal(['host.campaign', 'late', 'flush']);
  });

  it('fire no timer that another one cancels which is due in the same turn', () => {
    const { turns, clock, lines } = new Diary();
    turns.clock.setTimeout(() => {
      lines.push('first');
      turns.clock.clearTimeout(second);
    }, 10);
    const second = turns.clock.setTimeout(() => lines.push('second'), 10);
    clock.stall(20);
    clock.pass(0);
    expect(lines).to.deep.equal(['first', 'flush']);
  });

  it('take reads that are alike and come one behind the other for one event', () => {
    const diary = new Diary();
    const { turns, clock } = diary;
    for (const request of [1, 2]) turns.putRead('client.read', diary.read(request));
    for (const request of [3, 4]) turns.putRead('client.read', diary.read(request, true));
    turns.putRead('client.readStale', diary.read(5));
    turns.put(campaign);
    for (const request of [6, 7]) turns.putRead('client.readStale', diary.read(request));
    clock.pass(0);
    turns.putRead('client.readStale', diary.read(8));
    clock.pass(0);
    expect(diary.readsOfSteps).to.deep.equal([[1, 2], [3, 4], [5], [], [6, 7], [8]]);
  });

  it('make no event of more reads than are bounded', () => {
    const diary = new Diary();
    for (let request = 0; request <= readsTogetherMax; request++)
      diary.turns.putRead('client.read', diary.read(request));
    diary.clock.pass(0);
    expect(diary.readsOfSteps.map(({ length }) => length)).to.deep.equal([readsTogetherMax, 1]);
  });

  it('end in the midst of one: nothing more is stepped through, flushed or timed, and the rest is handed back in order', () => {
    const diary = new Diary();
    const { turns, clock, lines } = diary;
    let left: Mail[] = [];
    diary.onStep = () => {
      turns.put({ type: 'host.setCandidacy', allowed: true });
      left = turns.end();
    };
    turns.clock.setTimeout(() => lines.push('timer'), 0);
    turns.put(campaign);
    turns.putRead('client.read', diary.read(1));
    turns.putRead('client.readStale', diary.read(2));
    clock.pass(10);
    turns.request();
    clock.pass(10);
    expect(lines).to.deep.equal(['host.campaign']);
    expect(left.map(({ type }) => type)).to.deep.equal([
      'client.read',
      'client.readStale',
      'host.setCandidacy',
    ]);
  });
});
