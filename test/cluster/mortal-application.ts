import type { Application, CreateApplication } from '../../src/application/application.js';

/**
 * An application that remembers how many commands it applied, and whose thread a query can end: `exit` as a library
 * that calls process.exit would, `exhaust` by filling its memory.
 */
export const createApplication: CreateApplication = () => new MortalApplication();

class MortalApplication implements Application {
  #applied = 0;

  apply(command: Uint8Array): Uint8Array {
    this.#applied++;
    return command;
  }

  query(query: Uint8Array): Uint8Array {
    if (Buffer.from(query).toString() === 'exit') process.exit(7);
    return Buffer.from(String(this.#applied));
  }

  snapshot(): Uint8Array {
    return Buffer.from(String(this.#applied));
  }

  restore(snapshot: Uint8Array): void {
    this.#applied = Number(Buffer.from(snapshot).toString());
  }

  digest(): string {
    return String(this.#applied);
  }
}
