import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import { GatheredPort } from '../../src/ground/gathered-port.js';

describe('A port that gathers what a turn says', () => {
  const ends = () => {
    const { port1, port2 } = new MessageChannel();
    return { near: new GatheredPort<unknown, unknown>(port1), far: port2 };
  };

  it('sends it together, at the end of the turn, and hands it on one by one, in order', async () => {
    const { near, far } = ends();
    near.postMessage('a', []);
    near.postMessage({ b: 2 }, []);
    await Promise.resolve();
    near.postMessage('c', []);
    const heard: unknown[] = [];
    const other = new GatheredPort<unknown, unknown>(far);
    far.on('message', (all) => heard.push([...all]));
    const single: unknown[] = [];
    other.on('message', (message) => single.push(message));
    while (single.length < 3) await once(far, 'message');
    expect(heard).deep.equal([['a', { b: 2 }], ['c']]);
    expect(single).deep.equal(['a', { b: 2 }, 'c']);
    near.close();
  });

  it('hands over what is to be moved, and copies the rest', async () => {
    const { near, far } = ends();
    const moved = new Uint8Array(8).fill(1);
    const copied = new Uint8Array(8).fill(2);
    near.postMessage(moved, [moved.buffer]);
    near.postMessage(copied, []);
    const [all] = await once(far, 'message');
    expect(all).deep.equal([new Uint8Array(8).fill(1), new Uint8Array(8).fill(2)]);
    expect([moved.length, copied.length]).deep.equal([0, 8]);
    near.close();
  });

  it('says what is left before it closes', async () => {
    const { near, far } = ends();
    near.postMessage('last', []);
    near.close();
    const [all] = await once(far, 'message');
    expect(all).deep.equal(['last']);
    await once(far, 'close');
  });
});
