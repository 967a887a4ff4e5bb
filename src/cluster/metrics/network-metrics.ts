import type { NetworkCounters } from '../../router/counters.js';
import { type Metric, type Sample, samplesOf, single } from './metric.js';

type Carriers = NonNullable<NetworkCounters['carriers']>;
type Carrier = Carriers[number];
type Remote = Carrier['remotes'][number];

/** What the network between the nodes tells; of other processes, where there are any. */
export const networkMetrics: readonly Metric<NetworkCounters>[] = [
  {
    type: 'counter',
    name: 'conclave_network_frames_total',
    help: 'Frames between nodes, by what became of them. What is neither sent nor delivered was dropped, or copied.',
    samples: ({ total, overflowed }) => {
      const { sent, delivered, lost, cut, duplicated, reordered, dropped, unreachable } = total;
      const fates = { sent, delivered, lost, cut, duplicated, reordered, dropped, unreachable, overflowed };
      return samplesOf('fate', fates);
    },
  },
  {
    type: 'counter',
    name: 'conclave_network_bytes_total',
    help: 'Bytes of frames between nodes.',
    samples: ({ total: { bytesSent, bytesDelivered } }) =>
      samplesOf('fate', { sent: bytesSent, delivered: bytesDelivered }),
  },
  single('gauge', 'conclave_network_frames_in_flight', 'Frames under way.', ({ total }) => total.inFlight),
  ofCarriers(
    'gauge',
    'conclave_connections_open',
    'Connections of this process that are open.',
    (carrier) => [{ labels: {}, value: carrier.connectionsOpen }],
  ),
  ofCarriers(
    'gauge',
    'conclave_connections_pending',
    'Connections that have not yet said who they are.',
    (carrier) => [{ labels: {}, value: carrier.connectionsPending }],
  ),
  ofCarriers(
    'counter',
    'conclave_handshakes_refused_total',
    'Handshakes that failed, by who refused (this side or the other) and why.',
    ({ refused, refusedByOthers }) => [
      ...samplesOf('reason', refused, { by: 'this' }),
      ...samplesOf('reason', refusedByOthers, { by: 'other' }),
    ],
  ),
  ofCarriers(
    'counter',
    'conclave_connections_ended_total',
    'Connections that ended, by reason.',
    ({ ended }) => samplesOf('reason', ended),
  ),
  ofRemotes(
    'counter',
    'conclave_peer_frames_total',
    'Frames to and from another process, by what became of them.',
    {
      sent: ({ framesSent }) => framesSent,
      received: ({ framesReceived }) => framesReceived,
      overflowed: ({ overflowed }) => overflowed,
      stale: ({ stale }) => stale,
      tooLarge: ({ tooLarge }) => tooLarge,
    },
  ),
  ofRemotes('counter', 'conclave_peer_bytes_total', 'Bytes to and from another process.', {
    sent: ({ bytesSent }) => bytesSent,
    received: ({ bytesReceived }) => bytesReceived,
  }),
  ofRemotes(
    'gauge',
    'conclave_peer_frames_waiting',
    'Frames that wait for their connection to another process.',
    {
      waiting: ({ framesWaiting }) => framesWaiting,
    },
  ),
  ofRemotes('counter', 'conclave_peer_connections_total', 'Connections made to another process.', {
    made: ({ connections }) => connections,
    again: ({ reconnections }) => reconnections,
  }),
];

function ofCarriers(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  samples: (carrier: Carrier) => readonly Sample[],
): Metric<NetworkCounters> {
  return {
    type,
    name,
    help,
    samples: ({ carriers = [] }) =>
      carriers.flatMap((carrier) =>
        samples(carrier).map(({ labels, value }) => ({ labels: { node: carrier.of, ...labels }, value })),
      ),
  };
}

function ofRemotes(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  values: Readonly<Record<string, (remote: Remote) => number>>,
): Metric<NetworkCounters> {
  return ofCarriers(type, name, help, ({ remotes }) =>
    remotes.flatMap((remote) =>
      Object.entries(values).map(([fate, value]) => ({
        labels: { peer: remote.node, fate },
        value: value(remote),
      })),
    ),
  );
}
