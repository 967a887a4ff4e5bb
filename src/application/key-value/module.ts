import { InvalidOptionError } from '../../ground/errors.js';
import type { CreateApplication } from '../application.js';
import { KeyValueStore } from './key-value-store.js';

/** Makes a key-value store; `options` are `KeyValueOptions`. @throws {InvalidOptionError} when they are not. */
export const createApplication = ((options = {}) => {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOptionError(
      `The key-value store's options must be an object and these are ${JSON.stringify(options)}.`,
    );
  }
  return new KeyValueStore(options);
}) satisfies CreateApplication;

/** Where this module is: the `module` of an `ApplicationSource` that runs the key-value store. */
export const keyValueModule: URL = new URL(import.meta.url);
