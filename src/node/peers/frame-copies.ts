import type { Message } from '../../raft/messages.js';

/**
 * Encodes what several peers are sent alike once, and copies it for the others: a transport owns the bytes it is
 * given. Followers that keep up get the same AppendEntries.
 */
export class FrameCopies {
  readonly #encode: (message: Message) => Uint8Array;
  #last: { readonly message: Message; readonly frame: Uint8Array } | null = null;

  constructor(encode: (message: Message) => Uint8Array) {
    this.#encode = encode;
  }

  /** The message's frame, the caller's own. */
  frameFor(message: Message): Uint8Array {
    if (this.#last !== null && areAlike(this.#last.message, message)) return this.#last.frame.slice();
    const frame = this.#encode(message);
    // The first copy is kept back, so that what was given away is not read again.
    this.#last = isBroadcast(message) ? { message, frame: frame.slice() } : null;
    return frame;
  }

  /** Forgets the last frame; called between flushes, within which term, commit and round stand still. */
  forget(): void {
    this.#last = null;
  }
}

function isBroadcast(message: Message): boolean {
  return message.type === 'appendEntries' || message.type === 'requestVote' || message.type === 'preVote';
}

function areAlike(a: Message, b: Message): boolean {
  if (a === b) return true;
  return (
    a.type === 'appendEntries' &&
    b.type === 'appendEntries' &&
    a.prevLogIndex === b.prevLogIndex &&
    a.entries.length === b.entries.length
  );
}
