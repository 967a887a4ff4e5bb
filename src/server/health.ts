import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { messageOf } from '../ground/thrown.js';
import type { Readiness } from '../node/when-ready.js';
import type { TcpOptions, TlsOptions } from '../router/carriers/options.js';

/** How a process stands, as far as its health goes. */
export interface Standing {
  /** It leaves in good order. */
  readonly isLeaving: boolean;
  /** Why it cannot go on, or null. */
  readonly failure: Error | null;
  /** The cluster's id, as far as it has learned it. */
  readonly clusterId: string | null;
  /** Its node runs and is not stopped. */
  readonly isAlive: boolean;
  /** Does the cluster serve, as far as is seen from here? */
  look(): Promise<Readiness>;
}

/**
 * Why a process had better be ended: its node's thread does not answer, or it cannot go on. Null if it had not.
 * @param ask resolves when the node has answered, or has no thread that could.
 */
export async function ailmentOf(failure: Error | null, ask: () => Promise<unknown>): Promise<string | null> {
  if (failure !== null) return failure.message;
  try {
    await ask();
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

/** Why calls of clients would fail here now, by the measure of `ready`; null if they would not. */
export async function unreadinessOf(standing: Standing): Promise<string | null> {
  const { isLeaving, failure, clusterId, isAlive } = standing;
  if (isLeaving) return 'It is leaving.';
  if (failure !== null) return failure.message;
  if (clusterId === null) return 'It waits for another member to tell the id of the cluster.';
  if (!isAlive) return 'Its node does not run, or recovers.';
  const readiness = await standing.look();
  return readiness.leader === null ? `The cluster does not serve: ${readiness.missing}.` : null;
}

/** Until when a member's certificate is good, in milliseconds since 1970; null without one that can be read. */
export async function certificateEndMs(carrier: TcpOptions | TlsOptions): Promise<number | null> {
  if (carrier.kind !== 'tls') return null;
  try {
    return Date.parse(new X509Certificate(await readFile(carrier.credentials.certificate)).validTo);
  } catch {
    return null;
  }
}
