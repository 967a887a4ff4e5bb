import type { CreateApplication } from '../../src/application/application.js';
import { createApplication as createStore } from '../../src/application/key-value/module.js';

/*
 * The key-value store, in a thread whose clock can be made to run at another rate: by a query, which is for one node.
 */

const rateAsked = /^clock rate ([0-9.]+)$/;

export const skew = (rate: number): Uint8Array => Buffer.from(`clock rate ${rate}`);

const { now } = performance;
const timeout = globalThis.setTimeout;
let rate = 1;
let [realMs, shownMs] = [now.call(performance), now.call(performance)];

function shown(): number {
  return shownMs + (now.call(performance) - realMs) * rate;
}

function setRate(next: number): void {
  [shownMs, realMs] = [shown(), now.call(performance)];
  rate = next;
}

export const createApplication: CreateApplication = () => {
  const store = createStore({});
  performance.now = shown;
  globalThis.setTimeout = ((callback: () => void, delayMs: number) =>
    timeout(callback, delayMs / rate)) as typeof timeout;
  return {
    apply: (command, context) => store.apply(command, context),
    query(query) {
      const [, asked] = rateAsked.exec(Buffer.from(query).toString('latin1')) ?? [];
      if (asked === undefined) return store.query(query);
      setRate(Number(asked));
      return new Uint8Array(0);
    },
    snapshot: () => store.snapshot(),
    restore: () => store.restore(),
    digest: () => store.digest(),
  };
};
