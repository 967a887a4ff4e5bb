import type { ServerResponse } from 'node:http';
import type { Frame, RecordingHeader } from '../recording/format.js';

/** Watchers at one time; more are refused. */
export const watchersMax = 16;
/** What may wait for one watcher, in bytes. Who falls further behind is dropped with a reason. */
export const backlogBytesMax = 8 * 1024 * 1024;
/** Frames are gathered this long, so that a watcher gets at most ten messages a second. */
const gatherMs = 100;
/** All connections are spoken to this often, so that both sides notice when one is dead. */
const keepAliveEveryMs = 5_000;
/** A dropped watcher has this long to read why. */
const farewellMs = 10_000;

/** Server-sent events to every watcher. Tells when the first one comes and the last one goes. */
export class EventStream {
  readonly #watchers = new Set<ServerResponse>();
  readonly #watched: (isWatched: boolean) => void;
  readonly #keepAlive: NodeJS.Timeout;
  #gathered: Frame[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(watched: (isWatched: boolean) => void, keepAliveMs = keepAliveEveryMs) {
    this.#watched = watched;
    // An event and no comment: of comments a page does not hear, and takes a quiet cluster for a dead connection.
    this.#keepAlive = setInterval(() => this.#toAll(eventText('alive', null)), keepAliveMs).unref();
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
      // Who was dropped is not kept: nothing follows on this connection.
      Connection: 'close',
    });
    // Of the connection and not of the answer: one that waits behind another on its connection never hears of its end.
    response.req.socket.once('close', () => this.#remove(response));
    response.on('error', () => this.#remove(response));
    // What happened before is in how things stand: told afterwards it would go back in time.
    this.#tellGathered();
    response.write(`retry: 500\n\n${eventText('header', header)}${eventText('frames', standing)}`);
    this.#watchers.add(response);
    if (this.#watchers.size === 1) this.#watched(true);
  }

  push(frame: Frame): void {
    if (this.#watchers.size === 0) return;
    this.#gathered.push(frame);
    this.#timer ??= setTimeout(() => this.#tellGathered(), gatherMs);
  }

  /** Says good-bye to everybody. */
  close(): void {
    clearInterval(this.#keepAlive);
    this.#tellGathered();
    for (const watcher of [...this.#watchers]) this.#drop(watcher, 'The cluster is closing.');
  }

  #tellGathered(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const frames = this.#gathered;
    this.#gathered = [];
    if (frames.length > 0) this.#toAll(eventText('frames', frames));
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
