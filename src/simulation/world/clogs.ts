import type { NodeId } from '../../raft/entry.js';

/** Frames that one clogged link holds; what comes beyond is lost. */
const heldMax = 512;

/** Links that hold back what is sent on them, and let it go later, in order, all at once. */
export class Clogs {
  readonly #send: (from: NodeId, to: NodeId, frame: Uint8Array) => void;
  readonly #held = new Map<string, Uint8Array[]>();

  constructor(send: (from: NodeId, to: NodeId, frame: Uint8Array) => void) {
    this.#send = send;
  }

  clog(from: NodeId, to: NodeId): void {
    const link = `${from} ${to}`;
    if (!this.#held.has(link)) this.#held.set(link, []);
  }

  unclog(from: NodeId, to: NodeId): void {
    const link = `${from} ${to}`;
    const frames = this.#held.get(link) ?? [];
    this.#held.delete(link);
    for (const frame of frames) this.#send(from, to, frame);
  }

  /** Takes the frame if the link is clogged. */
  hold(from: NodeId, to: NodeId, frame: Uint8Array): boolean {
    if (this.#held.size === 0) return false;
    const frames = this.#held.get(`${from} ${to}`);
    if (frames === undefined) return false;
    if (frames.length < heldMax) frames.push(frame);
    return true;
  }
}
