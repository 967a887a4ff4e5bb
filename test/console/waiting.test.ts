import { expect } from 'chai';
import type { MemberInformation } from '../../src/client/events.js';
import { parseLine } from '../../src/console/language.js';
import { fakeContext, fiveNodes, information } from './fake-context.js';

const ids = [0, 1, 2, 3, 4];
const { signal: never } = new AbortController();

async function run(line: string, given: Parameters<typeof fakeContext>[0] = {}) {
  const { context, calls } = fakeContext(given);
  const answer = await parseLine(line, ids)
    ?.run(context, never)
    .catch((error: Error & { code: string }) => error);
  return { answer, calls };
}

/** Node 4 catches up when it is looked at for the third time. */
function catchingUp(): () => MemberInformation[] {
  let looks = 0;
  return () =>
    ++looks < 3 ? [...fiveNodes.slice(0, 4), information(4, { height: 9, digest: 'd9' })] : fiveNodes;
}

describe('waiting and expecting', () => {
  it('waits until all living nodes agree, and holds the production of blocks meanwhile', async () => {
    const { answer, calls } = await run('wait converged', { infos: catchingUp(), blockIntervalMs: 100 });
    expect(answer).to.deep.include({ fields: { ...fieldsOf(answer), height: 10, digest: 'd10' } });
    expect(calls).to.deep.equal([
      ['produceBlocks', 'off'],
      ['produceBlocks', 100],
    ]);
  });

  it('leaves out dead nodes', async () => {
    const infos = () => [...fiveNodes.slice(0, 4), information(4, { role: 'dead', height: 3, digest: 'd3' })];
    expect((await run('expect converged', { infos })).answer).not.to.be.instanceOf(Error);
  });

  for (const difference of [{ height: 9 }, { commitIndex: 9 }, { digest: 'other' }, { lastLogIndex: 11 }]) {
    it(`fails when ${Object.keys(difference)[0]} differs, says where, and lets blocks go on`, async () => {
      const infos = () => [...fiveNodes.slice(0, 4), information(4, difference)];
      const { answer, calls } = await run('wait converged within 50', { infos, blockIntervalMs: 100 });
      expect(answer).to.include({ code: 'TIMEOUT' });
      expect((answer as Error).message).to.include('node 4 at height');
      expect(calls.at(-1)).to.deep.equal(['produceBlocks', 100]);
    });
  }

  it('waits until the cluster serves, and says what is missing until then', async () => {
    const led = (state: string, difference: Partial<MemberInformation> = {}) => [
      information(0, { role: 'leader', state: `alive.leader.authority.${state}`, ...difference }),
      ...fiveNodes.slice(1),
    ];
    let looks = 0;
    const infos = () =>
      ++looks < 3 ? led('catchingUp', { height: 340_000, commitIndex: 910_000 }) : led('serving');
    const { answer } = await run('wait ready', { infos });
    expect(answer).to.deep.include({ fields: { ...fieldsOf(answer), leader: 0, term: 1 } });
    looks = Number.NEGATIVE_INFINITY;
    const { answer: late } = await run('wait ready within 50', { infos });
    expect((late as Error).message).to.include('node 0 leads and has applied 340,000 of 910,000 entries');
    const { answer: early } = await run('wait ready within 50', { infos: () => led('establishing') });
    expect((early as Error).message).to.include('node 0 is elected, and no majority has confirmed it yet');
  });

  it('says of a cluster without a leader whether nobody is elected or who is missing', async () => {
    const leader = () => null;
    const { answer: elected } = await run('wait ready within 50', { leader, infos: () => fiveNodes });
    expect((elected as Error).message).to.include('nobody is elected');
    const infos = () => [
      ...fiveNodes.slice(0, 2),
      information(2, { role: 'dead', state: 'starting' }),
      information(3, { role: 'dead', state: 'failed', failure: 'Its log is damaged.' }),
      information(4, { role: 'dead', state: 'crashed' }),
    ];
    const { answer } = await run('wait ready within 50', { leader, infos });
    expect((answer as Error).message).to.include(
      'no majority runs: node 2 recovers, node 3 is down (Its log is damaged), node 4 is down',
    );
  });

  it('expects what comes true within a moment', async () => {
    let looks = 0;
    const leader = () => (++looks < 3 ? null : { id: 2, term: 5 });
    expect((await run('expect leader 2', { leader })).answer).to.deep.include({
      fields: { leader: 2, term: 5 },
    });
  });

  it('fails an expectation with what is the case', async () => {
    const { answer } = await run('expect leader not 0');
    expect(answer).to.include({
      code: 'EXPECTATION_FAILED',
      message: 'Expected a leader other than node 0, but node 0 leads (term 1).',
    });
  });

  it('reads a value linearizably and tells it from its absence', async () => {
    const { context, calls } = fakeContext();
    await parseLine('put colour blue', ids)?.run(context, never);
    await parseLine('expect value colour blue', ids)?.run(context, never);
    expect(calls).to.deep.include(['get', 'colour', 'linearizable']);
    const { answer } = await run('expect value colour blue');
    expect((answer as Error).message).to.include('but colour holds nothing');
  });

  it('waits for heights of living nodes', async () => {
    expect(fieldsOf((await run('wait height 10')).answer)).to.include({ height: 10 });
    expect((await run('wait height 11 within 30')).answer).to.include({ code: 'TIMEOUT' });
  });
});

