import { expect } from 'chai';
import { packBytes } from '../../src/ground/byte-strings.js';
import { Random } from '../../src/ground/random.js';
import type { ClientReply, ClientRequest } from '../../src/node/clients/client-requests.js';
import type { Requests } from '../../src/simulation/invariants/requests.js';
import { SessionLine } from '../../src/simulation/world/session-line.js';
import { Trace } from '../../src/simulation/world/trace.js';
import { VirtualTime } from '../../src/simulation/world/virtual-time.js';

/** The oracle looks at none of it here. */
const requests = {
  sent: () => {},
  arrived: () => {},
  answered: () => {},
  reachedDoor: () => {},
  heard: () => {},
  hungUp: () => {},
} as unknown as Requests;

const answer = (request: number): ClientReply => ({
  type: 'answer',
  request,
  index: 1,
  result: new Uint8Array(0),
});
const numberOf = (said: ClientRequest | ClientReply) => ('request' in said ? said.request : said.first);

function newLine(seed: number) {
  const time = new VirtualTime();
  const owner = {
    client: 1,
    node: 0,
    lateMsMax: 5,
    enter: (run: () => void) => run(),
    now: () => time.now(),
  };
  const line = new SessionLine({ time, trace: new Trace(time, null), requests }, owner, new Random(seed));
  const heard: (number | 'close')[] = [];
  line.port1.on('message', (reply) => heard.push(numberOf(reply)));
  line.port1.on('close', () => heard.push('close'));
  const asked: number[] = [];
  const serve = () => {
    const port = line.serve(
      (run) => run(),
      () => true,
    );
    port.on('message', (request) => asked.push(numberOf(request)));
    return port;
  };
  const run = () => {
    const endMs = time.now() + 1000;
    while (time.step(endMs));
  };
  return { line, serve, asked, heard, run };
}

const read = (request: number): ClientRequest => ({
  type: 'read',
  request,
  query: new Uint8Array(1),
  consistency: 'stale',
});

describe('A simulated line between a session and a node', () => {
  it('brings what is said in order, whatever it takes, also what came before the node was there', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { line, serve, asked, heard, run } = newLine(seed);
      for (let number = 0; number < 10; number++) line.port1.postMessage(read(number), []);
      run();
      const port = serve();
      for (let number = 10; number < 20; number++) line.port1.postMessage(read(number), []);
      for (let number = 0; number < 20; number++) port.postMessage(answer(number), []);
      run();
      const all = Array.from({ length: 20 }, (_, at) => at);
      expect(asked).to.deep.equal(all);
      expect(heard).to.deep.equal(all);
    }
  });

  it('takes what is transferred, as a port does', () => {
    const { line } = newLine(1);
    const commands = packBytes([new Uint8Array(3)]);
    line.port1.postMessage({ type: 'propose', first: 0, count: 1, commands }, [commands.buffer]);
    expect(commands.byteLength).to.equal(0);
  });

  it('ends behind what the node had said, or behind a part of it', () => {
    const lengths = new Set<number>();
    for (const losesSome of [false, true]) {
      for (let seed = 1; seed <= 20; seed++) {
        const { line, serve, heard, run } = newLine(seed);
        const port = serve();
        for (let number = 0; number < 5; number++) port.postMessage(answer(number), []);
        line.break(losesSome);
        run();
        expect(heard.pop()).to.equal('close');
        expect(heard).to.deep.equal([0, 1, 2, 3, 4].slice(0, heard.length));
        if (losesSome) lengths.add(heard.length);
        else expect(heard).to.have.length(5);
      }
    }
    expect(lengths.size).to.be.greaterThan(3);
  });

  it('is mute once the session has hung up', () => {
    const { line, serve, heard, run } = newLine(1);
    const port = serve();
    port.postMessage(answer(1), []);
    line.port1.close();
    line.break(false);
    run();
    expect(heard).to.deep.equal([]);
  });
});
