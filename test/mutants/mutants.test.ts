import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { catalogue } from './catalogue.js';
import { mutate } from './mutant.js';

describe('The mutants', () => {
  it('have names of their own, a source, and an invariant that is to catch them', () => {
    const names = catalogue.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    for (const { name, bug, source, catches, patches } of catalogue) {
      expect(
        [name, bug, source].every((text) => text.length > 0),
        name,
      ).to.equal(true);
      expect(catches, name).not.to.equal([]);
      expect(patches, name).not.to.deep.equal([]);
    }
  });

  for (const mutant of catalogue) {
    it(`${mutant.name}: every patch applies once and leaves a module that parses`, () => {
      for (const file of new Set(mutant.patches.map((patch) => patch.file))) {
        const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
        const mutated = mutate(mutant, file, text);
        expect(mutated).not.to.equal(text);
        const check = spawnSync(process.execPath, ['--input-type=module', '--check', '-'], {
          input: mutated,
        });
        expect(check.stderr.toString(), file).to.equal('');
      }
    });
  }
});
