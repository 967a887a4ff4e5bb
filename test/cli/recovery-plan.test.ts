import { expect } from 'chai';
import { describePlan, planOf, type Remains, remainsIn } from '../../src/cli/recovery-plan.js';
import { UsageError } from '../../src/console/usage-error.js';
import { Configuration, type ConfigurationData } from '../../src/raft/configuration.js';
import type { NodeId } from '../../src/raft/entry.js';
import { NodeFileSystem } from '../../src/storage/node-file-system.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import type { SealedRun } from '../../src/wire/packed-runs.js';
import { entry, run } from '../storage/entries.js';
import { removeDirectory, temporaryDirectory } from '../storage/temporary-directory.js';

/* Which survivor a new cluster is made of, and what people are told that it costs. */

describe('The plan of a recovery', () => {
  let directory: string;
  const three = Configuration.of([0, 1, 2]).data;

  beforeEach(() => {
    directory = temporaryDirectory();
  });

  afterEach(() => removeDirectory(directory));

  function leave(nodeId: NodeId, birth: ConfigurationData, ...runs: SealedRun[]): void {
    const log = new WriteAheadLog({
      fileSystem: new NodeFileSystem(),
      directory: `${directory}/node-${nodeId}`,
      clusterId: 'old',
      nodeId,
    });
    log.recover(null, birth);
    log.write({ hardState: { term: 9, votedFor: null }, runs });
    log.sync();
    log.close();
  }

  function remains(...ids: NodeId[]): Remains[] {
    return remainsIn(
      ids.map((id) => `${directory}/node-${id}`),
      null,
    );
  }

  it('takes the log of the highest last term, then the longest (§5.4.1), wherever it stands', () => {
    leave(0, three, run(1, 5, 1));
    leave(1, three, run(1, 2, 1), entry(3, 2));
    leave(2, three, run(1, 2, 1), run(3, 2, 2));
    const all = remains(0, 1, 2);
    expect(planOf(all, null, null).from.end).to.deep.equal({ term: 2, index: 4 });
    expect(planOf(remains(2, 1, 0), null, null).from.found.identity.nodeId).to.equal(2);
    expect(planOf(remains(0, 1), null, null).from.found.identity.nodeId).to.equal(1);
  });

  it('says what others have that a survivor who was named has not', () => {
    leave(0, three, run(1, 5, 1));
    leave(1, three, run(1, 2, 1), entry(3, 2));
    const all = remains(0, 1);
    const text = describePlan(all, planOf(all, null, 0)).join('\n');
    expect(text).to.match(/Taken: node 0’s log, up to entry 5 of term 1/);
    expect(text).to.match(/LOST: what node 1 has .* entry 3 of term 2/);
    expect(text).not.to.match(/Nothing that was committed is lost/);
  });

  it('says that nothing is lost, and no recovery needed, where a majority can be read, and of which there is none', () => {
    leave(0, three, entry(1, 1));
    leave(1, three, entry(1, 1));
    const all = remains(0, 1);
    expect(describePlan(all, planOf(all, null, null)).join('\n')).to.match(
      /\(0, 1\): the quorum is not lost\. Nothing that was committed is lost/,
    );
    const one = remains(1);
    const text = describePlan(one, planOf(one, null, null)).join('\n');
    expect(text).to.match(/MAY BE LOST: committed entries.* any after entry 1/);
    expect(text).to.match(/no directory of node 0, 2/);
  });

  it('needs a majority of both halves of a joint configuration', () => {
    const joint = { ...three, outgoing: Configuration.of([2, 3, 4]).data.voters };
    for (const id of [0, 1, 3]) leave(id, joint, entry(1, 1));
    expect(planOf(remains(0, 1, 3), null, null).isMajority).to.equal(false);
    leave(4, joint, entry(1, 1));
    expect(planOf(remains(0, 1, 3, 4), null, null).isMajority).to.equal(true);
  });

  it('refuses where one of them runs, and where there is nothing', () => {
    leave(0, three, entry(1, 1));
    const running = new WriteAheadLog({
      fileSystem: new NodeFileSystem(),
      directory: `${directory}/node-1`,
      clusterId: 'old',
      nodeId: 1,
    });
    running.recover(null, three);
    expect(() => planOf(remains(0, 1), null, null)).to.throw(UsageError, /in use by process/);
    running.close();
    expect(() => planOf(remains(5), null, null)).to.throw(UsageError, /No new cluster can be made/);
  });
});
