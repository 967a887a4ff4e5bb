import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClusterState } from '../../client/events.js';
import { ClosedError, ConclaveError, InvalidOptionError, OverloadedError } from '../../ground/errors.js';
import { refuseUnknown, requireInteger, shown } from '../../ground/option-checks.js';
import { excerpt } from '../../ground/printable.js';
import { messageOf } from '../../ground/thrown.js';
import { HttpConnections, serverTimes } from '../../server/http-connections.js';
import { Gate } from '../gate.js';
import type { InspectedCluster, RunCommand } from '../inspected-cluster.js';
import { ClusterRecorder } from '../recorders/cluster-recorder.js';
import { Access, isApi, newToken, type Refusal, requireToken } from './access.js';
import { EventStream } from './event-stream.js';
import { BadRequestError, readCommand } from './request-body.js';
import { contentSecurityPolicy, staticFile } from './static-files.js';

export interface InspectorOptions {
  /** The TCP port; 0 takes a free one. Default 7700. */
  readonly port?: number;
  /** The address to listen at. Default 127.0.0.1, which only programs of this machine reach. */
  readonly host?: string;
  /** What pages and programs must show, at least 16 letters, digits or any of `._~-`. Drawn unless given. */
  readonly token?: string;
}

export const portDefault = 7700;
const portMax = 65_535;
const known: Record<keyof InspectorOptions, true> = { port: true, host: true, token: true };
/** Log entries in one answer, bytes shown of each, and answers that are put together at one time. */
const recordsMax = 512;
const recordBytesMax = 200;
const logRequestsMax = 4;

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
  readonly #token: string;
  readonly #http: Server;
  readonly #connections: HttpConnections;
  readonly #logRequests = new Gate('looks into logs', logRequestsMax);
  readonly #stream: EventStream;
  readonly #ends = ({ state }: { readonly state: ClusterState }) => {
    if (state === 'stopping') void this.close();
  };
  #recorder: ClusterRecorder | null = null;
  #closed: Promise<void> | null = null;
  #url = '';

  private constructor(cluster: InspectedCluster, runCommand: RunCommand, host: string, token: string) {
    this.#cluster = cluster;
    this.#runCommand = runCommand;
    this.#token = token;
    this.#access = new Access(token, host);
    this.#stream = new EventStream((isWatched) => this.#recorder?.watch(isWatched));
    this.#http = createServer(serverTimes, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => this.#failed(response, error));
    });
    this.#connections = new HttpConnections(this.#http);
    // A connection that cannot be taken, for want of file handles say, is no reason for the cluster's process to die.
    this.#http.on('error', () => {});
    cluster.events.on('stateChanged', this.#ends);
  }

  /**
   * @throws {InvalidOptionError} for a wrong address, port or token; {@link ClosedError} when the cluster closes meanwhile; {@link InspectorAddressError}, with the system's code, when
   * the port is taken. Then nothing of it is left.
   */
  static async start(
    cluster: InspectedCluster,
    runCommand: RunCommand,
    options: InspectorOptions = {},
  ): Promise<InspectorServer> {
    refuseUnknown('option', options, known);
    const { port = portDefault, host = '127.0.0.1', token = newToken() } = options;
    requireInteger('port', port, 0, portMax);
    if (typeof host !== 'string' || host === '') {
      throw new InvalidOptionError(`host is ${shown(host)}. Give an address of this machine.`);
    }
    const server = new InspectorServer(cluster, runCommand, host, requireToken(token));
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
    this.#recorder = await ClusterRecorder.start(this.#cluster, (step) => this.#stream.push(step));
    this.#requireOpen();
    this.#http.listen(port, host);
    await once(this.#http, 'listening').catch((error: unknown) => {
      throw new InspectorAddressError(host, port, error as NodeJS.ErrnoException);
    });
    this.#requireOpen();
    const { port: actualPort } = this.#http.address() as AddressInfo;
    const name = host.includes(':') ? `[${host}]` : host;
    this.#url = `http://${name}:${actualPort}/#token=${this.#token}`;
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
    if (!this.#connections.begin(request, response)) return;
    const url = addressIn(request);
    const refusal = this.#access.refusalOf(request, url);
    if (refusal !== null) return refuse(response, refusal);
    if (isApi(url.pathname)) this.#connections.prove(request);
    const methods = methodsAt(url.pathname);
    if (!methods.includes(request.method ?? '')) {
      response.setHeader('Allow', methods.join(', '));
      return refuse(response, { status: 405, text: `This takes ${methods.join(' and ')} only.` });
    }
    if (url.pathname === '/api/command') return this.#command(request, response);
    if (url.pathname === '/api/events') return this.#watch(response);
    if (url.pathname === '/api/log') {
      return sendJson(response, await this.#logRequests.let(() => this.#records(url.searchParams)));
    }
    const file = await staticFile(url.pathname);
    if (file === null) return refuse(response, { status: 404, text: `There is no ${url.pathname}.` });
    response.writeHead(200, { ...headers, 'Content-Type': file.type }).end(file.bytes);
  }

  async #command(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asker = new AbortController();
    response.once('close', () => asker.abort());
    const { line } = await readCommand(request);
    sendJson(response, await this.#runCommand(line, asker.signal));
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
    this.#stream.add(response, recorder.header, recorder.opening());
  }

  async #records(query: URLSearchParams): Promise<unknown> {
    const [id, from, to] = ['node', 'from', 'to'].map((name) => wholeNumber(query.get(name), name)) as [
      number,
      number,
      number,
    ];
    if (to - from >= recordsMax) throw new BadRequestError(400, `Ask for at most ${recordsMax} entries.`);
    const records = await this.#cluster.log(id, Math.max(1, from), to, { bytesMax: recordBytesMax });
    return records.map(({ command, commandBytes: bytes, ...record }) => ({
      ...record,
      bytes,
      text: textOf(command),
    }));
  }

  #failed(response: ServerResponse, error: unknown): void {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    refuse(response, { status: statusOf(error), text: excerpt(messageOf(error)) });
  }
}

function statusOf(error: unknown): number {
  if (error instanceof BadRequestError) return error.status;
  if (error instanceof OverloadedError) return 503;
  return error instanceof ConclaveError ? 409 : 500;
}

const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': contentSecurityPolicy,
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
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
  return isApi(path) ? ['GET'] : ['GET', 'HEAD'];
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
  return Buffer.from(command)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '·');
}
