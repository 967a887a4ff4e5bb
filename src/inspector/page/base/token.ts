/*
 * What the server asks of whoever wants to know of the cluster. The page has it from the fragment of its address, which
 * stays in the browser, and takes it out of there at once: an address is shown, kept and passed on. Kept for the tab,
 * it outlives a reload; what other servers of this machine show cannot read it.
 */

const key = 'conclave-token';

take();
addEventListener('hashchange', () => {
  // An address that is pasted into the same tab loads nothing by itself.
  if (take()) location.reload();
});

function take(): boolean {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return false;
  sessionStorage.setItem(key, token);
  history.replaceState(null, '', '/');
  return true;
}

/** Empty where the page was opened without one. */
export function token(): string {
  return sessionStorage.getItem(key) ?? '';
}

/** Asks the server, with the token. */
export function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(path, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token()}` } });
}
