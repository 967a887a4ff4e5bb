import { expect } from 'chai';
import { cutsOf } from '../../src/console/cuts.js';
import { parseLine } from '../../src/console/language.js';
import { cleanLink } from '../../src/router/link-policy.js';
import type { NetworkState } from '../../src/router/network-state.js';
import { fakeContext, fiveNodes, information, wholeNetwork } from './fake-context.js';

const ids = [0, 1, 2, 3, 4];
const never = new AbortController().signal;

async function run(line: string, given: Parameters<typeof fakeContext>[0] = {}) {
  const answer = await parseLine(line, ids)?.run(fakeContext(given).context, never);
  return { text: answer?.lines.join('\n') ?? '', fields: answer?.fields ?? {} };
}

describe('the answer to a fault', () => {
  const leads = '; node 0 leads (term 1)';

  it('says what was done', async () => {
    expect((await run('restart 1 2')).text).to.equal(`restarted nodes 1, 2${leads}`);
    expect((await run('stop 1')).fields).to.deep.include({ nodes: [1], changed: [1] });
  });

  const already: [line: string, text: string][] = [
    ['restart 1', 'node 1 is running'],
    ['restart 1 2', 'nodes 1, 2 are running'],
    ['revive 2', 'node 2 is not stopped'],
    ['stop 1', 'node 1 is stopped already'],
    ['crash 1', 'node 1 has crashed already'],
    ['stop 1 3', 'stopped node 3; node 1 is stopped already'],
  ];
  for (const [line, text] of already) {
    it(`says what is so, and not that it was done, of: ${line}`, async () => {
      const answer = await run(line, { unchanged: [1, 2] });
      expect(answer.text).to.equal(text + leads);
    });
  }

  it('names what a stopped node needs that was to be restarted', async () => {
    const infos = () => fiveNodes.map((node) => (node.id === 1 ? information(1, { role: 'dead' }) : node));
    const { text, fields } = await run('restart 1 2', { unchanged: [1, 2], infos });
    expect(text).to.equal(`node 2 is running; node 1 is stopped, not crashed: type revive 1${leads}`);
    expect(fields).to.deep.include({ changed: [] });
  });

  it('of a comparison that fails says what the key holds', async () => {
    const { context } = fakeContext();
    const answer = async (line: string) => (await parseLine(line, ids)?.run(context, never))?.lines[0];
    expect(await answer('cas lock nothing me')).to.match(/^lock = me {2}\(index/);
    expect(await answer('cas lock nothing you')).to.match(/^not changed: lock holds "me", not nothing/);
    expect(await answer('delete lock if you')).to.match(/^not changed: lock holds "me", not "you"/);
    expect(await answer('delete lock if me')).to.match(/^lock deleted/);
    expect(await answer('expect no-value lock')).to.equal('as expected: lock holds nothing');
  });
});

describe('who is cut off from whom', () => {
  const cut = (from: number, to: number) => ({ from, to, policy: { ...cleanLink, cut: true } });
  const cells = (network: NetworkState) => ids.map((id) => cutsOf(id, network, ids));

  it('is nobody in a whole network, however slow', () => {
    expect(cells(wholeNetwork)).to.deep.equal(['', '', '', '', '']);
    const slow = { from: 0, to: 1, policy: { ...cleanLink, latencyMsMax: 400 } };
    expect(cells({ ...wholeNetwork, links: [slow] })).to.deep.equal(['', '', '', '', '']);
  });

  it('is told of both sides of a partition', () => {
    const groups = [
      [0, 1],
      [2, 3, 4],
    ];
    expect(cells({ ...wholeNetwork, groups })).to.deep.equal(['2 3 4', '2 3 4', '0 1', '0 1', '0 1']);
  });

  it('is told of each way of a link', () => {
    expect(cells({ ...wholeNetwork, links: [cut(0, 3)] })).to.deep.equal(['to 3', '', '', 'from 0', '']);
    const links = [cut(0, 3), cut(3, 0), cut(4, 0)];
    expect(cells({ ...wholeNetwork, links })).to.deep.equal(['3, from 4', '', '', '0', 'to 0']);
  });

  it('is told of a link that is cut within a partition, too', () => {
    const groups = [
      [0, 1],
      [2, 3, 4],
    ];
    expect(cells({ ...wholeNetwork, groups, links: [cut(0, 1)] })[1]).to.equal('2 3 4, from 0');
  });

  it('is a number where the list would be long', () => {
    const many = Array.from({ length: 31 }, (_, id) => id);
    const isolated = { ...wholeNetwork, groups: [[7], many.filter((id) => id !== 7)] };
    expect(cutsOf(7, isolated, many)).to.equal('all others');
    const halves = { ...wholeNetwork, groups: [many.slice(0, 15), many.slice(15)] };
    expect(cutsOf(7, halves, many)).to.equal('16 nodes');
  });

  it('stands in the table of status while somebody is cut off, and only then', async () => {
    expect((await run('status')).text).not.to.include('cut off');
    const network = { ...wholeNetwork, links: [cut(0, 3)] };
    const { text, fields } = await run('status', { network });
    expect(text).to.match(/cut off.*\n.*to 3/);
    expect(text).to.match(/^3 .*from 0/m);
    expect(fields).to.deep.include({ groups: [ids], cuts: [{ from: 0, to: 3 }] });
    expect(Math.max(...text.split('\n').map((line) => line.length))).to.be.at.most(78);
  });
});

describe('the answer to a snapshot', () => {
  it('says of each node where it ends, and how large it is', async () => {
    const { text, fields } = await run('snapshot');
    expect(text.split('\n')[1]).to.equal('node 1: snapshot through index 10 (term 1), 100 bytes');
    expect(fields).to.have.deep.property('snapshots', [
      { node: 0, index: 10, term: 1, bytes: 100 },
      { node: 1, index: 10, term: 1, bytes: 100 },
    ]);
  });

  it('is of one node where one is named, and of none that is not there', async () => {
    const { context, calls } = fakeContext();
    await parseLine('snapshot 2', ids)?.run(context, never);
    expect(calls).to.deep.equal([['snapshot', 2]]);
    expect(() => parseLine('snapshot 9', ids)).to.throw(/9/);
    expect(() => parseLine('snapshot 1 2', ids)).to.throw(/one word too many/);
  });
});
