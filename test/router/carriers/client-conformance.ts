import { expect } from 'chai';
import { SystemClock } from '../../../src/ground/clock.js';
import { Random } from '../../../src/ground/random.js';
import type { ClientGuest } from '../../../src/router/carriers/carrier.js';
import type { ClientCarrier, ClientLine } from '../../../src/router/carriers/client-carrier.js';
import { createClientCarrier } from '../../../src/router/carriers/create-carrier.js';
import type { CarrierEvent } from '../../../src/router/carriers/events.js';
import { membersIn } from '../../../src/router/carriers/members-frame.js';
import type { CarrierLimits, CarrierOptions } from '../../../src/router/carriers/options.js';
import { type ClientParty, partyText } from '../../../src/router/carriers/party.js';
import type { CarrierPeer } from './carrier-peer.js';

/** A medium, with nodes on it that let clients in. */
export interface ClientWorld {
  /** A node's carrier, opened, which hands its guests to `admit`. */
  serve(
    node: number,
    admit: (guest: ClientGuest) => void,
    more?: { readonly clusterId?: string; readonly limits?: Partial<CarrierLimits> },
  ): Promise<CarrierPeer>;
  /** Options for a client's carrier. */
  client(self: ClientParty): CarrierOptions;
  /** Where the client finds a node: nothing on a bus. */
  addressesOf(peer: CarrierPeer): readonly string[];
  cut(): void;
  mend(): void;
  stall(): void;
  flow(): void;
  end(): Promise<void>;
}

/** A client of a test: its lines, and what it was told over them. */
export class Caller {
  readonly carrier: ClientCarrier;
  readonly found: number[] = [];
  readonly heard: Buffer[] = [];
  readonly told: string[] = [];
  readonly events: CarrierEvent[] = [];
  members: readonly number[] = [];

  constructor(options: CarrierOptions) {
    this.carrier = createClientCarrier(options, {
      clock: new SystemClock(),
      random: new Random(options.identity.incarnation),
      found: (node) => this.found.push(node),
      tell: (event) => this.events.push(event),
    });
  }

  line(to: number, addresses: readonly string[]): ClientLine {
    const line = this.carrier.line(to, {
      opened: () => this.told.push(`${to} open`),
      received: (frame) => {
        const members = membersIn(frame, 100);
        if (members !== null) this.members = members.map(([id]) => id);
        else this.heard.push(Buffer.from(frame));
      },
      ended: () => this.told.push(`${to} ended`),
    });
    line.setAddresses(addresses);
    return line;
  }
}

export const till: ClientParty = { kind: 'client', cluster: 'shop', role: 'writer', name: 'till' };

