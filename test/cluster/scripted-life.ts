import type { Life, LifeListener, Ready } from '../../src/cluster/nodes/node-life.js';
import type { HostRequest, NodeReport } from '../../src/node/host/protocol.js';

/** What a member tells a cluster that does not listen. */
export const deaf = {
  isDurable: true,
  firstRequests: () => [],
  observed: () => {},
  standingChanged: () => {},
  progressed: () => {},
  recovering: () => {},
  snapshotNews: () => {},
  configured: () => {},
  ready: () => {},
  ended: () => {},
  died: () => {},
  failed: () => {},
  crashed: () => {},
};

/** A node's thread that does only what the test has it do; that it was killed it notes, and goes on. */
export class ScriptedLife implements Life {
  readonly posted: HostRequest[] = [];
  readonly ready: Promise<Ready>;
  readonly ended: Promise<Error | null>;
  isOver = false;
  wasKilled = false;
  gaveUp: string | null = null;
  #becomeReady: (ready: Ready) => void = () => {};
  #failToStart: (error: unknown) => void = () => {};
  #end: (error: Error | null) => void = () => {};
  readonly #listener: LifeListener;

  constructor(listener: LifeListener) {
    this.#listener = listener;
    this.ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve;
      this.#failToStart = reject;
    });
    this.ready.catch(() => {});
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  post(request: HostRequest): void {
    this.posted.push(request);
  }

  terminate(): void {
    this.wasKilled = true;
  }

  giveUp(part: string, timeoutMs: number): void {
    this.gaveUp = `${part} after ${timeoutMs}`;
  }

  says(report: NodeReport): void {
    this.#listener.heard(report);
  }

  begins(stage: 'loading' | 'recovering'): void {
    this.#listener.began(stage);
  }

  /** Recovers, and has been heard to. */
  async recover(): Promise<void> {
    this.#becomeReady({ type: 'ready', tornBytes: 0, lastLogIndex: 0 });
    await settled();
  }

  /** Ends, and has been heard to. */
  async end(error: Error | null): Promise<void> {
    this.isOver = true;
    this.#failToStart(error);
    this.#end(error);
    await settled();
  }
}

/** All that follows from promises has happened. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
