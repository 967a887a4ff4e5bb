import { OverloadedError } from '../../ground/errors.js';
import { reportOf } from '../host/error-report.js';
import type { NodeActor } from '../node-actor.js';
import type { Observation } from '../watch/observation.js';
import type { WatchReply } from './client-frames.js';

/** Bundles that one client may have asked for and not been told yet. */
export const bundlesMax = 64;
/** Who may watch a node at one time, its host included; more are refused. */
export const watchersMax = 16;

/**
 * A client's watch of a node. It is told as many bundles as it has asked for and no more: what it does not take in time is
 * not stored for it but left out, and when it asks again it is told anew how the node stands (`isFirst`).
 *
 *     client   watch 16 ──►                watch 8 ──►          stands still             watch 8 ──►
 *     node            ◄── first, bundle × 8       ◄── bundle × 15       (tells nothing)          ◄── first, bundle × 7
 *
 * It needs no right beyond that of being let in: whoever may read the log learns no more from this.
 */
export class LineWatch {
  readonly #actor: Pick<NodeActor, 'watch' | 'watchers' | 'replica'>;
  readonly #send: (reply: WatchReply) => void;
  #bundles = 0;
  #unwatch: (() => void) | null = null;

  constructor(actor: Pick<NodeActor, 'watch' | 'watchers' | 'replica'>, send: (reply: WatchReply) => void) {
    this.#actor = actor;
    this.#send = send;
  }

  /** So many bundles more; 0 ends it. */
  ask(bundles: number): void {
    if (bundles === 0) this.end();
    else if (this.#unwatch === null && this.#actor.watchers >= watchersMax) this.#refuse();
    else {
      this.#bundles = Math.min(bundlesMax, this.#bundles + bundles);
      this.#unwatch ??= this.#actor.watch((observation) => this.#hear(observation));
      // How it stands was all that was asked for.
      if (this.#bundles === 0) this.end();
    }
  }

  end(): void {
    const unwatch = this.#unwatch;
    this.#unwatch = null;
    this.#bundles = 0;
    unwatch?.();
  }

  #hear(observation: Observation): void {
    if (this.#bundles === 0) return;
    this.#bundles--;
    this.#send({ type: 'observed', observation });
    if (this.#bundles === 0) this.end();
  }

  #refuse(): void {
    const { id } = this.#actor.replica;
    const error = new OverloadedError(`${watchersMax} watch node ${id} already. Let one of them end first.`);
    this.#send({ type: 'watchRefused', error: reportOf(error) });
  }
}
