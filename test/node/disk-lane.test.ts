import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import { DiskLane } from '../../src/node/disk/disk-lane.js';
import { NodeCounts } from '../../src/node/measures/node-counts.js';
import { Outbox } from '../../src/node/peers/outbox.js';
import { Configuration } from '../../src/raft/configuration.js';
import { installSnapshot } from '../../src/raft/install-snapshot.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { RunSeals } from '../../src/wire/run-seals.js';
import { entry, replicaOf } from '../raft/replicas.js';
import { ScriptedDisk } from './scripted-disk.js';

describe('What a node promises', () => {
  function laneOf() {
    const replica = replicaOf({ term: 1 });
    const disk = new ScriptedDisk();
    disk.isSlow = true;
    const seals = new RunSeals(createCipher({ kind: 'none' }, new Random(1)));
    const lane = new DiskLane(disk, replica, { term: 1, votedFor: null }, seals, new NodeCounts());
    const outbox = new Outbox();
    const promise = () =>
      outbox.sendOnceDurable(1, { type: 'timeoutNow', term: 1, from: 0 }, lane.coveringSequence);
    const write = () =>
      lane.flush(
        0,
        (sequence) => lane.noteDurable(sequence, 0),
        (error) => {
          throw error;
        },
      );
    const kept = () => outbox.takeDurable(lane.durableSequence).length;
    return { replica, disk, lane, promise, write, kept };
  }

  it('waits for the write that covers it, behind the one under way', () => {
    const { replica, disk, promise, write, kept } = laneOf();
    replica.votedFor = 1;
    promise();
    write();
    replica.log.append([entry(1, 1)]);
    promise();
    expect(kept()).equal(0);
    disk.complete();
    expect(kept()).equal(1);
    write();
    expect(kept()).equal(0);
    disk.complete();
    expect(kept()).equal(1);
  });

  it('waits for no write that never comes, because a snapshot took the place of what was to be written', () => {
    const { replica, disk, promise, write, kept } = laneOf();
    replica.votedFor = 1;
    write();
    replica.log.append([entry(1, 1)]);
    promise();
    installSnapshot(replica, {
      index: 5,
      term: 1,
      configuration: Configuration.of([0, 1, 2]).data,
      configurationIndex: 0,
    });
    promise();
    write();
    expect(kept(), 'the vote is on its way to the disk').equal(0);
    disk.complete();
    write();
    expect([disk.isBusy, kept()]).deep.equal([false, 2]);
    replica.log.append([entry(6, 1)]);
    promise();
    write();
    expect(kept(), 'what is promised next waits for its own').equal(0);
    disk.complete();
    expect(kept()).equal(1);
  });
});
