import { InvalidOptionError } from '../../ground/errors.js';
import { shown } from '../../ground/option-checks.js';
import type { Carrier, CarrierHost } from './carrier.js';
import { NatsCarrier } from './nats/nats-carrier.js';
import type { CarrierOptions } from './options.js';
import { StreamCarrier } from './stream/stream-carrier.js';

/** @throws InvalidOptionError */
export function createCarrier(options: CarrierOptions, host: CarrierHost): Carrier {
  switch (options.kind) {
    case 'tls':
    case 'tcp':
      return new StreamCarrier(options, host);
    case 'nats':
      return new NatsCarrier(options, host);
    default:
      throw new InvalidOptionError(
        `There is no carrier of kind ${shown((options as { kind: unknown }).kind)}. Choose tls, tcp or nats.`,
      );
  }
}
