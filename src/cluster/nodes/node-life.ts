import { once } from 'node:events';
import { MessageChannel, type MessagePort, type ResourceLimits } from 'node:worker_threads';
import { ApplicationError, ThreadStartError } from '../../ground/errors.js';
import { errorOf } from '../../node/host/error-report.js';
import type { HostRequest, LifeReport, NodeReport, NodeTask } from '../../node/host/protocol.js';
import { TaskThread } from '../../router/task-thread.js';
import { ThreadEndedError } from '../errors.js';

/** Megabytes of JavaScript heap; buffers lie outside it. A node that needs more dies and is restarted. */
const defaultHeap: ResourceLimits = { maxOldGenerationSizeMb: 4096, maxYoungGenerationSizeMb: 64 };

/** What a recovered node says of itself. */
export type Ready = Extract<LifeReport, { type: 'ready' }>;

/** Who hears of a node's thread, until it is ready, and of its node. */
export interface LifeListener {
  began(stage: 'loading' | 'recovering'): void;
  heard(report: NodeReport): void;
}

/** A node's thread as its supervisor needs it, real or not. */
export type Life = Pick<NodeLife, keyof NodeLife>;

/** The life of a node's thread, from launch to the moment when everything it held is free again. */
export class NodeLife {
  /** Recovered and listening; rejected when the thread ends first. */
  readonly ready: Promise<Ready>;
  /** Resolves when the thread is gone: with its error, or null if it was asked to go. */
  readonly ended: Promise<Error | null>;
  readonly #thread: TaskThread<NodeTask>;
  readonly #port: MessagePort;
  readonly #name: string;
  readonly #module: string;
  #becomeReady: (ready: Ready) => void = () => {};
  #failToStart: (error: Error) => void = () => {};
  #deathReport: Error | null = null;
  #isOver = false;

  constructor(task: Omit<NodeTask, 'hostPort'>, listener: LifeListener, heap = defaultHeap) {
    this.#name = `node ${task.options.id}`;
    this.#module = String(task.application.module);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#port.on('message', (report: LifeReport | NodeReport) => this.#hear(report, listener));
    this.#thread = new TaskThread<NodeTask>({
      name: this.#name,
      file: new URL('../../node/worker.js', import.meta.url),
      task: { ...task, hostPort: port2 },
      transfer: [port2, task.clientPort, task.networkPort],
      heap,
    });
    this.ended = this.#end([port2, task.clientPort, task.networkPort]);
    this.ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve;
      this.#failToStart = reject;
      this.ended.then((error) =>
        reject(error ?? new ThreadEndedError(`The thread of ${this.#name}`, 'it was told to')),
      );
    });
    this.ready.catch(() => {});
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  post(request: HostRequest): void {
    const ports = request.type === 'client' ? [request.port, request.chaosPort] : [];
    this.#port.postMessage(
      request,
      ports.filter((port) => port !== null),
    );
  }

  /** Kill -9: the thread gets no chance to do anything more. */
  terminate(): void {
    this.#thread.terminate();
  }

  /** Kills a thread that took too long for a part of its start. That it hangs outside JavaScript keeps nobody waiting. */
  giveUp(part: 'launching' | 'loading', timeoutMs: number): void {
    const error =
      part === 'launching'
        ? new ThreadStartError(this.#name, new Error(`it was not running after ${timeoutMs} ms`))
        : new ApplicationError(
            `The application ${this.#module} could not be made within ${timeoutMs} ms. Look for a top-level await or a promise of createApplication that never settles, and for a loop without end.`,
          );
    this.#deathReport ??= error;
    this.#failToStart(error);
    this.terminate();
  }

  /** @param handedOver the ports that went to the thread; if it never began its task, they are here still. */
  async #end(handedOver: readonly MessagePort[]): Promise<Error | null> {
    const portClosed = once(this.#port, 'close');
    const failure = await this.#thread.ended;
    for (const port of handedOver) port.close();
    await portClosed;
    this.#isOver = true;
    if (this.#deathReport !== null || failure === null || failure instanceof ThreadStartError) {
      return this.#deathReport ?? failure;
    }
    return new ThreadEndedError(`The thread of ${this.#name}`, failure);
  }

  #hear(report: LifeReport | NodeReport, listener: LifeListener): void {
    if (report.type === 'ready') this.#becomeReady(report);
    else if (report.type === 'died') this.#deathReport = errorOf(report.error);
    else if (report.type === 'loading' || report.type === 'recovering') listener.began(report.type);
    else listener.heard(report);
  }
}
