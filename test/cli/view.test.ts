import { expect } from 'chai';
import { LiveModel } from '../../src/cli/live/live-model.js';
import { paintFor } from '../../src/cli/live/paint.js';
import { renderView, type ViewModel, type ViewPlace, viewHeight } from '../../src/cli/live/view.js';
import { roles } from '../../src/node/information.js';
import { fakeContext, information } from '../console/fake-context.js';

const plain = paintFor({ isTTY: true, environment: { NO_COLOR: '1' } });
const coloured = paintFor({ isTTY: true, environment: { TERM: 'xterm' } });
const terminal: ViewPlace = { columns: 80, rows: 24, paint: plain, unicode: true };
const colours = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');

function model(nodes: number, difference: Partial<ViewModel> = {}): ViewModel {
  return {
    nodes: Array.from({ length: nodes }, (_, id) => ({
      ...information(id, { height: 123_456_789, commitIndex: 123_456_789, term: 12_345 }),
      role: roles[id % roles.length] ?? 'dead',
      peers: Array.from({ length: nodes }, (_, peer) => peer).filter((peer) => peer !== id),
      cuts: '',
      lastEvent: 'died: the disk is full and a great many other things went wrong, too',
    })),
    leader: { id: 3, term: 12_345 },
    blockIntervalMs: 100,
    commitsPerSecond: 12_345,
    ...difference,
  };
}

describe('the live view', () => {
  it('fits 80 columns and the rows it announces, whatever the numbers', () => {
    const lines = renderView(model(5), terminal);
    expect(lines).to.have.length(viewHeight(5, 24));
    expect(Math.max(...lines.map((line) => line.length))).to.be.at.most(80);
  });

  it('shows each node with role, term, heights, living peers and last event', () => {
    const [, , ...rows] = renderView(model(5), { ...terminal, columns: 200 });
    expect(rows[0]?.trim().split(/\s{2,}/)).to.deep.equal([
      '0',
      'follower',
      '12345',
      '123456789',
      '123456789',
      '1 2 3 4',
      'died: the disk is full and a great many other things went wrong, too',
    ]);
  });

  it('aligns headings and cells', () => {
    const [, headings = '', first = ''] = renderView(model(5), terminal);
    for (const [heading, cell] of [
      ['role', 'follower'],
      ['peers', '1 2 3 4'],
      ['last event', 'died'],
    ] as const) {
      expect(first.indexOf(cell), heading).to.equal(headings.indexOf(heading));
    }
  });

  it('names the leader, and says so when there is none', () => {
    expect(renderView(model(5), terminal)[0]).to.include('node 3 leads term 12345');
    expect(renderView(model(5, { leader: null }), terminal)[0]).to.include('no leader');
  });

  it('says the same with and without colour', () => {
    const bare = renderView(model(5), { ...terminal, paint: coloured }).map((line) =>
      line.replace(colours, ''),
    );
    expect(bare).to.deep.equal(renderView(model(5), terminal));
    expect(renderView(model(5), { ...terminal, paint: coloured }).join('')).to.match(colours);
  });

  it('keeps to ASCII where nothing else can be shown', () => {
    const text = renderView(model(31), { ...terminal, unicode: false }).join('');
    expect([...text].every((character) => character.charCodeAt(0) < 128)).to.equal(true);
  });

  it('says how many nodes it leaves out of a low window, and gives way to the prompt in a tiny one', () => {
    const lines = renderView(model(31), terminal);
    expect(lines).to.have.length(viewHeight(31, 24)).and.to.have.length.below(20);
    expect(lines.join('\n')).to.match(/and \d+ more/);
    expect(renderView(model(5), { ...terminal, rows: 8 })).to.deep.equal([]);
  });

  it('cuts lines to a narrow window', () => {
    for (const columns of [1, 10, 40, 79]) {
      for (const line of renderView(model(5), { ...terminal, columns })) {
        expect(line.length).to.be.at.most(columns);
      }
    }
  });
});

describe('the model of the live view', () => {
  it('counts commits a second over what it saw lately, and remembers what was told of each node', () => {
    const live = new LiveModel();
    const { context } = fakeContext();
    live.see([information(0, { commitIndex: 100 })], 0);
    live.see([information(0, { commitIndex: 120 })], 500);
    live.hear({ nodes: [0], text: 'node 0 crashed', short: 'crashed', isMinor: false, isAct: false });
    const { commitsPerSecond, nodes } = live.view(context);
    expect(commitsPerSecond).to.equal(40);
    expect(nodes[0]?.lastEvent).to.equal('crashed');
  });
});
