import type { Figure, Pair } from './figures/figure.js';
import { type Measurement, median } from './measure.js';
import type { ProfileLine } from './profile.js';
import type { Row } from './rows.js';

/** What was measured in one round, one after the other. */
export interface Round {
  readonly ours: Measurement;
  readonly floor: Measurement;
  readonly other: Measurement | null;
}

/** A line of the result. Ratios are medians of the rounds' own ratios, in which both sides met the same machine. */
export interface ResultLine {
  readonly row: string;
  readonly committedPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p99ToP50: number;
  readonly floorPerSecond: number;
  readonly ratioToFloor: number;
  readonly floorP50Ms: number;
  readonly p50ToFloor: number;
  readonly otherPerSecond?: number;
  readonly ratioToOther?: number;
}

export function resultOf(row: Row, rounds: readonly Round[]): ResultLine {
  const over = (value: (round: Round) => number) => median(rounds.map(value));
  const others = rounds.flatMap(({ ours, other }) => (other === null ? [] : [{ ours, other }]));
  const line = {
    row: row.name,
    committedPerSecond: Math.round(over(({ ours }) => ours.committedPerSecond)),
    p50Ms: rounded(over(({ ours }) => ours.p50Ms)),
    p99Ms: rounded(over(({ ours }) => ours.p99Ms)),
    p99ToP50: rounded(over(({ ours }) => ours.p99Ms / ours.p50Ms)),
    floorPerSecond: Math.round(over(({ floor }) => floor.committedPerSecond)),
    ratioToFloor: rounded(over(({ ours, floor }) => ours.committedPerSecond / floor.committedPerSecond)),
    floorP50Ms: rounded(over(({ floor }) => floor.p50Ms)),
    p50ToFloor: rounded(over(({ ours, floor }) => ours.p50Ms / floor.p50Ms)),
  };
  if (others.length === 0) return line;
  return {
    ...line,
    otherPerSecond: Math.round(median(others.map(({ other }) => other.committedPerSecond))),
    ratioToOther: rounded(
      median(others.map(({ ours, other }) => ours.committedPerSecond / other.committedPerSecond)),
    ),
  };
}

const widths = [20, 14, 9, 9, 9, 14, 9, 11, 9, 14, 9];

export function tableHeader(withOther: boolean): string {
  const names = [
    'row',
    'committed/s',
    'p50 ms',
    'p99 ms',
    'to p50',
    'floor/s',
    'to floor',
    'floor p50',
    'to it',
  ];
  return columns(withOther ? [...names, 'other/s', 'to other'] : names);
}

export function tableRow(line: ResultLine): string {
  const { row, committedPerSecond, floorPerSecond, otherPerSecond, ratioToOther } = line;
  const cells = [
    row,
    grouped(committedPerSecond),
    line.p50Ms,
    line.p99Ms,
    line.p99ToP50,
    grouped(floorPerSecond),
    line.ratioToFloor,
    line.floorP50Ms,
    line.p50ToFloor,
  ];
  const other = otherPerSecond === undefined ? [] : [grouped(otherPerSecond), ratioToOther ?? ''];
  return columns([...cells, ...other].map(String));
}

/** A line of a figure that is no rate of commits: medians of the pairs, and of their ratios. */
export interface FigureLine {
  readonly row: string;
  readonly unit: string;
  readonly figure: number;
  readonly beside: number;
  readonly ratio: number;
  /** Null where there is no goal. */
  readonly isReached: boolean | null;
}

export function figureLineOf({ name, unit, goal }: Figure, pairs: readonly Pair[]): FigureLine {
  const figure = median(pairs.map((pair) => pair.figure));
  const ratio = median(pairs.map((pair) => pair.figure / pair.beside));
  const beside = median(pairs.map((pair) => pair.beside));
  const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } = goal ?? {};
  const judged = goal?.of === 'figure' ? figure : ratio;
  const isReached = goal === undefined ? null : judged >= atLeast && judged <= atMost;
  return {
    row: name,
    unit,
    figure: rounded(figure),
    beside: rounded(beside),
    ratio: rounded(ratio),
    isReached,
  };
}

/** Such as `recovery-64  120 ms, 2.1 of 57 (reading the files of the log); goal: 2 at most: missed`. */
export function figureText({ unit, beside: what, goal }: Figure, line: FigureLine): string {
  const { row, figure, beside, ratio, isReached } = line;
  const said = `${row.padEnd(20)}${grouped(figure)} ${unit}: ${ratio} of ${grouped(beside)} (${what})`;
  if (goal === undefined) return said;
  const { of, atLeast, atMost } = goal;
  const bound = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
  return `${said}; ${of === 'ratio' ? 'ratio' : unit} to be ${bound}: ${isReached ? 'reached' : 'missed'}`;
}

/** A table of what a command takes of which thread. */
export function profileText({ row, committedPerSecond, usPerCommand }: ProfileLine): string {
  const shares = Object.entries(usPerCommand);
  const all = shares.reduce((sum, [, us]) => sum + us, 0);
  const lines = [...shares, ['all', rounded(all)] as const].map(
    ([thread, us]) => `  ${thread.padEnd(18)}${String(us).padStart(14)} µs a command`,
  );
  return [`${row.padEnd(20)}${grouped(committedPerSecond).padStart(14)} committed/s`, ...lines].join('\n');
}

function columns(cells: readonly string[]): string {
  return cells
    .map((cell, at) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0)))
    .join('');
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
