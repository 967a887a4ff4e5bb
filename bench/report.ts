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
  readonly floorPerSecond: number;
  readonly ratioToFloor: number;
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
    floorPerSecond: Math.round(over(({ floor }) => floor.committedPerSecond)),
    ratioToFloor: rounded(over(({ ours, floor }) => ours.committedPerSecond / floor.committedPerSecond)),
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

const widths = [20, 14, 9, 9, 14, 9, 14, 9];

export function tableHeader(withOther: boolean): string {
  const names = ['row', 'committed/s', 'p50 ms', 'p99 ms', 'floor/s', 'to floor'];
  return columns(withOther ? [...names, 'other/s', 'to other'] : names);
}

export function tableRow(line: ResultLine): string {
  const {
    row,
    committedPerSecond,
    p50Ms,
    p99Ms,
    floorPerSecond,
    ratioToFloor,
    otherPerSecond,
    ratioToOther,
  } = line;
  const cells = [row, grouped(committedPerSecond), p50Ms, p99Ms, grouped(floorPerSecond), ratioToFloor];
  const other = otherPerSecond === undefined ? [] : [grouped(otherPerSecond), ratioToOther ?? ''];
  return columns([...cells, ...other].map(String));
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
