import type { ServerResponse } from 'node:http';
import type { Frame, RecordingHeader } from '../recording/format.js';

/** Watchers at one time; more are refused. */
export const watchersMax = 16;
/** What may wait for one watcher, in bytes. Who falls further behind is dropped with a reason. */
export const backlogBytesMax = 8 * 1024 * 1024;
/** Frames are gathered this long, so that a watcher gets at most ten messages a second. */
const gatherMs = 100;
/** A silent connection is spoken to, so that both sides notice when it is dead. */
const keepAliveMs = 5_000;
/** A dropped watcher has this long to read why. */
const farewellMs = 10_000;

/** Server-sent events to every watcher. Tells when the first one comes and the last one goes. */
export class EventStream {
  readonly #watchers = new Set<ServerResponse>();
  readonly #watched: (isWatched: boolean) => void;
  readonly #keepAlive: NodeJS.Timeout;
  #gathered: Frame[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(watched: (isWatched: boolean) => void) {
    this.#watched = watched;
    this.#keepAlive = setInterval(() => this.#toAll(': still here\n\n'), keepAliveMs).unref();
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  get isFull(): boolean {
    return this.#watchers.size >= watchersMax;
  }

  /** A watcher comes: it is told how things stand, and from then on what happens. */
  add(response: ServerResponse, header: RecordingHeader, standing: readonly Frame[]): void {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    response.on('close', () => this.#remove(response));
    response.on('error', () => this.#remove(response));
    response.write(`retry: 500\n\n${eventText('header', header)}${eventText('frames', standing)}`);
    this.#watchers.add(response);
    if (this.#watchers.size === 1) this.#watched(true);
  }

  push(frame: Frame): void {
    if (this.#watchers.size === 0) return;
    this.#gathered.push(frame);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const frames = this.#gathered;
      this.#gathered = [];
      this.#toAll(eventText('frames', frames));
    }, gatherMs);
  }

  /** Says good-bye to everybody. */
  close(): void {
    clearInterval(this.#keepAlive);
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const watcher of [...this.#watchers]) this.#drop(watcher, 'The cluster is closing.');
  }

  #toAll(text: string): void {
    for (const watcher of [...this.#watchers]) {
      if (watcher.writableLength + text.length > backlogBytesMax) {
        this.#drop(
          watcher,
          'This page read too slowly and was dropped, so that it does not slow down the cluster.',
        );
      } else watcher.write(text);
    }
  }

  #drop(watcher: ServerResponse, reason: string): void {
    this.#remove(watcher);
    watcher.end(eventText('dropped', { reason }));
    setTimeout(() => watcher.destroy(), farewellMs).unref();
  }

  #remove(watcher: ServerResponse): void {
    if (this.#watchers.delete(watcher) && this.#watchers.size === 0) this.#watched(false);
  }
}

function eventText(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
