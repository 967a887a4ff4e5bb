import { expect } from 'chai';
import { changeRounds } from './change-rounds.js';

describe('changes of members while nodes crash', function () {
  this.timeout(180_000);

  it('lose nothing that was acknowledged and apply nothing twice', async () => {
    const { changes, crashes, acknowledged } = await changeRounds(8, 7);
    expect(changes).to.equal(8);
    expect(crashes).to.be.above(0);
    expect(acknowledged).to.be.above(10);
  });
});
