import { sessionLimits } from '../../src/client/session-host.js';
import { packBytes, unpackBytes } from '../../src/ground/byte-strings.js';
import { encodeSessionTimeout } from '../../src/wire/sessions.js';
import { outcomeOf, plain, SessionWorld, text } from './session-world.js';

export const timeoutMs = 3000;

/** A client whose commands are applied once, among nodes that say only what the test has them say. */
export class OnceWorld extends SessionWorld {
  constructor(limits = sessionLimits) {
    super(1000, limits, true);
  }

  /** What nodes were asked since the last look, one line a request. */
  asked(): string[] {
    return this.posted.splice(0).map(({ to, request }) => {
      if (request.type === 'read') return `${to}: read`;
      if (request.type === 'session') return `${to}: ${request.what} ${request.session.id}`;
      const commands = (unpackBytes(request.commands, request.count) ?? []).map(plain).join(' ');
      const { session } = request;
      const place =
        session === undefined ? '' : `${session.id}.${session.sequence} from ${session.acknowledged} on: `;
      return `${to}: ${place}${commands}`;
    });
  }

  /** The number under which the latest request is to be answered. */
  get latest(): number {
    const request = this.posted.at(-1)?.request;
    if (request === undefined || request.type === 'read') throw new Error('Nothing was proposed.');
    return request.first;
  }

  /** The latest request, which is for a session, is granted. */
  grant(from: number, id: number): void {
    const results = packBytes([encodeSessionTimeout(timeoutMs)]);
    this.session.hear(from, { type: 'applied', first: this.latest, count: 1, index: id, term: 1, results });
    this.turn();
  }

  /** Proposes in one turn, and keeps what the calls come to. */
  propose(...commands: readonly string[]): { outcomes: unknown[] } {
    const calls = { outcomes: [] as unknown[] };
    for (const [at, command] of commands.entries()) {
      outcomeOf(this.session.propose(text(command), { timeoutMs: 60_000 })).then((outcome) => {
        const isDone = typeof outcome === 'object';
        calls.outcomes[at] = isDone ? plain((outcome as { result: Uint8Array }).result) : outcome;
      });
    }
    this.turn();
    return calls;
  }

  /** The node refuses what it was last sent, so many commands. */
  refuseLatest(from: number, count: number, code: string, leaderId: number | null = null): void {
    const { latest } = this;
    this.refuse(from, latest, count, { code, message: code, leaderId, term: 1 });
    this.turn();
  }
}

/** One with a session, of this name, at node 1, who leads. */
export function registered(limits = sessionLimits, id = 7): OnceWorld {
  const world = new OnceWorld(limits);
  world.lead(1);
  world.propose('first');
  world.turn();
  world.grant(1, id);
  world.turn();
  world.apply(1, world.latest, ['first']);
  world.asked();
  return world;
}
