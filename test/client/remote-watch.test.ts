import { expect } from 'chai';
import { RemoteWatch } from '../../src/client/remote-watch.js';
import type { Observation } from '../../src/node/watch/observation.js';
import type { NodeId } from '../../src/raft/entry.js';
import { VirtualClock } from '../router/virtual-clock.js';

const bundle = { at: 0, isFirst: false, events: [], isCut: false, count: 0, commitLatency: null };
const observation = bundle as unknown as Observation;
const refused = { type: 'watchRefused', error: { code: 'OVERLOADED', message: 'Too many.' } } as const;

describe('the watch of nodes in other processes', () => {
  let clock: VirtualClock;
  let open: Set<NodeId>;
  let said: string[];
  let watch: RemoteWatch;
  beforeEach(() => {
    clock = new VirtualClock();
    open = new Set([1, 2]);
    said = [];
    watch = new RemoteWatch({
      clock,
      ids: () => [1, 2, 3],
      post: (id, { bundles }) => {
        if (open.has(id)) said.push(`${id} asked for ${bundles}`);
        return open.has(id);
      },
      told: (id) => said.push(`${id} told`),
      lost: (id) => said.push(`${id} lost`),
    });
  });

  const hear = (id: NodeId, count: number) => {
    for (let bundles = 0; bundles < count; bundles++) watch.hear(id, { type: 'observed', observation });
  };
  /** What was said since it was last looked. */
  const news = () => said.splice(0);

  it('asks those that can be reached, and says who cannot', () => {
    watch.begin();
    expect(news()).to.deep.equal(['1 asked for 16', '2 asked for 16', '3 lost']);
  });

  it('asks for more as what was told is heard', () => {
    watch.begin();
    news();
    hear(1, 20);
    expect(news().filter((each) => each.includes('asked'))).to.deep.equal(['1 asked for 8', '1 asked for 8']);
  });

  it('asks anew when a node is reached again, and says meanwhile that it is lost', () => {
    watch.begin();
    hear(1, 5);
    news();
    open.delete(1);
    watch.ended(1);
    open.add(1);
    watch.reached(1);
    hear(1, 7);
    expect(news()).to.deep.equal(['1 lost', '1 asked for 16', ...Array(7).fill('1 told')]);
    hear(1, 1);
    expect(news()).to.deep.equal(['1 asked for 8', '1 told']);
  });

  it('asks a node again that refused, unless it ends before, or the line does', () => {
    watch.begin();
    watch.hear(1, refused);
    watch.hear(2, refused);
    watch.ended(2);
    news();
    clock.pass(2000);
    expect(news()).to.deep.equal(['1 asked for 16']);
    watch.hear(1, refused);
    watch.end();
    news();
    clock.pass(5000);
    expect([news(), clock.timersWaiting]).to.deep.equal([[], 0]);
  });

  it('has all tell anew for a newcomer, and nobody when it has ended', () => {
    watch.begin();
    news();
    watch.begin();
    expect(news()).to.deep.equal([
      '1 asked for 0',
      '2 asked for 0',
      '1 asked for 16',
      '2 asked for 16',
      '3 lost',
    ]);
    watch.end();
    expect(news()).to.deep.equal(['1 asked for 0', '2 asked for 0']);
    hear(1, 9);
    watch.reached(3);
    watch.ended(2);
    watch.end();
    expect(news()).to.deep.equal([]);
  });
});
