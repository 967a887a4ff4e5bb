import { type ChartSubject, chartOf } from '../../recording/chart-moves.js';
import type { ClusterState } from '../../recording/cluster-state.js';

/** A subject as people choose it, under the heading that it stands under. */
export interface OfferedSubject {
  readonly heading: string;
  readonly text: string;
  readonly subject: ChartSubject;
}

/** Every chart of a recording at one moment. */
export function subjectsOf({ nodes }: ClusterState): OfferedSubject[] {
  const ids = [...nodes.keys()];
  const offer = (heading: string, subject: ChartSubject) => ({
    heading,
    text: subjectText(subject),
    subject,
  });
  return [
    ...ids.map((node) => offer('Nodes', { chart: 'node', node })),
    ...[...nodes].flatMap(([node, { state, life }]) =>
      life === 'crashed' || life === 'unreachable' || state === null
        ? []
        : state.links.map(({ peer }) => offer('What a leader knows', { chart: 'peer', node, peer })),
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
export function activeIn(subject: ChartSubject, { nodes, charts }: ClusterState): readonly string[] {
  if (subject.chart !== 'node' && subject.chart !== 'peer') return charts.get(chartOf(subject)) ?? [];
  const node = nodes.get(subject.node);
  if (node === undefined || node.state === null) return [];
  if (node.life === 'crashed' || node.life === 'unreachable') return [];
  if (subject.chart === 'node') return node.state.active;
  return node.state.links.filter(({ peer }) => peer === subject.peer).map(({ state }) => state);
}
