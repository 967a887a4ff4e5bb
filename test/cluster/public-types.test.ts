import { readFileSync } from 'node:fs';
import { expect } from 'chai';

/** The modules that a declaration file, and those that it imports, take from elsewhere. */
function foreignImports(file: URL, seen = new Set<string>()): Set<string> {
  const foreign = new Set<string>();
  if (seen.has(file.href)) return foreign;
  seen.add(file.href);
  for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)) {
    if (!name.startsWith('.')) foreign.add(name);
    else {
      const next = new URL(name.replace(/\.js$/, '.d.ts'), file);
      for (const found of foreignImports(next, seen)) foreign.add(found);
    }
  }
  return foreign;
}

describe('the public types', () => {
  // A program is compiled with its own settings, and the declarations of our libraries do not stand all of them.
  it('need no library but Node.js', () => {
    const index = new URL('../../src/index.d.ts', import.meta.url);
    expect([...foreignImports(index)].filter((name) => !name.startsWith('node:'))).to.deep.equal([]);
  });
});
