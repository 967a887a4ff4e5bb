import type { ChartGeometry } from '../../charts/chart-geometry.js';

const geometries = new Map<string, Promise<ChartGeometry>>();
const words = new Map<string, string>();

/** A chart's geometry, fetched once. @throws Error that says why it is not there */
export function geometryOf(name: string): Promise<ChartGeometry> {
  const known = geometries.get(name);
  if (known !== undefined) return known;
  const fetching = fetched(`/charts/${name}.json`).then(
    (response) => response.json() as Promise<ChartGeometry>,
  );
  geometries.set(name, fetching);
  // What failed may work another time.
  fetching.catch(() => geometries.delete(name));
  return fetching;
}

/** Why a node takes a transition, in the words of its own machine; empty where it has none, or they are not here yet. */
export function nodeTransitionWords(id: string): string {
  return words.get(id) ?? '';
}

/** Fetches what `nodeTransitionWords` tells. */
export async function learnWords(): Promise<void> {
  const { transitions } = await geometryOf('node');
  for (const { id, description } of transitions) if (description !== '') words.set(id, description);
}

export async function fetched(path: string): Promise<Response> {
  const response = await fetch(path);
  if (!response.ok) throw new Error((await response.text()).trim());
  return response;
}
