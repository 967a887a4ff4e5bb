import type { Writable } from 'node:stream';

/** How a program ends whose output can go nowhere. */
export const outputLostStatus = {
  /** Nobody reads it any more, as after `| head -1`: 128 and SIGPIPE's number, as shells tell it. */
  readerGone: 141,
  /** It cannot be written, as on a full disk. */
  failed: 1,
} as const;

type Lost = (status: number) => void;

let lost: Lost | null = null;
let isLost = false;

/**
 * Watches for output that can go nowhere. The latest call says what is done then.
 * @param then is called once, with the exit status that tells of it. A reader that has gone is no news to anybody;
 * anything else is told on standard error before.
 */
export function onOutputLost(then: Lost): void {
  if (lost === null) {
    watch(process.stdout, 'Standard output');
    watch(process.stderr, 'Standard error');
  }
  lost = then;
}

function watch(stream: Writable, name: string): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (isLost) return;
    isLost = true;
    if (error.code === 'EPIPE') return lost?.(outputLostStatus.readerGone);
    process.stderr.write(`error: ${name} cannot be written: ${error.message}\n`);
    lost?.(outputLostStatus.failed);
  });
}

/** Resolves once all that was written to these streams has left the process, or can no longer leave it. */
export async function flushed(...streams: readonly Writable[]): Promise<void> {
  const last = (stream: Writable) => new Promise<void>((resolve) => stream.write('', () => resolve()));
  await Promise.all(streams.map(last));
}
