import type { IncomingMessage } from 'node:http';
import { ConclaveError } from '../../ground/errors.js';

/** The largest request body, in bytes. */
export const bodyBytesMax = 64 * 1024;

/** A request is not what the API takes. */
export class BadRequestError extends ConclaveError {
  readonly status: number;

  constructor(status: 400 | 413 | 415, message: string) {
    super('BAD_REQUEST', message);
    this.status = status;
  }
}

/** The body of `POST /api/command`. */
export interface CommandRequest {
  readonly line: string;
}

/** @throws {BadRequestError} when the body is too large, no JSON, or anything but `{ "line": "…" }`. */
export async function readCommand(request: IncomingMessage): Promise<CommandRequest> {
  if (!/^application\/json(;|$)/.test(request.headers['content-type'] ?? '')) {
    throw new BadRequestError(415, 'Send JSON, with Content-Type: application/json.');
  }
  let body: unknown;
  try {
    body = JSON.parse(await readText(request));
  } catch (error) {
    if (error instanceof BadRequestError) throw error;
    throw new BadRequestError(400, 'The body is no JSON.');
  }
  const isCommand =
    typeof body === 'object' &&
    body !== null &&
    Object.keys(body).length === 1 &&
    'line' in body &&
    typeof body.line === 'string' &&
    !/[\r\n]/.test(body.line);
  if (!isCommand) throw new BadRequestError(400, 'The body must be { "line": "…" } with one line of text.');
  return body as CommandRequest;
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new BadRequestError(413, `A body has at most ${bodyBytesMax} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
