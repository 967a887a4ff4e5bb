import type { Application, CommandContext, SnapshotSink } from '../../src/application/application.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Remembers the commands in order. `poison` cannot be applied, and `?` is no question. */
export class Ledger implements Application {
  readonly commands: string[] = [];
  verify?: (command: Uint8Array) => boolean | string;
  produce?: () => Uint8Array;

  apply(command: Uint8Array, { index }: CommandContext): Uint8Array {
    const text = textOf(command);
    if (text === 'poison') throw new Error('swallowed poison');
    this.commands.push(text);
    return bytesOf(`${text}@${index}`);
  }

  query(query: Uint8Array): Uint8Array {
    if (textOf(query) === '?') throw new Error('asks nothing');
    return bytesOf(this.commands.join(' '));
  }

  *snapshot(): Iterable<Uint8Array> {
    for (const command of [...this.commands]) yield bytesOf(`${command}\n`);
  }

  restore(): SnapshotSink {
    let text = '';
    return {
      write: (chunk) => {
        text += textOf(chunk);
      },
      end: () => {
        this.commands.splice(0, this.commands.length, ...text.split('\n').slice(0, -1));
      },
    };
  }

  digest(): string {
    return this.commands.join(' ');
  }
}
