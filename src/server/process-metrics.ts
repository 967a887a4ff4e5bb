let registry: Promise<{ metrics(): Promise<string> }> | null = null;

/**
 * What is to be measured of the process as a whole, as Prometheus reads it: memory, processor, event loop. A process
 * has one registry of it, beside the library's global one. What it watches costs something from the first call on.
 */
export async function processMetrics(): Promise<string> {
  registry ??= import('prom-client').then(({ collectDefaultMetrics, Registry }) => {
    const register = new Registry();
    collectDefaultMetrics({ register });
    return register;
  });
  return (await registry).metrics();
}
