import { request } from 'node:http';
import { connect } from 'node:net';
import type { InspectorServer } from '../../src/inspector/server/inspector-server.js';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** What the page does: the token of the printed address, as a header. */
export function authorization({ url }: Pick<InspectorServer, 'url'>): string {
  return `Bearer ${new URLSearchParams(new URL(url).hash.slice(1)).get('token')}`;
}

/** Sends one request, with the token unless told otherwise. Of an event stream it takes the head alone. */
export function ask(
  server: InspectorServer,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        hostname,
        port,
        method,
        path,
        headers: { connection: 'close', authorization: authorization(server), ...headers },
      },
      (response) => {
        const { statusCode: status = 0 } = response;
        if (response.headers['content-type']?.startsWith('text/event-stream')) {
          response.destroy();
          resolve({ status, headers: response.headers, body: '' });
          return;
        }
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status, headers: response.headers, body: Buffer.concat(chunks).toString() }),
        );
        response.on('error', reject);
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

/** A watcher that can stop reading: a bare connection. */
export class Watcher {
  readonly ended: Promise<void>;
  readonly #socket: ReturnType<typeof connect>;
  readonly #head: string;
  /** All that it was told. */
  all = '';
  #text = '';
  #look: () => void = () => {};

  private constructor(server: Pick<InspectorServer, 'url'>) {
    const { hostname, port, host } = new URL(server.url);
    this.#socket = connect(Number(port), hostname);
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (text: string) => {
      this.#text += text;
      this.all += text;
      this.#look();
    });
    this.#socket.on('error', () => {});
    this.ended = new Promise((resolve) => this.#socket.on('close', () => resolve()));
    this.#head = `GET /api/events HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization(server)}\r\n\r\n`;
    this.askAgain();
  }

  static async open(server: Pick<InspectorServer, 'url'>): Promise<Watcher> {
    const watcher = new Watcher(server);
    await watcher.heard(/200 OK/);
    return watcher;
  }

  /** On its one connection. */
  askAgain(): void {
    this.#socket.write(this.#head);
  }

  /** Waits until the text so far matches; what came before the match is forgotten. */
  heard(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        const match = pattern.exec(this.#text);
        if (match === null) return;
        this.#look = () => {};
        this.#text = this.#text.slice(match.index);
        resolve();
      };
      this.#look();
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }
}
