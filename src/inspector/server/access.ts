import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Why a request is not served. */
export interface Refusal {
  readonly status: 400 | 401 | 403;
  readonly text: string;
}

/** Addresses that only programs of this machine reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Who may talk to the inspector: pages that came from it, and programs. Another site's page in the same browser may
 * not, whether it sends requests here (`Origin`, `Sec-Fetch-Site`) or has its own name point to this address (`Host`).
 */
export class Access {
  readonly #token: string | null;
  #port = 0;

  /** @param token what every request must carry, or null where only this machine can reach the server. */
  constructor(token: string | null) {
    this.#token = token;
  }

  /** The port is known once the server listens. */
  listensAt(port: number): void {
    this.#port = port;
  }

  get cookieName(): string {
    return `conclave-${this.#port}`;
  }

  /** Null if the request may be served. */
  refusalOf(request: IncomingMessage): Refusal | null {
    const { host, origin } = request.headers;
    if (host === undefined) return { status: 400, text: 'The request names no host.' };
    // With a token the name does not matter: a page under another name does not have the cookie.
    if (this.#token === null && !this.#isOwnName(host)) {
      return { status: 403, text: `The inspector does not answer to the name ${host}. Use its address.` };
    }
    const site = request.headers['sec-fetch-site'];
    const isForeign = site !== undefined && site !== 'same-origin' && site !== 'none';
    const isNavigation = request.headers['sec-fetch-mode'] === 'navigate' && request.method === 'GET';
    if ((origin !== undefined && origin !== `http://${host}`) || (isForeign && !isNavigation)) {
      return { status: 403, text: 'The request comes from another site.' };
    }
    if (!this.#hasToken(request)) {
      return { status: 401, text: 'The token is missing or wrong. Open the URL that the inspector printed.' };
    }
    return null;
  }

  /** Is this the token? Takes the same time whatever is wrong with it. */
  isToken(text: string): boolean {
    return this.#token === null || timingSafeEqual(digest(text), digest(this.#token));
  }

  #isOwnName(host: string): boolean {
    const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    const port = /:(\d+)$/.exec(host)?.[1] ?? '80';
    return isLoopback(name) && Number(port) === this.#port;
  }

  #hasToken(request: IncomingMessage): boolean {
    if (this.#token === null) return true;
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const cookie = (request.headers.cookie ?? '')
      .split(/;\s*/)
      .find((pair) => pair.startsWith(`${this.cookieName}=`));
    return this.isToken(bearer ?? cookie?.slice(this.cookieName.length + 1) ?? '');
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
