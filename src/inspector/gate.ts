import { OverloadedError } from '../ground/errors.js';

/** Lets through what is not too much at one time. */
export class Gate {
  readonly #what: string;
  readonly #max: number;
  #inside = 0;

  constructor(what: string, max: number) {
    this.#what = what;
    this.#max = max;
  }

  /** @throws {OverloadedError} when so much is under way that nothing more is begun. */
  async let<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#inside >= this.#max) {
      throw new OverloadedError(
        `${this.#max} ${this.#what} are under way already. Let one of them end first.`,
      );
    }
    this.#inside++;
    try {
      return await work();
    } finally {
      this.#inside--;
    }
  }
}
