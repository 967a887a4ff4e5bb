const large = new Uint8Array(1024 * 1024).fill(1);

/**
 * An application made after a moment, as the options have it: it throws in the making, never comes to its end, or lacks
 * a method or a digest that is one. Its queries are answered with what they name, and the command `poison` it cannot
 * apply.
 */
export async function createApplication(
  options: { throws?: string; lacks?: 'restore' | 'digest'; never?: 'settles' | 'returns' } = {},
) {
  await Promise.resolve();
  if (options.throws !== undefined) throw new RangeError(options.throws);
  if (options.never === 'settles') await new Promise(() => {});
  while (options.never === 'returns');
  const answers: Record<string, unknown> = {
    function: () => 1,
    promise: Promise.resolve(large),
    view: large.subarray(0, 4),
  };
  const answerTo = (question: string) =>
    question === 'rejection' ? Promise.reject(new Error('too late')) : answers[question];
  const application = {
    apply: (command: Uint8Array) => {
      if (Buffer.from(command).toString() === 'poison') throw new RangeError('it is too much');
      return command;
    },
    query: (query: Uint8Array) => answerTo(Buffer.from(query).toString()),
    snapshot: () => [large],
    restore: () => ({ write: () => {}, end: () => {} }),
    digest: () => (options.lacks === 'digest' ? 5 : ''),
  };
  return options.lacks === 'restore' ? { ...application, restore: undefined } : application;
}