describe('waiting for somebody who goes', () => {
  for (const line of ['wait 3600000', 'wait leader 3 within 3600000', 'wait converged within 3600000']) {
    it(`ends with its asker: ${line}`, async () => {
      const asker = new AbortController();
      let looked = () => {};
      const looking = new Promise<void>((resolve) => {
        looked = resolve;
      });
      const infos = () => {
        looked();
        return [...fiveNodes.slice(0, 4), information(4, { height: 9 })];
      };
      const { context, calls } = fakeContext({ infos, blockIntervalMs: 100 });
      const outcome = parseLine(line, ids)
        ?.run(context, asker.signal)
        .catch((error: Error) => error);
      if (line.includes('converged')) await looking;
      asker.abort();
      expect(await outcome).to.include({ name: 'AbortError' });
      expect(calls).to.deep.equal(
        line.includes('converged')
          ? [
              ['produceBlocks', 'off'],
              ['produceBlocks', 100],
            ]
          : [],
      );
    });
  }
});

describe('status', () => {
  it('looks again while nodes of one leader lag, so that a script sees one picture', async () => {
    const { answer, calls } = await run('status', { infos: catchingUp(), blockIntervalMs: 100 });
    expect(fieldsOf(answer)).to.include({ converged: true });
    expect(calls).to.have.length(2);
  });

  it('shows nodes that follow different leaders as they are, at once', async () => {
    let looks = 0;
    const infos = () => {
      looks++;
      return [...fiveNodes.slice(0, 4), information(4, { leaderId: null, term: 2, height: 9 })];
    };
    const { answer, calls } = await run('status', { infos, blockIntervalMs: 100 });
    expect(fieldsOf(answer)).to.include({ converged: false });
    expect(looks).to.equal(1);
    expect(calls).to.deep.equal([]);
  });

  it('carries exactly what it promises of each node', async () => {
    const { nodes } = fieldsOf((await run('status')).answer) as { nodes: object[] };
    expect(nodes).to.have.length(5);
    expect(nodes[0]).to.have.all.keys(
      'id',
      'role',
      'term',
      'leaderId',
      'commitIndex',
      'height',
      'firstIndex',
      'lastIndex',
      'snapshotIndex',
      'snapshotTerm',
      'configuration',
      'peers',
      'digest',
      'failure',
    );
  });
});

function fieldsOf(answer: unknown): Record<string, unknown> {
  return (answer as { fields: Record<string, unknown> }).fields;
}
