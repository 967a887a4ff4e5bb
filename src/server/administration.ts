import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../ground/thrown.js';
import { type Address, formatAddress, isLoopback, parseAddress } from '../router/carriers/address.js';
import { ListenFailedError } from '../router/carriers/errors.js';
import { HttpConnections, serverTimes } from './http-connections.js';
import { processMetrics } from './process-metrics.js';

/** The heads of a request, in bytes; more is refused. None has a body. */
const headerBytesMax = 8 * 1024;
/** Who is being answered when the server closes has so long, in milliseconds. */
const farewellMs = 500;

/** What those ask who look after a process. */
export interface AdministrationHost {
  /** Why the process had better be ended, or null. It takes no quorum. */
  ailment(): Promise<string | null>;
  /** Why it does not serve now, or null. */
  unready(): Promise<string | null>;
  /** @throws what keeps them from being had */
  metrics(): Promise<string>;
}

/**
 * The process's address for those who look after it: `/livez`, `/readyz` and `/metrics`. It tells no secret and takes
 * no command. Its connections are few, each asks one thing at a time, and a text of metrics that is being made is for
 * all who ask for one.
 */
export class Administration {
  readonly #host: AdministrationHost;
  readonly #http: Server;
  readonly #connections: HttpConnections;
  readonly #isLocal: boolean;
  #metrics: Promise<string> | null = null;

  private constructor(host: AdministrationHost, { host: name }: Address) {
    this.#host = host;
    this.#isLocal = isLoopback(name);
    this.#http = createServer({ ...serverTimes, maxHeaderSize: headerBytesMax }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#connections = new HttpConnections(this.#http);
    // A connection that cannot be taken, for want of file handles say, is no reason for the process to die.
    this.#http.on('error', () => {});
  }

  /** @throws {ListenFailedError} {InvalidOptionError} */
  static async open(address: string, host: AdministrationHost): Promise<Administration> {
    const parsed = parseAddress(address);
    const administration = new Administration(host, parsed);
    const http = administration.#http;
    http.listen(parsed.port, parsed.host);
    await once(http, 'listening').catch((error: unknown) => {
      throw new ListenFailedError(address, error);
    });
    return administration;
  }

  /** Where it listens. */
  get address(): string {
    const { address: host, port } = this.#http.address() as AddressInfo;
    return formatAddress({ host, port });
  }

  async close(): Promise<void> {
    const closed = once(this.#http, 'close');
    this.#http.close();
    this.#http.closeIdleConnections();
    const timer = setTimeout(() => this.#http.closeAllConnections(), farewellMs);
    await closed;
    clearTimeout(timer);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#connections.begin(request, response)) return;
    const { method, url = '', headers } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return end(response, 405, 'This takes GET and HEAD only.');
    }
    // Another site's name may lead here: its pages would read what is only for this machine.
    if (this.#isLocal && !isLoopback(nameOf(headers.host))) {
      return end(response, 403, 'This does not answer to that name. Use the address.');
    }
    switch (url.split('?', 1)[0]) {
      case '/livez':
        return verdict(response, await this.#host.ailment());
      case '/readyz':
        return verdict(response, await this.#host.unready());
      case '/metrics':
        return this.#tellMetrics(response);
      default:
        return end(response, 404, 'There are /livez, /readyz and /metrics.');
    }
  }

  async #tellMetrics(response: ServerResponse): Promise<void> {
    this.#metrics ??= this.#gather().finally(() => {
      this.#metrics = null;
    });
    try {
      const text = await this.#metrics;
      response
        .writeHead(200, { ...headersOfAll, 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' })
        .end(text);
    } catch (error) {
      end(response, 503, messageOf(error));
    }
  }

  async #gather(): Promise<string> {
    const texts = await Promise.all([this.#host.metrics(), processMetrics()]);
    return texts.join('\n');
  }
}

const headersOfAll = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

function verdict(response: ServerResponse, wrong: string | null): void {
  if (wrong === null) {
    response.writeHead(200, { ...headersOfAll, 'Content-Type': 'text/plain; charset=utf-8' }).end('ok\n');
  } else end(response, 503, wrong);
}

/** What is left of the request is not read, so the connection cannot be used again. */
function end(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, {
      ...headersOfAll,
      'Content-Type': 'text/plain; charset=utf-8',
      Connection: 'close',
    })
    .end(`${text}\n`);
}

/** A host as browsers name it, without its port. */
function nameOf(host = ''): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}
