import type { Frame, RecordingHeader } from './format.js';

/*
 * What the page reads of a recording is there and of its kind: a file may come from anywhere, and a page that fails
 * while it draws shows nothing at all. What is not looked at is not checked.
 */

type Check = (value: unknown) => boolean;

/** Nodes of one recording: each pair of them has a link that is drawn. */
export const recordedNodesMax = 64;
/** Moments beyond this, in milliseconds, are none: three years. */
const atMax = 1e11;

const text: Check = (value) => typeof value === 'string';
const truth: Check = (value) => typeof value === 'boolean';
const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const amount: Check = (value) => Number.isFinite(value);
const moment: Check = (value) => amount(value) && (value as number) >= 0 && (value as number) <= atMax;

const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);

const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

function shape(fields: Readonly<Record<string, Check>>): Check {
  const checks = Object.entries(fields);
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    checks.every(([name, check]) => check((value as Record<string, unknown>)[name]));
}

const policy = shape({ cut: truth, loss: amount, latencyMsMin: amount, latencyMsMax: amount });
const transition = shape({
  chart: text,
  id: text,
  target: orNull(text),
  from: listOf(text),
  to: listOf(text),
  cause: text,
});

const observation = shape({
  information: shape({
    role: text,
    term: whole,
    height: whole,
    commitIndex: whole,
    lastLogIndex: whole,
    votedFor: orNull(whole),
    leaderId: orNull(whole),
  }),
  active: listOf(text),
  transitions: listOf(transition),
  messages: listOf(
    shape({ direction: text, peer: whole, kind: text, count: whole, entries: whole, sample: text }),
  ),
  log: shape({
    first: whole,
    terms: listOf(whole),
    truncated: listOf(shape({ from: whole, terms: listOf(whole) })),
  }),
  links: listOf(shape({ peer: whole, state: text })),
  commitLatency: orNull(shape({ samples: amount, meanMs: amount })),
});

const linkShape = shape({ from: orNull(whole), to: orNull(whole), what: text });
const linkMark: Check = (value) => value === undefined || linkShape(value);

const frames: Readonly<Record<Frame['kind'], Check>> = {
  node: shape({ at: moment, id: whole, observation }),
  world: shape({
    at: moment,
    lives: listOf(shape({ id: whole, life: oneOf('running', 'stopped', 'paused', 'crashed') })),
    leader: orNull(shape({ id: whole, term: whole })),
    groups: listOf(listOf(whole)),
    link: policy,
    links: listOf(shape({ from: whole, to: whole, policy })),
  }),
  chart: shape({ at: moment, chart: text, active: listOf(text), transitions: listOf(transition) }),
  mark: shape({
    at: moment,
    mark: oneOf('fault', 'repair', 'election'),
    text,
    node: orNull(whole),
    link: linkMark,
  }),
};

/** Is this a frame, as far as the page reads it? */
export function isFrame(value: object): value is Frame {
  const { kind } = value as Partial<Frame>;
  return kind !== undefined && Object.hasOwn(frames, kind) && frames[kind](value);
}

const header = shape({
  run: text,
  startedAt: orNull(text),
  nodes: listOf(shape({ id: whole, votes: truth })),
  wholeFrom: (value) => value === undefined || moment(value),
});

/** Does the header of a recording name what the page needs to know before all else? */
export function isHeader(value: object): value is RecordingHeader {
  if (!header(value)) return false;
  const { nodes } = value as RecordingHeader;
  const ids = new Set(nodes.map(({ id }) => id));
  return nodes.length > 0 && nodes.length <= recordedNodesMax && ids.size === nodes.length;
}
