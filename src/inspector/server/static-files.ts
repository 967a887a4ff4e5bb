import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A file of the page. */
export interface StaticFile {
  readonly type: string;
  readonly bytes: Buffer;
}

const charts = ['node', 'peer', 'session', 'cluster', 'thread'];
const sheets = ['page.css', 'cluster.css', 'chart.css', 'log.css'];

/** The only files there are: nothing in a request's path reaches the file system. */
const places: ReadonlyMap<string, () => string> = new Map([
  ['/', () => source('index.html')],
  ...sheets.map((name): [string, () => string] => [`/page/${name}`, () => source(name)]),
  ['/vendor/uplot.js', () => createRequire(import.meta.url).resolve('uplot/dist/uPlot.esm.js')],
  ['/vendor/uplot.css', () => createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css')],
  ...charts.map((name): [string, () => string] => [`/charts/${name}.svg`, () => chart(`${name}.svg`)]),
  ...charts.map((name): [string, () => string] => [`/charts/${name}.json`, () => chart(`${name}.json`)]),
]);

const types: ReadonlyMap<string, string> = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['svg', 'image/svg+xml; charset=utf-8'],
  ['json', 'application/json; charset=utf-8'],
]);

/** Modules of the page: one folder each, a plain name. */
const modulePath = /^\/(?:page|recording)\/[a-z0-9-]+\.js$/;

/** The file at a path of the page's address, or null. */
export async function staticFile(path: string): Promise<StaticFile | null> {
  const place = modulePath.test(path)
    ? () => fileURLToPath(new URL(`..${path}`, import.meta.url))
    : places.get(path);
  if (place === undefined) return null;
  try {
    const name = place();
    const extension = name.slice(name.lastIndexOf('.') + 1);
    return { type: types.get(extension) ?? 'application/octet-stream', bytes: await readFile(name) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

function source(name: string): string {
  return fileURLToPath(new URL(`../../../../src/inspector/page/${name}`, import.meta.url));
}

function chart(name: string): string {
  return fileURLToPath(new URL(`../../../charts/${name}`, import.meta.url));
}

/** The page runs its own scripts and no others, and talks to nobody but its server. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
