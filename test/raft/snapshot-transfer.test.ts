import { expect } from 'chai';
import fc from 'fast-check';
import { Configuration } from '../../src/raft/configuration.js';
import { InvariantViolation } from '../../src/raft/invariant.js';
import {
  continueTransfer,
  mayContinue,
  newTransfer,
  nextInstallSnapshot,
  repeatTransfer,
  type SnapshotTransfer,
} from '../../src/raft/snapshot.js';

const window = 4;
const leader = { id: 0, currentTerm: 3 };
const mark = { index: 9, term: 2, configuration: Configuration.of([0, 1]).data, configurationIndex: 0 };

/** Content of so many bytes in chunks of ten. */
function portionOf(bytes: number, position: number) {
  const end = Math.min(bytes, position + 10);
  return { chunk: new Uint8Array(end - position).fill(position), next: end === bytes ? null : end };
}

function send(transfer: SnapshotTransfer): number[] {
  const positions: number[] = [];
  while (mayContinue(transfer, window)) {
    const position = transfer.nextPosition as number;
    const message = nextInstallSnapshot(leader, transfer, portionOf(transfer.bytes, position));
    expect(message).include({
      type: 'installSnapshot',
      term: 3,
      from: 0,
      lastIncludedIndex: 9,
      lastIncludedTerm: 2,
      position,
    });
    expect(message.done).equal(position + message.chunk.length === transfer.bytes);
    positions.push(position);
  }
  return positions;
}

describe('A snapshot on its way', () => {
  it('has as many chunks under way as the window allows, and goes on with each that arrived', () => {
    const transfer = newTransfer(mark, 75);
    expect(send(transfer)).deep.equal([0, 10, 20, 30]);
    continueTransfer(transfer, 10);
    expect(send(transfer)).deep.equal([40]);
    continueTransfer(transfer, 50);
    expect(send(transfer)).deep.equal([50, 60, 70]);
    expect(transfer.nextPosition).equal(null);
    continueTransfer(transfer, 70);
    expect(send(transfer)).deep.equal([]);
    expect(() => nextInstallSnapshot(leader, transfer, portionOf(75, 70))).throw(
      InvariantViolation,
      'All chunks of the snapshot are sent.',
    );
    continueTransfer(transfer, 75);
    expect(transfer.position, 'who has all says so otherwise').equal(70);
  });

  it('goes back once to where one was lost, however often that is said', () => {
    const transfer = newTransfer(mark, 200);
    send(transfer);
    continueTransfer(transfer, 10);
    send(transfer);
    // 10 was lost; 20, 30 and 40 arrive and are not taken.
    continueTransfer(transfer, 10);
    expect(send(transfer)).deep.equal([10, 20, 30, 40]);
    continueTransfer(transfer, 10);
    continueTransfer(transfer, 10);
    expect(send(transfer)).deep.equal([]);
    continueTransfer(transfer, 20);
    expect(send(transfer)).deep.equal([50]);
  });

  it('begins anew for a follower that did', () => {
    const transfer = newTransfer(mark, 200);
    send(transfer);
    continueTransfer(transfer, 30);
    send(transfer);
    continueTransfer(transfer, 0);
    expect(transfer.position).equal(0);
    expect(send(transfer)).deep.equal([0, 10, 20, 30]);
  });

  it('is not moved by answers that are old, or to what was never sent', () => {
    const transfer = newTransfer(mark, 200);
    send(transfer);
    continueTransfer(transfer, 30);
    for (const position of [10, 20, 50, 190]) continueTransfer(transfer, position);
    expect(transfer.position).equal(30);
  });

  it('leaves out what arrived before its answers were lost', () => {
    const transfer = newTransfer(mark, 200);
    send(transfer);
    repeatTransfer(transfer);
    repeatTransfer(transfer);
    expect(send(transfer)).deep.equal([0]);
    continueTransfer(transfer, 30);
    expect(send(transfer)).deep.equal([30, 40, 50, 60]);
  });

  it('costs a silent follower’s leader one chunk a heartbeat, and goes on at once when it is there again', () => {
    const transfer = newTransfer(mark, 200);
    send(transfer);
    continueTransfer(transfer, 20);
    send(transfer);
    repeatTransfer(transfer);
    expect(send(transfer), 'something has moved since the last').deep.equal([]);
    for (let heartbeat = 1; heartbeat <= 3; heartbeat++) {
      repeatTransfer(transfer);
      expect(send(transfer)).deep.equal([20]);
    }
    continueTransfer(transfer, 30);
    expect(send(transfer)).deep.equal([30, 40, 50, 60]);
  });

  it('comes to its end over any network that lets something through, with everything under way bounded', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(9)), fc.integer({ min: 1, max: 300 }), (chance, bytes) => {
        const transfer = newTransfer(mark, bytes);
        const network: number[] = [];
        let copy = 0;
        const rolls = chance[Symbol.iterator]();
        const roll = () => rolls.next().value as number;
        for (let step = 0; copy < bytes; step++) {
          expect(step).below(20_000);
          network.push(...send(transfer));
          expect(transfer.inFlight.length).at.most(window);
          const at = network.length > 1 && roll() < 3 ? 1 : 0;
          const [position] = network.splice(at, 1);
          if (position === undefined || roll() === 0) repeatTransfer(transfer);
          if (position === undefined || roll() < 3) continue;
          if (position === copy) copy = portionOf(bytes, position).next ?? bytes;
          if (roll() > 1) continueTransfer(transfer, copy);
        }
        expect(copy).equal(bytes);
      }),
      { numRuns: 200 },
    );
  });
});