/** What the lines of clients have to keep, whatever carries them. */
export function itServesClients(name: string, newWorld: () => Promise<ClientWorld>): void {
  describe(`The lines of clients over ${name}`, () => {
    let world: ClientWorld;
    let callers: Caller[];
    beforeEach(async () => {
      callers = [];
      world = await newWorld();
    });
    afterEach(async () => {
      world.flow();
      await Promise.all(callers.map(({ carrier }) => carrier.close()));
      await world.end();
    });

    async function caller(self = till): Promise<Caller> {
      const made = new Caller(world.client(self));
      callers.push(made);
      await made.carrier.open();
      return made;
    }

    it('let a client in as who it is, tell it who the members are, and carry every size both ways', async () => {
      const guests: ClientGuest[] = [];
      const node = await world.serve(1, (guest) => {
        guests.push(guest);
        guest.heard = (frame) => guest.send(Buffer.concat([Buffer.from('of '), frame]));
      });
      const client = await caller();
      const line = client.line(1, world.addressesOf(node));
      await node.until('it was let in', () => client.told.length === 1);
      await node.until('it was told', () => client.members.includes(1));
      expect(guests.map(({ party }) => partyText(party))).to.deep.equal(['client till (writer)']);
      node.carrier.setRemote(2, world.addressesOf(node));
      await node.until('the other member', () => client.members.includes(2));
      const frames = [1, 100, 70_000, 1_200_000, 3].map((size, at) => Buffer.alloc(size, at + 1));
      for (const frame of frames) line.send(Buffer.from(frame));
      await node.until('all answers', () => client.heard.length === frames.length);
      for (const [at, frame] of frames.entries()) {
        expect(client.heard[at]!.subarray(3).equals(frame), `frame ${at}`).to.equal(true);
      }
      expect(client.told).to.deep.equal(['1 open']);
    });

    it('keep apart the clients of one name, and what each asked', async () => {
      const node = await world.serve(1, (guest) => {
        guest.heard = (frame) => guest.send(frame);
      });
      const clients = [await caller(), await caller(), await caller({ ...till, role: 'reader' })];
      const lines = clients.map((client) => client.line(1, world.addressesOf(node)));
      for (const [at, line] of lines.entries()) {
        for (let count = 0; count < 100; count++) line.send(Buffer.from(`\u0001${at} ${count}`));
      }
      await node.until('all answers', () => clients.every(({ heard }) => heard.length === 100));
      for (const [at, { heard }] of clients.entries()) {
        expect(heard.map(String)).to.deep.equal(heard.map((_, count) => `\u0001${at} ${count}`));
      }
    });

    it('end at both ends when either ends them, and open again', async () => {
      const guests: ClientGuest[] = [];
      let gone = 0;
      const node = await world.serve(1, (guest) => {
        guests.push(guest);
        guest.ended = () => gone++;
      });
      const client = await caller();
      const line = client.line(1, world.addressesOf(node));
      await node.until('it was let in', () => guests.length === 1);
      guests[0]!.end('overloaded', 'It asks too much.');
      await node.until('it came again', () => guests.length === 2);
      expect(client.told.slice(0, 3)).to.deep.equal(['1 open', '1 ended', '1 open']);
      expect(gone).to.equal(1);
      await line.close();
      await node.until('the node heard so', () => gone === 2);
      expect(client.told.at(-1)).to.equal('1 ended');
    });

    it('end when the way is lost, once, and open again when it is there', async () => {
      const guests: ClientGuest[] = [];
      let gone = 0;
      const node = await world.serve(1, (guest) => {
        guests.push(guest);
        guest.ended = () => gone++;
        guest.heard = (frame) => guest.send(frame);
      });
      const client = await caller();
      const line = client.line(1, world.addressesOf(node));
      await node.until('it was let in', () => guests.length === 1);
      world.cut();
      await node.until('the client heard so', () => client.told.includes('1 ended'));
      await node.until('the node heard so', () => gone === 1);
      line.send(Buffer.from('\u0001forgotten'));
      line.forget();
      line.send(Buffer.from('\u0001kept'));
      world.mend();
      await node.until('an answer', () => client.heard.length === 1);
      expect(client.heard.map(String)).to.deep.equal(['\u0001kept']);
      expect(client.told.slice(0, 3)).to.deep.equal(['1 open', '1 ended', '1 open']);
    });

    it('end when nothing is heard any more, though nothing was closed', async () => {
      let gone = 0;
      let come = 0;
      const node = await world.serve(1, (guest) => {
        come++;
        guest.ended = () => gone++;
      });
      const client = await caller();
      client.line(1, world.addressesOf(node));
      await node.until('it was let in', () => come === 1);
      world.stall();
      await node.until('both heard so', () => client.told.includes('1 ended') && gone === 1);
      world.flow();
      await node.until('it came again', () => come > 1);
    });

    it('end a client that does not read its answers, whatever it costs it', async () => {
      const guests: ClientGuest[] = [];
      let gone = 0;
      const limits = { queueBytesMax: 4_000_000, silenceMsMax: 60_000 };
      const admit = (guest: ClientGuest) => {
        guests.push(guest);
        guest.ended = () => gone++;
      };
      const node = await world.serve(1, admit, { limits });
      const client = await caller();
      client.line(1, world.addressesOf(node));
      await node.until('it was let in', () => guests.length === 1);
      world.stall();
      for (let count = 0; count < 100 && gone === 0; count++) {
        guests[0]!.send(Buffer.alloc(1_000_000, 1));
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(gone).to.equal(1);
      expect(node.counters.ended.overloaded).to.equal(1);
      world.flow();
      await node.until('it came again', () => guests.length > 1);
    });

    it('let in no more clients than there may be, and say so', async () => {
      const guests: ClientGuest[] = [];
      const node = await world.serve(1, (guest) => guests.push(guest), { limits: { clientsMax: 2 } });
      const clients = [await caller(), await caller(), await caller()];
      for (const [at, client] of clients.entries()) {
        client.line(1, world.addressesOf(node));
        if (at < 2) await node.until('it was let in', () => guests.length === at + 1);
      }
      await node.until('one was refused', () => node.counters.refused.full > 0);
      await node.until('it heard so', () =>
        clients.some(({ events }) =>
          events.some((event) => event.type === 'refused' && event.reason === 'full'),
        ),
      );
      expect(guests).to.have.length(2);
    });

    it('lead to no member of another cluster of the same name', async () => {
      const guests: ClientGuest[] = [];
      const node = await world.serve(1, (guest) => guests.push(guest), { clusterId: 'blue' });
      const client = await caller();
      client.carrier.adopt('red');
      client.line(1, world.addressesOf(node));
      await node.until('it was refused', () => node.counters.refused.cluster > 0);
      expect(client.told).to.deep.equal([]);
      expect(guests).to.have.length(0);
    });

    it('are closed within a bound though nobody moves', async () => {
      let come = 0;
      const node = await world.serve(1, () => come++);
      const client = await caller();
      client.line(1, world.addressesOf(node));
      await node.until('it was let in', () => come === 1);
      world.stall();
      const start = performance.now();
      await Promise.all([client.carrier.close(), client.carrier.close()]);
      expect(performance.now() - start).to.be.below(5000);
    });
  });
}
