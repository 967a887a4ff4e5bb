import type { NodeId } from '../../../raft/entry.js';
import type { CommandOutcome } from '../../command-outcome.js';
import { ask } from '../base/token.js';

/** A log entry as the server opens it. */
export interface OpenedRecord {
  readonly index: number;
  readonly term: number;
  readonly leaderId: NodeId;
  readonly kind: string;
  readonly bytes: number;
  readonly text: string;
}

/** Sends a line of the command language to the cluster. */
export async function sendCommand(line: string): Promise<CommandOutcome> {
  try {
    const response = await ask('/api/command', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ line }),
    });
    if (response.ok) return (await response.json()) as CommandOutcome;
    return failure('REFUSED', (await response.text()).trim());
  } catch {
    return failure('UNREACHABLE', 'The cluster cannot be reached.');
  }
}

/** @throws Error that says why the entry cannot be read. */
export async function fetchRecord(node: NodeId, index: number): Promise<OpenedRecord | null> {
  const response = await ask(`/api/log?node=${node}&from=${index}&to=${index}`);
  if (!response.ok) throw new Error((await response.text()).trim());
  const [record = null] = (await response.json()) as OpenedRecord[];
  return record;
}

function failure(code: string, message: string): CommandOutcome {
  return { ok: false, error: { code, message, text: message } };
}
