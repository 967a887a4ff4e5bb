/** From this size on, not to zero memory that is written anyway saves more than it costs to ask for it. */
const unzeroedBytesMin = 1024;

/** Memory of its own, which may be transferred. It holds anything at first: whoever takes it writes all of it. */
export function ownMemory(bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes < unzeroedBytesMin) return new Uint8Array(bytes);
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer);
}
