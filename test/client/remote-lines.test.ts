import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { expect } from 'chai';
import { RemoteLines } from '../../src/client/remote-lines.js';
import { SystemClock } from '../../src/ground/clock.js';
import { Random } from '../../src/ground/random.js';
import type { NodeId } from '../../src/raft/entry.js';
import { protocolVersions } from '../../src/router/carriers/options.js';
import { RawSpeaker } from '../router/carriers/raw-speaker.js';
import { outcomeOf, text } from './session-world.js';

/** A member of which there is nothing but its welcome: it hears what clients say, and says nothing. */
class Member {
  readonly #id: NodeId;
  readonly #server: Server;
  readonly speakers: RawSpeaker[] = [];
  /** Does it take what is said to it? */
  isDeaf = false;
  /** Bytes that clients have said since the last of them was let in. */
  bytes = 0;

  private constructor(id: NodeId) {
    this.#id = id;
    this.#server = createServer(async (socket) => {
      const speaker = new RawSpeaker(socket);
      await speaker.greeting();
      socket.removeAllListeners('data');
      this.bytes = 0;
      if (this.isDeaf) socket.pause();
      else {
        socket.on('data', (chunk) => {
          this.bytes += chunk.byteLength;
        });
      }
      const from = `conclave://shop/node/${this.#id}`;
      const welcome = { version: protocolVersions[1], clusterId: null, from, incarnation: 2 };
      speaker.greet({ greeting: 'welcome', ...welcome, toIncarnation: 1, token: 7 });
      this.speakers.push(speaker);
    });
  }

  static async start(id: NodeId): Promise<Member> {
    const member = new Member(id);
    member.#server.listen(0, '127.0.0.1');
    await once(member.#server, 'listening');
    return member;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  hangUp(): void {
    for (const { socket } of this.speakers.splice(0)) socket.resetAndDestroy();
  }

  close(): void {
    this.hangUp();
    this.#server.close();
  }
}

describe('The lines of a client to members elsewhere', () => {
  let members: Member[];
  let lines: RemoteLines;
  let told: string[];
  beforeEach(async () => {
    told = [];
    members = await Promise.all([1, 2, 3].map((id) => Member.start(id)));
    const self = { kind: 'client', cluster: 'shop', role: 'writer', name: 'till' } as const;
    lines = new RemoteLines(
      { kind: 'tcp', identity: { self, clusterId: null, incarnation: 1 } },
      {
        clock: new SystemClock(),
        random: new Random(1),
        hear: () => {},
        nodeEnded: (id) => told.push(`${id} ended`),
        nodeReached: (id) => told.push(`${id} reached`),
        tell: () => {},
      },
    );
    await lines.open();
  });
  afterEach(async () => {
    await Promise.all([lines.close(), ...members.map((member) => member.close())]);
  });

  /** It was told so often, of all that it was told. */
  async function heard(what: string, times = 1): Promise<void> {
    const isHeard = () => told.filter((each) => each === what).length === times;
    while (!isHeard()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async function reach(...ids: readonly NodeId[]): Promise<void> {
    for (const id of ids) lines.setMember(id, [(members[id - 1] as Member).address]);
    for (const id of ids) await heard(`${id} reached`);
  }

  it('lead to one after the other that is reachable, in a circle', async () => {
    expect(lines.reachableAfter(null)).to.equal(null);
    await reach(1, 3);
    const round = [lines.reachableAfter(null)];
    for (let step = 0; step < 3; step++) round.push(lines.reachableAfter(round.at(-1) ?? null));
    expect(round).to.deep.equal([1, 3, 1, 3]);
    expect(lines.reachableAfter(2), 'whether that one is there or not').to.equal(3);
  });

  it('say nothing over a new connection that was asked over the one before, whose asker knows that it is lost', async () => {
    const member = members[0] as Member;
    member.isDeaf = true;
    await reach(1);
    const commands = () => text('x'.repeat(1024 * 1024));
    for (let first = 0; first < 20; first++) {
      expect(lines.post(1, { type: 'propose', first, count: 1, commands: commands() })).to.equal(true);
    }
    const asked = outcomeOf(lines.ask(1, (request) => ({ type: 'describe', request })));
    await new Promise(setImmediate);
    member.isDeaf = false;
    member.hangUp();
    await heard('1 ended');
    expect(await asked).to.equal('NODE_DEAD');
    await heard('1 reached', 2);
    const described = outcomeOf(lines.ask(1, (request) => ({ type: 'describe', request })));
    await member.speakers[0]?.until(() => member.bytes > 20);
    expect(member.bytes).to.be.below(1024);
    member.hangUp();
    expect(await described).to.equal('NODE_DEAD');
  });

  it('lead to nobody any more who is no member', async () => {
    await reach(1, 2);
    lines.removeMember(1);
    expect([lines.ids, told.at(-1)]).to.deep.equal([[2], '1 ended']);
    expect(lines.post(1, { type: 'read', request: 1, query: text('?'), consistency: 'stale' })).to.equal(
      false,
    );
    expect(await outcomeOf(lines.ask(1, (request) => ({ type: 'describe', request })))).to.equal('NODE_DEAD');
  });
});
