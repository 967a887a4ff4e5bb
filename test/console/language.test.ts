import { expect } from 'chai';
import { complete } from '../../src/console/completion.js';
import { commands, helpLines, parseLine } from '../../src/console/language.js';
import { describeIds } from '../../src/console/notation.js';
import { UsageError } from '../../src/console/usage-error.js';
import { fakeContext } from './fake-context.js';

const ids = [0, 1, 2, 3, 4];
const never = new AbortController().signal;

/** What the cluster is asked to do by a line. */
async function callsOf(line: string): Promise<unknown[]> {
  const { context, calls } = fakeContext();
  await parseLine(line, ids)?.run(context, never);
  return calls;
}

describe('the command language', () => {
  it('passes over blank lines and comments', () => {
    for (const line of ['', '   ', '# put a b', '  # nothing']) expect(parseLine(line, ids)).to.equal(null);
  });

  const meanings: [line: string, call: unknown[]][] = [
    ['stop 1 2', ['stop', 1]],
    ['revive 3,4', ['revive', 3]],
    ['crash 0 # the leader', ['crash', 0]],
    ['restart 0', ['restart', 0]],
    [
      'partition 0,1 2,3,4',
      [
        'partition',
        [
          [0, 1],
          [2, 3, 4],
        ],
      ],
    ],
    ['partition 0,1 2,3', ['partition', [[0, 1], [2, 3], [4]]]],
    ['partition 0 1', ['partition', [[0], [1], [2, 3, 4]]]],
    [
      'partition 0,1',
      [
        'partition',
        [
          [0, 1],
          [2, 3, 4],
        ],
      ],
    ],
    ['isolate 2', ['isolate', 2]],
    ['cut 0 3', ['cut', 0, 3]],
    ['mend 0 3', ['mend', 0, 3]],
    ['heal', ['heal']],
    ['latency 1-5', ['setLink', { latencyMsMin: 1, latencyMsMax: 5, distribution: 'uniform' }]],
    ['latency 3 0 1', ['setLink', { latencyMsMin: 3, latencyMsMax: 3, distribution: 'uniform' }, 0, 1]],
    [
      'latency 200-400 2',
      ['setLinksOf', 2, { latencyMsMin: 200, latencyMsMax: 400, distribution: 'uniform' }],
    ],
    ['loss 0.3 4', ['setLinksOf', 4, { loss: 0.3 }]],
    ['loss 0.25', ['setLink', { loss: 0.25 }]],
    ['loss 1 4 0', ['setLink', { loss: 1 }, 4, 0]],
    ['candidates 0,2', ['setCandidacy', 0, true]],
    ['blocks 250', ['produceBlocks', 250]],
    ['blocks off', ['produceBlocks', 'off']],
    ['log 3 2 9', ['log', 3, 2, 9, { bytesMax: Number.MAX_SAFE_INTEGER }]],
    ['add 7', ['addMember', 7, { learner: false }]],
    ['add 7 learner', ['addMember', 7, { learner: true }]],
    ['add 7 there:7', ['addMember', 7, { learner: false, address: 'there:7' }]],
    ['add 7 learner there:7', ['addMember', 7, { learner: true, address: 'there:7' }]],
    ['remove 4', ['removeMember', 4]],
    ['replace 4 7', ['replaceMember', 4, 7, {}]],
    ['replace 4 7 there:7', ['replaceMember', 4, 7, { address: 'there:7' }]],
    ['promote 4', ['promote', 4]],
    ['update 4 there:7', ['updateMember', 4, 'there:7']],
    ['priority 4 2', ['setPriority', 4, 2]],
    ['abort', ['abortChange']],
    ['transfer 1', ['transferLeadership', 1]],
    ['transfer', ['transferLeadership', undefined]],
    ['put colour blue', ['put', 'colour', 'blue']],
    ['put colour deep  blue', ['put', 'colour', 'deep  blue']],
    ['put "my key" "a \\"b\\" # c"', ['put', 'my key', 'a "b" # c']],
    ['get colour', ['get', 'colour', 'linearizable']],
    ['get colour stale', ['get', 'colour', 'stale']],
    ['get colour stale 3', ['get', 'colour', 'stale', 3]],
    ['read colour linearizable', ['get', 'colour', 'linearizable']],
    ['read colour lease', ['get', 'colour', 'lease']],
    ['read colour stale 3', ['get', 'colour', 'stale', 3]],
    ['delete colour', ['delete', 'colour']],
    ['delete lock if it is mine', ['cas', 'lock', 'it is mine', null]],
    ['cas lock nothing me', ['cas', 'lock', null, 'me']],
    ['cas lock me nothing', ['cas', 'lock', 'me', null]],
    ['cas lock "nothing" "nothing"', ['cas', 'lock', 'nothing', 'nothing']],
    ['cas lock nothing nothing at all', ['cas', 'lock', null, 'nothing at all']],
    ['propose hello, world', ['record', 'hello, world']],
    ['propose-verified hello, world', ['record', 'hello, world']],
  ];
  for (const [line, call] of meanings) {
    it(`means by: ${line}`, async () => {
      expect((await callsOf(line)).map((one) => JSON.stringify(one))).to.include(JSON.stringify(call));
    });
  }

  const mistakes: [line: string, message: RegExp][] = [
    ['pt a b', /"pt" is no command.*Did you mean put/],
    ['stauts', /Did you mean status/],
    ['elect 3', /"elect" is no command\. Type help/],
    ['put colour', /The value is missing\. Usage: put K V/],
    ['get', /The key is missing/],
    ['get a fresh', /"fresh" is one word too many/],
    ['stop', /The node is missing/],
    ['stop 5', /"5" is no node of this cluster; it has nodes 0 to 4/],
    ['crash one', /"one" is no node/],
    ['crash -1', /"-1" is no node/],
    ['stop 1 1', /Node 1 is named twice/],
    ['partition 0,1 1,2', /Node 1 is in two groups/],
    ['partition 0,1,2,3,4', /A group of all nodes is no partition/],
    ['latency fast', /must be MIN-MAX in milliseconds/],
    ['latency 5-1', /the minimum is above the maximum/],
    ['latency 1-5 0 1 2', /"2" is one word too many/],
    ['latency 1-5 9', /"9" is no node/],
    ['get a stale 7', /"7" is no node/],
    ['read a', /It is to be linearizable, lease or stale\. Usage: read K linearizable \| /],
    ['read a lease 2', /"2" is one word too many/],
    ['cas lock me', /The value that it is to hold afterwards is missing/],
    ['delete lock if', /The value that it is to hold is missing/],
    ['help fly', /"fly" is no command/],
    ['help put get', /"get" is one word too many/],
    ['loss 2', /probability from 0 to 1/],
    ['loss 0.1 1 1', /no link to itself/],
    ['blocks soon', /whole milliseconds/],
    ['log 0 5', /The last index is missing/],
    ['log 0 5 2', /last index is before the first/],
    ['wait', /What to look for is missing\. Usage: wait MS \| /],
    ['wait patiently', /"patiently" is nothing to look for/],
    ['wait 1.5', /whole number/],
    ['wait leader not', /The node that is not to lead is missing/],
    ['wait leader within', /The time in milliseconds is missing/],
    ['expect value a', /The value is missing/],
    ['put "a b', /The quote in "a b is not closed/],
    ['put "a\\x" b', /escape that is not known/],
  ];
  for (const [line, message] of mistakes) {
    it(`says what is wrong with: ${line}`, () => {
      expect(() => parseLine(line, ids)).to.throw(UsageError, message);
    });
  }

  it('knows ? and exit, too', async () => {
    const { context } = fakeContext();
    expect((await parseLine('?', ids)?.run(context, never))?.lines).to.deep.equal(helpLines());
    expect(await parseLine('exit', ids)?.run(context, never)).to.include({ quits: true });
  });

  it('tells all about one command, within 80 columns', async () => {
    const { context } = fakeContext();
    for (const { name, forms, example } of commands) {
      const lines = (await parseLine(`help ${name}`, ids)?.run(context, never))?.lines ?? [];
      for (const form of forms) expect(lines).to.include(`${name} ${form}`.trim());
      expect(Math.max(...lines.map((line) => line.length))).to.be.at.most(78);
      if (example !== undefined) expect(parseLine(example, ids)?.name, example).to.equal(name);
    }
  });

  it('shows every command and every form in its help, within 80 columns', () => {
    const lines = helpLines();
    const help = lines.join('\n');
    for (const { name, forms } of commands) {
      expect(help).to.match(new RegExp(`^${name}\\b`, 'm'));
      for (const form of forms) expect(help).to.include(`${name} ${form}`.trim());
    }
    expect(Math.max(...lines.map((line) => line.length))).to.be.at.most(78);
  });
});

describe('completion', () => {
  const completed = (line: string) => complete(line, ids).candidates.map((word) => word.trim());

  it('names the commands that begin so', () => {
    expect(completed('re')).to.deep.equal(['read', 'revive', 'restart', 'remove', 'replace']);
    expect(completed('')).to.have.length(commands.length);
  });

  it('names nodes where nodes stand, each once', () => {
    expect(completed('stop ')).to.deep.equal(['0', '1', '2', '3', '4']);
    expect(completed('crash 0 2 ')).to.deep.equal(['1', '3', '4']);
    expect(completed('loss 0.1 ')).to.deep.equal(['0', '1', '2', '3', '4']);
  });

  it('names the words of a form', () => {
    expect(completed('help re')).to.deep.equal(['read', 'revive', 'restart', 'remove', 'replace']);
    expect(completed('read colour ')).to.deep.equal(['linearizable', 'lease', 'stale']);
    expect(completed('get colour stale ')).to.deep.equal(['0', '1', '2', '3', '4']);
    expect(completed('latency 1-5 ')).to.deep.equal(['0', '1', '2', '3', '4']);
    expect(completed('wait l')).to.deep.equal(['leader']);
    expect(completed('wait leader ')).to.include.members(['not', '0']);
    expect(completed('expect no-l')).to.deep.equal(['no-leader']);
    expect(completed('get colour ')).to.deep.equal(['stale']);
  });

  it('leaves free text alone', () => {
    expect(completed('put ')).to.deep.equal([]);
    expect(completed('nonsense ')).to.deep.equal([]);
  });
});

describe('The nodes of a cluster in words', () => {
  it('are those that there are, also where some between were removed', () => {
    const words: [ids: number[], text: string][] = [
      [[0], 'node 0'],
      [[0, 1], 'nodes 0 and 1'],
      [[0, 1, 2], 'nodes 0 to 2'],
      [[0, 2], 'nodes 0 and 2'],
      [[0, 1, 3, 4, 5, 8], 'nodes 0, 1, 3 to 5 and 8'],
      [[0, 1, 2, 4, 5], 'nodes 0 to 2, 4 and 5'],
      [[1, 3, 5], 'nodes 1, 3 and 5'],
    ];
    for (const [ids, text] of words) expect(describeIds(ids)).to.equal(text);
  });
});
