import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '../../ground/clock.js';
import { messageOf } from '../../ground/thrown.js';
import type { LogIndex } from '../../raft/entry.js';
import { entriesOf } from '../../raft/run.js';
import { serveRemoteClient } from '../clients/remote-client.js';
import type { MembersInformation, Recovery } from '../information.js';
import type { NodeActor } from '../node-actor.js';
import type { NodeObserver, SnapshotNews } from '../node-observer.js';
import { carryOut, takenOf } from './carry-out.js';
import { reportOf } from './error-report.js';
import { pageOf, recordOf } from './log-page.js';
import type { HostRequest, LifeReport, NodeReport, ReportedSnapshotNews } from './protocol.js';

/** How often the host hears of commits and heights at most. */
const progressIntervalMs = 10;

/** Between a node's thread and its host: requests in, reports out. */
export class HostPort implements NodeObserver {
  readonly #port: MessagePort;
  readonly #clock: Clock;
  #unwatch: () => void = () => {};
  #progress: { commitIndex: LogIndex; height: LogIndex; recovery: Recovery | null } | null = null;

  constructor(port: MessagePort, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
  }

  /** Serves the host's requests until it asks to close, then calls `closed`. */
  serve(actor: NodeActor, closed: () => void): void {
    this.#port.on('message', (request: HostRequest) => {
      switch (request.type) {
        case 'describe':
          return this.#answer(() => ({
            type: 'description',
            request: request.request,
            information: actor.describe(),
          }));
        case 'measure':
          return this.#answer(() => ({
            type: 'measured',
            request: request.request,
            measures: actor.measure(),
          }));
        case 'log':
          return this.#answer(() => ({
            type: 'records',
            request: request.request,
            records: pageOf(actor.logReader, request.from, request.to)
              .flatMap(entriesOf)
              .map((entry) => recordOf(entry, request.bytesMax)),
            lastLogIndex: actor.replica.log.lastIndex,
          }));
        case 'order':
          return carryOut(actor, request.order, (outcome) =>
            this.post({ type: 'ordered', request: request.request, outcome }),
          );
        case 'stop':
        case 'revive':
        case 'campaign':
          return actor.tell({ type: `host.${request.type}` });
        case 'setCandidacy':
          return actor.tell({ type: 'host.setCandidacy', allowed: request.allowed });
        case 'produceBlocks':
          return actor.tell({ type: 'host.produceBlocks', intervalMs: request.intervalMs });
        case 'client':
          return serveRemoteClient(request, actor, this.#clock);
        case 'watch':
          this.#unwatch();
          this.#unwatch = request.on
            ? actor.watch((observation) => this.post({ type: 'observed', observation }))
            : () => {};
          return;
        case 'close':
          return closed();
      }
    });
  }

  /** Answers after the turn that is due, so that the answer shows what was asked before. */
  #answer(look: () => NodeReport): void {
    this.#clock.soon(() => this.post(look()));
  }

  standingChanged({ role, state, term, leaderId }: Parameters<NodeObserver['standingChanged']>[0]): void {
    this.post({ type: 'roleChanged', role, state, term, leaderId });
  }

  /** Reports the latest progress when the interval is over: what comes between is never seen. */
  progressed(commitIndex: LogIndex, height: LogIndex, recovery: Recovery | null): void {
    const isScheduled = this.#progress !== null;
    this.#progress = { commitIndex, height, recovery };
    if (isScheduled) return;
    this.#clock.setTimeout(() => {
      if (this.#progress !== null) this.post({ type: 'progress', ...this.#progress });
      this.#progress = null;
    }, progressIntervalMs);
  }

  configured(configuration: MembersInformation, isCommitted: boolean): void {
    this.post({ type: 'configured', configuration, isCommitted });
  }

  snapshotNews(news: SnapshotNews): void {
    this.post({ type: 'snapshotNews', news: reported(news) });
  }

  died(error: unknown): void {
    this.post({ type: 'died', error: reportOf(error) });
  }

  post(report: LifeReport | NodeReport): void {
    this.#port.postMessage(report);
  }

  close(): void {
    this.#port.close();
  }
}

function reported(news: SnapshotNews): ReportedSnapshotNews {
  switch (news.type) {
    case 'unavailable':
      return { type: 'warning', message: news.message };
    case 'damaged':
      return { type: 'warning', message: messageOf(news.error) };
    default:
      return { type: news.type, ...takenOf(news.snapshot) };
  }
}
