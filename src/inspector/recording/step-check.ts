import type { MembersStep, RecordingHeader, Step } from './format.js';
import {
  amount,
  type Check,
  listOf,
  moment,
  oneOf,
  optional,
  orNull,
  shape,
  text,
  truth,
  tuple,
  whole,
} from './shapes.js';

/*
 * What the page reads of a recording is there and of its kind: a file may come from anywhere, and a page that fails
 * while it draws shows nothing at all.
 */

/** Nodes of one recording: each pair of them has a link that is drawn. */
export const recordedNodesMax = 64;

const role = oneOf('follower', 'preCandidate', 'candidate', 'leader', 'learner', 'removed', 'dead');
export const life = oneOf('running', 'stopped', 'paused', 'crashed', 'unreachable');
const log = shape({ last: whole, runs: listOf(tuple(whole, whole)), begins: optional(whole) });
const votes = listOf(tuple(whole, truth));
const link = shape({ peer: whole, state: text });
const transition = shape({ id: text, target: orNull(text) });

const state = shape({
  role,
  active: listOf(text),
  term: whole,
  votedFor: orNull(whole),
  leaderId: orNull(whole),
  log,
  commitIndex: whole,
  height: whole,
  votes,
  timer: shape({ timeoutMs: amount, elapsedMs: amount }),
  links: listOf(link),
});

const change = shape({
  role: optional(role),
  active: optional(listOf(text)),
  term: optional(whole),
  votedFor: optional(orNull(whole)),
  leaderId: optional(orNull(whole)),
  log: optional(log),
  commitIndex: optional(whole),
  height: optional(whole),
  votes: optional(votes),
  timeoutMs: optional(amount),
  links: optional(listOf(shape({ peer: whole, state: text, transition: optional(transition) }))),
  linksClosed: optional(listOf(whole)),
});

const linkMark = shape({ from: orNull(whole), to: orNull(whole), what: text });
const mark = oneOf('fault', 'repair', 'election', 'timeout', 'standing', 'failing', 'gap');
const words = { mark, text, link: optional(linkMark) };
const happening = { at: moment, node: orNull(whole), ...words };
const message = { message: text, entries: whole, text };
const ofNode = {
  at: moment,
  nr: whole,
  node: whole,
  change: optional(change),
  latency: optional(shape({ samples: amount, meanMs: amount })),
};

export const policy = shape({ cut: truth, loss: amount, latencyMsMin: amount, latencyMsMax: amount });
export const network = {
  groups: listOf(listOf(whole)),
  link: policy,
  links: listOf(shape({ from: whole, to: whole, policy })),
};
const members = {
  nodes: listOf(whole),
  voters: listOf(whole),
  votersOutgoing: listOf(whole),
  learners: listOf(whole),
};
export const chartStep = shape({
  id: text,
  target: orNull(text),
  from: listOf(text),
  to: listOf(text),
  cause: text,
  count: whole,
});

const steps: Readonly<Record<Step['kind'], Check>> = {
  stand: shape({ ...ofNode, state }),
  life: shape({ ...ofNode, life, told: optional(shape(words)) }),
  chart: shape({
    ...ofNode,
    transitions: listOf(transition),
    cause: text,
    heard: optional(shape({ from: whole, nr: orNull(whole), ...message })),
  }),
  send: shape({ ...ofNode, ...message, to: listOf(whole) }),
  apply: shape(ofNode),
  tally: shape({
    ...ofNode,
    since: moment,
    messages: listOf(
      shape({ direction: oneOf('sent', 'received'), peer: whole, message: text, count: whole }),
    ),
    taken: listOf(shape({ id: text, target: orNull(text), count: whole })),
  }),
  network: shape({ at: moment, nr: whole, ...network, told: optional(shape(words)) }),
  members: shape({ at: moment, nr: whole, ...members, told: optional(shape(words)) }),
  outer: shape({ at: moment, nr: whole, chart: text, active: listOf(text), taken: optional(chartStep) }),
  mark: shape({ nr: whole, ...happening }),
};

/** Is this a step, as far as the page reads it? */
export function isStep(value: object): value is Step {
  const { kind } = value as Partial<Step>;
  if (kind === undefined || !Object.hasOwn(steps, kind) || !steps[kind](value)) return false;
  return kind !== 'members' || areMembers(value as MembersStep);
}

/** Could a cluster be configured so, with nodes that can be drawn? */
function areMembers({ nodes, voters, votersOutgoing, learners }: MembersStep): boolean {
  const areEachOnce = [nodes, voters, votersOutgoing, [...voters, ...learners]].every(
    (ids) => new Set(ids).size === ids.length,
  );
  return areEachOnce && voters.length > 0 && nodes.length > 0 && nodes.length <= recordedNodesMax;
}

const header = shape({
  run: text,
  startedAt: orNull(text),
  nodes: listOf(shape({ id: whole, votes: truth })),
  before: optional(listOf(shape(happening))),
});

/** Does the header of a recording name what the page needs to know before all else? */
export function isHeader(value: object): value is RecordingHeader {
  if (!header(value)) return false;
  const { nodes } = value as RecordingHeader;
  const ids = new Set(nodes.map(({ id }) => id));
  return nodes.length > 0 && nodes.length <= recordedNodesMax && ids.size === nodes.length;
}
