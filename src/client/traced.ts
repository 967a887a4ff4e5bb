import { ApplicationError, ConclaveError } from '../ground/errors.js';

/**
 * The same outcome; but a rejection's stack leads to whoever waits for it. Errors are made where a message comes in from
 * another thread, and one may serve many calls: neither knows who called.
 */
export async function traced<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof ConclaveError ? retraced(error) : error;
  }
}

/** The engine writes down who awaits whom when an error is made: here, those who await `traced`. */
function retraced(error: ConclaveError): ConclaveError {
  const made = new ConclaveError(error.code, error.message, 'cause' in error ? { cause: error.cause } : {});
  Object.setPrototypeOf(made, Object.getPrototypeOf(error));
  Object.assign(made, error);
  // What the application threw has a stack of its own, which its author needs more.
  if (error instanceof ApplicationError) made.stack = `${error.stack}\n${framesOf(made)}`;
  return made;
}

function framesOf({ stack = '' }: Error): string {
  return stack
    .split('\n')
    .filter((line) => /^ +at /.test(line))
    .join('\n');
}
