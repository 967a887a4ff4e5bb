/*
 * `npm run mutation -- FOLDER`: has Stryker change every expression of `src/FOLDER`, one at a time, and ask the tests
 * of that floor whether they notice. What it prints at the end is the part that they notice, file by file.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** The folders of `test/` that answer for a folder of `src/`. */
const testsOf = {
  raft: ['raft'],
  wire: ['wire'],
  storage: ['storage'],
  router: ['router'],
  client: ['client'],
  node: ['node'],
};

const [folder, ...files] = process.argv.slice(2);
const tests = testsOf[folder];
if (tests === undefined || files.some((file) => !existsSync(`src/${folder}/${file}`))) {
  console.error(`Name one of ${Object.keys(testsOf).join(', ')}, and files of it if not all are meant.`);
  console.error('Usage: npm run mutation -- FOLDER [FILE…]');
  process.exit(2);
}
const mutated = files.length === 0 ? ['**/*.ts'] : files;
const { status } = spawnSync('node_modules/.bin/stryker', ['run', '.ci/stryker.config.js'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    MUTATED: mutated.map((file) => `src/${folder}/${file}`).join(),
    ASKED: tests.map((name) => `dist/test/${name}/**/*.test.js`).join(),
  },
});
process.exit(status ?? 1);
