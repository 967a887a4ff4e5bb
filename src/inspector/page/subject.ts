import type { NodeId } from '../../raft/entry.js';
import type { ChartFrame } from '../recording/format.js';
import type { ChartSubject, Standing, Step, Timeline } from '../recording/timeline.js';

/** A chart to look at, and whose it is. */
export type Subject = ChartSubject | { readonly chart: 'thread'; readonly node: NodeId };

/** A subject as people choose it, under the heading that it stands under. */
export interface OfferedSubject {
  readonly heading: string;
  readonly text: string;
  readonly subject: Subject;
}

/** Every chart of a recording at one moment. */
export function subjectsOf({ header }: Timeline, { nodes }: Standing): OfferedSubject[] {
  const ids = header.nodes.map(({ id }) => id);
  const offer = (heading: string, subject: Subject) => ({ heading, text: subjectText(subject), subject });
  return [
    ...ids.map((node) => offer('Nodes', { chart: 'node', node })),
    ...[...nodes].flatMap(([node, { observation }]) =>
      observation.links.map(({ peer }) => offer('What a leader knows', { chart: 'peer', node, peer })),
    ),
    offer('Around the nodes', { chart: 'session' }),
    offer('Around the nodes', { chart: 'cluster' }),
    ...ids.map((node) => offer('Threads, as the supervisor sees them', { chart: 'thread', node })),
  ];
}

export function subjectText(subject: Subject): string {
  switch (subject.chart) {
    case 'node':
      return `node ${subject.node}`;
    case 'peer':
      return `leader ${subject.node} → follower ${subject.peer}`;
    case 'session':
      return 'client session';
    case 'cluster':
      return 'cluster';
    case 'thread':
      return `thread of node ${subject.node}`;
  }
}

export function isSameSubject(a: Subject, b: Subject): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}

/** The innermost active states; none where the chart does not run or nothing was told of it. */
export function activeIn(subject: Subject, timeline: Timeline, standing: Standing): readonly string[] {
  const { chart } = subject;
  if (chart === 'thread') return threadFrames(timeline, subject.node, standing.at, 1)[0]?.active ?? [];
  if (chart === 'cluster' || chart === 'session') return standing.charts.get(chart)?.active ?? [];
  const life = standing.world?.lives.find(({ id }) => id === subject.node)?.life;
  const observation = standing.nodes.get(subject.node)?.observation;
  if (life === 'crashed' || observation === undefined) return [];
  if (chart === 'node') return observation.active;
  return observation.links.filter(({ peer }) => peer === subject.peer).map(({ state }) => state);
}

/** The latest steps through a moment, newest first, `max` of them. */
export function stepsUntil(subject: Subject, timeline: Timeline, at: number, max: number): Step[] {
  if (subject.chart !== 'thread') return timeline.stepsUntil(at, subject, max);
  const steps = threadFrames(timeline, subject.node, at, max).flatMap(({ at, transitions }) =>
    transitions
      .filter(({ target }) => target !== null)
      .toReversed()
      .map((transition) => ({ at, transition, times: 1, isChange: true })),
  );
  return steps.slice(0, max);
}

/** A thread's latest frames, newest first: the first, and of the others those that tell of transitions. */
function threadFrames({ recording }: Timeline, node: NodeId, at: number, max: number): ChartFrame[] {
  const found: ChartFrame[] = [];
  for (let index = recording.frames.length - 1; index >= 0 && found.length < max; index--) {
    const frame = recording.frames[index];
    if (frame?.kind !== 'chart' || frame.chart !== `thread ${node}` || frame.at > at) continue;
    if (found.length === 0 || frame.transitions.length > 0) found.push(frame);
  }
  return found;
}
