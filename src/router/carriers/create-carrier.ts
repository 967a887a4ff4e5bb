import type { Carrier, CarrierHost } from './carrier.js';
import { NatsCarrier } from './nats/nats-carrier.js';
import { type CarrierOptions, requireCarrierOptions } from './options.js';
import { StreamCarrier } from './stream/stream-carrier.js';

/** @throws InvalidOptionError */
export function createCarrier(options: CarrierOptions, host: CarrierHost): Carrier {
  requireCarrierOptions(options);
  return options.kind === 'nats' ? new NatsCarrier(options, host) : new StreamCarrier(options, host);
}
