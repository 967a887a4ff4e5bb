/*
 * What entries of the kind `session` carry: a byte that says what is to be done, and for a session that is to be opened
 * how long it may be silent (u48 LE, in milliseconds). Its result, which its client is told, is that time again.
 */

export type SessionCommand =
  /** The entry's index names the session that it opens. */
  | { readonly type: 'open'; readonly timeoutMs: number }
  /** The client is there, and has nothing to propose. */
  | { readonly type: 'keepAlive' }
  | { readonly type: 'end' };

const codes = { open: 1, keepAlive: 2, end: 3 } as const;
const timeoutBytes = 6;

export function encodeSessionCommand(command: SessionCommand): Uint8Array<ArrayBuffer> {
  if (command.type !== 'open') return Uint8Array.of(codes[command.type]);
  return Uint8Array.of(codes.open, ...encodeSessionTimeout(command.timeoutMs));
}

/** Null when it is none. Never throws. */
export function decodeSessionCommand(bytes: Uint8Array): SessionCommand | null {
  if (bytes[0] === codes.open) {
    const timeoutMs = decodeSessionTimeout(bytes.subarray(1));
    return timeoutMs === null ? null : { type: 'open', timeoutMs };
  }
  if (bytes.length !== 1) return null;
  if (bytes[0] === codes.keepAlive) return { type: 'keepAlive' };
  return bytes[0] === codes.end ? { type: 'end' } : null;
}

export function encodeSessionTimeout(timeoutMs: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(timeoutBytes);
  Buffer.from(bytes.buffer).writeUIntLE(timeoutMs, 0, timeoutBytes);
  return bytes;
}

/** Null when it is none. Never throws. */
export function decodeSessionTimeout(bytes: Uint8Array): number | null {
  if (bytes.length !== timeoutBytes) return null;
  return Buffer.from(bytes.buffer, bytes.byteOffset, timeoutBytes).readUIntLE(0, timeoutBytes);
}
