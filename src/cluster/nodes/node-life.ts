import { once } from 'node:events';
import { MessageChannel, type MessagePort, type ResourceLimits } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { ApplicationError } from '../../ground/errors.js';
import { errorOf } from '../../node/host/error-report.js';
import type { HostReply, HostRequest, NodeTask } from '../../node/host/protocol.js';
import { ThreadEndedError } from '../errors.js';

/** Megabytes of JavaScript heap; buffers lie outside it. A node that needs more dies and is restarted. */
const defaultHeap: ResourceLimits = { maxOldGenerationSizeMb: 4096, maxYoungGenerationSizeMb: 64 };

/** What a recovered node says of itself. */
export type Ready = Extract<HostReply, { type: 'ready' }>;

/** A node's thread as its supervisor needs it, real or not. */
export type Life = Pick<NodeLife, keyof NodeLife>;

/** The life of a node's thread, from launch to the moment when everything it held is free again. */
export class NodeLife {
  /** Recovered and listening; rejected when the thread ends first. */
  readonly ready: Promise<Ready>;
  /** Resolves when the thread is gone: with its error, or null if it was asked to go. */
  readonly ended: Promise<Error | null>;
  readonly #pool: Piscina<NodeTask, void>;
  readonly #port: MessagePort;
  readonly #nodeId: number;
  readonly #module: string;
  #becomeReady: (ready: Ready) => void = () => {};
  #failToStart: (error: Error) => void = () => {};
  #deathReport: Error | null = null;
  #isOver = false;

  /** @param heard takes what the node says, except that it is ready. */
  constructor(task: Omit<NodeTask, 'hostPort'>, heard: (reply: HostReply) => void, heap = defaultHeap) {
    this.#nodeId = task.options.id;
    this.#module = String(task.application.module);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#port.on('message', (reply: HostReply) => this.#hear(reply, heard));
    this.#pool = new Piscina<NodeTask, void>({
      filename: new URL('../../node/worker.js', import.meta.url).href,
      name: 'run',
      // The pool must not replace a thread that died: when to start another is the supervisor's to say.
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: 0,
      atomics: 'disabled',
      recordTiming: false,
      resourceLimits: heap,
    });
    this.#pool.on('error', (error: Error) => {
      this.#deathReport ??= error;
    });
    this.ended = this.#run({ ...task, hostPort: port2 });
    this.ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve;
      this.#failToStart = reject;
      this.ended.then((error) => reject(error ?? new ThreadEndedError(`Node ${this.#nodeId}`, 'told to')));
    });
    this.ready.catch(() => {});
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  post(request: HostRequest): void {
    const transfer = request.type === 'propose' ? [request.commands.buffer as ArrayBuffer] : [];
    this.#port.postMessage(request, transfer);
  }

  /** Kill -9: the thread gets no chance to do anything more. */
  terminate(): void {
    void this.#pool.destroy();
  }

  /** Kills a thread whose application was not made in time. That it hangs outside JavaScript keeps nobody waiting. */
  giveUpLoading(timeoutMs: number): void {
    const error = new ApplicationError(
      `The application ${this.#module} could not be made within ${timeoutMs} ms. Look for a top-level await or a promise of createApplication that never settles, and for a loop without end.`,
    );
    this.#deathReport ??= error;
    this.#failToStart(error);
    this.terminate();
  }

  async #run(task: NodeTask): Promise<Error | null> {
    const portClosed = once(this.#port, 'close');
    const done = this.#pool.run(task, { transferList: [task.hostPort, task.networkPort] });
    const threads = this.#pool.threads.map((thread) => once(thread, 'exit'));
    let failure: Error | null = null;
    try {
      await done;
    } catch (error) {
      failure = new ThreadEndedError(`The thread of node ${this.#nodeId}`, error);
    }
    await this.#pool.destroy();
    await Promise.allSettled(threads);
    // A thread that never began its task has left the other end with us.
    task.hostPort.close();
    task.networkPort.close();
    await portClosed;
    this.#isOver = true;
    return this.#deathReport ?? failure;
  }

  #hear(reply: HostReply, heard: (reply: HostReply) => void): void {
    if (reply.type === 'ready') this.#becomeReady(reply);
    else if (reply.type === 'died') this.#deathReport = errorOf(reply.error);
    else heard(reply);
  }
}
