import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { expect } from 'chai';
import { SystemClock } from '../../src/ground/clock.js';
import {
  decodeReply,
  encodeReply,
  encodeRequest,
  type RemoteReply,
  type RemoteRequest,
  type WatchReply,
} from '../../src/node/clients/client-frames.js';
import { bundlesMax, LineWatch, watchersMax } from '../../src/node/clients/line-watch.js';
import { serveRemoteClient } from '../../src/node/clients/remote-client.js';
import type { Observation } from '../../src/node/watch/observation.js';
import { LoneNode } from './lone-node.js';

const reader = { name: 'client board (reader)', mayPropose: false, mayOperate: false };

describe('a watch over a line', () => {
  let node: LoneNode;
  beforeEach(() => {
    node = new LoneNode({ voters: [0] });
    node.becomeLeader();
  });

  /** A line, and what it is told. */
  function line(): { readonly watch: LineWatch; readonly told: Observation[]; readonly refused: string[] } {
    const told: Observation[] = [];
    const refused: string[] = [];
    const send = (reply: WatchReply) => {
      if (reply.type === 'observed') told.push(reply.observation);
      else refused.push(reply.error.code);
    };
    return { watch: new LineWatch(node.actor, send), told, refused };
  }

  /** The node does so much that it tells so many bundles. */
  function work(bundles: number): void {
    for (let done = 0; done < bundles; done++) {
      node.propose('x');
      node.pass(110);
    }
  }

  const firsts = (told: readonly Observation[]) => told.map(({ isFirst }) => isFirst);

  it('tells how the node stands, and then as many bundles as were asked for', () => {
    const { watch, told } = line();
    watch.ask(3);
    expect(told.map(({ state }) => state.role)).to.deep.equal(['leader']);
    work(5);
    expect(firsts(told)).to.deep.equal([true, false, false]);
    expect(node.actor.watchers, 'nobody watches any more').to.equal(0);
  });

  it('goes on without a gap where more is asked for in time', () => {
    const { watch, told } = line();
    watch.ask(2);
    for (let round = 0; round < 5; round++) {
      watch.ask(1);
      work(1);
    }
    expect(firsts(told)).to.deep.equal([true, false, false, false, false, false]);
  });

  it('leaves out what is told while nobody asks, and says afterwards that it begins anew', () => {
    const { watch, told } = line();
    watch.ask(2);
    work(20);
    expect(told).to.have.length(2);
    watch.ask(2);
    work(1);
    expect(firsts(told)).to.deep.equal([true, false, true, false]);
    expect(told[2]?.state.log.last, 'how it stands by then').to.be.above(20);
  });

  it('owes nobody more than its bound, however much is asked for', () => {
    const { watch, told } = line();
    for (let round = 0; round < 10; round++) watch.ask(65_535);
    work(bundlesMax + 10);
    // The first was told before more was asked for.
    expect(told).to.have.length(bundlesMax + 1);
  });

  it('tells each of several, however many bundles each wants, and a newcomer of nothing that was before', () => {
    const [one, other] = [line(), line()];
    one.watch.ask(60);
    node.propose('before');
    other.watch.ask(2);
    expect(other.told, 'until the interval is over').to.have.length(0);
    work(4);
    expect(firsts(other.told)).to.deep.equal([true, false]);
    expect(other.told[0]?.events).to.have.length(0);
    expect(firsts(one.told)).to.deep.equal([true, false, false, false, false]);
    one.watch.end();
    work(3);
    expect([one.told.length, other.told.length, node.actor.watchers]).to.deep.equal([5, 2, 0]);
  });

  it('brings the others no bundle sooner, however often somebody comes and goes', () => {
    const [one, restless] = [line(), line()];
    one.watch.ask(60);
    for (let round = 0; round < 100; round++) {
      node.propose('x');
      node.pass(1);
      restless.watch.ask(1);
      restless.watch.ask(0);
    }
    expect(one.told.length).to.be.at.most(2);
  });

  it('is refused where too many watch, and may be asked for again when one has ended', () => {
    const lines = Array.from({ length: watchersMax + 1 }, line);
    for (const { watch } of lines) watch.ask(10);
    const late = lines.at(-1) as ReturnType<typeof line>;
    expect([late.refused, late.told]).to.deep.equal([['OVERLOADED'], []]);
    lines[0]?.watch.end();
    late.watch.ask(10);
    work(1);
    expect(firsts(late.told)[0]).to.equal(true);
  });

  it('tells no more than there is of a node that has ended', () => {
    const { watch, told } = line();
    watch.ask(10);
    node.actor.abandon();
    const { length } = told;
    watch.ask(10);
    watch.end();
    expect(told).to.have.length(length);
  });

  describe('of a client elsewhere', () => {
    let port: MessagePort;
    beforeEach(() => {
      const { port1, port2 } = new MessageChannel();
      port = port1;
      serveRemoteClient(
        { type: 'client', port: port2, rights: reader, chaosPort: null },
        node.actor,
        new SystemClock(),
      );
    });
    afterEach(() => port.close());

    async function answerTo(request: RemoteRequest): Promise<RemoteReply | null> {
      const answer = new Promise<Uint8Array>((resolve) => {
        port.on('message', (said: unknown) => {
          if (said instanceof Uint8Array) resolve(said);
        });
      });
      port.postMessage(encodeRequest(request));
      return decodeReply(await answer);
    }

    it('needs no more than to be let in, for readers may read the log as well', async () => {
      const reply = await answerTo({ type: 'watch', bundles: 5 });
      expect(reply?.type).to.equal('observed');
      expect(node.actor.watchers).to.equal(1);
    });

    it('ends with its line', async () => {
      await answerTo({ type: 'watch', bundles: 5 });
      const closed = once(port, 'close');
      port.close();
      await closed;
      while (node.actor.watchers > 0) await new Promise(setImmediate);
    });

    it('ends the line where it is asked for with what is no request', async () => {
      const closed = once(port, 'close');
      port.postMessage(encodeRequest({ type: 'watch', bundles: 5 }).slice(0, 2));
      await closed;
    });

    it('shows nothing of what commands and queries hold', () => {
      const secret = 'a-value-that-is-nobodys-business';
      const { watch, told } = line();
      watch.ask(10);
      node.propose(secret);
      node.read('linearizable', secret);
      work(2);
      expect(told.length).to.be.above(1);
      for (const observation of told) {
        expect(Buffer.from(encodeReply({ type: 'observed', observation })).includes(secret)).to.equal(false);
      }
    });
  });
});
