import { expect } from 'chai';
import fc from 'fast-check';
import { columnsOf, cut, headOf, wrap } from '../../src/cli/live/text-width.js';

const texts = fc.array(
  fc.constantFrom(
    'a',
    'word',
    ' ',
    '  ',
    '日本',
    'é',
    'e\u0301',
    '👍',
    '👨‍👩‍👧',
    '🗳️',
    '\u200b',
    'long-long-long-word',
  ),
);

describe('the width of text on a terminal', () => {
  it('counts letters once, those of East Asia and pictures twice, and marks above them not at all', () => {
    const widths: [text: string, columns: number][] = [
      ['', 0],
      ['colour', 6],
      ['é', 1],
      ['e\u0301', 1],
      ['日本', 4],
      ['ﾊﾝ', 2],
      ['한', 2],
      ['👍', 2],
      ['👨‍👩‍👧', 2],
      ['🗳️', 2],
      ['…·─⠋', 4],
      ['a\u200bb', 2],
    ];
    for (const [text, columns] of widths) expect(columnsOf(text), text).to.equal(columns);
  });

  it('cuts no character in two, and marks what it cut', () => {
    expect(cut('colour', 6, '…')).to.equal('colour');
    expect(cut('colours', 6, '…')).to.equal('colou…');
    expect(cut('日本語', 5, '…')).to.equal('日本…');
    expect(cut('日本語', 4, '…')).to.equal('日…');
    expect(headOf('👨‍👩‍👧x', 1)).to.equal('');
    expect(cut('colour', 0, '…')).to.equal('');
  });

  it('wraps between words, and indents what follows as the first row is', () => {
    expect(wrap('  failed: no leader took it', 16)).to.deep.equal(['  failed: no', '  leader took it']);
    expect(wrap('one  two', 5)).to.deep.equal(['one', 'two']);
    expect(wrap('abcdefgh ij', 4)).to.deep.equal(['abcd', 'efgh', 'ij']);
    expect(wrap('', 4)).to.deep.equal(['']);
    expect(wrap('日本語', 1)).to.have.length.above(0);
  });

  it('fits whatever it cuts and wraps, and loses nothing but blanks by wrapping', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 2, max: 20 }), (parts, columns) => {
        const text = parts.join('');
        expect(columnsOf(cut(text, columns, '…'))).to.be.at.most(columns);
        const rows = wrap(text, columns);
        for (const row of rows) expect(columnsOf(row)).to.be.at.most(columns);
        expect(rows.join('').replaceAll(' ', '')).to.equal(text.replaceAll(' ', ''));
      }),
    );
  });
});
