import type { NodeId } from '../../../ground/ids.js';
import type { ClientCarrier, ClientCarrierHost, ClientLine, ClientLineHandlers } from '../client-carrier.js';
import { emptyRemoteTally } from '../counters.js';
import { requireAddress, type TcpOptions, type TlsOptions } from '../options.js';
import { DialedLine } from './dialed-line.js';
import { type StreamParts, streamParts } from './stream-parts.js';

const checkMsDefault = 30_000;

/** A client's lines over TLS, or over plain TCP where nobody can listen in. */
export class StreamClientCarrier implements ClientCarrier {
  readonly isAddressed = true;
  readonly #options: TcpOptions | TlsOptions;
  readonly #host: ClientCarrierHost;
  readonly #parts: StreamParts;
  readonly #seeds = new Map<string, DialedLine>();
  readonly #lines = new Set<DialedLine>();
  #checkTimer: unknown = null;
  #closing: Promise<void> | null = null;

  /** @param options checked. */
  constructor(options: TcpOptions | TlsOptions, host: ClientCarrierHost) {
    this.#options = options;
    this.#host = host;
    // Nobody is to find a client.
    const { advertise: _, ...dialing } = options;
    this.#parts = streamParts(dialing, host);
  }

  /** Reads the certificates, now and whenever they may be others. */
  async open(): Promise<void> {
    await this.#parts.sockets.open();
    this.#checkLater();
  }

  adopt(clusterId: string): void {
    this.#parts.identity = { ...this.#parts.identity, clusterId };
  }

  requireAddress(address: string): void {
    requireAddress(this.#options, address);
  }

  introduce(address: string): void {
    const at = requireAddress(this.#options, address);
    if (this.#closing !== null || this.#seeds.has(address)) return;
    const seed: DialedLine = new DialedLine(this.#parts, { to: null, lane: 'client' }, emptyRemoteTally(), {
      opened: ({ party }) => {
        this.#seeds.delete(address);
        void seed.close();
        if (party.kind === 'node') this.#host.found(party.node, address);
      },
      received: () => {},
    });
    this.#seeds.set(address, seed);
    seed.setAddresses([at]);
  }

  line(to: NodeId, handlers: ClientLineHandlers): ClientLine {
    const dialed = new DialedLine(this.#parts, { to, lane: 'client' }, emptyRemoteTally(), {
      opened: handlers.opened,
      received: (_peer, frame) => handlers.received(frame),
      ended: handlers.ended,
    });
    this.#lines.add(dialed);
    return {
      send: (frame) => dialed.send(frame),
      setAddresses: (addresses) => {
        const parsed = addresses.map((each) => requireAddress(this.#options, each));
        if (parsed.length > 0) dialed.setAddresses(parsed);
      },
      forget: () => dialed.forget(),
      close: async () => {
        await dialed.close();
        this.#lines.delete(dialed);
      },
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    const { clock, limits } = this.#parts;
    clock.clearTimeout(this.#checkTimer);
    const lines = [...this.#seeds.values(), ...this.#lines];
    this.#seeds.clear();
    const timer = clock.setTimeout(() => {
      for (const line of lines) line.end('shutdown');
    }, limits.closeMsMax);
    await Promise.all(lines.map((line) => line.close()));
    clock.clearTimeout(timer);
  }

  #checkLater(): void {
    if (this.#options.kind !== 'tls' || this.#closing !== null) return;
    const { checkMs = checkMsDefault } = this.#options.credentials;
    if (checkMs === 0) return;
    this.#checkTimer = this.#parts.clock.setTimeout(() => {
      // Connections to come use them; those that are there the nodes end in their time.
      this.#parts.sockets
        .reload()
        .catch((error: unknown) => this.#host.tell({ type: 'reloadFailed', detail: String(error) }))
        .finally(() => this.#checkLater());
    }, checkMs);
  }
}
