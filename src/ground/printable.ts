import { cropped } from './thrown.js';

/** Control characters as escapes, so that a stranger's text cannot drive a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    return escaped === character ? `\\u{${character.codePointAt(0)?.toString(16)}}` : escaped;
  });
}

/** What an error shows of a text, in UTF-16 code units. */
const excerptLengthMax = 1_000;

/** As much of a stranger's text as an error shows: printable, and where it is cut off, how long it is. */
export function excerpt(text: string, lengthMax = excerptLengthMax): string {
  return printable(cropped(text, lengthMax));
}
