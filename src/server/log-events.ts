import type { Logger } from '../cluster/logger.js';
import type { CarrierEvent } from '../router/carriers/events.js';

const worrying: ReadonlySet<CarrierEvent['type']> = new Set([
  'refused',
  'unreachable',
  'reloadFailed',
  'busLost',
  'busError',
  'suppressed',
]);

/** Tells a logger what happens to the connections. */
export function logCarrierEvent({ type, ...fields }: CarrierEvent, logger: Logger): void {
  logger[worrying.has(type) ? 'warn' : 'info']({ event: `network.${type}`, ...fields }, `network: ${type}`);
}
