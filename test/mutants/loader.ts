import { readFile } from 'node:fs/promises';
import type { LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import { mutantNamed } from './catalogue.js';
import { mutate } from './mutant.js';

/*
 * Hooks of Node's module loader. A module that is imported as `….js?mutant=NAME` gets that mutant's patches, and so
 * does all that it imports: each mutant has module instances of its own, and the true code is loaded beside them.
 */

const dist = new URL('../../', import.meta.url).href;
const parameter = 'mutant';

export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  const resolved = await nextResolve(specifier, context);
  const name = mutantOf(context.parentURL);
  if (name === null || mutantOf(resolved.url) !== null || !resolved.url.startsWith(dist)) return resolved;
  const url = new URL(resolved.url);
  url.searchParams.set(parameter, name);
  return { ...resolved, url: url.href };
};

export const load: LoadHook = async (url, context, nextLoad) => {
  const name = mutantOf(url);
  if (name === null || !url.startsWith(dist)) return nextLoad(url, context);
  const mutant = mutantNamed(name);
  const { pathname } = new URL(url);
  const file = pathname.slice(new URL(dist).pathname.length);
  if (!mutant.patches.some((patch) => patch.file === file)) return nextLoad(url, context);
  const text = await readFile(fileURLToPath(new URL(`file://${pathname}`)), 'utf8');
  return { format: 'module', shortCircuit: true, source: mutate(mutant, file, text) };
};

function mutantOf(url: string | undefined): string | null {
  return url?.startsWith('file:') ? new URL(url).searchParams.get(parameter) : null;
}
