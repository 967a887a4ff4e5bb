import type { MessagePort } from 'node:worker_threads';
import type { NodeId } from '../raft/entry.js';
import type { Direction, Gauge } from './gauge.js';

/** What passes between a node and the router: the other node (receiver or sender), and the frame, unread. */
export type Envelope = readonly [NodeId, Uint8Array];

/** Frames of at least this many bytes are handed over instead of copied. Measured: the two cost the same at 256. */
const transferBytesMin = 512;

/**
 * Posts a frame, which belongs to the receiver from then on. Small ones are copied, large ones are handed over:
 * detaching memory costs more than copying little of it.
 * @returns false if the queue is full and the frame was dropped.
 */
export function postFrame(
  port: MessagePort,
  gauge: Gauge,
  direction: Direction,
  other: NodeId,
  frame: Uint8Array,
): boolean {
  if (!gauge.tryEnter(direction, frame.byteLength)) return false;
  // A view is posted with all the memory it looks at: make it its own first.
  const exact = frame.byteLength === frame.buffer.byteLength ? frame : new Uint8Array(frame);
  const envelope: Envelope = [other, exact];
  if (exact.byteLength < transferBytesMin) port.postMessage(envelope);
  else port.postMessage(envelope, [exact.buffer as ArrayBuffer]);
  return true;
}
