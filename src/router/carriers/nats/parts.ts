/*
 * A frame on the bus: as many publications as the server's `max_payload` makes of it, each behind a header.
 *
 *     format       1   of this header
 *     token        4   big-endian, as all: of the welcome, so that nothing of an earlier acquaintance counts
 *     number       6   of the publication in its lane; the first is 1
 *     total        4   bytes of the frame
 *     offset       4   where in the frame this part belongs
 */

const format = 1;
export const partHeaderBytes = 19;

/** Cuts a frame into publications of at most `bytesMax`. */
export function* partsOf(
  frame: Uint8Array,
  token: number,
  nextNumber: () => number,
  bytesMax: number,
): Iterable<Uint8Array> {
  const most = bytesMax - partHeaderBytes;
  for (let offset = 0; offset === 0 || offset < frame.byteLength; offset += most) {
    const piece = frame.subarray(offset, offset + most);
    const part = Buffer.allocUnsafe(partHeaderBytes + piece.byteLength);
    part.writeUInt8(format, 0);
    part.writeUInt32BE(token, 1);
    part.writeUIntBE(nextNumber(), 5, 6);
    part.writeUInt32BE(frame.byteLength, 11);
    part.writeUInt32BE(offset, 15);
    part.set(piece, partHeaderBytes);
    yield part;
  }
}

export interface Part {
  readonly token: number;
  readonly number: number;
  readonly totalBytes: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A publication's header and what is behind it, or null if it is none. */
export function parsePart(data: Uint8Array): Part | null {
  if (data.byteLength < partHeaderBytes || data[0] !== format) return null;
  const view = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return {
    token: view.readUInt32BE(1),
    number: view.readUIntBE(5, 6),
    totalBytes: view.readUInt32BE(11),
    offset: view.readUInt32BE(15),
    bytes: view.subarray(partHeaderBytes),
  };
}

/** Puts the parts of one lane together again. Holds one frame at most; a gap gives that frame up. */
export class Assembly {
  readonly #frameBytesMax: number;
  #number = 0;
  #frame: Uint8Array | null = null;
  #fill = 0;
  /** Parts that were missing, came twice, or belonged to a frame that never came whole. */
  lost = 0;

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** Nothing has come yet. */
  get isUnused(): boolean {
    return this.#number === 0;
  }

  /** The frame that this part completes, if it does. */
  take({ number, totalBytes, offset, bytes }: Part): Uint8Array | null {
    if (number <= this.#number) {
      this.lost++;
      return null;
    }
    this.lost += number - this.#number - 1;
    const follows = number === this.#number + 1;
    this.#number = number;
    if (offset === 0 && totalBytes <= this.#frameBytesMax) {
      if (this.#frame !== null) this.lost++;
      this.#frame = new Uint8Array(totalBytes);
      this.#fill = 0;
    }
    const frame = this.#frame;
    const fits =
      frame !== null &&
      (follows || offset === 0) &&
      totalBytes === frame.byteLength &&
      offset === this.#fill &&
      offset + bytes.byteLength <= totalBytes;
    if (!fits) {
      this.#frame = null;
      this.lost++;
      return null;
    }
    frame.set(bytes, offset);
    this.#fill += bytes.byteLength;
    if (this.#fill < totalBytes) return null;
    this.#frame = null;
    return frame;
  }
}
