import { expect } from 'chai';
import { bytesWaitingMax, framesWaitingMax, Gauge } from '../../src/router/gauge.js';

describe('gauge', () => {
  it('is full at its bound of frames, in each direction for itself, and free again as they leave', () => {
    const memory = Gauge.allocate();
    const sender = new Gauge(memory);
    const receiver = new Gauge(memory);
    for (let frame = 0; frame < framesWaitingMax; frame++)
      expect(sender.tryEnter('toRouter', 10)).to.equal(true);
    expect(sender.tryEnter('toRouter', 10)).to.equal(false);
    expect(sender.tryEnter('toNode', 10)).to.equal(true);
    receiver.leave('toRouter', 10);
    expect(receiver.waiting('toRouter')).to.equal(framesWaitingMax - 1);
    expect(sender.tryEnter('toRouter', 10)).to.equal(true);
    expect(receiver.turnedAway('toRouter')).to.equal(1);
    expect(receiver.turnedAway('toNode')).to.equal(0);
  });

  it('bounds the bytes, too, but never shuts out a frame for its size alone', () => {
    const gauge = new Gauge(Gauge.allocate());
    expect(gauge.tryEnter('toNode', bytesWaitingMax + 1)).to.equal(true);
    expect(gauge.tryEnter('toNode', 1)).to.equal(false);
    gauge.leave('toNode', bytesWaitingMax + 1);
    expect(gauge.tryEnter('toNode', 1)).to.equal(true);
  });
});
