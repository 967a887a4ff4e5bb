/*
 * How much room text takes on a terminal. Unicode leaves some of it to the terminal: what is ambiguous is taken for
 * narrow, and the screen does not wrap lines by itself, so that a wrong guess costs one line's end and no more.
 */

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const plain = /^[\x20-\x7e]*$/;
const nothing = /^[\p{M}\p{Cf}\p{Cc}]+$/u;
/** Wide letters of East Asia (UAX #11), and what is drawn as a picture. */
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|^\p{Emoji_Presentation}|\ufe0f/u;

function columnsOfGrapheme(grapheme: string): number {
  if (nothing.test(grapheme)) return 0;
  return wide.test(grapheme) ? 2 : 1;
}

/** Columns that text takes. It holds no line breaks and no escape sequences. */
export function columnsOf(text: string): number {
  if (plain.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += columnsOfGrapheme(segment);
  return columns;
}

/** The beginning of a text that fits, and never half a character. */
export function headOf(text: string, columns: number): string {
  if (plain.test(text)) return text.slice(0, Math.max(0, columns));
  let left = columns;
  let end = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    left -= columnsOfGrapheme(segment);
    if (left < 0) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}

/** As much as fits, with `mark` where something is missing. */
export function cut(text: string, columns: number, mark: string): string {
  if (columnsOf(text) <= columns) return text;
  return headOf(text, columns - columnsOf(mark)) + headOf(mark, columns);
}

/**
 * The text in rows that fit, broken between words; a word longer than a row is broken where the row ends. Rows after
 * the first are indented as the first is.
 */
export function wrap(text: string, columns: number): string[] {
  if (columnsOf(text) <= columns || columns < 1) return [text];
  const indent = headOf(/^ */.exec(text)?.[0] ?? '', Math.min(Math.floor(columns / 2), columns - 2));
  const rows: string[] = [];
  let row = '';
  for (const [piece] of text.slice(indent.length).matchAll(/ *[^ ]+/g)) {
    let word = row === '' ? piece.trimStart() : piece;
    if (row !== '' && columnsOf(indent + row + word) > columns) {
      rows.push(indent + row);
      row = '';
      word = word.trimStart();
    }
    while (columnsOf(indent + row + word) > columns) {
      const head = headOf(word, Math.max(1, columns - columnsOf(indent + row)));
      rows.push(indent + row + (head === '' ? word : head));
      row = '';
      word = head === '' ? '' : word.slice(head.length);
    }
    row += word;
  }
  return row === '' && rows.length > 0 ? rows : [...rows, indent + row];
}
