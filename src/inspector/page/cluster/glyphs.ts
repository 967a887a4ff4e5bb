import type { ObservedKind } from '../../../node/watch/observation.js';
import { svg } from '../base/elements.js';

/** Kinds that people tell apart: each has a shape and a colour of its own. */
export const flightKinds = ['vote', 'append', 'heartbeat', 'read', 'verify', 'snapshot'] as const;
export type FlightKind = (typeof flightKinds)[number];

const kinds: Readonly<Record<ObservedKind, FlightKind>> = {
  appendEntries: 'append',
  appendEntriesResponse: 'append',
  heartbeat: 'heartbeat',
  requestVote: 'vote',
  requestVoteResponse: 'vote',
  preVote: 'vote',
  preVoteResponse: 'vote',
  readIndex: 'read',
  readIndexResponse: 'read',
  verify: 'verify',
  verifyResponse: 'verify',
  installSnapshot: 'snapshot',
  installSnapshotResponse: 'snapshot',
  timeoutNow: 'vote',
  transferDeclined: 'vote',
  notMember: 'vote',
};

/** A recording may come from anywhere: what is none of the known is drawn as a heartbeat. */
export function flightKindOf(message: ObservedKind): FlightKind {
  return kinds[message] ?? 'heartbeat';
}

export function isAnswer(message: ObservedKind): boolean {
  return message.endsWith('Response');
}

/** The shape of a kind around the origin: not by colour alone. */
export function glyph(kind: FlightKind, isHollow = false): SVGElement {
  const marked = { class: `glyph ${kind}${isHollow ? ' answer' : ''}` };
  switch (kind) {
    case 'vote':
      return svg('path', { ...marked, d: 'M0-9 9 0 0 9-9 0Z' });
    case 'append':
      return svg('rect', { ...marked, x: -7, y: -7, width: 14, height: 14, rx: 2 });
    case 'heartbeat':
      return svg('circle', { ...marked, r: 5 });
    case 'read':
      return svg('path', { ...marked, d: 'M0-8 8 7-8 7Z' });
    case 'verify':
      return svg('path', { ...marked, d: 'M-9 0-4.5-8 4.5-8 9 0 4.5 8-4.5 8Z' });
    case 'snapshot':
      return svg('path', { ...marked, d: 'M-9-9H3V-3H9V9H-3V3H-9Z' });
  }
}

/** Laid over what does not arrive. */
export function lostCross(): SVGElement {
  return svg('path', { class: 'lost', d: 'M-7-7 7 7M-7 7 7-7' });
}
