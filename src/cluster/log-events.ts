import type { ClusterEventMap, ClusterEvents } from '../client/events.js';
import type { Logger } from './logger.js';

type Told = Exclude<keyof ClusterEventMap, 'committed'>;
type Line = readonly [level: keyof Logger, message: string];

/** What the log says of each event of the cluster. */
const clusterLines: { readonly [Name in Told]: Line } = {
  membersChanged: ['info', 'members changed'],
  leaderElected: ['info', 'another leader or term'],
  roleChanged: ['info', 'role changed'],
  nodeStarted: ['info', 'node recovered'],
  recovering: ['info', 'node applies what its log held'],
  nodeFailed: ['error', 'node could not be started'],
  applicationFailed: ['error', 'application failed'],
  nodeDied: ['error', 'node died'],
  nodeRestarted: ['warn', 'node recovered after it had died'],
  snapshotTaken: ['info', 'snapshot taken'],
  snapshotInstalled: ['info', 'snapshot of the leader installed'],
  snapshotRestored: ['info', 'state restored from a snapshot'],
  nodeRemoved: ['info', 'node that is no member any more was ended'],
  nodeStopped: ['warn', 'node stopped by command'],
  nodeRevived: ['warn', 'node revived by command'],
  nodeCrashed: ['warn', 'node killed by command'],
  partitioned: ['warn', 'network partitioned by command'],
  healed: ['warn', 'network healed by command'],
  linkChanged: ['warn', 'link changed by command'],
  warning: ['warn', 'not as it should be'],
  failed: ['error', 'this process cannot go on'],
  stateChanged: ['info', 'state changed'],
};

/** Tells a logger what happens to the cluster, as it is seen from here. */
export function logClusterEvents(events: ClusterEvents, logger: Logger): void {
  for (const name of Object.keys(clusterLines) as Told[]) {
    const [level, message] = clusterLines[name];
    events.on(name, (event: object) => {
      const { error, ...rest } = event as { readonly error?: Error };
      const fields = error === undefined ? rest : { ...rest, err: errorFields(error) };
      logger[level]({ event: name, ...fields }, message);
    });
  }
}

/** As pino writes an error. */
function errorFields(error: Error & { readonly code?: unknown }): object {
  const { name: type, message, code, stack } = error;
  return { type, message, code, stack };
}
