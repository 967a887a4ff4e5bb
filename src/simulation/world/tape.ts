import type { NodeId } from '../../raft/entry.js';

/** Frames that a tape holds; it is full then and hears no more. */
const heldMax = 256;

/** A frame as it was sent. */
export interface TapedFrame {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly frame: Uint8Array;
}

/** Whoever listens to the frames that are sent. */
export interface FrameListener {
  hear(from: NodeId, to: NodeId, frame: Uint8Array): void;
}

/** Keeps copies of what a node sends, or of what it is sent, so that the network can deliver it once more, much later. */
export class Tape implements FrameListener {
  readonly frames: TapedFrame[] = [];
  readonly #id: NodeId;
  readonly #side: 'from' | 'to';

  constructor(id: NodeId, side: 'from' | 'to') {
    this.#id = id;
    this.#side = side;
  }

  hear(from: NodeId, to: NodeId, frame: Uint8Array): void {
    if ((this.#side === 'from' ? from : to) !== this.#id || this.frames.length >= heldMax) return;
    this.frames.push({ from, to, frame: frame.slice() });
  }
}
