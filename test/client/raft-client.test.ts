import { expect } from 'chai';
import { leaderAmong, RaftClient, type RaftClientOptions } from '../../src/client/raft-client.js';
import { packBytes } from '../../src/ground/byte-strings.js';
import type { ConclaveError } from '../../src/ground/errors.js';
import type { LogRecord } from '../../src/node/host/protocol.js';
import { noMembers } from '../../src/node/information.js';
import { encodeSessionTimeout } from '../../src/wire/sessions.js';
import { outcomeOf, plain, text } from './session-world.js';
import { information, patient, type Reply, ToldMember, until } from './told-member.js';

const shop: RaftClientOptions = { cluster: 'shop', limits: patient };
/** Where nobody listens: the port is reserved. */
const nowhere = '127.0.0.1:1';

function errorOf(promise: Promise<unknown>): Promise<ConclaveError> {
  return promise.then(
    () => expect.fail('It was not rejected.'),
    (error: ConclaveError) => error,
  );
}

describe('A client of processes', () => {
  const members: ToldMember[] = [];
  const clients: RaftClient[] = [];

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await Promise.all(members.splice(0).map((member) => member.close()));
  });

  /** Members with the ids from 1 on, who know of each other. */
  async function listening(count: number): Promise<ToldMember[]> {
    const made = await Promise.all(Array.from({ length: count }, (_, at) => ToldMember.listening(at + 1)));
    for (const member of made) member.knows(...made.filter((other) => other !== member));
    members.push(...made);
    return made;
  }

  async function connected(
    to: string | readonly string[],
    options: RaftClientOptions = {},
  ): Promise<RaftClient> {
    const client = await RaftClient.connect(to, { ...shop, ...options });
    clients.push(client);
    return client;
  }

  /** Those that the client can ask by now. */
  function reachable(...wanted: readonly ToldMember[]): Promise<unknown> {
    return until('all are reached', () => wanted.every(({ guests }) => guests.length > 0));
  }

  describe('when it connects', () => {
    it('asks who is at an address, and gets to know the others', async () => {
      const made = await listening(3);
      const client = await connected((made[0] as ToldMember).address);
      expect(client.ids).to.deep.equal([1, 2, 3]);
      await reachable(...made);
    });

    it('takes several addresses, as a list or with commas between, of which one is enough', async () => {
      const [one] = await listening(1);
      const address = (one as ToldMember).address;
      expect((await connected(`${nowhere}, ${address}`)).ids).to.deep.equal([1]);
      expect((await connected([nowhere, address])).ids).to.deep.equal([1]);
    });

    it('says where nobody answered, and why, when its time is over', async () => {
      const error = await errorOf(RaftClient.connect(nowhere, { ...shop, timeoutMs: 300 }));
      expect(error.code).to.equal('TIMEOUT');
      expect(error.message).to.match(
        /^Waited 300 ms for a member to answer at 127\.0\.0\.1:1 \(127\.0\.0\.1:1: .*ECONNREFUSED.*\)/,
      );
    });

    it('names four of the reasons at most, and no address twice', async () => {
      const addresses = [1, 2, 3, 4, 5, 6].map((port) => `127.0.0.1:${port}`);
      const error = await errorOf(RaftClient.connect(addresses, { ...shop, timeoutMs: 400 }));
      expect(error.message.match(/ECONNREFUSED/g)?.length).to.be.within(4, 8);
      const [, reasons = ''] = /\((.*)\)/.exec(error.message) ?? [];
      expect(reasons.split('; ')).to.have.length(4);
      expect(error.message).to.include(addresses.join(', '));
    });

    it('says that a member of another cluster answered', async () => {
      const [one] = await listening(1);
      const { address } = one as ToldMember;
      const error = await errorOf(
        RaftClient.connect(address, { cluster: 'bank', limits: patient, timeoutMs: 300 }),
      );
      expect(error.code).to.equal('TIMEOUT');
      expect(error.message).to.match(/bank|shop/);
    });

    it('tells a log what happens to its connections', async () => {
      const [one] = await listening(1);
      const told: string[] = [];
      await connected((one as ToldMember).address, { tell: ({ type }) => told.push(type) });
      await until('it was told', () => told.includes('connected'));
    });

    it('refuses what makes no sense at once', async () => {
      const wrong: [addresses: string | string[], options: RaftClientOptions, says: RegExp][] = [
        [[], {}, /^No address was given\. Give host:port of a member\.$/],
        ['here', {}, /here/],
        [nowhere, { sesions: true } as never, /sesions/],
        [nowhere, { sessions: 'yes' as never }, /^sessions is yes/],
        [nowhere, { role: 'king' as never }, /^role is king\. Give reader, writer, operator\.$/],
        [nowhere, { cluster: 'a shop' }, /a shop/],
        [nowhere, { name: '' }, /name/],
        [nowhere, { limits: { pingMs: 0 } }, /^pingMs is 0/],
        ['192.0.2.1:7000', {}, /beyond this machine/],
      ];
      for (const [addresses, options, says] of wrong) {
        const error = await errorOf(RaftClient.connect(addresses, { ...shop, ...options }));
        expect(error.code, String(says)).to.equal('INVALID_OPTION');
        expect(error.message).to.match(says);
      }
    });

    it('says which certificate it cannot read', async () => {
      const tls = { authority: '/no/ca.crt', certificate: '/no/node.crt', key: '/no/node.key' };
      const error = await errorOf(RaftClient.connect(nowhere, { tls }));
      expect(error.code).to.equal('CREDENTIALS');
      expect(error.message).to.include('/no/node.crt');
    });
  });

  describe('with commands and queries', () => {
    const applied = (results: readonly string[], first: number, index = 7): Reply => ({
      type: 'applied',
      first,
      count: results.length,
      index,
      term: 2,
      results: packBytes(results.map(text)),
    });

    it('sends them to who leads, found by asking', async () => {
      const made = await listening(3);
      const [one, two, three] = made as [ToldMember, ToldMember, ToldMember];
      const notLeader: ToldMember['answer'] = (request) =>
        request.type === 'propose'
          ? {
              type: 'refused',
              first: request.first,
              count: request.count,
              error: { code: 'NOT_LEADER', message: 'Node 1 does not lead.', leaderId: 3, term: 2 },
            }
          : null;
      one.answer = notLeader;
      two.answer = notLeader;
      three.answer = (request) => (request.type === 'propose' ? applied(['done'], request.first) : null);
      const client = await connected(one.address, { sessions: false });
      await reachable(...made);
      const { result, index, term } = await client.propose(text('do'));
      expect([plain(result), index, term]).to.deep.equal(['done', 7, 2]);
      const again = await client.propose(text('do'));
      expect(plain(again.result)).to.equal('done');
      // Who leads is remembered.
      expect(three.heard.filter(({ type }) => type === 'propose')).to.have.length(2);
    });

    it('numbers them in a session of the log unless told not to', async () => {
      const [one] = (await listening(1)) as [ToldMember];
      one.answer = (request) => {
        if (request.type === 'session') {
          return {
            type: 'applied',
            first: request.first,
            count: 1,
            index: 5,
            term: 1,
            results: packBytes([encodeSessionTimeout(60_000)]),
          };
        }
        return request.type === 'propose' ? applied(['done'], request.first) : null;
      };
      const client = await connected(one.address);
      await client.propose(text('do'));
      const [proposed] = one.heard.filter(({ type }) => type === 'propose');
      expect(proposed).to.have.deep.property('session', { id: 5, sequence: 1, acknowledged: 1 });
      const other = await connected(one.address, { sessions: false });
      await other.propose(text('do'));
      expect(one.heard.filter(({ type }) => type === 'propose').at(-1)).not.to.have.property('session');
    });

    it('asks anybody for a stale answer, and who leads for a linearizable one', async () => {
      const [one] = (await listening(1)) as [ToldMember];
      one.answer = (request) => {
        if (request.type !== 'read') return null;
        const { request: number, consistency } = request;
        const answer = { type: 'answer', request: number, index: 4, result: text(consistency) } as const;
        return consistency === 'stale' ? { ...answer, ageMs: 12 } : answer;
      };
      const client = await connected(one.address);
      await reachable(one);
      const fresh = await client.read(text('what'));
      expect([plain(fresh.result), fresh.index]).to.deep.equal(['linearizable', 4]);
      const stale = await client.read(text('what'), { consistency: 'stale', node: 1 });
      expect([plain(stale.result), stale.ageMs]).to.deep.equal(['stale', 12]);
    });

    it('refuses those that are too large, as large as it was told', async () => {
      const [one] = (await listening(1)) as [ToldMember];
      const client = await connected(one.address, { commandBytesMax: 4, queryBytesMax: 3 });
      expect(await outcomeOf(client.propose(text('12345')))).to.equal('COMMAND_TOO_LARGE');
      expect(await outcomeOf(client.read(text('1234')))).to.equal('QUERY_TOO_LARGE');
      await client.room();
      expect(one.heard).to.deep.equal([]);
    });

    it('hears nothing of what makes no sense', async () => {
      const [one] = (await listening(1)) as [ToldMember];
      one.answer = (request) => (request.type === 'propose' ? applied(['done'], request.first) : null);
      const client = await connected(one.address, { sessions: false });
      await reachable(one);
      const noMembersAtAll = [0, ...text('{"no":"list"}')];
      const noList = [0, ...text('no JSON')];
      const strange = [
        0,
        ...text('[[-1,["127.0.0.1:9"]],["x",["127.0.0.1:9"]],[7,[]],[8,"127.0.0.1:9"],[9,["192.0.2.1:1"]]]'),
      ];
      for (const bytes of [[], [255, 1, 2], [129, 1], noMembersAtAll, noList, strange]) {
        one.mutter(Uint8Array.from(bytes));
      }
      expect(plain((await client.propose(text('do'))).result)).to.equal('done');
      expect(client.ids).to.deep.equal([1]);
    });

    it('says of a command that was under way when it was closed that its outcome is unknown', async () => {
      const [one] = (await listening(1)) as [ToldMember];
      const client = await connected(one.address, { sessions: false });
      await reachable(one);
      const proposed = outcomeOf(client.propose(text('do')));
      await until('it was sent', () => one.heard.length > 0);
      await client.close();
      expect(await proposed).to.equal('OUTCOME_UNKNOWN');
      expect(await outcomeOf(client.propose(text('do')))).to.equal('CLOSED');
      expect((await errorOf(client.ready())).message).to.match(/^The client/);
      await client.close();
      await client[Symbol.asyncDispose]();
      await until('nobody is there', () => one.guests.length === 0);
    });
  });

  describe('about members', () => {
    const voters = (ids: readonly number[], addresses: Record<number, string> = {}) => ({
      ...noMembers,
      voters: ids,
      addresses,
    });

    it('tells how each sees itself, and what is wrong with one that cannot be reached', async () => {
      const [one, two] = (await listening(2)) as [ToldMember, ToldMember];
      one.answer = (request) =>
        request.type === 'describe'
          ? {
              type: 'described',
              request: request.request,
              information: information(1, { term: 3, leaderId: 1 }),
            }
          : null;
      const client = await connected(one.address);
      await reachable(one, two);
      await two.close();
      await until('it is gone', async () => (await client.info(2)).failure !== null);
      const gone = await client.info(2);
      expect(gone).to.include({ id: 2, role: 'dead', state: 'unreachable' });
      expect(gone.failure).to.match(/^Node 2 cannot be reached/);
      expect(await client.info(1)).to.include({ id: 1, term: 3, failure: null });
      expect(await client.info(9)).to.include({ id: 9, role: 'dead', state: 'unreachable' });
      expect((await client.infos()).map(({ id }) => id)).to.deep.equal([1, 2]);
      expect(await client.leader()).to.deep.equal({ id: 1, term: 3 });
    });

    it('forgets who went, and dials who came, as the leader says', async () => {
      const [one, two, three] = (await listening(3)) as [ToldMember, ToldMember, ToldMember];
      const four = await ToldMember.listening(4);
      members.push(four);
      const describe =
        (id: number, role: 'leader' | 'follower'): ToldMember['answer'] =>
        (request) => {
          if (request.type !== 'describe') return null;
          // A member that lags does not know of the change yet; who leaves by a joint configuration has a say still.
          const joint = { ...voters([1, 4], { 4: four.address }), votersOutgoing: [1, 2] };
          const configuration = role === 'leader' ? joint : voters([1, 2, 3]);
          const what = { role, term: 3, leaderId: 1, configuration };
          return { type: 'described', request: request.request, information: information(id, what) };
        };
      one.answer = describe(1, 'leader');
      two.answer = describe(2, 'follower');
      three.answer = describe(3, 'follower');
      const client = await connected(one.address);
      await reachable(one, two, three);
      expect((await client.infos()).map(({ id }) => id)).to.deep.equal([1, 2]);
      expect(client.ids).to.deep.equal([1, 2, 4]);
      await reachable(four);
      await until('it hung up', () => three.guests.length === 0);
    });

    it('knows that it serves when its leader says so, and what is missing before', async () => {
      const [one] = (await listening(1)) as [ToldMember];
      let what: Parameters<typeof information>[1] = { term: 2, leaderId: null };
      one.answer = (request) =>
        request.type === 'describe'
          ? { type: 'described', request: request.request, information: information(1, what) }
          : null;
      const client = await connected(one.address);
      const early = await errorOf(client.ready({ timeoutMs: 250 }));
      expect(early.code).to.equal('NOT_READY');
      expect(early.message).to.equal('The cluster does not serve after 250 ms: nobody is elected.');
      const ready = client.ready();
      what = { role: 'leader', state: 'leading.serving', term: 3, leaderId: 1, configuration: voters([1]) };
      expect(await ready).to.deep.equal({ id: 1, term: 3 });
    });

    it('has a member’s log read in pages to its end', async () => {
      const [one] = (await listening(1)) as [ToldMember];
      const record = (index: number): LogRecord =>
        ({ index, term: 1, leaderId: 1, kind: 'command', command: text(`c${index}`), bytes: 2 }) as never;
      const asked: unknown[] = [];
      one.answer = (request) => {
        if (request.type !== 'log') return null;
        const { from, to, bytesMax } = request;
        asked.push([from, to === 2 ** 48 - 1 ? 'end' : to, bytesMax === 2 ** 48 - 1 ? 'all' : bytesMax]);
        const records = [from, from + 1].filter((index) => index <= Math.min(to, 5)).map(record);
        return { type: 'records', request: request.request, records, lastLogIndex: 5 };
      };
      const client = await connected(one.address);
      await reachable(one);
      const all = await client.log(1);
      expect(all.map(({ index, command }) => [index, plain(command)])).to.deep.equal(
        [1, 2, 3, 4, 5].map((index) => [index, `c${index}`]),
      );
      expect(asked.splice(0)).to.deep.equal([
        [1, 'end', 'all'],
        [3, 5, 'all'],
        [5, 5, 'all'],
      ]);
      expect((await client.log(1, 2, 3, { bytesMax: 9 })).map(({ index }) => index)).to.deep.equal([2, 3]);
      expect(asked.splice(0)).to.deep.equal([[2, 3, 9]]);
      expect(await client.log(1, 6)).to.deep.equal([]);
      expect(await outcomeOf(client.log(2))).to.equal('NODE_DEAD');
    });

    it('has orders carried out by who leads, and a snapshot by the one that is named', async () => {
      const [one] = (await listening(1)) as [ToldMember];
      const orders: unknown[] = [];
      one.answer = (request) => {
        if (request.type === 'describe') {
          const what = { role: 'leader', term: 3, leaderId: 1, configuration: voters([1]) } as const;
          return { type: 'described', request: request.request, information: information(1, what) };
        }
        if (request.type !== 'order') return null;
        orders.push(request.order.type === 'change' ? request.order.change : request.order);
        const snapshot = request.order.type === 'snapshot' ? { index: 9, term: 3, bytes: 100 } : null;
        return { type: 'ordered', request: request.request, outcome: { error: null, snapshot } };
      };
      const client = await connected(one.address);
      await reachable(one);
      await client.addMember(2, { address: nowhere });
      await client.promote(2);
      await client.updateMember(2, '127.0.0.1:2');
      await client.setPriority(2, 3);
      await client.removeMember(2);
      await client.replaceMember(3, 4);
      await client.abortChange();
      expect(await client.snapshot(1)).to.deep.equal({ index: 9, term: 3, bytes: 100 });
      expect(orders).to.deep.equal([
        [{ kind: 'add', id: 2, address: nowhere, learner: false }],
        [{ kind: 'promote', id: 2 }],
        [{ kind: 'update', id: 2, address: '127.0.0.1:2' }],
        [{ kind: 'prioritize', id: 2, priority: 3 }],
        [{ kind: 'remove', id: 2 }],
        [
          { kind: 'remove', id: 3 },
          { kind: 'add', id: 4, address: '', learner: false },
        ],
        'abort',
        { type: 'snapshot' },
      ]);
      expect((await errorOf(client.addMember(10 ** 15))).message).to.match(/^id is/);
    });

    it('takes a learner’s place with a learner', async () => {
      const [one] = (await listening(1)) as [ToldMember];
      const changes: unknown[] = [];
      one.answer = (request) => {
        if (request.type === 'describe') {
          const configuration = { ...voters([1]), learners: [3] };
          const what = { role: 'leader', term: 3, leaderId: 1, configuration } as const;
          return { type: 'described', request: request.request, information: information(1, what) };
        }
        if (request.type !== 'order') return null;
        changes.push(request.order);
        return { type: 'ordered', request: request.request, outcome: { error: null, snapshot: null } };
      };
      const client = await connected(one.address);
      await reachable(one);
      await client.replaceMember(3, 4);
      expect(changes).to.deep.equal([
        {
          type: 'change',
          change: [
            { kind: 'remove', id: 3 },
            { kind: 'add', id: 4, address: '', learner: true },
          ],
        },
      ]);
    });

    it('passes on why an order was refused', async () => {
      const [one] = (await listening(1)) as [ToldMember];
      one.answer = (request) =>
        request.type === 'order'
          ? {
              type: 'ordered',
              request: request.request,
              outcome: { error: { code: 'SNAPSHOT_UNAVAILABLE', message: 'There is none.' }, snapshot: null },
            }
          : null;
      const client = await connected(one.address);
      await reachable(one);
      const error = await errorOf(client.snapshot(1));
      expect([error.code, error.message]).to.deep.equal(['SNAPSHOT_UNAVAILABLE', 'There is none.']);
    });

    it('waits for who leads after a transfer, and no longer than it was told', async () => {
      const [one] = (await listening(1)) as [ToldMember];
      let leaderId = 1;
      one.answer = (request) => {
        if (request.type === 'describe') {
          const what = { term: leaderId + 2, leaderId, configuration: voters([1, 2]) };
          return { type: 'described', request: request.request, information: information(1, what) };
        }
        if (request.type !== 'order') return null;
        setTimeout(() => {
          leaderId = 2;
        }, 20);
        return { type: 'ordered', request: request.request, outcome: { error: null, snapshot: null } };
      };
      const client = await connected(one.address);
      await reachable(one);
      expect(await client.transferLeadership(2)).to.deep.equal({ id: 2, term: 4 });
      expect(await client.transferLeadership(2)).to.deep.equal({ id: 2, term: 4 });
      one.answer = (request) =>
        request.type === 'describe'
          ? {
              type: 'described',
              request: request.request,
              information: information(1, { term: 9, leaderId: 1, configuration: voters([1, 2]) }),
            }
          : null;
      expect(await outcomeOf(client.transferLeadership(2, { timeoutMs: 100 }))).to.equal('TIMEOUT');
    });

    it('is told at once that a member went away that was asked', async () => {
      const [one] = (await listening(1)) as [ToldMember];
      const client = await connected(one.address);
      await reachable(one);
      const asked = errorOf(client.snapshot(1));
      await until('it was asked', () => one.heard.length > 0);
      one.hangUp();
      expect((await asked).message).to.match(/^Node 1 cannot be reached/);
      await reachable(one);
    });
  });
});

describe('Of members that name a leader', () => {
  it('those of the highest term are believed, the dead and those that know none are not', () => {
    const named = (
      id: number,
      term: number,
      leaderId: number | null,
      role: 'follower' | 'dead' = 'follower',
    ) => information(id, { term, leaderId, role });
    expect(leaderAmong([])).to.equal(null);
    expect(leaderAmong([named(1, 5, null)])).to.equal(null);
    expect(leaderAmong([named(1, 2, 1), named(2, 3, 2), named(3, 9, null)])).to.deep.equal({
      id: 2,
      term: 3,
    });
    expect(leaderAmong([named(1, 3, 1), named(2, 9, 2, 'dead')])).to.deep.equal({ id: 1, term: 3 });
    expect(leaderAmong([named(1, 0, 1)])).to.equal(null);
  });
});
