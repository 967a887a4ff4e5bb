import { type ChartSubject, chartOf, type Standing, type Timeline } from '../recording/timeline.js';

/** A subject as people choose it, under the heading that it stands under. */
export interface OfferedSubject {
  readonly heading: string;
  readonly text: string;
  readonly subject: ChartSubject;
}

/** Every chart of a recording at one moment. */
export function subjectsOf({ header }: Timeline, { nodes }: Standing): OfferedSubject[] {
  const ids = header.nodes.map(({ id }) => id);
  const offer = (heading: string, subject: ChartSubject) => ({
    heading,
    text: subjectText(subject),
    subject,
  });
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

export function subjectText(subject: ChartSubject): string {
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

export function isSameSubject(a: ChartSubject, b: ChartSubject): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}

/** The innermost active states; none where the chart does not run or nothing was told of it. */
export function activeIn(subject: ChartSubject, standing: Standing): readonly string[] {
  if (subject.chart !== 'node' && subject.chart !== 'peer') {
    return standing.charts.get(chartOf(subject))?.active ?? [];
  }
  const life = standing.world?.lives.find(({ id }) => id === subject.node)?.life;
  const observation = standing.nodes.get(subject.node)?.observation;
  if (life === 'crashed' || observation === undefined) return [];
  if (subject.chart === 'node') return observation.active;
  return observation.links.filter(({ peer }) => peer === subject.peer).map(({ state }) => state);
}
