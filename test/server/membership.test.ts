import { expect } from 'chai';
import { ConclaveError } from '../../src/ground/errors.js';
import type { Order } from '../../src/node/host/orders.js';
import type { MembersInformation } from '../../src/node/information.js';
import type { NodeId } from '../../src/raft/entry.js';
import { type Joining, ServerIdentity } from '../../src/server/identity.js';
import { ServerMembership, type ServerMembershipHost } from '../../src/server/membership.js';
import type { ServerSettings } from '../../src/server/options.js';
import { VirtualClock } from '../router/virtual-clock.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';

const addresses = { 1: 'one:7', 2: 'two:7', 3: 'three:7' };

function configurationOf(...voters: readonly NodeId[]): MembersInformation {
  return { voters, votersOutgoing: [], learners: [], addresses };
}

/** What member 1 of three knows of the others, and what it has done about them. */
class World {
  readonly clock = new VirtualClock();
  readonly directory = temporaryDirectory();
  readonly done: string[] = [];
  readonly orders: Order[] = [];
  readonly failures: unknown[] = [];
  /** What the leader answers next: the code of an error, or null. */
  answer: string | null = null;
  readonly identity: ServerIdentity;
  readonly membership: ServerMembership;

  constructor({
    advertise = 'one:7',
    joining = null,
  }: { advertise?: string; joining?: Joining | null } = {}) {
    const members = new Map(Object.entries(addresses).map(([id, address]) => [Number(id), address]));
    const self = { id: 1, cluster: 'shop', directory: this.directory, listen: '0.0.0.0:7' };
    this.identity = ServerIdentity.claim({ ...self, members, joining });
    if (joining === null) this.identity.adopt('blue');
    else this.identity.join('blue', [2, 3], new Map([...members].slice(1)), 10);
    const settings = { ...self, members: null, join: [], replaces: null, carrier: { advertise } };
    const note = (what: string) => (id: NodeId) => void this.done.push(`${what} ${id}`);
    this.membership = new ServerMembership(settings as unknown as ServerSettings, this.identity, 300, {
      clock: this.clock,
      logger: null,
      router: { remote: note('remote'), detach: note('detach'), adopt: () => {}, introduce: () => {} },
      lines: { setMember: note('dial'), removeMember: note('hang up on') },
      leader: () => ({ id: 2, term: 4 }),
      infos: async () => [],
      order: async (_: NodeId, order: Order) => {
        this.orders.push(order);
        if (this.answer !== null) throw new ConclaveError(this.answer, `It is ${this.answer}.`);
        return null;
      },
      startNode: async () => {},
      fail: (error: unknown) => void this.failures.push(error),
      closed: () => null,
      changed: () => {},
    } as unknown as ServerMembershipHost);
  }

  /** What was done since the last look. */
  since(): string[] {
    return this.done.splice(0);
  }

  async pass(durationMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 50) {
      await new Promise(setImmediate);
      this.clock.pass(50);
    }
    await new Promise(setImmediate);
  }

  close(): void {
    this.membership.close();
    removeDirectory(this.directory);
  }
}

describe('The membership of a process', () => {
  let world: World;
  afterEach(() => {
    expect(world.failures).to.deep.equal([]);
    world.close();
  });

  it('says to who was removed that it was, for a while, each time that it is', async () => {
    world = new World();
    const { membership, identity } = world;
    for (let time = 0; time < 2; time++) {
      membership.configured(configurationOf(1, 2, 3), true);
      world.since();
      membership.configured(configurationOf(1, 2), false);
      expect(world.since(), 'that it is removed may be taken back').not.to.include('hang up on 3');
      membership.configured(configurationOf(1, 2), true);
      expect(world.since()).to.include('hang up on 3').and.not.include('detach 3');
      membership.hear({ type: 'advertised', node: 3, address: 'three:7' } as never);
      expect(world.since(), 'it is gone for good').to.deep.equal([]);
      await world.pass(6000);
      expect(world.since()).to.deep.equal(['detach 3']);
      expect([...identity.members.keys()]).to.deep.equal([1, 2]);
    }
  });

  it('speaks no farewell to who has come back', async () => {
    world = new World();
    const { membership } = world;
    for (const voters of [
      [1, 2, 3],
      [1, 2],
      [1, 2, 3],
    ])
      membership.configured(configurationOf(...voters), true);
    world.since();
    await world.pass(12_000);
    expect(world.since()).to.deep.equal([]);
  });

  it('asks to be let in until it is so, and then takes no refusal of what it had asked', async () => {
    world = new World({ joining: 'learner' });
    const { membership, identity, orders } = world;
    world.answer = 'OUTCOME_UNKNOWN';
    await membership.begin('one:7');
    await world.pass(100);
    expect(orders[0]).to.deep.equal({
      type: 'change',
      change: [{ kind: 'add', id: 1, address: 'one:7', learner: true }],
    });
    membership.configured({ ...configurationOf(2, 3), learners: [1] }, false);
    expect(identity.joining, 'that it is let in may be taken back').to.equal('learner');
    membership.configured({ ...configurationOf(2, 3), learners: [1] }, true);
    expect(identity.joining).to.equal(null);
    // Somebody has given it a vote, before its question that was lost is answered at last.
    world.answer = 'CHANGE_REFUSED';
    await world.pass(1000);
    const asked = orders.length;
    await world.pass(1000);
    expect(orders).to.have.length(asked);
  });

  it('ends its process when it is refused for good', async () => {
    world = new World({ joining: 'voter' });
    world.answer = 'CHANGE_REFUSED';
    await world.membership.begin('one:7');
    await world.pass(100);
    expect(world.failures.splice(0)).to.have.length(1);
    expect(world.orders).to.have.length(1);
  });

  it('says where it is until the others believe it, also when it was refused', async () => {
    world = new World({ advertise: 'elsewhere:7' });
    world.answer = 'CHANGE_REFUSED';
    world.membership.configured(configurationOf(1, 2, 3), true);
    await world.pass(300);
    expect(world.orders.length).to.be.at.least(2);
    world.answer = null;
    world.membership.configured(
      { ...configurationOf(1, 2, 3), addresses: { ...addresses, 1: 'elsewhere:7' } },
      true,
    );
    await world.pass(300);
    const asked = world.orders.length;
    await world.pass(3000);
    expect(world.orders.length, 'they believe it').to.equal(asked);
    expect(world.orders[0]).to.deep.equal({
      type: 'change',
      change: [{ kind: 'update', id: 1, address: 'elsewhere:7' }],
    });
  });
});
