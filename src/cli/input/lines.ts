import { ConclaveError } from '../../ground/errors.js';

/** A line is larger than a command may be. */
export class LineTooLongError extends ConclaveError {
  constructor(line: number, bytesMax: number) {
    super(
      'LINE_TOO_LONG',
      `Line ${line} has more than ${bytesMax} bytes, the most that one command holds. Break it up; the lines before it have been taken.`,
    );
  }
}

const newline = 0x0a;

/**
 * Cuts a stream of bytes at line feeds, which are left out; all other bytes stay as they are. A last line needs no
 * line feed. Each line is an exact copy.
 * @throws {LineTooLongError} as soon as a line exceeds `bytesMax`: no more than that is ever held.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<Uint8Array[], void, void> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let count = 0;
  const take = (piece: Uint8Array) => {
    if (pendingBytes + piece.length > bytesMax) throw new LineTooLongError(count + 1, bytesMax);
    pending.push(piece);
    pendingBytes += piece.length;
  };
  const finish = () => {
    const line = new Uint8Array(Buffer.concat(pending, pendingBytes));
    pending = [];
    pendingBytes = 0;
    count++;
    return line;
  };
  for await (const chunk of chunks) {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      take(chunk.subarray(start, end));
      lines.push(finish());
      start = end + 1;
    }
    if (start < chunk.length) take(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (pending.length > 0) yield [finish()];
}
