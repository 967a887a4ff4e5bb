import { InvalidOptionError } from '../../ground/errors.js';
import type { Carrier, CarrierHost } from './carrier.js';
import type { ClientCarrier, ClientCarrierHost } from './client-carrier.js';
import { NatsCarrier } from './nats/nats-carrier.js';
import { NatsClientCarrier } from './nats/nats-client-carrier.js';
import { type CarrierOptions, requireCarrierOptions } from './options.js';
import { StreamCarrier } from './stream/stream-carrier.js';
import { StreamClientCarrier } from './stream/stream-client-carrier.js';

/** @throws InvalidOptionError */
export function createCarrier(options: CarrierOptions, host: CarrierHost): Carrier {
  requireCarrierOptions(options);
  const { self } = options.identity;
  if (options.kind !== 'nats') return new StreamCarrier(options, host);
  if (self.kind === 'node') return new NatsCarrier(options, self.node, host);
  throw new InvalidOptionError('This carries a node’s frames, and it was made for a client.');
}

/** @param options checked. */
export function createClientCarrier(options: CarrierOptions, host: ClientCarrierHost): ClientCarrier {
  return options.kind === 'nats'
    ? new NatsClientCarrier(options, host)
    : new StreamClientCarrier(options, host);
}
