import type { Random } from '../../ground/random.js';
import type { CarrierLimits } from './options.js';

/**
 * The pause after so many failures in a row, in milliseconds: doubled with each up to the bound, and of that between
 * a half and the whole, so that those who lost somebody together do not come back together.
 */
export function backOffMs(
  { backOffMsMin, backOffMsMax }: Pick<CarrierLimits, 'backOffMsMin' | 'backOffMsMax'>,
  failures: number,
  random: Random,
): number {
  const doublings = Math.min(Math.max(failures - 1, 0), 30);
  return Math.min(backOffMsMax, backOffMsMin * 2 ** doublings) * random.between(0.5, 1);
}
