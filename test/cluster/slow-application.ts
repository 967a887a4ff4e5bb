import type { CreateApplication } from '../../src/application/application.js';

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Counts commands, and sleeps so many milliseconds over each. */
export const createApplication: CreateApplication = (options) => {
  const { applyMs } = options as { readonly applyMs: number };
  let count = 0;
  return {
    apply() {
      if (applyMs > 0) Atomics.wait(sleeper, 0, 0, applyMs);
      count++;
      return Buffer.from(String(count));
    },
    query: () => Buffer.from(String(count)),
    snapshot: () => [Buffer.from(String(count))],
    restore() {
      let text = '';
      return {
        write(chunk) {
          text += Buffer.from(chunk).toString();
        },
        end() {
          count = Number(text);
        },
      };
    },
    digest: () => String(count),
  };
};
