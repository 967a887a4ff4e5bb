/*
 * A machine file gives the shape; `src/` gives the meaning. Names stand here unbound: whoever starts a machine
 * without providing one of them dies of it at once, and never silently does nothing.
 */

/** Placeholders for actions, guards or delays of these names. */
export function unbound<const Name extends string>(...names: readonly Name[]): Record<Name, () => never> {
  const entries = names.map((name) => [
    name,
    () => {
      throw new Error(`"${name}" is not provided: bind it with machine.provide() before the machine starts.`);
    },
  ]);
  return Object.fromEntries(entries) as Record<Name, () => never>;
}
