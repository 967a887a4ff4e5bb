import type { Clock } from '../../ground/clock.js';
import { AccessDeniedError, ChaosNotAllowedError } from '../../ground/errors.js';
import { entriesOf } from '../../raft/run.js';
import { carryOut, outcomeOf } from '../host/carry-out.js';
import type { ChaosOrder } from '../host/chaos-orders.js';
import { reportOf } from '../host/error-report.js';
import { pageOf, recordOf } from '../host/log-page.js';
import type { Order, OrderOutcome } from '../host/orders.js';
import type { ChaosAnswered, HostRequest } from '../host/protocol.js';
import type { NodeActor } from '../node-actor.js';
import { decodeRequest, encodeReply, type RemoteReply, type RemoteRequest } from './client-frames.js';
import { takeRequest } from './client-port.js';
import type { ClientReply } from './client-requests.js';
import { LineWatch } from './line-watch.js';

/**
 * Serves a client in another process: the router hands over its frames unread, and the size of each is told back once
 * it is taken. One who says what is no request is hung up on.
 */
export function serveRemoteClient(
  { port, rights, chaosPort }: Extract<HostRequest, { type: 'client' }>,
  actor: NodeActor,
  clock: Clock,
): void {
  const { name, mayPropose, mayOperate } = rights;
  const send = (reply: RemoteReply) => {
    const frame = encodeReply(reply);
    port.postMessage(frame, [frame.buffer]);
  };
  const reply = (answer: ClientReply) => send(answer);
  const watch = new LineWatch(actor, send);
  const take = (request: RemoteRequest) => {
    switch (request.type) {
      case 'propose':
      case 'session': {
        if (mayPropose) return takeRequest(actor, request, reply);
        const { first } = request;
        const count = request.type === 'propose' ? request.count : 1;
        return reply({ type: 'refused', first, count, error: reportOf(new AccessDeniedError(name)) });
      }
      case 'read':
        return takeRequest(actor, request, reply);
      case 'describe':
        // After the turn that is due, so that it shows what was asked before.
        return clock.soon(() =>
          send({ type: 'described', request: request.request, information: actor.describe() }),
        );
      case 'order': {
        const done = (outcome: OrderOutcome) => send({ type: 'ordered', request: request.request, outcome });
        const { order } = request;
        if (!mayOperate) return done(outcomeOf(new AccessDeniedError(name, 'operator')));
        if (isOfNode(order)) return carryOut(actor, order, done);
        if (chaosPort !== null) return chaosPort.postMessage({ request: request.request, order });
        return done(outcomeOf(new ChaosNotAllowedError(actor.describe().id)));
      }
      case 'watch':
        return watch.ask(request.bundles);
      case 'log':
        return clock.soon(() => send(page(actor, request)));
    }
  };
  chaosPort?.on('message', ({ request, outcome }: ChaosAnswered) =>
    send({ type: 'ordered', request, outcome }),
  );
  port.on('close', () => chaosPort?.close());
  port.on('message', (frame: Uint8Array) => {
    const request = decodeRequest(frame);
    if (request === null) {
      port.close();
      return;
    }
    take(request);
    port.postMessage(frame.byteLength);
  });
  port.on('close', () => watch.end());
}

/** The rest its host carries out. */
function isOfNode(order: Order | ChaosOrder): order is Order {
  return order.type === 'change' || order.type === 'transfer' || order.type === 'snapshot';
}

function page(actor: NodeActor, asked: Extract<RemoteRequest, { type: 'log' }>): RemoteReply {
  const { request, from, to, bytesMax } = asked;
  const entries = pageOf(actor.logReader, from, to).flatMap(entriesOf);
  const records = entries.map((entry) => recordOf(entry, bytesMax));
  return { type: 'records', request, records, lastLogIndex: actor.replica.log.lastIndex };
}
