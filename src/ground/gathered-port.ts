import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';

/**
 * A port whose messages of one turn travel together, for each costs both threads about as much as the work that it asks
 * for. They leave before anything else happens on this thread, and arrive one by one, in order. The other end must be
 * one of these, too.
 */
export class GatheredPort<Sent, Heard> {
  readonly #port: MessagePort;
  #heard: (message: Heard) => void = () => {};
  #said: Sent[] = [];
  #transfer: ArrayBuffer[] = [];

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** What is said must not change before the turn is over; what is not in `transfer` is copied then. */
  postMessage(message: Sent, transfer: readonly ArrayBuffer[]): void {
    if (this.#said.length === 0) queueMicrotask(() => this.flush());
    this.#said.push(message);
    for (const buffer of transfer) this.#transfer.push(buffer);
  }

  flush(): void {
    if (this.#said.length === 0) return;
    const [said, transfer] = [this.#said, this.#transfer];
    this.#said = [];
    this.#transfer = [];
    this.#port.postMessage(said, transfer);
  }

  on(event: 'message', heard: (message: Heard) => void): void;
  on(event: 'close', ended: () => void): void;
  on(event: 'message' | 'close', heard: (message: Heard) => void): void {
    if (event === 'close') this.#port.on('close', heard as () => void);
    else {
      this.#heard = heard;
      this.#port.on('message', (all: readonly Heard[]) => this.#hear(all));
    }
  }

  /** Hears now what has come and was not heard yet. */
  drain(): void {
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) {
      this.#hear(next.message);
    }
  }

  #hear(all: readonly Heard[]): void {
    for (const message of all) this.#heard(message);
  }

  close(): void {
    this.flush();
    this.#port.close();
  }
}
