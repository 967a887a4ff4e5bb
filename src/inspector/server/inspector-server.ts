import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClusterState } from '../../client/events.js';
import { ClosedError, ConclaveError, InvalidOptionError } from '../../ground/errors.js';
import { refuseUnknown, requireInteger, shown } from '../../ground/option-checks.js';
import type { InspectedCluster, RunCommand } from '../inspected-cluster.js';
import { ClusterRecorder } from '../recording/cluster-recorder.js';
import { Access, isLoopback, type Refusal } from './access.js';
import { EventStream } from './event-stream.js';
import { BadRequestError, readCommand } from './request-body.js';
import { contentSecurityPolicy, staticFile } from './static-files.js';

export interface InspectorOptions {
  /** The TCP port; 0 takes a free one. Default 7700. */
  readonly port?: number;
  /** The address to listen at. Default 127.0.0.1; any other than this machine's own needs a token. */
  readonly host?: string;
  /** What a browser must present, at least 16 characters. */
  readonly token?: string;
}

export const portDefault = 7700;
const portMax = 65_535;
const known: Record<keyof InspectorOptions, true> = { port: true, host: true, token: true };
const tokenCharactersMin = 16;
/** Log entries in one answer. */
const recordsMax = 512;
const requestTimeoutMs = 10_000;

/** The page cannot be served there. The code is the system's. */
export class InspectorAddressError extends ConclaveError {
  constructor(host: string, port: number, cause: NodeJS.ErrnoException) {
    const { code = 'UNKNOWN', message } = cause;
    const why =
      code === 'EADDRINUSE' ? 'another program listens there, perhaps another cluster’s inspector' : message;
    super(
      code,
      `The inspector cannot listen at ${host}, port ${port}: ${why}. Name another port, or 0 for any that is free.`,
      { cause },
    );
  }
}

/** Serves the inspector's page for one cluster. `Inspector` is what its users see of it. */
export class InspectorServer implements AsyncDisposable {
  readonly #cluster: InspectedCluster;
  readonly #runCommand: RunCommand;
  readonly #access: Access;
  readonly #token: string | null;
  readonly #http: Server;
  readonly #stream: EventStream;
  readonly #ends = ({ state }: { readonly state: ClusterState }) => {
    if (state === 'stopping') void this.close();
  };
  #recorder: ClusterRecorder | null = null;
  #closed: Promise<void> | null = null;
  #url = '';

  private constructor(cluster: InspectedCluster, runCommand: RunCommand, token: string | null) {
    this.#cluster = cluster;
    this.#runCommand = runCommand;
    this.#token = token;
    this.#access = new Access(token);
    this.#stream = new EventStream((isWatched) => this.#recorder?.watch(isWatched));
    this.#http = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => this.#failed(response, error));
    });
    // A connection that cannot be taken, for want of file handles say, is no reason for the cluster's process to die.
    this.#http.on('error', () => {});
    cluster.events.on('stateChanged', this.#ends);
  }

  /**
   * @throws {InvalidOptionError} for an address beyond this machine without a token, and for a weak token;
   * {@link ClosedError} when the cluster closes meanwhile; {@link InspectorAddressError}, with the system's code, when
   * the port is taken. Then nothing of it is left.
   */
  static async start(
    cluster: InspectedCluster,
    runCommand: RunCommand,
    options: InspectorOptions = {},
  ): Promise<InspectorServer> {
    refuseUnknown('option', options, known);
    const { port = portDefault, host = '127.0.0.1', token = null } = options;
    requireInteger('port', port, 0, portMax);
    if (typeof host !== 'string' || host === '') {
      throw new InvalidOptionError(`host is ${shown(host)}. Give an address of this machine.`);
    }
    requireToken(host, token);
    const server = new InspectorServer(cluster, runCommand, token);
    try {
      await server.#listen(port, host);
      return server;
    } catch (error) {
      // Closed meanwhile, it has not closed what came after that.
      await server.close();
      server.#recorder?.close();
      await server.#endListening();
      throw error;
    }
  }

  async #listen(port: number, host: string): Promise<void> {
    this.#recorder = await ClusterRecorder.start(this.#cluster, (frame) => this.#stream.push(frame));
    this.#requireOpen();
    this.#http.listen(port, host);
    await once(this.#http, 'listening').catch((error: unknown) => {
      throw new InspectorAddressError(host, port, error as NodeJS.ErrnoException);
    });
    this.#requireOpen();
    const { port: actualPort } = this.#http.address() as AddressInfo;
    this.#access.listensAt(actualPort);
    const name = host.includes(':') ? `[${host}]` : host;
    const query = this.#token === null ? '' : `?token=${encodeURIComponent(this.#token)}`;
    this.#url = `http://${name}:${actualPort}/${query}`;
  }

  #requireOpen(): void {
    if (this.#closed !== null) throw new ClosedError('The cluster');
  }

  /** Where a browser finds the page, token included. */
  get url(): string {
    return this.#url;
  }

  /** Says good-bye to the watchers and stops listening. Harmless if repeated. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#cluster.events.off('stateChanged', this.#ends);
    this.#recorder?.close();
    this.#stream.close();
    await this.#endListening();
  }

  async #endListening(): Promise<void> {
    if (!this.#http.listening) return;
    const closed = once(this.#http, 'close');
    this.#http.close();
    this.#http.closeIdleConnections();
    const timer = setTimeout(() => this.#http.closeAllConnections(), 500);
    await closed;
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = addressIn(request);
    if (this.#admit(request, url, response)) return;
    const refusal = this.#access.refusalOf(request);
    if (refusal !== null) return refuse(response, refusal);
    const methods = methodsAt(url.pathname);
    if (!methods.includes(request.method ?? '')) {
      response.setHeader('Allow', methods.join(', '));
      return refuse(response, { status: 405, text: `This takes ${methods.join(' and ')} only.` });
    }
    if (url.pathname === '/api/command') return this.#command(request, response);
    if (url.pathname === '/api/events') return this.#watch(response);
    if (url.pathname === '/api/log') return sendJson(response, await this.#records(url.searchParams));
    const file = await staticFile(url.pathname);
    if (file === null) return refuse(response, { status: 404, text: `There is no ${url.pathname}.` });
    response.writeHead(200, { ...headers, 'Content-Type': file.type }).end(file.bytes);
  }

  /** Whoever opens the printed URL gets the token as a cookie, and an address without it. */
  #admit(request: IncomingMessage, url: URL, response: ServerResponse): boolean {
    const token = url.searchParams.get('token');
    if (this.#token === null || token === null || request.method !== 'GET' || url.pathname !== '/')
      return false;
    if (!this.#access.isToken(token)) return false;
    // Lax and not Strict: who follows the address from a mail or a chat comes from another site, and would be refused
    // after the redirection. What other sites' pages ask for themselves carries the cookie neither way.
    const cookie = `${this.#access.cookieName}=${encodeURIComponent(token)}; HttpOnly; SameSite=Lax; Path=/`;
    response.writeHead(303, { ...headers, Location: '/', 'Set-Cookie': cookie }).end();
    return true;
  }

  async #command(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Of the connection and not of the answer: one that waits behind another on its connection never hears of its end.
    const { socket } = request;
    const asker = new AbortController();
    const isGone = () => asker.abort();
    socket.once('close', isGone);
    try {
      const { line } = await readCommand(request);
      sendJson(response, await this.#runCommand(line, asker.signal));
    } finally {
      socket.off('close', isGone);
    }
  }

  #watch(response: ServerResponse): void {
    const recorder = this.#recorder;
    if (recorder === null || this.#closed !== null) {
      refuse(response, { status: 503, text: 'The cluster is closing.' });
      return;
    }
    if (this.#stream.isFull) {
      refuse(response, { status: 503, text: 'Too many pages watch already. Close one and try again.' });
      return;
    }
    const { isWatched } = this.#stream;
    this.#stream.add(response, recorder.header, recorder.standing());
    // To come and go has everybody tell anew how it stands, which one that comes later has not heard.
    if (isWatched) this.#cluster.watch(() => {})();
  }

  async #records(query: URLSearchParams): Promise<unknown> {
    const [id, from, to] = ['node', 'from', 'to'].map((name) => wholeNumber(query.get(name), name)) as [
      number,
      number,
      number,
    ];
    if (to - from >= recordsMax) throw new BadRequestError(400, `Ask for at most ${recordsMax} entries.`);
    const records = await this.#cluster.log(id, Math.max(1, from), to);
    return records.map(({ command, ...record }) => ({
      ...record,
      bytes: command.length,
      text: textOf(command),
    }));
  }

  #failed(response: ServerResponse, error: unknown): void {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const conflict = error instanceof ConclaveError ? 409 : 500;
    const status = error instanceof BadRequestError ? error.status : conflict;
    refuse(response, { status, text: error instanceof Error ? error.message : String(error) });
  }
}

