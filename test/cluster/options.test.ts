import { expect } from 'chai';
import { type ClusterOptions, resolveOptions } from '../../src/cluster/options.js';
import { InvalidOptionError } from '../../src/ground/errors.js';

describe('cluster options', () => {
  it('are all optional', () => {
    const settings = resolveOptions({});
    expect(settings.voters).to.deep.equal([0, 1, 2, 3, 4]);
    expect(settings.candidates).to.deep.equal([0, 1, 2, 3, 4]);
    expect(settings.leader).to.equal(null);
    expect(settings.storage).to.deep.equal({ kind: 'memory' });
    expect(settings.timings.electionTimeoutMsMax).to.equal(300);
  });

  it('give learners the ids after the voters', () => {
    const { voters, learners } = resolveOptions({ nodes: 3, learners: 2 });
    expect([voters, learners]).to.deep.equal([
      [0, 1, 2],
      [3, 4],
    ]);
  });

  it('take the default for what is undefined, within a group, too', () => {
    const { timings, limits } = resolveOptions({
      nodes: undefined,
      timings: { heartbeatMs: undefined },
      limits: { readsMax: undefined },
    } as never);
    expect([timings.heartbeatMs, limits.readsMax]).to.deep.equal([50, 65_536]);
  });

  it('keep a copy of each key, which may be wiped while nodes still need it', () => {
    const key = new Uint8Array(32).fill(7);
    const old = new Uint8Array(32).fill(6);
    const { cipher } = resolveOptions({ cipher: { kind: 'aes-256-gcm', key, oldKeys: [old] } });
    key.fill(0);
    old.fill(0);
    const copies = { key: new Uint8Array(32).fill(7), oldKeys: [new Uint8Array(32).fill(6)] };
    expect(cipher).to.deep.equal({ kind: 'aes-256-gcm', ...copies });
  });

  it('draw a seed of their own each time', () => {
    expect(resolveOptions({}).seed).not.to.equal(resolveOptions({}).seed);
  });

  const refused: [string, unknown, RegExp][] = [
    ['an unknown option', { node: 3 }, /no option node/],
    ['no nodes', { nodes: 0 }, /nodes is 0\. .* from 1 to 99/],
    ['too many nodes', { nodes: 100 }, /nodes is 100/],
    ['part of a node', { nodes: 2.5 }, /nodes is 2.5/],
    ['a negative number of learners', { learners: -1 }, /learners is -1/],
    ['a seed that is no whole number', { seed: 0.5 }, /seed is 0.5/],
    ['a leader that is no voter', { nodes: 3, leader: 3 }, /leader is 3/],
    ['a learner as leader', { nodes: 3, learners: 1, leader: 3 }, /leader is 3/],
    ['a leader that may not stand', { leader: 1, candidates: [0, 2] }, /leader is 1.* 0, 2/],
    ['nobody as candidate', { candidates: [] }, /names nobody/],
    ['a candidate that is no voter', { nodes: 3, learners: 1, candidates: [0, 3] }, /names 3/],
    ['timings that contradict each other', { timings: { heartbeatMs: 200 } }, /heartbeatMs \(200\)/],
    ['an unknown timing', { timings: { heartbeat: 5 } }, /no timing heartbeat/],
    ['an unknown limit', { limits: { reads: 5 } }, /no limit reads/],
    ['a limit of nothing', { limits: { readsMax: 0 } }, /readsMax/],
    [
      'a command that no message could carry',
      { limits: { commandBytesMax: 2 ** 26 } },
      /commandBytesMax .*at most/,
    ],
    ['a segment too small', { storage: { kind: 'disk', directory: 'd', segmentBytes: 512 } }, /from 4096/],
    ['an impossible loss', { link: { loss: 2 } }, /loss is 2/],
    ['an unknown link setting', { link: { delay: 2 } }, /no setting delay/],
    ['an unknown kind of storage', { storage: { kind: 'tape' } }, /kind is tape/],
    ['a disk without a directory', { storage: { kind: 'disk' } }, /directory is undefined/],
    ['an unknown cipher', { cipher: { kind: 'rot13' } }, /rot13/],
    ['a short key', { cipher: { kind: 'aes-256-gcm', key: new Uint8Array(5) } }, /32 bytes/],
    ['an application without a module', { application: {} }, /module is undefined/],
    ['a module relative to nothing', { application: { module: './my-app.js' } }, /new URL\('\.\/my-app\.js'/],
    ['a link that is none', { link: 5 }, /settings are an object; this is 5/],
    ['a link with a name of a prototype', { link: { toString: 1 } }, /no setting toString/],
    [
      'application options that cannot travel',
      { application: { module: 'file:///a.js', options: () => 1 } },
      /without functions/,
    ],
    ['an empty cluster id', { clusterId: '' }, /clusterId is an empty text/],
    ['a negative block interval', { blockIntervalMs: -1 }, /blockIntervalMs is -1/],
    ['preVote as text', { preVote: 'yes' }, /preVote is yes/],
    [
      'preVote alone',
      { checkQuorum: false },
      /stands still for ever: leave checkQuorum true, or set preVote/,
    ],
    ['no object at all', null, /as an object/],
  ];
  for (const [what, options, message] of refused) {
    it(`refuse ${what}`, () => {
      expect(() => resolveOptions(options as ClusterOptions)).to.throw(InvalidOptionError, message);
    });
  }
});
