import { cropped } from './thrown.js';

/** Control characters as escapes, so that a stranger's text cannot drive a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    if (escaped !== character) return escaped;
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return character.length === 1 ? `\\u${code.padStart(4, '0')}` : `\\u{${code}}`;
  });
}

/** What is shown of a text, in UTF-16 code units. */
const excerptLengthMax = 1_000;
const linesLengthMax = 8_192;

/** As much of a stranger's text as an error shows: printable, and where it is cut off, how long it is. */
export function excerpt(text: string, lengthMax = excerptLengthMax): string {
  return printable(cropped(text, lengthMax));
}

/** The same of a text of several lines. */
export function excerptLines(text: string, lengthMax = linesLengthMax): string {
  return cropped(text, lengthMax).split('\n').map(printable).join('\n');
}
