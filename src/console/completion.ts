import type { NodeId } from '../raft/entry.js';
import { commands } from './language.js';

/** What could stand where the cursor is, and the part of it that is typed already. */
export interface Completion {
  readonly candidates: readonly string[];
  readonly typed: string;
}

/** Completes the last word of what is typed, from the forms of the commands. */
export function complete(line: string, ids: readonly NodeId[]): Completion {
  const words = line.trimStart().split(/\s+/);
  const typed = words.pop() ?? '';
  const expected = words.length === 0 ? commands.map(({ name }) => name) : expectedAfter(words, ids);
  const candidates = [...new Set(expected)].filter((word) => word.startsWith(typed));
  return { candidates: candidates.map((word) => `${word} `), typed };
}

function expectedAfter([name = '', ...given]: readonly string[], ids: readonly NodeId[]): string[] {
  const command = commands.find((one) => one.name === name || one.aliases?.includes(name));
  if (command === undefined) return [];
  return command.forms
    .map((form) => form.replaceAll(/[[\]]/g, '').split(' '))
    .filter((form) => given.every((word, at) => matches(placeAt(form, at), word)))
    .flatMap((form) => words(placeAt(form, given.length), ids, given));
}

/** The place for a word; a last place with an ellipsis is for all that follow. */
function placeAt(form: readonly string[], at: number): string {
  const last = form[form.length - 1] ?? '';
  return form[at] ?? (last.endsWith('…') ? last : '');
}

function matches(place: string, word: string): boolean {
  return isLiteral(place) ? place === word : place !== '';
}

function words(place: string, ids: readonly NodeId[], given: readonly string[]): string[] {
  if (isLiteral(place)) return [place];
  if (place === 'COMMAND') return commands.map(({ name }) => name);
  if (!/^(N…?|FROM|TO)$/.test(place)) return [];
  return ids.map(String).filter((id) => !given.includes(id));
}

function isLiteral(place: string): boolean {
  return /^[a-z-]+$/.test(place);
}
