import type { Socket } from 'node:net';
import type { Clock } from '../../../ground/clock.js';
import type { Random } from '../../../ground/random.js';
import type { CarrierHost } from '../carrier.js';
import { CarrierTally } from '../counters.js';
import { encodeGreeting, type Refusal } from '../handshake.js';
import { Lives } from '../lives.js';
import { LogValve } from '../log-valve.js';
import {
  type CarrierIdentity,
  type CarrierLimits,
  limitsFrom,
  type TcpOptions,
  type TlsOptions,
} from '../options.js';
import { type FramedSocket, messageKind } from './framed-socket.js';
import { PlainSockets, type Sockets } from './sockets.js';
import { TlsSockets } from './tls-sockets.js';

/** What all connections of a carrier share. */
export interface StreamParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: CarrierLimits;
  readonly sockets: Sockets;
  /** Changes once, when the cluster's id becomes known. */
  identity: CarrierIdentity;
  /** Where this side is to be found, once it listens. */
  advertise: string | null;
  readonly lives: Lives;
  readonly tally: CarrierTally;
  readonly log: LogValve;
}

/**
 * What a carrier with these options shares among its connections.
 * @param options checked.
 */
export function streamParts(
  options: TlsOptions | TcpOptions,
  host: Omit<CarrierHost, 'receive'>,
): StreamParts {
  const limits = limitsFrom(options.limits);
  const tally = new CarrierTally();
  return {
    clock: host.clock,
    random: host.random,
    limits,
    sockets:
      options.kind === 'tls'
        ? new TlsSockets(options.credentials, options.identity.self, limits.handshakeMsMax)
        : new PlainSockets(),
    identity: options.identity,
    advertise: options.advertise ?? null,
    lives: new Lives(),
    tally,
    log: new LogValve(host.clock, limits.eventsPerSecond, tally, host.tell),
  };
}

/** Turns the other side away with the reason, which is counted and told. Its socket is the caller's to end. */
export function refuse(
  parts: StreamParts,
  socket: FramedSocket,
  because: Refusal,
  address: string,
  peer: string | null,
): void {
  noteRefusal(parts, because, true, address, peer);
  socket.send(messageKind.greeting, encodeGreeting(because));
  socket.turnAway();
}

/** Counts a refusal, ours or the other side's, and tells of it. */
export function noteRefusal(
  parts: StreamParts,
  { reason, detail }: Refusal,
  byUs: boolean,
  address: string,
  peer: string | null,
): void {
  (byUs ? parts.tally.refused : parts.tally.refusedByOthers)[reason]++;
  parts.log.tell({ type: 'refused', byUs, reason, detail, address, peer });
}

/** Where a connection comes from. It tells connections to one listener apart, too. */
export function remoteAddress(socket: Socket): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
}
