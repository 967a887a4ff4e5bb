import { expect } from 'chai';
import {
  guessFormat,
  MalformedHistoryError,
  parseJepsenRegister,
  parseKeyValue,
} from '../../src/simulation/linearizability/history.js';

const withoutEnd = Number.POSITIVE_INFINITY;
const log = (...calls: string[]) => calls.map((call) => `INFO  jepsen.util - ${call}`).join('\n');

describe('a log of Jepsen', () => {
  it('pairs what a process invoked with its answer, at the numbers of their lines', () => {
    const text = log(
      '0\t:invoke\t:write\t3',
      '1\t:invoke\t:read\tnil',
      '0\t:ok\t:write\t3',
      '1\t:ok\t:read\tnil',
    );
    expect(parseJepsenRegister(text)).to.deep.equal([
      { client: 0, input: { type: 'write', value: 3 }, output: true, invokedAt: 1, returnedAt: 3 },
      { client: 1, input: { type: 'read' }, output: null, invokedAt: 2, returnedAt: 4 },
    ]);
  });

  it('leaves a call that ends in :info open, and lets its process call again', () => {
    const text = log(
      '0   :invoke :write  3',
      '0   :info   :write  :timed-out',
      '0   :invoke :read   nil',
      '0   :ok     :read   3',
    );
    expect(parseJepsenRegister(text)).to.deep.equal([
      {
        client: 0,
        input: { type: 'write', value: 3 },
        output: undefined,
        invokedAt: 1,
        returnedAt: withoutEnd,
      },
      { client: 0, input: { type: 'read' }, output: 3, invokedAt: 3, returnedAt: 4 },
    ]);
  });

  it('leaves a call open that has no answer at all', () => {
    const [open] = parseJepsenRegister(log('4\t:invoke\t:cas\t[1 2]'));
    expect(open).to.deep.include({ output: undefined, returnedAt: withoutEnd });
  });

  it('takes :fail of a compare-and-set for its outcome, and of a read for nothing', () => {
    const text = log(
      '0\t:invoke\t:cas\t[1 2]',
      '0\t:fail\t:cas\t[1 2]',
      '0\t:invoke\t:read\tnil',
      '0\t:fail\t:read\t:timed-out',
    );
    expect(parseJepsenRegister(text)).to.deep.equal([
      { client: 0, input: { type: 'cas', from: 1, to: 2 }, output: false, invokedAt: 1, returnedAt: 2 },
    ]);
  });

  it('passes over blank lines, the nemesis and other loggers', () => {
    const text = `WARN  jepsen.core - hello\n\n${log(':nemesis\t:info\t:start\tnil')}\r\n`;
    expect(parseJepsenRegister(text)).to.deep.equal([]);
  });

  const faults: [what: string, text: string, line: number, message: RegExp][] = [
    ['text that is no log', 'once upon a time', 1, /expected "INFO .*found "once upon a time"/],
    ['a line cut short', log('0\t:invoke\t:read\tnil', '0\t:ok'), 2, /expected/],
    ['an answer to nothing', log('0\t:ok\t:read\tnil'), 1, /process 0 has no open call/],
    [
      'a call inside a call',
      log('0\t:invoke\t:read\tnil', '0\t:invoke\t:read\tnil'),
      2,
      /its :read of line 1 is still open/,
    ],
    ['an answer to another call', log('0\t:invoke\t:read\tnil', '0\t:ok\t:write\t1'), 2, /answers :write/],
    ['another value', log('0\t:invoke\t:write\t2', '0\t:ok\t:write\t1'), 2, /another :write/],
    ['a value that is no integer', log('0\t:invoke\t:write\tx'), 1, /expected an integer, found "x"/],
    ['half a pair', log('0\t:invoke\t:cas\t[1]'), 1, /takes \[from to\]/],
    ['a call it does not know', log('0\t:invoke\t:append\t1'), 1, /found :append/],
    ['a type it does not know', log('0\t:invoke\t:read\tnil', '0\t:maybe\t:read\tnil'), 2, /found :maybe/],
  ];
  for (const [what, text, line, message] of faults) {
    it(`is refused for ${what}, with the number of the line`, () => {
      expect(() => parseJepsenRegister(text))
        .to.throw(MalformedHistoryError, message)
        .with.property('line', line);
    });
  }
});

describe('a key-value history', () => {
  const line = (process: number, type: string, call: string, key: string, value: string) =>
    `{:process ${process}, :type :${type}, :f :${call}, :key "${key}", :value ${value}}`;

  it('is read into calls on keys', () => {
    const text = [
      line(0, 'invoke', 'append', 'k', '"say \\"x\\""'),
      line(1, 'invoke', 'get', 'k', 'nil'),
      line(0, 'ok', 'append', 'k', '"say \\"x\\""'),
      line(1, 'ok', 'get', 'k', '""'),
      line(1, 'invoke', 'put', 'k', '"y"'),
    ].join('\n');
    expect(parseKeyValue(text)).to.deep.equal([
      {
        client: 0,
        input: { type: 'append', key: 'k', value: 'say "x"' },
        output: true,
        invokedAt: 1,
        returnedAt: 3,
      },
      { client: 1, input: { type: 'get', key: 'k' }, output: '', invokedAt: 2, returnedAt: 4 },
      {
        client: 1,
        input: { type: 'put', key: 'k', value: 'y' },
        output: undefined,
        invokedAt: 5,
        returnedAt: withoutEnd,
      },
    ]);
  });

  const faults: [what: string, text: string, line: number, message: RegExp][] = [
    ['a line cut short', '{:process 0, :type', 1, /expected \{:process P/],
    ['a put of nothing', line(0, 'invoke', 'put', 'k', 'nil'), 1, /takes a text/],
    [
      'an answer on another key',
      `${line(0, 'invoke', 'get', 'k', 'nil')}\n${line(0, 'ok', 'get', 'j', '""')}`,
      2,
      /the call was on "k"/,
    ],
    ['a call it does not know', line(0, 'invoke', 'cas', 'k', '"a"'), 1, /found :cas/],
  ];
  for (const [what, text, at, message] of faults) {
    it(`is refused for ${what}, with the number of the line`, () => {
      expect(() => parseKeyValue(text))
        .to.throw(MalformedHistoryError, message)
        .with.property('line', at);
    });
  }
});

describe('the format of a history', () => {
  it('is told by its first line', () => {
    expect(guessFormat('\n{:process 0')).to.equal('kv');
    expect(guessFormat('INFO  jepsen.util - 0\t:invoke')).to.equal('register');
    expect(guessFormat('once upon a time')).to.equal(null);
  });
});
