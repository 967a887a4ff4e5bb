import { readFileSync } from 'node:fs';
import { expect } from 'chai';

const index = new URL('../../src/index.d.ts', import.meta.url);

/** A declaration file: what it exports, and where the names come from that it uses. */
interface Module {
  /** Names of this file's own, each with the text of its declaration. */
  readonly declared: ReadonlyMap<string, string>;
  /** What is imported or passed on, by the name that it has here. */
  readonly foreign: ReadonlyMap<string, { readonly module: URL; readonly name: string }>;
  readonly passesAllOf: readonly URL[];
}

const modules = new Map<string, Module>();

function read(url: URL): Module {
  const known = modules.get(url.href);
  if (known !== undefined) return known;
  const text = readFileSync(url, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const foreign = new Map<string, { module: URL; name: string }>();
  for (const [, names = '', from = ''] of text.matchAll(
    /(?:import|export) (?:type )?\{([^}]*)\} from '([^']+)'/g,
  )) {
    if (!from.startsWith('.')) continue;
    for (const each of names.split(',')) {
      const [name = '', as = name] = each
        .replace(/\btype\b/, '')
        .trim()
        .split(/ as /);
      if (name !== '') foreign.set(as, { module: declarationsOf(from, url), name });
    }
  }
  const passesAllOf = [...text.matchAll(/export \* from '([^']+)'/g)].map(([, from = '']) =>
    declarationsOf(from, url),
  );
  const declared = new Map<string, string>();
  const start =
    /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|function|enum) (\w+)/gm;
  const starts = [...text.matchAll(start)];
  for (const [at, match] of starts.entries()) {
    declared.set(match[1] ?? '', text.slice(match.index, starts[at + 1]?.index));
  }
  const module = { declared, foreign, passesAllOf };
  modules.set(url.href, module);
  return module;
}

function declarationsOf(specifier: string, from: URL): URL {
  return new URL(specifier.replace(/\.js$/, '.d.ts'), from);
}

/** Where a name is declared that a module uses or passes on, as `file#name`; null if it is no name of ours. */
function originOf(module: URL, name: string): string | null {
  const { declared, foreign, passesAllOf } = read(module);
  if (declared.has(name)) return `${module.href}#${name}`;
  const from = foreign.get(name);
  if (from !== undefined) return originOf(from.module, from.name);
  for (const passed of passesAllOf) {
    const origin = originOf(passed, name);
    if (origin !== null) return origin;
  }
  return null;
}

function exportedOrigins(): Map<string, string> {
  const { foreign, passesAllOf } = read(index);
  const names = [...foreign.keys(), ...passesAllOf.flatMap((url) => [...read(url).declared.keys()])];
  return new Map(names.map((name) => [originOf(index, name) ?? name, name]));
}

describe('the names that the public types reach', () => {
  it('are exported, each once', () => {
    const exported = exportedOrigins();
    const missing = new Set<string>();
    for (const [origin, name] of exported) {
      const [file = '', own = ''] = origin.split('#');
      const module = new URL(file);
      const text = read(module).declared.get(own) ?? '';
      // What is taken out of a type by a field's name shows nothing of the type itself.
      for (const [word] of text.matchAll(/\b[A-Z]\w*\b(?!\[')/g)) {
        const reached = originOf(module, word);
        if (reached !== null && !exported.has(reached))
          missing.add(`${reached.split('/src/')[1]} (by ${name})`);
      }
    }
    expect([...missing]).to.deep.equal([]);
  });
});
