import { expect } from 'chai';
import { RemoteLines } from '../../src/client/remote-lines.js';
import { SystemClock } from '../../src/ground/clock.js';
import { Random } from '../../src/ground/random.js';
import type { RemoteReply, RemoteRequest } from '../../src/node/clients/client-frames.js';
import type { Party } from '../../src/router/carriers/party.js';
import { outcomeOf } from './session-world.js';
import { information, patient, ToldMember, until } from './told-member.js';

const till: Party = { kind: 'client', cluster: 'shop', role: 'writer', name: 'till' };
const aDescription = (request: number): RemoteRequest => ({ type: 'describe', request });
const described = (id: number, request: number): RemoteReply => {
  return { type: 'described', request, information: information(id, { term: 10 + id }) };
};

describe('What is asked of members elsewhere, beside what a session asks', () => {
  const members: ToldMember[] = [];
  const opened: RemoteLines[] = [];
  let told: string[];
  beforeEach(() => {
    told = [];
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((lines) => lines.close()));
    await Promise.all(members.splice(0).map((member) => member.close()));
  });

  async function listening(count: number, clusterId: string | null = null): Promise<ToldMember[]> {
    const made = await Promise.all(
      Array.from({ length: count }, (_, at) => ToldMember.listening(at + 1, clusterId)),
    );
    members.push(...made);
    return made;
  }

  async function linesOf(self: Party = till): Promise<RemoteLines> {
    const lines = new RemoteLines(
      { kind: 'tcp', identity: { self, clusterId: null, incarnation: 1 }, limits: patient },
      {
        clock: new SystemClock(),
        random: new Random(1),
        hear: (from, { type }) => told.push(`${from}: ${type}`),
        nodeEnded: (id) => told.push(`${id} ended`),
        nodeReached: (id) => told.push(`${id} reached`),
        clusterKnown: (clusterId) => told.push(`cluster ${clusterId}`),
        tell: () => {},
      },
    );
    opened.push(lines);
    await lines.open();
    return lines;
  }

  async function reaching(...to: readonly ToldMember[]): Promise<RemoteLines> {
    const lines = await linesOf();
    for (const { id, address } of to) lines.setMember(id, [address]);
    await until('all are reached', () => to.every(({ id }) => lines.isOpen(id)));
    return lines;
  }

  it('is answered by who was asked, and by nobody else, whatever number others use', async () => {
    const [one, two] = (await listening(2)) as [ToldMember, ToldMember];
    const lines = await reaching(one, two);
    const asked = lines.ask(1, aDescription);
    await until('it is asked', () => one.heard.length === 1);
    const { request } = one.heard[0] as RemoteRequest & { request: number };
    two.say(described(2, request));
    two.say({ type: 'readRefused', request: 77, error: { code: 'NOT_LEADER', message: 'no' } });
    one.say(described(1, request + 5));
    await until('the other has spoken', () => told.includes('2: readRefused'));
    one.say(described(1, request));
    expect(await asked).to.have.nested.property('information.term', 11);
  });

  it('is not lost with the line to another', async () => {
    const [one, two] = (await listening(2)) as [ToldMember, ToldMember];
    const lines = await reaching(one, two);
    const [ofOne, ofTwo] = [lines.ask(1, aDescription), outcomeOf(lines.ask(2, aDescription))];
    await until('it is asked', () => one.heard.length === 1);
    lines.removeMember(2);
    expect(await ofTwo).to.equal('NODE_DEAD');
    one.say(described(1, (one.heard[0] as { request: number }).request));
    expect(await ofOne).to.have.property('type', 'described');
    expect(told.filter((each) => each.endsWith('ended'))).to.deep.equal(['2 ended']);
  });

  it('has its time, after which it is not known whether an order was carried out', async () => {
    const [one] = (await listening(1)) as [ToldMember];
    const lines = await reaching(one);
    const error = await lines.order(1, { type: 'snapshot' }, 20).catch((thrown: Error) => thrown);
    expect(error).to.include({ code: 'TIMEOUT' });
    expect((error as Error).message).to.match(/^Waited 20 ms for an answer of node 1/);
  });

  it('is an order that is refused with a reason, or answered with what makes no sense', async () => {
    const [one] = (await listening(1)) as [ToldMember];
    const lines = await reaching(one);
    const error = { code: 'SNAPSHOT_UNAVAILABLE', message: 'It has none.' };
    one.answer = (request) => {
      if (!('request' in request)) return null;
      return { type: 'ordered', request: request.request, outcome: { error, snapshot: null } };
    };
    const ordered = () => outcomeOf(lines.order(1, { type: 'snapshot' }, 20_000));
    expect(await ordered()).to.equal('SNAPSHOT_UNAVAILABLE');
    one.answer = (request) => ('request' in request ? described(1, request.request) : null);
    expect(await ordered()).to.equal('NODE_DEAD');
  });

  it('goes to members that are known by number, each where it was last said to be', async () => {
    const lines = await linesOf();
    for (const id of [10, 3, 1]) lines.setMember(id, []);
    lines.setMember(3, ['127.0.0.1:1', '127.0.0.1:2']);
    expect([lines.ids, lines.addressOf(3), lines.addressOf(1), lines.addressOf(99)]).to.deep.equal([
      [1, 3, 10],
      '127.0.0.1:1',
      '',
      '',
    ]);
    expect([lines.isOpen(3), lines.isOpen(99), lines.reachableAfter(null)]).to.deep.equal([
      false,
      false,
      null,
    ]);
    lines.removeMember(99);
    lines.removeMember(10);
    expect([lines.ids, told], 'nobody was reached whose end could be told').to.deep.equal([[1, 3], []]);
    await lines.tried(99);
  });

  it('goes to 256 members at most, whoever names them, and those may move', async () => {
    const lines = await linesOf();
    for (let id = 0; id < 300; id++) lines.setMember(id, []);
    expect(lines.ids).to.deep.equal(Array.from({ length: 256 }, (_, id) => id));
    lines.setMember(5, ['127.0.0.1:1']);
    expect(lines.addressOf(5)).to.equal('127.0.0.1:1');
  });

  it('is never asked of oneself, nor of anybody once all lines are closed', async () => {
    const lines = await linesOf({ kind: 'node', cluster: 'shop', node: 2 });
    for (const id of [1, 2]) lines.setMember(id, []);
    expect(lines.ids).to.deep.equal([1]);
    const tried = lines.tried(1);
    await lines.close();
    await tried;
    lines.setMember(3, []);
    expect(lines.ids).to.deep.equal([]);
  });

  it('comes with the name of the cluster, where that has one', async () => {
    const [one] = (await listening(1, 'a1b2')) as [ToldMember];
    const nameless = await ToldMember.listening(2);
    members.push(nameless);
    await reaching(nameless);
    expect(told).to.deep.equal(['2 reached']);
    await reaching(one);
    expect(told).to.deep.equal(['2 reached', 'cluster a1b2', '1 reached']);
  });
});
