import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A file of the page. */
export interface StaticFile {
  readonly type: string;
  readonly bytes: Buffer;
}

const charts = ['node', 'peer', 'session', 'cluster', 'thread'];
/** As much of each as somebody wants to see. */
const drawings = charts.flatMap((name) => [name, `${name}-states`, `${name}-reasons`]);
/** Each in its part's folder. */
const sheets = new Map([
  ['page', 'page.css'],
  ['transport', 'player/transport.css'],
  ['cluster', 'cluster/cluster.css'],
  ['chart', 'chart/chart.css'],
  ['elections', 'elections/elections.css'],
  ['log', 'log/log.css'],
  ['prompt', 'prompt/prompt.css'],
  ['menu', 'base/menu.css'],
]);

/** The only files there are: nothing in a request's path reaches the file system. */
const places: ReadonlyMap<string, () => string> = new Map([
  ['/', () => source('index.html')],
  ...[...sheets].map(([name, place]): [string, () => string] => [`/page/${name}.css`, () => source(place)]),
  // Who decides what is counted in one place.
  ...['configuration', 'invariant'].map((name): [string, () => string] => [
    `/raft/${name}.js`,
    () => fileURLToPath(new URL(`../../raft/${name}.js`, import.meta.url)),
  ]),
  ['/vendor/uplot.js', () => createRequire(import.meta.url).resolve('uplot/dist/uPlot.esm.js')],
  ['/vendor/uplot.css', () => createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css')],
  ...drawings.map((name): [string, () => string] => [`/charts/${name}.svg`, () => chart(`${name}.svg`)]),
  ...drawings.map((name): [string, () => string] => [`/charts/${name}.json`, () => chart(`${name}.json`)]),
]);

const types: ReadonlyMap<string, string> = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['svg', 'image/svg+xml; charset=utf-8'],
  ['json', 'application/json; charset=utf-8'],
]);

/** Modules of the page and of the recording that it reads: folders and names of plain words. */
const modulePath = /^\/(?:page(?:\/[a-z]+)?|recording)\/[a-z0-9-]+\.js$/;

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
