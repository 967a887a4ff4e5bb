import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { type AnyStateMachine, createMachine } from 'xstate';
import { chartDefinition, UnchartableMachineError } from '../../src/inspector/charts/chart-definition.js';
import type { Box, ChartGeometry, StateGeometry } from '../../src/inspector/charts/chart-geometry.js';
import { layOutChart } from '../../src/inspector/charts/chart-layout.js';
import { overviewOf } from '../../src/inspector/charts/chart-overview.js';
import { chartSvg } from '../../src/inspector/charts/chart-svg.js';
import { chartedMachines } from '../../src/inspector/charts/charted-machines.js';

/*
 * A chart that leaves out a transition, or draws one where it cannot be read, teaches a wrong machine. So every drawing
 * is held against the machine's configuration, and against what the eye expects of boxes and lines.
 */

const machines = await chartedMachines();

/** Half a pixel: what rounding may add. */
const SLACK = 0.5;

describe('the charts', () => {
  it('are those of every machine that the project has', () => {
    expect(machines.map(({ id }) => id)).to.include.members(['node', 'peer', 'session', 'cluster']);
  });

  for (const machine of machines) {
    describe(`of "${machine.id}"`, () => {
      let chart: ChartGeometry;
      let svg: string;

      before(async () => {
        chart = await layOutChart(chartDefinition(machine));
        svg = chartSvg(chart);
      });

      it('shows every state of the configuration exactly once', () => {
        const drawn = attributes(svg, 'data-state');
        expect(drawn.toSorted()).to.deep.equal(configured(machine.config, '').states.toSorted());
        expect(chart.states.map(({ path }) => path).toSorted()).to.deep.equal(drawn.toSorted());
      });

      it('shows every transition of the configuration exactly once', () => {
        const labelled = attributes(svg, 'data-label');
        expect(new Set(labelled).size).to.equal(labelled.length);
        expect(labelled).to.have.lengthOf(configured(machine.config, '').transitions);
      });

      it('draws an edge for each transition to another state, and for no other', () => {
        const leading = chart.transitions.filter(
          ({ source, target }) => target !== null && target !== source,
        );
        expect(attributes(svg, 'data-transition').toSorted()).to.deep.equal(
          leading.map(({ id }) => id).toSorted(),
        );
      });

      it('keeps the children of a state inside it, below what is written there, and apart from one another', () => {
        for (const state of chart.states) {
          const children = chart.states.filter(({ parent }) => parent === state.path);
          for (const child of children) {
            expect(contains(state, child), `${state.path} contains ${child.path}`).to.equal(true);
            expect(child.y).to.be.at.least(state.y + (state.header ?? 0));
            for (const sibling of children) {
              if (sibling !== child)
                expect(overlap(child, sibling), `${child.path} on ${sibling.path}`).to.equal(false);
            }
          }
        }
      });

      it('begins and ends every edge at the border of its states', () => {
        for (const { id, points, source, target } of chart.transitions) {
          const [start, end] = [points[0], points.at(-1)];
          if (start === undefined || end === undefined) continue;
          const [from, to] = [stateOf(chart, source), stateOf(chart, target ?? '')];
          const headerEnd = from.y + (from.header ?? 0);
          expect(onBorder(from, start) || near(start.y, headerEnd), `${id} begins`).to.equal(true);
          expect(onBorder(to, end), `${id} ends`).to.equal(true);
        }
      });

      it('writes what stays in a state within its box', () => {
        for (const { id, source, kind, ...label } of chart.transitions) {
          if (kind === 'internal') expect(contains(stateOf(chart, source), boxOf(label)), id).to.equal(true);
        }
      });

      it('lays no label of an edge on a state, nor on another label', () => {
        const labels = chart.transitions.map((transition) => ({ id: transition.id, ...boxOf(transition) }));
        for (const { id, kind, ...label } of chart.transitions) {
          if (kind === 'internal') continue;
          for (const state of chart.states) {
            const clear = !overlap(state, boxOf(label)) || contains(state, boxOf(label));
            expect(clear, `${id} on the border of ${state.path}`).to.equal(true);
            if (state.kind === 'atomic')
              expect(contains(state, boxOf(label)), `${id} in ${state.path}`).to.equal(false);
          }
          for (const other of labels) {
            if (other.id !== id) expect(overlap(other, boxOf(label)), `${id} on ${other.id}`).to.equal(false);
          }
        }
      });

      it('is the same at every drawing', async () => {
        expect(await layOutChart(chartDefinition(machine))).to.deep.equal(chart);
      });
    });
  }

  it('name transitions by source, event and place among the alternatives', () => {
    const [node] = machines.filter(({ id }) => id === 'node');
    const ids = chartDefinition(node!).transitions.map(({ id, guard }) => `${id} ${guard}`);
    expect(ids).to.include('alive.follower:after electionTimeout:2 mayStandWithPreVote');
    expect(ids).to.include('alive.candidate:always:0 hasWon');
    expect(ids).to.include(':disk.durable:0 null');
  });

  it('say which transition is taken when all guards before it said no', () => {
    const machine = createMachine({
      id: 'door',
      initial: 'closed',
      states: {
        closed: { on: { push: [{ guard: 'isLocked', actions: 'creak' }, { target: 'open' }] } },
        open: { on: { push: { target: 'closed' } } },
      },
    });
    const guards = chartDefinition(machine).transitions.map(({ guard }) => guard);
    expect(guards).to.deep.equal(['isLocked', 'else', null]);
  });

  it('refuse an action without a name, for nobody could read it', () => {
    const machine = createMachine({ id: 'nameless', entry: () => undefined });
    expect(() => chartDefinition(machine))
      .to.throw(UnchartableMachineError, 'an entry action of "nameless" has no name')
      .with.property('code', 'UNCHARTABLE_MACHINE');
  });

  it('show text as text, whatever it holds', async () => {
    const machine = createMachine({
      id: 'a<b',
      description: 'x & "y" <z>',
      on: { '<e>': { actions: 'a&b' } },
    });
    const svg = chartSvg(await layOutChart(chartDefinition(machine)));
    expect(svg)
      .to.include('a&lt;b')
      .and.to.include('x &amp; &quot;y&quot; &lt;z&gt;')
      .and.to.include('a&amp;b');
    expect(svg).not.to.match(/<e>|<z>/);
  });

  it('stand in the README as the machine is now', async () => {
    const [node] = machines.filter(({ id }) => id === 'node');
    const definition = chartDefinition(node!);
    const now = {
      'node.svg': chartSvg(await layOutChart(definition)),
      'roles.svg': chartSvg(await layOutChart(overviewOf(definition).chart), 'reasons'),
    };
    for (const [name, svg] of Object.entries(now)) {
      const shown = await readFile(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
      expect(
        shown === svg,
        `docs/${name} is outdated. Renew both: npm run charts && cp dist/charts/node.svg docs/ && cp dist/charts/node-reasons.svg docs/roles.svg`,
      ).to.equal(true);
    }
  });

  describe('at first sight', () => {
    for (const machine of machines) {
      it(`leave nothing out that leads from one outer state of "${machine.id}" to another`, async () => {
        const definition = chartDefinition(machine);
        const { chart, covers } = overviewOf(definition);
        const paths = new Set(chart.states.map(({ path }) => path));
        for (const { id, source, target } of chart.transitions) {
          expect(paths.has(source) && paths.has(target ?? ''), id).to.equal(true);
        }
        // Every transition that was taken lights one that is drawn, or stays within a state.
        const drawn = new Set(chart.transitions.map(({ id }) => id));
        for (const { id, source, target } of definition.transitions) {
          const cover = covers[id];
          if (cover !== undefined) expect(drawn.has(cover), id).to.equal(true);
          else if (target !== null) {
            const outer = (path: string) => path.split('.').slice(0, 2).join('.');
            const isPassed = !paths.has(outer(source)) || !paths.has(outer(target));
            expect(isPassed || outer(source).startsWith(outer(target)), id).to.equal(true);
          }
        }
        const geometry = await layOutChart(chart, false);
        expect(geometry.width * geometry.height).to.be.below(360_000);
        const names = geometry.states.filter(({ path }) => path !== '');
        for (const one of names) {
          for (const other of names) {
            const isWithin = one.path.startsWith(`${other.path}.`) || other.path.startsWith(`${one.path}.`);
            if (one !== other && !isWithin)
              expect(overlap(one, other), `${one.path} on ${other.path}`).to.equal(false);
          }
        }
      });
    }

    it('show the roles of a node, and in plain words why it goes from one to another', () => {
      const [node] = machines.filter(({ id }) => id === 'node');
      const { chart, covers } = overviewOf(chartDefinition(node!));
      const roles = ['follower', 'preCandidate', 'candidate', 'leader', 'learner', 'removed'];
      expect(chart.states.map(({ path }) => path)).to.have.members([
        '',
        'alive',
        ...roles.map((role) => `alive.${role}`),
        'dead',
      ]);
      const ways = chart.transitions.map(({ source, target, event }) => `${source} → ${target}: ${event}`);
      expect(ways).to.include.members([
        'alive.follower → alive.preCandidate: its election timer runs out',
        'alive.preCandidate → alive.candidate: a majority would vote for it',
        'alive.candidate → alive.leader: a majority voted for it',
        'alive → alive.follower: hears of a newer term',
        'alive.leader → alive.follower: no majority answers',
      ]);
      // No way is named after an event: each has words of its own.
      for (const way of ways) expect(way).to.not.match(/\[|after |always|peer\./);
      expect(covers['alive.leader.pulse.beating:after heartbeatInterval:0']).to.equal(
        'alive.leader.pulse.beating:after heartbeatInterval:0',
      );
    });
  });
});

type Configuration = AnyStateMachine['config'];

/** Counted from the configuration as it was written, by other means than the chart's own. */
function configured(state: Configuration, path: string): { states: string[]; transitions: number } {
  const { on = {}, after = {}, always, onDone, states = {} } = state as Record<string, object>;
  const own = [...Object.values(on), ...Object.values(after), always, onDone]
    .flat()
    .filter((each) => each !== undefined);
  const children = Object.entries(states).map(([key, child]) =>
    configured(child as Configuration, path === '' ? key : `${path}.${key}`),
  );
  return {
    states: [path, ...children.flatMap((child) => child.states)],
    transitions: children.reduce((sum, child) => sum + child.transitions, own.length),
  };
}

function attributes(svg: string, name: string): string[] {
  return [...svg.matchAll(new RegExp(` ${name}="([^"]*)"`, 'g'))].map(([, value]) => value!);
}

function stateOf(chart: ChartGeometry, path: string): StateGeometry {
  return chart.states.find((state) => state.path === path)!;
}

function boxOf(label: { labelX: number; labelY: number; labelWidth: number; labelHeight: number }): Box {
  return { x: label.labelX, y: label.labelY, width: label.labelWidth, height: label.labelHeight };
}

function contains(outer: Box, inner: Box): boolean {
  return (
    inner.x >= outer.x - SLACK &&
    inner.y >= outer.y - SLACK &&
    inner.x + inner.width <= outer.x + outer.width + SLACK &&
    inner.y + inner.height <= outer.y + outer.height + SLACK
  );
}

function overlap(a: Box, b: Box): boolean {
  return (
    a.x < b.x + b.width - SLACK &&
    b.x < a.x + a.width - SLACK &&
    a.y < b.y + b.height - SLACK &&
    b.y < a.y + a.height - SLACK
  );
}

function onBorder({ x, y, width, height }: Box, point: { x: number; y: number }): boolean {
  const beside = near(point.x, x) || near(point.x, x + width);
  const aboveOrBelow = near(point.y, y) || near(point.y, y + height);
  const within =
    point.x >= x - SLACK &&
    point.x <= x + width + SLACK &&
    point.y >= y - SLACK &&
    point.y <= y + height + SLACK;
  return within && (beside || aboveOrBelow);
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= SLACK;
}
