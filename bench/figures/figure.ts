/** What one measurement gave, and what was measured beside it in the same run, on the same machine in the same state. */
export interface Pair {
  readonly figure: number;
  readonly beside: number;
}

/** How a figure is measured that is no rate of commits. */
export interface Figure {
  readonly name: string;
  readonly unit: '/s' | 'ms' | '% of a core' | 'MiB';
  /** What stands beside it. */
  readonly beside: string;
  /** What it should be: of the ratio to what stands beside it, or of the figure itself. */
  readonly goal?: Goal;
  /** It is measured only when it is asked for by name. */
  readonly takesLong?: true;
  /** Pairs that were measured one after the other; `seconds` each, where their number or size does not say it. */
  measure(seconds: number): Promise<readonly Pair[]>;
}

export interface Goal {
  readonly of: 'figure' | 'ratio';
  readonly atLeast?: number;
  readonly atMost?: number;
}
