import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { catalogue } from './catalogue.js';
import { mutate } from './mutant.js';

describe('The mutants', () => {
  it('have names of their own, a source, and an invariant that is to catch them', () => {
    const names = catalogue.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    for (const { name, bug, source, catches, patches } of catalogue) {
      expect(
        [bug, source, catches, patches].every(({ length }) => length > 0),
        name,
      ).to.equal(true);
    }
  });

  it('change what they mean to change: each patch applies exactly once, and the module still parses', () => {
    const changed = catalogue.flatMap((mutant) =>
      [...new Set(mutant.patches.map(({ file }) => file))].map((file) => {
        const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
        const mutated = mutate(mutant, file, text);
        expect(mutated, mutant.name).not.to.equal(text);
        return { what: `${mutant.name} in ${file}`, mutated };
      }),
    );
    const errors = parse([...changed.map(({ mutated }) => mutated), 'this is no module']);
    expect(errors.pop()).to.match(/SyntaxError/);
    for (const [at, error] of errors.entries()) expect(error, changed[at]?.what).to.equal(null);
  });
});

function parse(sources: readonly string[]): (string | null)[] {
  const program = fileURLToPath(new URL('./parse.js', import.meta.url));
  const args = ['--no-warnings', '--experimental-vm-modules', program];
  const { stdout } = spawnSync(process.execPath, args, { input: JSON.stringify(sources) });
  return JSON.parse(stdout.toString());
}
