import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import type { ClusterObservation } from '../../src/cluster/cluster-observation.js';
import type { RaftServer } from '../../src/server/raft-server.js';
import { ServerWorld } from './server-world.js';

/** All that is told, for whoever waits for some of it. */
class Heard {
  readonly all: ClusterObservation[] = [];
  #look: () => void = () => {};
  readonly unwatch: () => void;

  constructor(server: RaftServer) {
    this.unwatch = server.watch((observed) => {
      this.all.push(observed);
      this.#look();
    });
  }

  /** Resolves when it has been told, now or before. */
  until(isIt: (observed: ClusterObservation) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (this.all.some(isIt)) resolve();
      };
      this.#look();
    });
  }

  forget(): void {
    this.all.length = 0;
  }

  stands(id: number): (observed: ClusterObservation) => boolean {
    return (observed) => observed.source === 'node' && observed.id === id && observed.observation.isFirst;
  }
}

describe('a server, watched', function () {
  this.timeout(120_000);
  let world: ServerWorld;
  beforeEach(async () => {
    world = await ServerWorld.of([1, 2, 3]);
    await world.startAll();
  });
  afterEach(() => world.end());

  it('tells of all members, of one that cannot be reached that it is so, and of it again when it is back', async () => {
    const server = world.servers.get(1) as RaftServer;
    const heard = new Heard(server);
    for (const id of [1, 2, 3]) await heard.until(heard.stands(id));
    await heard.until((observed) => observed.source === 'chart' && observed.chart === 'session');
    const other = server.leader()?.id === 2 ? 3 : 2;
    heard.forget();
    await world.stop(other);
    await heard.until((observed) => observed.source === 'unreachable' && observed.id === other);
    heard.forget();
    await world.start(other);
    await heard.until(heard.stands(other));
  });

  it('is heard of by several, to a newcomer of whom all tell anew, and of by nobody when the last has gone', async () => {
    const [one, two] = [1, 2].map((id) => world.servers.get(id) as RaftServer) as [RaftServer, RaftServer];
    const [first, second, elsewhere] = [new Heard(one), new Heard(one), new Heard(two)];
    for (const heard of [first, second, elsewhere]) {
      for (const id of [1, 2, 3]) await heard.until(heard.stands(id));
    }
    first.unwatch();
    second.forget();
    await new KeyValueClient(two).put('colour', 'blue');
    for (const id of [1, 2, 3]) {
      const applies = (observed: ClusterObservation) =>
        observed.source === 'node' && observed.id === id && observed.observation.state.height > 1;
      await second.until(applies);
      await elsewhere.until(applies);
    }
    second.unwatch();
    second.forget();
    first.forget();
    elsewhere.forget();
    await new KeyValueClient(two).put('colour', 'green');
    await elsewhere.until(
      (observed) => observed.source === 'node' && observed.id === 1 && observed.observation.count > 0,
    );
    expect([first.all, second.all]).to.deep.equal([[], []]);
    elsewhere.unwatch();
  });

  it('shows the log of every member, and who reaches whom', async () => {
    const server = world.servers.get(1) as RaftServer;
    const { index } = await new KeyValueClient(server).put('colour', 'blue');
    for (const id of [1, 2, 3]) {
      while ((await server.info(id)).commitIndex < index) await new Promise(setImmediate);
      const records = await server.log(id, index, index, { bytesMax: 3 });
      expect(records.map(({ kind, command }) => [kind, command.length])).to.deep.equal([['command', 3]]);
    }
    expect(server.network().groups).to.deep.equal([[1, 2, 3]]);
    const wrong = await server.log(9).catch(({ code }) => code);
    expect(wrong).to.equal('INVALID_OPTION');
    await server.close();
    expect(() => server.watch(() => {})).to.throw(/closed/);
  });
});
