import type { RecordingHeader, Step } from '../../recording/format.js';
import { ask, token } from '../base/token.js';

export type ConnectionState = 'connecting' | 'open' | 'lost';

/** Who hears from the server. */
export interface ConnectionListener {
  /** A run begins to be told, or is told anew after a pause. */
  header(header: RecordingHeader): void;
  steps(steps: readonly Step[]): void;
  stateChanged(state: ConnectionState, reason: string): void;
}

const retryMs = 1000;
/** The server speaks at least every five seconds; a connection silent for longer is dead. */
const silenceMsMax = 12_000;

/** The stream of events from the server. Says when it is lost, and tries again until it is back. */
export class Connection {
  readonly #listener: ConnectionListener;
  #source: EventSource | null = null;
  #heardAtMs = 0;

  constructor(listener: ConnectionListener) {
    this.#listener = listener;
    this.#connect();
    setInterval(() => this.#checkSilence(), 1000);
  }

  #connect(): void {
    // With no headers of the page's own: the token goes along in the address, which nobody else sees.
    const source = new EventSource(`/api/events?token=${encodeURIComponent(token())}`);
    this.#source = source;
    source.addEventListener('header', ({ data }) => {
      this.#heard();
      this.#listener.stateChanged('open', '');
      this.#listener.header(JSON.parse(data));
    });
    source.addEventListener('steps', ({ data }) => {
      this.#heard();
      this.#listener.steps(JSON.parse(data));
    });
    source.addEventListener('alive', () => this.#heard());
    source.addEventListener('dropped', ({ data }) => {
      this.#lost(source, String(JSON.parse(data).reason));
    });
    source.addEventListener('error', async () => {
      const isRefused = source.readyState === EventSource.CLOSED;
      this.#lost(source, isRefused ? await whyRefused() : lostText);
    });
  }

  #heard(): void {
    this.#heardAtMs = performance.now();
  }

  #lost(source: EventSource, reason: string): void {
    if (this.#source !== source) return;
    source.close();
    this.#source = null;
    this.#listener.stateChanged('lost', reason);
    setTimeout(() => this.#connect(), retryMs);
  }

  #checkSilence(): void {
    const source = this.#source;
    if (source === null || source.readyState !== EventSource.OPEN) return;
    if (performance.now() - this.#heardAtMs > silenceMsMax) this.#lost(source, lostText);
  }
}

const lostText = 'The connection to the cluster is lost.';

/** An event source does not say why the server refuses it; the same request says it in words. */
async function whyRefused(): Promise<string> {
  const asking = new AbortController();
  try {
    const response = await ask('/api/events', { signal: asking.signal });
    return response.ok ? lostText : (await response.text()).trim();
  } catch {
    return lostText;
  } finally {
    asking.abort();
  }
}
