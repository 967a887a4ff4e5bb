import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { Executor } from '../../src/cli/execute.js';
import type { Output } from '../../src/cli/output.js';
import { SideBySide } from '../../src/cli/side-by-side.js';
import { fakeContext } from '../console/fake-context.js';

/** Notes what is said. */
class Notes implements Output {
  readonly said: string[] = [];

  echo(line: string): void {
    this.said.push(`> ${line}`);
  }

  answer(command: string): void {
    this.said.push(`${command} answered`);
  }

  failure(command: string, error: unknown): void {
    this.said.push(`${command} failed: ${(error as Error).message}`);
  }

  news(text: string): void {
    this.said.push(text);
  }
}

describe('commands that run beside one another', () => {
  let notes: Notes;
  let commands: SideBySide;
  let stop: AbortController;
  let quits: number;

  beforeEach(() => {
    notes = new Notes();
    stop = new AbortController();
    quits = 0;
    const never = () => null;
    commands = new SideBySide(
      new Executor(fakeContext({ leader: never }).context),
      notes,
      stop.signal,
      () => {
        quits++;
      },
    );
  });

  afterEach(() => stop.abort());

  /** Types a line, in a turn of its own. */
  async function type(line: string): Promise<void> {
    commands.take(line);
    await turn();
    await turn();
  }

  it('do not keep the next one waiting', async () => {
    await type('wait leader');
    await type('heal');
    expect(notes.said).to.deep.equal(['> wait leader', '> heal', 'heal answered']);
    expect(commands.running.map(({ line }) => line)).to.deep.equal(['wait leader']);
  });

  it('tell what they wait for', async () => {
    const { context } = fakeContext();
    const slow = { ...context.cluster, crash: () => new Promise<boolean>(() => {}) };
    const slowly = new SideBySide(new Executor({ ...context, cluster: slow }), notes, stop.signal, () => {});
    slowly.take('crash 0');
    expect(slowly.running[0]).to.include({ line: 'crash 0', waitsFor: 'the thread to end' });
  });

  it('are refused when too many run already', async () => {
    for (let count = 0; count < 32; count++) await type('wait leader');
    await type('heal');
    expect(notes.said.at(-1)).to.equal('32 commands run already: "heal" is not taken; Ctrl-C gives them up');
    expect(commands.giveUp()).to.have.length(32);
    await turn();
    expect(commands.running).to.deep.equal([]);
    await type('heal');
    expect(notes.said.at(-1)).to.equal('heal answered');
  });

  it('run one after the other where they were pasted, though the paste comes in pieces', async () => {
    commands.pasteBegins();
    commands.take('wait 30');
    commands.take('put a 1');
    await turn();
    commands.take('get a');
    commands.pasteEnds();
    await type('heal');
    expect(notes.said).to.deep.equal(['> wait 30', '> heal', 'heal answered']);
    while (commands.running.length > 0) await turn();
    expect(notes.said.slice(3)).to.deep.equal([
      'wait answered',
      '> put a 1',
      'put answered',
      '> get a',
      'get answered',
    ]);
  });

  it('run the rest of a paste whose first lines are done when it comes', async () => {
    commands.pasteBegins();
    await type('put a 1');
    expect(commands.running).to.deep.equal([]);
    await type('get a');
    commands.pasteEnds();
    expect(notes.said).to.deep.equal(['> put a 1', 'put answered', '> get a', 'get answered']);
  });

  it('take the lines of one turn for a paste where the terminal does not say so', async () => {
    commands.take('wait 30');
    commands.take('heal');
    await turn();
    expect(notes.said).to.deep.equal(['> wait 30']);
    while (commands.running.length > 0) await turn();
    expect(notes.said).to.deep.equal(['> wait 30', 'wait answered', '> heal', 'heal answered']);
  });

  it('are not waited for when they are given up, and neither is the rest of a paste', async () => {
    commands.take('wait leader');
    commands.take('heal');
    await turn();
    expect(commands.giveUp()).to.deep.equal(['wait leader']);
    await turn();
    await turn();
    expect(notes.said).to.deep.equal(['> wait leader']);
  });

  it('end with the line that says so', async () => {
    commands.take('exit');
    commands.take('heal');
    await turn();
    await turn();
    expect(quits).to.equal(1);
    expect(notes.said).to.deep.equal(['> exit', 'exit answered']);
  });
});
