import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import { LogReader } from '../../src/node/disk/log-reader.js';
import { PeerLinks } from '../../src/node/peers/peer-links.js';
import { defaultLimits } from '../../src/node/validate-options.js';
import { Configuration } from '../../src/raft/configuration.js';
import type { Replica } from '../../src/raft/replica.js';
import { appendToOwnLog, becomeLeader } from '../../src/raft/replication.js';
import type { LogStore } from '../../src/storage/disk.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { appendAnswer, configurationRun, entry, replicaOf } from '../raft/replicas.js';

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

  it('sends no snapshot to who turns out to have it in the turn in which it was to be sent', () => {
    const replica = replicaOf({ voters: [0, 1], log: [1, 1, 1] });
    const configuration = replica.configuration.data;
    const mark = { index: 5, term: 1, configuration, configurationIndex: 0 };
    replica.log.restartAt(mark);
    replica.log.append([entry(6, 1)]);
    becomeLeader(replica, 0);
    const store = {
      firstIndex: 6,
      snapshots: [{ mark, bytes: 9 }],
      read: () => [],
      readSnapshot: () => ({ chunk: new Uint8Array(9), next: null }),
    } as unknown as LogStore;
    const seals = new RunSeals(createCipher({ kind: 'none' }, new Random(1)));
    const links = new PeerLinks(replica, defaultLimits, new LogReader(replica, store, seals), store);
    const sent = () => {
      const types: string[] = [];
      links.flush([], (_, message) => types.push(message.type));
      return types;
    };
    links.open();
    expect(sent()).deep.equal(['appendEntries']);
    const refusal = { success: false, index: 6, conflictIndex: 1 };
    links.receive(appendAnswer(1, refusal), 0);
    expect(links.states().get(1)).equal('sendingSnapshot');
    links.receiveSnapshotResponse(
      {
        type: 'installSnapshotResponse',
        term: 1,
        from: 1,
        incarnation: 0,
        index: 5,
        success: true,
        position: 0,
      },
      0,
    );
    expect(links.states().get(1)).equal('replicating');
    expect(sent()).deep.equal(['appendEntries']);
    expect(replica.progress.get(1)).include({ transfer: null, matchIndex: 5, nextIndex: 7 });
  });
});
