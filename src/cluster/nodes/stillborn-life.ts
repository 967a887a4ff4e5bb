import type { Life, Ready } from './node-life.js';

/** The life of a thread that could not even be launched: it ends with the reason before it begins. */
export class StillbornLife implements Life {
  readonly isOver = true;
  readonly ready: Promise<Ready>;
  readonly ended: Promise<Error>;

  constructor(reason: Error) {
    this.ready = Promise.reject(reason);
    this.ready.catch(() => {});
    this.ended = Promise.resolve(reason);
  }

  post(): void {}

  terminate(): void {}

  giveUp(): void {}
}
