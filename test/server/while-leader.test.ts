import { expect } from 'chai';
import { type Leadership, LeaderWatch } from '../../src/server/while-leader.js';

/** How a node stands that leads in a term and serves, or does not yet. */
const leads = (term: number, state = 'serving') =>
  ({ role: 'leader', state: `alive.leader.authority.${state}`, term }) as const;
const follows = (term: number) => ({ role: 'follower', state: 'alive.follower', term }) as const;

/** The work of a leader, and how each piece of it stands: its term, and whether it goes on. */
function watched() {
  const begun: Leadership[] = [];
  const watch = new LeaderWatch((leadership) => begun.push(leadership));
  return { watch, pieces: () => begun.map(({ term, signal }) => [term, !signal.aborted]) };
}

describe('The work of a leader', () => {
  it('begins when its node serves, once, and ends when it leads no more or does not run', () => {
    const { watch, pieces } = watched();
    watch.look(follows(1));
    watch.look(leads(2, 'catchingUp'));
    expect(pieces()).to.deep.equal([]);
    watch.look(leads(2));
    watch.look(leads(2));
    expect(pieces()).to.deep.equal([[2, true]]);
    watch.look(follows(3));
    watch.look(leads(4));
    watch.look(null);
    watch.end();
    expect(pieces()).to.deep.equal([
      [2, false],
      [4, false],
    ]);
  });

  it('begins anew, with the new term, when the node was elected again before anybody looked', () => {
    const { watch, pieces } = watched();
    watch.look(leads(2));
    watch.look(leads(5));
    expect(pieces()).to.deep.equal([
      [2, false],
      [5, true],
    ]);
  });
});
