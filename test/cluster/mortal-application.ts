import { readFileSync } from 'node:fs';
import type { Application, CreateApplication, SnapshotSink } from '../../src/application/application.js';

/**
 * An application that remembers how many commands it applied, and whose thread a query can end: `exit` as a library
 * that calls process.exit would, `exhaust` by filling its memory. The command `loop` never ends, and `read PATH`
 * not before somebody writes to that named pipe: no JavaScript runs meanwhile.
 */
export const createApplication: CreateApplication = () => new MortalApplication();

class MortalApplication implements Application {
  #applied = 0;

  apply(command: Uint8Array): Uint8Array {
    this.#applied++;
    const [verb, path = ''] = Buffer.from(command).toString().split(' ');
    while (verb === 'loop') this.#applied++;
    if (verb === 'read') readFileSync(path);
    return command;
  }

  query(query: Uint8Array): Uint8Array {
    const verb = Buffer.from(query).toString();
    if (verb === 'exit') process.exit(7);
    const hoard: number[][] = [];
    while (verb === 'exhaust') hoard.push(new Array<number>(10_000).fill(hoard.length));
    return Buffer.from(String(this.#applied));
  }

  snapshot(): Iterable<Uint8Array> {
    return [Buffer.from(String(this.#applied))];
  }

  restore(): SnapshotSink {
    const chunks: Uint8Array[] = [];
    return {
      write: (chunk) => chunks.push(chunk.slice()),
      end: () => {
        this.#applied = Number(Buffer.concat(chunks).toString());
      },
    };
  }

  digest(): string {
    return String(this.#applied);
  }
}
