import { expect } from 'chai';
import { RaftCluster } from '../../src/cluster/raft-cluster.js';
import { timingWarnings } from '../../src/cluster/timing-warnings.js';
import { defaultTimings } from '../../src/node/validate-options.js';
import { cleanLink } from '../../src/router/link-policy.js';

describe('timings that do not suit', () => {
  const warned = (min: number, max: number, voters = 5, timings = defaultTimings) =>
    timingWarnings(timings, { latencyMsMin: min, latencyMsMax: max }, voters).map(({ code }) => code);

  it('are none for links as the defaults are meant for', () => {
    for (const [min, max] of [
      [0, 0],
      [1, 5],
      [5, 20],
      [20, 40],
    ] as const) {
      expect(warned(min, max, 3), `${min}-${max}`).to.deep.equal([]);
    }
    expect(warned(1, 5, 31)).to.deep.equal([]);
  });

  it('are those of links whose answers come too late, always or often', () => {
    expect(warned(300, 600)).to.deep.equal(['LINKS_TOO_SLOW']);
    expect(warned(150, 150)).to.deep.equal(['LINKS_TOO_SLOW']);
    expect(warned(20, 100)).to.deep.equal(['LINKS_SLOW']);
    expect(warned(300, 600, 1), 'a sole voter asks nobody').to.deep.equal([]);
  });

  it('are those of many voters who stand at once', () => {
    expect(warned(1, 5, 60)).to.deep.equal(['VOTES_SPLIT']);
    expect(warned(0, 0, 99)).to.deep.equal([]);
  });

  it('come with others that do', () => {
    for (const [min, max, voters] of [
      [300, 600, 5],
      [20, 100, 5],
      [1, 5, 99],
      [60, 70, 9],
    ] as const) {
      const [warning] = timingWarnings(
        defaultTimings,
        { ...cleanLink, latencyMsMin: min, latencyMsMax: max },
        voters,
      );
      const [, from, to] = /such as (\d+)-(\d+) ms/.exec(warning?.message ?? '') ?? [];
      const timings = {
        ...defaultTimings,
        electionTimeoutMsMin: Number(from),
        electionTimeoutMsMax: Number(to),
      };
      expect(warned(min, max, voters, timings), warning?.message).to.deep.equal([]);
    }
  });

  it('are told of when a cluster starts, to whoever listens by then, and when its links become so slow', async () => {
    const slow = { latencyMsMin: 300, latencyMsMax: 600 };
    const cluster = await RaftCluster.start({ nodes: 3, link: slow });
    const codes: string[] = [];
    try {
      cluster.events.on('warning', ({ code }) => codes.push(code));
      await new Promise((resolve) => setImmediate(resolve));
      expect(codes).to.deep.equal(['LINKS_TOO_SLOW']);
      cluster.setLink({ latencyMsMin: 0, latencyMsMax: 5 });
      expect(cluster.warnings()).to.deep.equal([]);
      cluster.setLink(slow, 1);
      expect(codes, 'most links are fast').to.have.length(1);
      cluster.setLink(slow);
      cluster.setLink(slow);
      expect(codes).to.deep.equal(['LINKS_TOO_SLOW', 'LINKS_TOO_SLOW']);
    } finally {
      await cluster.close();
    }
  });

  it('are a warning of the process where nobody listens', async () => {
    const heard = new Promise<Error>((resolve) => process.once('warning', resolve));
    const cluster = await RaftCluster.start({ nodes: 3, link: { latencyMsMin: 300, latencyMsMax: 600 } });
    try {
      expect(await heard).to.include({ name: 'ConclaveWarning', code: 'LINKS_TOO_SLOW' });
    } finally {
      await cluster.close();
    }
  });
});
