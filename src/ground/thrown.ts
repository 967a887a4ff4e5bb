/** What an error says, in UTF-16 code units, is passed on up to this. */
const textLengthMax = 4096;

/** A text of any length from somebody else, no longer than it may be passed on. */
export function cropped(text: string, lengthMax = textLengthMax): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax)}… (${text.length} characters)`;
}

/** What somebody else's code threw, in words. It may be anything, and asking it may throw again. */
export function messageOf(thrown: unknown): string {
  try {
    const text: unknown = thrown instanceof Error ? thrown.message : thrown;
    return cropped(String(text));
  } catch {
    return 'something that cannot be put into words';
  }
}
