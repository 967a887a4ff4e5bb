/* What `mutation.js` tells Stryker. */

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
const settings = {
  mutate: process.env.MUTATED?.split(',') ?? [],
  testRunner: 'tap',
  plugins: ['@stryker-mutator/tap-runner'],
  tap: {
    testFiles: process.env.ASKED?.split(',') ?? [],
    nodeArgs: [
      ...['-r', '{{hookFile}}', 'node_modules/mocha/bin/mocha.js', '--no-config', '--exit'],
      ...['--timeout', '60000', '--reporter', 'tap', '{{testFile}}'],
    ],
  },
  buildCommand: 'tsc -p tsconfig.json',
  // Without a file of this name Stryker rewrites none, for which it would need what the native compiler lacks.
  tsconfigFile: 'none',
  coverageAnalysis: 'perTest',
  // What is computed when a module loads would need a process of its own for each change.
  ignoreStatic: true,
  ignorePatterns: ['/dist', '/docs', '/bench'],
  reporters: ['clear-text', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  tempDirName: 'coverage/mutation',
};

// biome-ignore lint/style/noDefaultExport: Stryker asks for it.
export default settings;
