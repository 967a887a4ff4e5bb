import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import { LogReader } from '../../src/node/disk/log-reader.js';
import { PeerLinks } from '../../src/node/peers/peer-links.js';
import { defaultLimits } from '../../src/node/validate-options.js';
import { Configuration } from '../../src/raft/configuration.js';
import type { Replica } from '../../src/raft/replica.js';
import { appendToOwnLog, becomeLeader } from '../../src/raft/replication.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { configurationRun, replicaOf } from '../raft/replicas.js';

function linksOf(replica: Replica): PeerLinks {
  const store = new MemoryStorage();
  store.recover();
  const seals = new RunSeals(createCipher({ kind: 'none' }, new Random(1)));
  return new PeerLinks(replica, defaultLimits, new LogReader(replica, store, seals), store);
}

describe('A leader’s links', () => {
  it('follow the configuration: opened to new members, closed to those who left, kept to the others', () => {
    const replica = replicaOf({ voters: [0, 1, 2], log: [1] });
    becomeLeader(replica, 0);
    const links = linksOf(replica);
    const sentTo = () => {
      const receivers: number[] = [];
      links.flush([], (to) => receivers.push(to));
      return receivers;
    };
    links.open();
    expect(sentTo()).deep.equal([1, 2]);
    appendToOwnLog(replica, [configurationRun(2, 1, Configuration.of([0, 1, 3], [4]))]);
    expect(sentTo(), 'a probe each').deep.equal([3, 4]);
    links.heartbeat();
    expect(sentTo()).deep.equal([1, 3, 4]);
    links.close();
    expect(sentTo()).deep.equal([]);
    expect([...links.states()]).deep.equal([]);
  });
});
