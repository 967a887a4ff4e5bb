type Tint = (text: string) => string;

/** Colours, or none. */
export interface Paint {
  readonly bold: Tint;
  readonly dim: Tint;
  readonly red: Tint;
  readonly green: Tint;
  readonly yellow: Tint;
  readonly cyan: Tint;
}

/** What of the environment decides about colours. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Colours on a terminal that knows them, unless `NO_COLOR` (no-color.org) is set. */
export function paintFor({ isTTY, environment }: Terminal): Paint {
  const { NO_COLOR, TERM } = environment;
  const coloured = isTTY === true && !NO_COLOR && TERM !== 'dumb';
  const tint = (on: number, off: number): Tint =>
    coloured ? (text) => `\u001b[${on}m${text}\u001b[${off}m` : (text) => text;
  return {
    bold: tint(1, 22),
    dim: tint(2, 22),
    red: tint(31, 39),
    green: tint(32, 39),
    yellow: tint(33, 39),
    cyan: tint(36, 39),
  };
}
