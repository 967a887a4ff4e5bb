import type { Counterexample } from './counterexample.js';
import type { Model, Operation, State } from './operation.js';

const COLUMNS_MAX = 100;
/** How many operations that the part does without are drawn for orientation, the latest ones. */
const OTHERS_MAX = 6;
/** Columns that a bar takes besides its label, less one: its ends, and a line and a space on either side. */
const LABEL_MARGIN = 5;

/** One operation to draw: `core` belongs to the part, the rest is there for orientation. */
interface Bar {
  readonly client: string;
  readonly label: string;
  readonly core: boolean;
  readonly invokedAt: number;
  readonly returnedAt: number;
}

/**
 * Draws a counterexample as a time line for a person: a row a client, a bar an operation, time from left to right in
 * the order of the events, not to scale. Labels stand in the bars, or in a legend below when they are too wide; what
 * is wider than 100 columns even so goes on further down.
 */
export function drawCounterexample<S extends State, Input, Output>(
  model: Model<S, Input, Output>,
  { part, others, shortest }: Counterexample<Input, Output>,
): string {
  const bar = (operation: Operation<Input, Output>, core: boolean): Bar => ({
    client: String(operation.client),
    label: model.describe(operation.input, operation.output),
    core,
    invokedAt: operation.invokedAt,
    returnedAt: operation.returnedAt,
  });
  const orientation = others.slice(-OTHERS_MAX);
  const bars = [...part.map((operation) => bar(operation, true)), ...orientation.map((o) => bar(o, false))];
  bars.sort((a, b) => a.invokedAt - b.invokedAt);

  const explanation = [
    `No order explains ${part.length === 1 ? 'this operation' : `these ${part.length} operations`} (╞══╡)${
      others.length > 0 ? ', whatever the others did in their time' : ''
    }.`,
  ];
  if (orientation.length > 0) {
    const undrawn = others.length - orientation.length;
    explanation.push(
      `├──┤ another operation that may change the state${undrawn > 0 ? `; ${undrawn} more are not drawn` : ''}.`,
    );
  }
  if (!shortest) explanation.push('The time to look for a shorter part was used up.');
  return [...timeLine(bars), '', ...explanation].join('\n');
}

function timeLine(bars: readonly Bar[]): string[] {
  const gutter = Math.max(...bars.map(({ client }) => `client ${client}`.length)) + 2;
  const width = COLUMNS_MAX - gutter;
  const spelled = layOut(
    bars,
    bars.map(({ label }) => label),
  );
  if (spelled.width <= width) return rows(bars, spelled, gutter, 0, spelled.width);

  const numbers = bars.map((_, index) => String(index + 1));
  const numbered = layOut(bars, numbers);
  const lines: string[] = [];
  for (let from = 0; from < numbered.width; from += width) {
    if (from > 0) lines.push('');
    lines.push(...rows(bars, numbered, gutter, from, Math.min(from + width, numbered.width)));
  }
  const legend = bars.map(({ client, label }, index) =>
    `${(numbers[index] ?? '').padStart(4)}  client ${client}: ${label}`.slice(0, COLUMNS_MAX),
  );
  return [...lines, '', ...legend];
}

interface Layout {
  readonly labels: readonly string[];
  /** The columns at which each bar begins and ends; one that never ends runs out of the drawing. */
  readonly begins: readonly number[];
  readonly ends: readonly number[];
  readonly width: number;
}

/** Gives every event a column: later events never stand left of earlier ones, and every label fits its bar. */
function layOut(bars: readonly Bar[], labels: readonly string[]): Layout {
  const events = bars.flatMap(({ invokedAt, returnedAt }, bar) => [
    { bar, time: invokedAt, returns: false },
    { bar, time: returnedAt, returns: true },
  ]);
  events.sort((a, b) =>
    a.time === b.time ? Number(a.returns) - Number(b.returns) : a.time < b.time ? -1 : 1,
  );
  const begins: number[] = [];
  const ends: number[] = [];
  let column = -1;
  for (const { bar, returns } of events) {
    column++;
    if (returns) {
      column = Math.max(column, (begins[bar] ?? 0) + (labels[bar] ?? '').length + LABEL_MARGIN);
      ends[bar] = column;
    } else {
      begins[bar] = column;
    }
  }
  return { labels, begins, ends, width: column + 1 };
}

/** One row a client, and more where a call that never returned runs beside its client's later ones. */
function rows(bars: readonly Bar[], layout: Layout, gutter: number, from: number, to: number): string[] {
  const lanes: { readonly client: string; readonly cells: string[]; free: number }[] = [];
  const laneOf = (client: string, begin: number, end: number): string[] => {
    let lane = lanes.find((one) => one.client === client && one.free <= begin);
    if (lane === undefined) {
      lane = { client, cells: new Array<string>(layout.width).fill(' '), free: 0 };
      lanes.push(lane);
    }
    lane.free = end + 1;
    return lane.cells;
  };
  bars.forEach((bar, index) => {
    const begin = layout.begins[index] ?? 0;
    const end = layout.ends[index] ?? 0;
    const cells = laneOf(bar.client, begin, end);
    const line = bar.core ? '═' : '─';
    const text = `${line} ${layout.labels[index] ?? ''} ${line}`.padEnd(end - begin - 1, line);
    const opening = bar.core ? '╞' : '├';
    const closing = bar.returnedAt === Number.POSITIVE_INFINITY ? '┄' : bar.core ? '╡' : '┤';
    Array.from(`${opening}${text}${closing}`).forEach((cell, offset) => {
      cells[begin + offset] = cell;
    });
  });
  const byClient = (a: { client: string }, b: { client: string }) =>
    a.client.localeCompare(b.client, 'en', { numeric: true });
  return lanes
    .sort(byClient)
    .map(({ client, cells }) =>
      `${`client ${client}`.padEnd(gutter)}${cells.slice(from, to).join('')}`.trimEnd(),
    );
}
