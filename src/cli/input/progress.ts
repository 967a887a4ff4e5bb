import type { Paint } from '../live/paint.js';

/** How far a piece of work is. */
export interface Progress {
  readonly lines: number;
  readonly acknowledged: number;
  /** 0 to 1, or null if the end is not known. */
  readonly share: number | null;
  readonly elapsedMs: number;
}

/** One line that tells how far it is, at most `columns` wide; with a bar if the end is known. */
export function progressLine(progress: Progress, columns: number, paint: Paint): string {
  const { acknowledged, share, elapsedMs } = progress;
  const perSecond = elapsedMs > 0 ? Math.round((acknowledged * 1000) / elapsedMs) : 0;
  const numbers = `${counted(acknowledged, 'line')}, ${grouped(perSecond)}/s`;
  if (share === null) return numbers.slice(0, columns);
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  const width = Math.min(40, columns - numbers.length - percent.length - 5);
  if (width < 5) return `${percent.trim()}  ${numbers}`.slice(0, columns);
  const full = Math.floor(share * width);
  return `[${paint.green('#'.repeat(full))}${'.'.repeat(width - full)}]${percent}  ${numbers}`;
}

/** Such as `1 line` and `1,234 lines`. */
export function counted(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** Such as `1,234,567`. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
