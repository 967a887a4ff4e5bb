/**
 * Two ways to each remote node, so that what is small never waits behind what is large: `control` for heartbeats,
 * votes and ordinary appends, `bulk` for large appends and snapshots. Frames keep their order within a lane, not
 * across the two.
 */
export type Lane = 'control' | 'bulk';
export const lanes: readonly Lane[] = ['control', 'bulk'];

/** What a connection is for: frames of a lane, or a client's requests and the answers to them. */
export type Way = Lane | 'client';

export function isWay(value: unknown): value is Way {
  return value === 'client' || isLane(value);
}

export function isLane(value: unknown): value is Lane {
  return value === 'control' || value === 'bulk';
}

/**
 * Frames from this size on, in bytes, are bulk. It lies above an ordinary append, so that the appends of a leader keep
 * their order among themselves and with its heartbeats: one that overtook another would be refused by the log check.
 */
export const bulkBytesMin = 512 * 1024;

export function laneOf(frame: Uint8Array): Lane {
  return frame.byteLength >= bulkBytesMin ? 'bulk' : 'control';
}
