import { expect } from 'chai';
import fc from 'fast-check';
import { type Line, Transcript } from '../../src/cli/live/transcript.js';

const line = (text: string): Line => ({ text, tint: (row) => row });
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => line(`line ${from + at}`));

describe('the transcript', () => {
  it('shows its end, until somebody scrolls back', () => {
    const transcript = new Transcript(80, 3, '…');
    transcript.add(numbered(1, 10));
    expect(transcript.sight()).to.deep.equal({ rows: ['line 8', 'line 9', 'line 10'], above: 7, below: 0 });
    transcript.scroll(-2);
    expect(transcript.sight()).to.deep.equal({ rows: ['line 6', 'line 7', 'line 8'], above: 5, below: 2 });
    transcript.add(numbered(11, 12));
    expect(transcript.sight()).to.deep.equal({ rows: ['line 6', 'line 7', 'line 8'], above: 5, below: 4 });
    transcript.scroll(4);
    expect(transcript.isScrolledBack).to.equal(false);
    expect(transcript.sight().rows).to.deep.equal(['line 10', 'line 11', 'line 12']);
  });

  it('goes back no further than there is anything', () => {
    const transcript = new Transcript(80, 3, '…');
    transcript.scroll(-5);
    expect(transcript.sight()).to.deep.equal({ rows: [], above: 0, below: 0 });
    transcript.add(numbered(1, 2));
    transcript.scroll(-5);
    expect(transcript.isScrolledBack).to.equal(false);
    transcript.add(numbered(3, 5));
    transcript.scroll(-50);
    expect(transcript.sight().rows).to.deep.equal(['line 1', 'line 2', 'line 3']);
  });

  it('begins with the first of what belongs together and does not fit', () => {
    const transcript = new Transcript(80, 3, '…');
    transcript.add(numbered(1, 4));
    transcript.addWhole(numbered(5, 7));
    expect(transcript.isScrolledBack).to.equal(false);
    transcript.addWhole(numbered(8, 11));
    expect(transcript.sight().rows).to.deep.equal(['line 8', 'line 9', 'line 10']);
    transcript.addWhole(numbered(12, 20));
    expect(transcript.sight().rows, 'somebody reads there').to.deep.equal(['line 8', 'line 9', 'line 10']);
  });

  it('begins anew when it is cleared, and can still be scrolled back', () => {
    const transcript = new Transcript(80, 3, '…');
    transcript.add(numbered(1, 4));
    transcript.clear();
    expect(transcript.sight().rows).to.deep.equal([]);
    transcript.add(numbered(5, 5));
    expect(transcript.sight().rows).to.deep.equal(['line 5']);
    transcript.scroll(-2);
    expect(transcript.sight().rows).to.deep.equal(['line 3', 'line 4', 'line 5']);
  });

  it('wraps lines and cuts rows of tables to the width that there is at the moment', () => {
    const transcript = new Transcript(12, 4, '…');
    transcript.add([line('one two three four'), { ...line('  0  leader  12  34'), isTable: true }]);
    expect(transcript.sight().rows).to.deep.equal(['one two', 'three four', '  0  leader…']);
    transcript.resize(40, 4);
    expect(transcript.sight().rows).to.deep.equal(['one two three four', '  0  leader  12  34']);
    expect(transcript.all(12)).to.deep.equal(['one two', 'three four', '  0  leader…']);
  });

  it('keeps so many lines and no more, and shows what is left where somebody reads what is gone', () => {
    const transcript = new Transcript(80, 3, '…');
    transcript.add(numbered(1, 10));
    transcript.scroll(-50);
    transcript.add(numbered(11, 2_005));
    expect(transcript.sight()).to.deep.equal({
      rows: ['line 6', 'line 7', 'line 8'],
      above: 0,
      below: 1_997,
    });
    expect(transcript.all(80)).to.have.length(2_000);
  });

  it('shows consecutive rows, and tells how many stand above and below, whatever was done', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ add: fc.integer({ min: 1, max: 9 }) }),
        fc.record({ scroll: fc.integer({ min: -12, max: 12 }) }),
        fc.record({ columns: fc.integer({ min: 4, max: 20 }), height: fc.integer({ min: 1, max: 8 }) }),
        fc.constant({ clear: true }),
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (sequence) => {
        const transcript = new Transcript(10, 5, '…');
        let [said, columns, height] = [0, 10, 5];
        for (const step of sequence) {
          if ('add' in step) {
            transcript.add(numbered(said + 1, said + step.add));
            said += step.add;
          } else if ('scroll' in step) transcript.scroll(step.scroll);
          else if ('clear' in step) transcript.clear();
          else {
            ({ columns, height } = step);
            transcript.resize(columns, height);
          }
          const all = transcript.all(columns);
          const { rows, above, below } = transcript.sight();
          expect(rows.length).to.be.at.most(height);
          expect(rows).to.deep.equal(all.slice(above, above + rows.length));
          expect(above + rows.length + below).to.equal(all.length);
        }
      }),
    );
  });
});