const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': contentSecurityPolicy,
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** @throws {BadRequestError} */
function addressIn({ url = '/' }: IncomingMessage): URL {
  // Put together and not resolved: a path that begins with two slashes would name another host.
  const address = url.startsWith('/') ? `http://inspector${url}` : url;
  if (!URL.canParse(address)) throw new BadRequestError(400, 'The request names no path.');
  return new URL(address);
}

function methodsAt(path: string): readonly string[] {
  if (path === '/api/command') return ['POST'];
  return path.startsWith('/api/') ? ['GET'] : ['GET', 'HEAD'];
}

function requireToken(host: string, token: string | null): void {
  if (token === null && !isLoopback(host)) {
    throw new InvalidOptionError(
      `The inspector can be reached by others at ${host} and lets whoever reaches it crash nodes. Give a token, or leave the host out.`,
    );
  }
  if (
    token !== null &&
    !(typeof token === 'string' && token.length >= tokenCharactersMin && /^[\w.~-]+$/.test(token))
  ) {
    throw new InvalidOptionError(
      `The inspector's token must have at least ${tokenCharactersMin} letters, digits or any of "._~-".`,
    );
  }
}

function refuse(
  response: ServerResponse,
  { status, text }: Omit<Refusal, 'status'> & { readonly status: number },
): void {
  // What is left of the request is not read, so the connection cannot be used again.
  response
    .writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' })
    .end(`${text}\n`);
}

function sendJson(response: ServerResponse, value: unknown): void {
  response
    .writeHead(200, { ...headers, 'Content-Type': 'application/json; charset=utf-8' })
    .end(JSON.stringify(value));
}

function wholeNumber(text: string | null, name: string): number {
  if (text !== null && /^\d{1,15}$/.test(text)) return Number(text);
  throw new BadRequestError(400, `The query needs ${name}, a whole number.`);
}

/** A command as far as it is text; what is not, as dots. */
function textOf(command: Uint8Array): string {
  return Buffer.from(command.subarray(0, 200))
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '·');
}
