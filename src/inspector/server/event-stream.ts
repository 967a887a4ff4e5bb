import type { ServerResponse } from 'node:http';
import type { RecordingHeader, Step } from '../recording/format.js';

/** Watchers at one time; more are refused. */
export const watchersMax = 16;
/** What may wait for one watcher, in bytes. Who falls further behind is dropped with a reason. */
export const backlogBytesMax = 4 * 1024 * 1024;
/** Who takes nothing for so long of what waits for them is dropped as well. */
const patienceMs = 15_000;
/** Steps are gathered this long, so that a watcher gets at most ten messages a second. */
const gatherMs = 100;
/** All connections are spoken to this often, so that both sides notice when one is dead. */
const keepAliveEveryMs = 5_000;
/** A dropped watcher has this long to read why. */
const farewellMs = 10_000;

/** What waits for a watcher: since when, or since it last took some. */
interface Backlog {
  writes: number;
  sinceMs: number;
}

/** Server-sent events to every watcher. Tells when the first one comes and the last one goes. */
export class EventStream {
  readonly #watchers = new Map<ServerResponse, Backlog>();
  readonly #watched: (isWatched: boolean) => void;
  readonly #keepAlive: NodeJS.Timeout;
  #gathered: Step[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(watched: (isWatched: boolean) => void, keepAliveMs = keepAliveEveryMs) {
    this.#watched = watched;
    // An event and no comment: of comments a page does not hear, and takes a quiet cluster for a dead connection.
    this.#keepAlive = setInterval(() => {
      this.#dropWhoStand(performance.now());
      this.#toAll(eventText('alive', null));
    }, keepAliveMs).unref();
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  get isFull(): boolean {
    return this.#watchers.size >= watchersMax;
  }

  /** A watcher comes: it is told how things stand, and from then on what happens. */
  add(response: ServerResponse, header: RecordingHeader, opening: readonly Step[]): void {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      // Who was dropped is not kept: nothing follows on this connection.
      Connection: 'close',
    });
    response.once('close', () => this.#remove(response));
    response.on('error', () => this.#remove(response));
    // What happened before is in how things stand: told afterwards it would go back in time.
    this.#tellGathered();
    this.#watchers.set(response, { writes: 0, sinceMs: 0 });
    this.#tell(response, `retry: 500\n\n${eventText('header', header)}${eventText('steps', opening)}`);
    if (this.#watchers.size === 1) this.#watched(true);
  }

  push(step: Step): void {
    if (this.#watchers.size === 0) return;
    this.#gathered.push(step);
    this.#timer ??= setTimeout(() => this.#tellGathered(), gatherMs);
  }

  /** Says good-bye to everybody. */
  close(): void {
    clearInterval(this.#keepAlive);
    this.#tellGathered();
    for (const watcher of [...this.#watchers.keys()]) this.#drop(watcher, 'The cluster is closing.');
  }

  #tellGathered(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const steps = this.#gathered;
    this.#gathered = [];
    if (steps.length > 0) this.#toAll(eventText('steps', steps));
  }

  #toAll(text: string): void {
    for (const watcher of [...this.#watchers.keys()]) {
      if (watcher.writableLength + text.length > backlogBytesMax) this.#drop(watcher, tooSlow);
      else this.#tell(watcher, text);
    }
  }

  #tell(watcher: ServerResponse, text: string): void {
    const backlog = this.#watchers.get(watcher);
    if (backlog === undefined) return;
    if (backlog.writes++ === 0) backlog.sinceMs = performance.now();
    watcher.write(text, () => {
      backlog.writes--;
      backlog.sinceMs = performance.now();
    });
  }

  #dropWhoStand(nowMs: number): void {
    for (const [watcher, { writes, sinceMs }] of [...this.#watchers]) {
      if (writes > 0 && nowMs - sinceMs > patienceMs) this.#drop(watcher, tooSlow);
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

const tooSlow = 'This page read too slowly and was dropped, so that it does not slow down the cluster.';

function eventText(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
