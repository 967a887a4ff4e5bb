import type { Frame, NodeFrame, RecordingHeader, WorldFrame } from '../../src/inspector/recording/format.js';
import type { Role } from '../../src/node/information.js';
import type {
  Observation,
  ObservedLog,
  ObservedMessages,
  ObservedTransition,
} from '../../src/node/watch/observation.js';
import { cleanLink } from '../../src/router/link-policy.js';

/** Of two nodes. */
export const header: RecordingHeader = {
  format: 'conclave-recording',
  version: 1,
  run: 'a test',
  startedAt: null,
  nodes: [
    { id: 0, votes: true },
    { id: 1, votes: true },
  ],
};

/** A step of a node's chart. */
export function step(id: string, from: string, to: string): ObservedTransition {
  return { chart: 'node', peer: null, id, target: to, from: [from], to: [to], cause: 'a test', count: 1 };
}

/** What a node tells that does nothing but what is given. */
export function nodeFrame(
  at: number,
  id: number,
  given: {
    commitIndex?: number;
    term?: number;
    role?: Role;
    transitions?: ObservedTransition[];
    meanMs?: number;
    messages?: readonly ObservedMessages[];
    log?: Partial<ObservedLog>;
  } = {},
): NodeFrame {
  const {
    commitIndex = 0,
    term = 1,
    role = 'follower',
    transitions = [],
    meanMs,
    messages = [],
    log,
  } = given;
  const observation: Observation = {
    events: 1,
    information: {
      id,
      role,
      state: 'alive.follower.following',
      term,
      votedFor: null,
      leaderId: 0,
      candidacy: true,
      lastLogIndex: commitIndex,
      commitIndex,
      height: commitIndex,
      peers: [],
    },
    active: ['alive.follower.following'],
    transitions,
    messages,
    log: { first: 1, terms: [], durableIndex: 0, truncated: [], ...log },
    links: [],
    commitLatency: meanMs === undefined ? null : { samples: 2, meanMs, maxMs: meanMs },
  };
  return { kind: 'node', at, id, observation };
}

/** A whole network of running nodes. */
export function worldFrame(
  at: number,
  ids: readonly number[],
  leader: WorldFrame['leader'] = null,
): WorldFrame {
  const lives = ids.map((id) => ({ id, life: 'running' as const }));
  return { kind: 'world', at, lives, leader, groups: [ids], link: cleanLink, links: [] };
}

/** A fault of node 0. */
export function mark(at: number): Frame {
  return { kind: 'mark', at, mark: 'fault', text: 'node 0 crashed', node: 0 };
}
