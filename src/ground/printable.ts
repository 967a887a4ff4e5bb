/** Control characters as escapes, so that a stranger's text cannot drive a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    return escaped === character ? `\\u{${character.codePointAt(0)?.toString(16)}}` : escaped;
  });
}

/** What an error shows of a text. */
const excerptCharactersMax = 1_000;

/** As much of a stranger's text as an error shows: printable, and where it is cut off, how long it is. */
export function excerpt(text: string, charactersMax = excerptCharactersMax): string {
  if (text.length <= charactersMax) return printable(text);
  // Cut before it is searched, and not within a pair of surrogates.
  const shown = text.slice(0, charactersMax).replace(/[\ud800-\udbff]$/, '');
  return `${printable(shown)}… (${text.length} characters)`;
}
