import { expect } from 'chai';
import { ClientLines, type SessionPort } from '../../src/client/client-lines.js';
import { packBytes } from '../../src/ground/byte-strings.js';
import type { ClientReply, ClientRequest } from '../../src/node/clients/client-requests.js';
import { text } from './session-world.js';

describe('The lines of a session', () => {
  it('hear a thread’s last words before its line is given up for that of the next', async () => {
    const told: string[] = [];
    const lines = ClientLines.toThreads({
      hear: (from, reply) => told.push(`${from}: ${reply.type} ${'first' in reply ? reply.first : ''}`),
      nodeEnded: (id) => told.push(`${id} ended`),
    });
    const applied = (first: number) => {
      const results = { buffer: new Uint8Array(0) };
      return { type: 'applied', first, count: 1, results } as const;
    };
    const before = lines.attach(3);
    before.postMessage([applied(1), applied(2)]);
    before.postMessage([applied(3)]);
    before.close();
    // Nothing was heard on this thread yet.
    const next = lines.attach(3);
    expect(told).to.deep.equal(['3: applied 1', '3: applied 2', '3: applied 3', '3 ended']);
    next.postMessage([applied(1)]);
    while (told.length < 5) await new Promise(setImmediate);
    expect(told.at(-1)).to.equal('3: applied 1');
    lines.close();
    expect(told.slice(4)).to.deep.equal(['3: applied 1', '3 ended']);
  });

  /** The session's end of a line, at whose other end the test is. */
  class ScriptedPort implements SessionPort {
    readonly said: [request: ClientRequest, transfer: readonly ArrayBuffer[]][] = [];
    isClosed = false;
    #heard: (reply: ClientReply) => void = () => {};
    #ended: () => void = () => {};

    postMessage(request: ClientRequest, transfer: readonly ArrayBuffer[]): void {
      this.said.push([request, transfer]);
    }

    on(event: 'message' | 'close', called: (reply: ClientReply) => void): void {
      if (event === 'message') this.#heard = called;
      else this.#ended = called as () => void;
    }

    drain(): void {}

    close(): void {
      this.isClosed = true;
    }

    hear(request: number): void {
      this.#heard({ type: 'answer', request, index: 1, result: text('') });
    }

    end(): void {
      this.#ended();
    }
  }

  function scripted() {
    const told: string[] = [];
    const ports: ScriptedPort[] = [];
    const lines = new ClientLines<string>(
      {
        hear: (from, reply) => told.push(`${from}: ${'request' in reply ? reply.request : ''}`),
        nodeEnded: (id) => told.push(`${id} ended`),
      },
      (id) => {
        const port1 = new ScriptedPort();
        ports.push(port1);
        return { port1, port2: `end of node ${id}` };
      },
    );
    return { told, ports, lines };
  }

  it('carry requests to the node that is meant, the bytes of commands without a copy', () => {
    const { lines, ports } = scripted();
    expect(lines.attach(1)).to.equal('end of node 1');
    lines.attach(4);
    expect(lines.ids).to.deep.equal([1, 4]);
    const commands = packBytes([text('x')]);
    const propose = { type: 'propose', first: 0, count: 1, commands } as const;
    const read = { type: 'read', request: 0, consistency: 'stale', query: text('?') } as const;
    expect(lines.post(4, propose)).to.equal(true);
    expect(lines.post(4, read)).to.equal(true);
    expect(lines.post(2, read)).to.equal(false);
    expect(ports.map(({ said }) => said)).to.deep.equal([
      [],
      [
        [propose, [commands.buffer]],
        [read, []],
      ],
    ]);
  });

  it('tell what a node says and that its thread is gone, of the present thread alone', () => {
    const { lines, ports, told } = scripted();
    lines.attach(1);
    lines.attach(1);
    const [before, now] = ports as [ScriptedPort, ScriptedPort];
    expect([before.isClosed, now.isClosed]).to.deep.equal([true, false]);
    before.hear(1);
    before.end();
    now.hear(2);
    expect(told).to.deep.equal(['1 ended', '1: 2']);
    now.end();
    now.end();
    now.hear(3);
    expect(told.slice(2)).to.deep.equal(['1 ended']);
    expect([lines.ids, now.isClosed]).to.deep.equal([[], true]);
    lines.close();
    expect(told).to.have.length(3);
  });
});
