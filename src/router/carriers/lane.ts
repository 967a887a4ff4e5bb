/**
 * Two ways to each remote node, so that what is small never waits behind what is large: `control` for heartbeats,
 * votes and ordinary appends, `bulk` for large appends and snapshots. Frames keep their order within a lane, not
 * across the two.
 */
export type Lane = 'control' | 'bulk';
export const lanes: readonly Lane[] = ['control', 'bulk'];

export function isLane(value: unknown): value is Lane {
  return value === 'control' || value === 'bulk';
}
