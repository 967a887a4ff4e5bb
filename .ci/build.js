/*
 * `npm run build`, which every other script runs first: compiles and draws only what has changed, and says so on
 * standard error, since the first time takes seconds and standard output belongs to what runs afterwards.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const sources = ['src', 'machines', 'test', 'bench'];
const settings = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.page.json'];
const projects = ['tsconfig.json', 'tsconfig.page.json'];
/** What TypeScript knows of its last run. It looks at sources alone and would miss that results were removed. */
const memories = ['dist/.tsbuildinfo', 'dist/.tsbuildinfo-page'];
const results = [
  'dist/src/index.js',
  'dist/src/inspector/page/main.js',
  'dist/machines',
  'dist/test',
  'dist/charts',
];
const madeFromFile = 'dist/.made-from';

/** Changes with every file that is made, changed or removed. */
function fingerprint() {
  const hash = createHash('sha256');
  const files = sources.flatMap((folder) =>
    readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name))),
  );
  for (const file of [...files.sort(), ...settings]) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function run(...words) {
  const { status, error } = spawnSync(process.execPath, words, { stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const madeFrom = fingerprint();
const isWhole = [...memories, ...results].every((file) => existsSync(file));
if (!isWhole) for (const memory of memories) rmSync(memory, { force: true });
if (!isWhole || !existsSync(madeFromFile) || readFileSync(madeFromFile, 'utf8') !== madeFrom) {
  const extent = isWhole ? 'what has changed' : 'everything, which takes some seconds';
  process.stderr.write(`conclave: compiling ${extent}\n`);
  rmSync(madeFromFile, { force: true });
  for (const project of projects) run('node_modules/typescript/bin/tsc', '-p', project);
  run('dist/src/cli/main.js', 'charts', '--if-changed');
  writeFileSync(madeFromFile, madeFrom);
}
