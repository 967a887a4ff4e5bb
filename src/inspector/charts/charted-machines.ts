import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { AnyStateMachine } from 'xstate';

/** Where the compiled machines lie. */
export const machinesFolder = fileURLToPath(new URL('../../../machines/', import.meta.url));

/** The machines that are drawn: all that the files in `machines/` export, in the order of the files' names. */
export async function chartedMachines(): Promise<AnyStateMachine[]> {
  // Loaded only now: a build that finds nothing changed does not wait for the library.
  const { StateMachine } = await import('xstate');
  const machines: AnyStateMachine[] = [];
  for (const file of await modulesIn(machinesFolder)) {
    const exported: Record<string, unknown> = await import(pathToFileURL(join(machinesFolder, file)).href);
    for (const value of Object.values(exported)) if (value instanceof StateMachine) machines.push(value);
  }
  return machines;
}

/** The compiled modules in a folder, by name. */
export async function modulesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((file) => file.endsWith('.js')).sort();
}
