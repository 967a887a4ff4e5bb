import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { InvalidOptionError } from '../../ground/errors.js';

/** Why a request is not served. */
export interface Refusal {
  readonly status: 400 | 401 | 403;
  readonly text: string;
}

const tokenCharactersMin = 16;
const tokenBytes = 18;

/** One that nobody guesses. */
export function newToken(): string {
  return randomBytes(tokenBytes).toString('base64url');
}

/** @throws {InvalidOptionError} */
export function requireToken(token: unknown): string {
  if (typeof token === 'string' && token.length >= tokenCharactersMin && /^[\w.~-]+$/.test(token))
    return token;
  throw new InvalidOptionError(
    `The inspector's token must have at least ${tokenCharactersMin} letters, digits or any of "._~-".`,
  );
}

/** Addresses that only programs of this machine reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Who may talk to the inspector. The page's own files are anybody's, as long as no other site's page asks for them; one
 * may lead there. What tells of the cluster and commands it takes the token, which the page has from the fragment of
 * the printed address: no browser sends that anywhere, be it to a server, into a log or to the page that is visited
 * next. A cookie would do neither: the browser shows it to whatever else listens at this machine, at any port.
 */
export class Access {
  readonly #token: Buffer;
  readonly #isLocal: boolean;

  constructor(token: string, host: string) {
    this.#token = digest(token);
    this.#isLocal = isLoopback(host);
  }

  /** Null if the request may be served. */
  refusalOf(request: IncomingMessage, url: URL): Refusal | null {
    const { host, origin } = request.headers;
    if (host === undefined) return { status: 400, text: 'The request names no host.' };
    // Another site's name may lead here; a name of this machine's own may lead here through a tunnel.
    if (this.#isLocal && !isLoopback(nameOf(host))) {
      return { status: 403, text: 'The inspector does not answer to this name. Use its address.' };
    }
    if ((origin !== undefined && origin !== `http://${host}`) || isForeign(request, url)) {
      return { status: 403, text: 'The request comes from another site, or from within another page.' };
    }
    if (!isApi(url.pathname) || this.hasToken(request, url)) return null;
    return {
      status: 401,
      text: 'The token is missing or wrong. Open the address that the inspector printed.',
    };
  }

  /** Takes the same time whatever is wrong with the token. */
  hasToken(request: IncomingMessage, url: URL): boolean {
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    // A browser's stream of events asks with no headers of the page's own.
    const asked = url.pathname === '/api/events' ? url.searchParams.get('token') : null;
    return timingSafeEqual(digest(bearer ?? asked ?? ''), this.#token);
  }
}

/** What tells of the cluster and commands it. */
export function isApi(path: string): boolean {
  return path.startsWith('/api/');
}

/** Does another site's page ask, or one that shows the answer within itself? Only to follow a link to the page is not. */
function isForeign({ method, headers }: IncomingMessage, { pathname }: URL): boolean {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest } = headers;
  if (dest !== undefined && ['iframe', 'frame', 'object', 'embed', 'fencedframe'].includes(String(dest))) {
    return true;
  }
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  return !(method === 'GET' && mode === 'navigate' && dest === 'document' && pathname === '/');
}

/** Without the port. */
function nameOf(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
