import type { NodeId } from '../../ground/ids.js';

/** The first byte of what a carrier itself tells a client: who the members are, and where. Answers begin otherwise. */
const membersFrame = 0;
const addressesMax = 8;

/** Members, each with where it is to be found: nowhere in particular on a bus. */
export type Whereabouts = readonly (readonly [node: NodeId, addresses: readonly string[]])[];

export function membersFrameOf(members: Whereabouts): Uint8Array {
  const text = Buffer.from(JSON.stringify(members));
  const frame = new Uint8Array(1 + text.byteLength);
  frame[0] = membersFrame;
  frame.set(text, 1);
  return frame;
}

/** The first `membersMax` members that a frame tells of, or null if it is about something else. Never throws. */
export function membersIn(frame: Uint8Array, membersMax: number): Whereabouts | null {
  if (frame[0] !== membersFrame) return null;
  try {
    const told: unknown = JSON.parse(Buffer.from(frame.subarray(1)).toString());
    if (!Array.isArray(told)) return [];
    return told
      .slice(0, membersMax)
      .filter(([id, addresses]) => Number.isSafeInteger(id) && id >= 0 && Array.isArray(addresses))
      .map(([id, addresses]) => [id, addresses.slice(0, addressesMax)]);
  } catch {
    return [];
  }
}
