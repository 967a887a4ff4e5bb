import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '../../ground/clock.js';
import { AccessDeniedError } from '../../ground/errors.js';
import { entriesOf } from '../../raft/run.js';
import { carryOut, outcomeOf } from '../host/carry-out.js';
import { reportOf } from '../host/error-report.js';
import { pageOf, recordOf } from '../host/log-page.js';
import type { OrderOutcome } from '../host/orders.js';
import type { NodeActor } from '../node-actor.js';
import { decodeRequest, encodeReply, type RemoteReply, type RemoteRequest } from './client-frames.js';
import { takeRequest } from './client-port.js';
import type { ClientReply, ClientRights } from './client-requests.js';
import { LineWatch } from './line-watch.js';

/**
 * Serves a client in another process: the router hands over its frames unread, and the size of each is told back once
 * it is taken. One who says what is no request is hung up on.
 */
export function serveRemoteClient(
  port: MessagePort,
  actor: NodeActor,
  { name, mayPropose, mayOperate }: ClientRights,
  clock: Clock,
): void {
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
        if (mayOperate) return carryOut(actor, request.order, done);
        return done(outcomeOf(new AccessDeniedError(name, 'operator')));
      }
      case 'watch':
        return watch.ask(request.bundles);
      case 'log':
        return clock.soon(() => send(page(actor, request)));
    }
  };
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

function page(actor: NodeActor, asked: Extract<RemoteRequest, { type: 'log' }>): RemoteReply {
  const { request, from, to, bytesMax } = asked;
  const entries = pageOf(actor.logReader, from, to).flatMap(entriesOf);
  const records = entries.map((entry) => recordOf(entry, bytesMax));
  return { type: 'records', request, records, lastLogIndex: actor.replica.log.lastIndex };
}
