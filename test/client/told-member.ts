import { SystemClock } from '../../src/ground/clock.js';
import { Random } from '../../src/ground/random.js';
import {
  decodeRequest,
  encodeReply,
  type RemoteReply,
  type RemoteRequest,
} from '../../src/node/clients/client-frames.js';
import { type NodeInformation, unheardNode } from '../../src/node/information.js';
import type { Carrier, ClientGuest } from '../../src/router/carriers/carrier.js';
import { createCarrier } from '../../src/router/carriers/create-carrier.js';

export type Reply = RemoteReply | RemoteReply[] | null;

/** Those who were hung up on come back soon, and a busy machine is not taken for a silent one. */
export const patient = { backOffMsMin: 10, backOffMsMax: 50, closeMsMax: 500 };

let lives = 5000;

/** A member of the cluster `shop` that listens on this machine and says to clients what the test has it say. */
export class ToldMember {
  readonly heard: RemoteRequest[] = [];
  readonly guests: ClientGuest[] = [];
  address = '';
  /** What it answers; null: nothing. */
  answer: (request: RemoteRequest) => Reply = () => null;
  readonly #carrier: Carrier;

  private constructor(
    readonly id: number,
    clusterId: string | null,
  ) {
    this.#carrier = createCarrier(
      {
        kind: 'tcp',
        identity: { self: { kind: 'node', cluster: 'shop', node: id }, clusterId, incarnation: lives++ },
        listen: '127.0.0.1:0',
        clients: true,
        limits: patient,
      },
      {
        clock: new SystemClock(),
        random: new Random(1),
        receive: () => {},
        tell: () => {},
        client: (guest) => this.#admit(guest),
      },
    );
  }

  static async listening(id: number, clusterId: string | null = null): Promise<ToldMember> {
    const member = new ToldMember(id, clusterId);
    member.address = (await member.#carrier.open()) as string;
    return member;
  }

  /** Tells its clients where another member is. */
  knows(...others: readonly { readonly id: number; readonly address: string }[]): this {
    for (const { id, address } of others) this.#carrier.setRemote(id, [address]);
    return this;
  }

  say(reply: RemoteReply): void {
    for (const guest of this.guests) guest.send(encodeReply(reply));
  }

  /** Says bytes that are nobody's answer. */
  mutter(bytes: Uint8Array): void {
    for (const guest of this.guests) guest.send(bytes);
  }

  /** Ends its clients' connections; they may come back. */
  hangUp(): void {
    for (const guest of this.guests.splice(0)) guest.end('shutdown', 'So the test has it.');
  }

  close(): Promise<void> {
    return this.#carrier.close();
  }

  #admit(guest: ClientGuest): void {
    this.guests.push(guest);
    guest.ended = () => {
      const at = this.guests.indexOf(guest);
      if (at >= 0) this.guests.splice(at, 1);
    };
    guest.heard = (frame) => {
      const request = decodeRequest(frame);
      if (request === null) return;
      this.heard.push(request);
      for (const reply of [this.answer(request) ?? []].flat()) guest.send(encodeReply(reply));
    };
  }
}

/** How a member describes itself. */
export function information(id: number, what: Partial<NodeInformation>): NodeInformation {
  return { ...unheardNode(id, 'following'), role: 'follower', ...what };
}

/** Looks until it is so; the test's own time bounds it. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const beganMs = performance.now();
  while (!(await isSo())) {
    if (performance.now() - beganMs > 20_000) throw new Error(`Waited in vain until ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
