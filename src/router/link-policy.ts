import { InvalidOptionError } from '../ground/errors.js';
import { shown } from '../ground/option-checks.js';
import type { Random } from '../ground/random.js';

/** What one directed link does to the frames it carries. Probabilities are per frame. */
export interface LinkPolicy {
  /** Every frame takes between the two, in milliseconds. */
  readonly latencyMsMin: number;
  readonly latencyMsMax: number;
  /** `normal` is centred between the two, with a sixth of their distance as deviation, and never leaves them. */
  readonly distribution: 'uniform' | 'normal';
  readonly loss: number;
  readonly duplication: number;
  /**
   * How likely a frame leaves the line: it neither waits for earlier frames nor holds up later ones, and takes
   * up to `latencyMsMax` (at least `reorderingMsMin`) longer, so that frames overtake it on a link without
   * jitter, too. At 0 frames keep their order whatever their latency.
   */
  readonly reordering: number;
  /** Carries nothing at all. */
  readonly cut: boolean;
}

/** The longest latency a link may have, in milliseconds. */
export const latencyMsLimit = 3_600_000;
/** The least span over which frames that leave the line are spread, in milliseconds. */
export const reorderingMsMin = 5;

/** A perfect link: every frame at once, in order, exactly once. */
export const cleanLink: LinkPolicy = {
  latencyMsMin: 0,
  latencyMsMax: 0,
  distribution: 'uniform',
  loss: 0,
  duplication: 0,
  reordering: 0,
  cut: false,
};

/**
 * `base` with the fields of `change` (fields that are undefined change nothing).
 * @throws InvalidOptionError if a field is unknown or out of range, or the latencies contradict each other.
 */
export function mergePolicy(base: LinkPolicy, change: Partial<LinkPolicy>): LinkPolicy {
  if (typeof change !== 'object' || change === null) {
    throw new InvalidOptionError(`A link's settings are an object; this is ${String(change)}.`);
  }
  for (const name of Object.keys(change)) {
    if (!Object.hasOwn(cleanLink, name)) {
      throw new InvalidOptionError(
        `A link has no setting ${name}. It has ${Object.keys(cleanLink).join(', ')}.`,
      );
    }
  }
  const merged: LinkPolicy = {
    latencyMsMin: change.latencyMsMin ?? base.latencyMsMin,
    latencyMsMax: change.latencyMsMax ?? base.latencyMsMax,
    distribution: change.distribution ?? base.distribution,
    loss: change.loss ?? base.loss,
    duplication: change.duplication ?? base.duplication,
    reordering: change.reordering ?? base.reordering,
    cut: change.cut ?? base.cut,
  };
  validate(merged);
  return merged;
}

function validate(policy: LinkPolicy): void {
  for (const name of ['latencyMsMin', 'latencyMsMax'] as const) {
    requireWithin(name, policy[name], latencyMsLimit, 'Give milliseconds');
  }
  if (policy.latencyMsMin > policy.latencyMsMax) {
    throw new InvalidOptionError(
      `A link's latencyMsMin (${policy.latencyMsMin}) exceeds its latencyMsMax (${policy.latencyMsMax}). Set both.`,
    );
  }
  for (const name of ['loss', 'duplication', 'reordering'] as const) {
    requireWithin(name, policy[name], 1, 'Give a probability');
  }
  if (policy.distribution !== 'uniform' && policy.distribution !== 'normal') {
    throw new InvalidOptionError(
      `A link's distribution is ${shown(policy.distribution)}. Give 'uniform' or 'normal'.`,
    );
  }
  if (typeof policy.cut !== 'boolean') {
    throw new InvalidOptionError(`A link's cut is ${shown(policy.cut)}. Give true or false.`);
  }
}

function requireWithin(name: string, value: number, max: number, advice: string): void {
  if (typeof value === 'number' && value >= 0 && value <= max) return;
  throw new InvalidOptionError(`A link's ${name} is ${shown(value)}. ${advice} from 0 to ${max}.`);
}

/** True if frames pass at once and untouched, so that nothing has to be drawn for them. */
export function isStraight(policy: LinkPolicy): boolean {
  return (
    policy.latencyMsMax === 0 && policy.loss === 0 && policy.duplication === 0 && policy.reordering === 0
  );
}

/** How long one frame takes, in milliseconds. Draws nothing if there is no choice. */
export function drawLatencyMs(policy: LinkPolicy, random: Random): number {
  const { latencyMsMin: min, latencyMsMax: max } = policy;
  if (min === max) return min;
  if (policy.distribution === 'uniform') return random.between(min, max);
  return Math.min(max, Math.max(min, random.normal((min + max) / 2, (max - min) / 6)));
}
