import { defaultSimulation, faultKinds, type SimulationOptions } from '../options.js';

/** The words after `npm run simulate --` that repeat this run, event by event. */
export function argumentsOf(options: SimulationOptions, mutant: string | null = null): string {
  const words = [`--seed ${options.seed}`];
  if (options.nodes !== defaultSimulation.nodes) words.push(`--nodes ${options.nodes}`);
  if (options.mode !== defaultSimulation.mode) words.push(`--mode ${options.mode}`);
  if (options.virtualMs !== defaultSimulation.virtualMs)
    words.push(`--virtual-seconds ${options.virtualMs / 1000}`);
  if (options.faults.length !== faultKinds.length)
    words.push(`--faults ${options.faults.join(',') || 'none'}`);
  if (options.clients !== null) words.push(`--clients ${options.clients}`);
  for (const name of ['sessions', 'leases'] as const) {
    if (options[name] !== null) words.push(`--${name} ${options[name] ? 'on' : 'off'}`);
  }
  if (options.cipher.kind !== defaultSimulation.cipher.kind) words.push(`--cipher ${options.cipher.kind}`);
  if (mutant !== null) words.push(`--mutant ${mutant}`);
  return words.join(' ');
}
