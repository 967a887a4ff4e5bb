import { Session } from '../../src/client/session.js';
import { type SessionLimits, sessionLimits } from '../../src/client/session-host.js';
import { packBytes, unpackBytes } from '../../src/ground/byte-strings.js';
import type { ClientRequest } from '../../src/node/clients/client-requests.js';
import type { ErrorReport } from '../../src/node/host/error-report.js';
import { VirtualClock } from '../router/virtual-clock.js';

export const text = (value: string) => new TextEncoder().encode(value);
export const plain = (bytes: Uint8Array) => Buffer.from(bytes).toString();

export const retryPauseMs = 50;

/** A session among nodes that say only what the test has them say, in virtual time. */
export class SessionWorld {
  readonly clock = new VirtualClock();
  readonly posted: { readonly to: number; readonly request: ClientRequest }[] = [];
  readonly gone = new Set<number>();
  readonly session: Session;
  leaderId: number | null = null;

  constructor(commandBytesMax = 1000, limits: SessionLimits = sessionLimits, sessions = false) {
    const host = {
      clock: this.clock,
      commandBytesMax,
      queryBytesMax: 1000,
      retryPauseMs,
      sessions,
      leaderId: () => this.leaderId,
      anyNode: () => this.leaderId ?? 0,
      post: (to: number, request: ClientRequest) => {
        if (this.gone.has(to)) return false;
        this.posted.push({ to, request });
        return true;
      },
    };
    this.session = new Session(host, limits);
  }

  /** A node reports that it leads, or (null) the one that led no longer does. */
  lead(id: number | null): void {
    this.leaderId = id;
    this.session.leaderChanged(id);
  }

  /** Ends the turn, so that what was asked in it is sent. */
  turn(): void {
    this.clock.pass(0);
  }

  /** How a call ended that ends in this turn. */
  async ends(call: Promise<unknown>): Promise<unknown> {
    const outcome = outcomeOf(call);
    this.turn();
    return outcome;
  }

  /** Who was sent which commands since the last look. */
  proposals(): { to: number; first: number; commands: string[] }[] {
    return this.posted.splice(0).flatMap(({ to, request }) => {
      if (request.type !== 'propose') return [];
      const commands = unpackBytes(request.commands, request.count) ?? [];
      return [{ to, first: request.first, commands: commands.map(plain) }];
    });
  }

  /** Who was asked since the last look, under which number. */
  reads(): { to: number; request: number }[] {
    return this.posted
      .splice(0)
      .flatMap(({ to, request }) => (request.type === 'read' ? [{ to, request: request.request }] : []));
  }

  apply(from: number, first: number, results: readonly string[], index = 1, term = 1): void {
    const packed = packBytes(results.map(text));
    const count = results.length;
    this.session.hear(from, { type: 'applied', first, count, index, term, results: packed });
  }

  refuse(from: number, first: number, count: number, error: ErrorReport): void {
    this.session.hear(from, { type: 'refused', first, count, error });
  }
}

export function notLeader(leaderId: number | null): ErrorReport {
  return { code: 'NOT_LEADER', message: 'not the leader', leaderId, term: 1 };
}

/** The code of the error a promise is rejected with, or what it resolved to. */
export function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: { code: string }) => error.code);
}
