import type { Application } from '../../src/application/application.js';

const large = new Uint8Array(1024 * 1024).fill(1);

/**
 * An application made after a moment, as the options have it: `throw` in the making, or `lacks` a method. Its queries
 * are answered with what they name.
 */
export async function createApplication(options: { throws?: string; lacks?: keyof Application } = {}) {
  await Promise.resolve();
  if (options.throws !== undefined) throw new RangeError(options.throws);
  const answers: Record<string, unknown> = {
    function: () => 1,
    promise: Promise.resolve(large),
    view: large.subarray(0, 4),
  };
  const application = {
    apply: (command: Uint8Array) => command,
    query: (query: Uint8Array) => answers[Buffer.from(query).toString()],
    snapshot: () => large,
    restore: () => {},
    digest: () => '',
  };
  return options.lacks === undefined ? application : { ...application, [options.lacks]: undefined };
}
