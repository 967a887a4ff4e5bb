import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { HistoryFile, historyLinesMax, historyPath } from '../../src/cli/live/history-file.js';

describe('the history of what was typed', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'conclave-history-'));
    path = join(folder, 'conclave', 'history');
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('stands where the XDG Base Directory Specification says', () => {
    expect(historyPath({ XDG_STATE_HOME: '/state', HOME: '/home/me' })).to.equal('/state/conclave/history');
    for (const given of [{}, { XDG_STATE_HOME: '' }, { XDG_STATE_HOME: 'relative' }]) {
      expect(historyPath({ ...given, HOME: '/home/me' })).to.equal('/home/me/.local/state/conclave/history');
    }
    expect(historyPath({})).to.equal(join(homedir(), '.local/state/conclave/history'));
  });

  it('is kept from one run to the next, without repetitions and what begins with a blank', () => {
    const first = new HistoryFile(path);
    for (const line of ['put a b', 'put a b', ' put secret x', '', 'get a', 'x'.repeat(5_000)])
      first.add(line);
    expect(new HistoryFile(path).lines).to.deep.equal(['put a b', 'get a']);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(statSync(dirname(path)).mode & 0o777).to.equal(0o700);
  });

  it('takes from others what they could read', () => {
    mkdirSync(dirname(path));
    writeFileSync(path, 'put a b\n');
    chmodSync(path, 0o644);
    expect(new HistoryFile(path).lines).to.deep.equal(['put a b']);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
  });

  it('keeps to its bound, in memory and in the file, and loses nothing of others', () => {
    const one = new HistoryFile(path);
    const other = new HistoryFile(path);
    for (let line = 1; line <= 2 * historyLinesMax + 5; line++) one.add(`put a ${line}`);
    other.add('last');
    expect(one.lines).to.have.length(historyLinesMax);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.length).to.be.at.most(2 * historyLinesMax);
    expect(lines.slice(-2)).to.deep.equal([`put a ${2 * historyLinesMax + 5}`, 'last']);
    expect(new HistoryFile(path).lines).to.have.length(historyLinesMax);
  });

  it('says why it cannot be kept, and goes on in memory', () => {
    writeFileSync(join(folder, 'conclave'), 'in the way');
    const history = new HistoryFile(path);
    history.add('put a b');
    expect(history.problem?.message).to.match(/EEXIST|ENOTDIR/);
    expect(history.lines).to.deep.equal(['put a b']);
  });
});
