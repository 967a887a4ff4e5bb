import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { run } from './program.js';
import { endTerminals, keys, Terminal } from './terminal.js';

const small = ['--nodes', '3', '--memory', '--block-interval', '0'];

describe('the prompt on a terminal of 80 by 24', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'conclave-prompt-'));
  });

  afterEach(() => {
    endTerminals();
    rmSync(folder, { recursive: true, force: true });
  });

  const withHistory = () => ({ environment: { XDG_STATE_HOME: folder } });
  const historyFile = () => join(folder, 'conclave', 'history');

  it('shows five nodes and the leader, answers, and leaves what was said in the terminal that it gives back', async () => {
    const terminal = new Terminal(['--nodes', '5']);
    await terminal.serving();
    const isShown = (id: number) => new RegExp(`^ +${id} +(leader|follower) +\\d`, 'm').test(terminal.text);
    await terminal.until(() => [0, 1, 2, 3, 4].every(isShown));
    const view = terminal.rows();
    expect(view[0]).to.match(/node \d leads term \d+ · 5\/5 alive/);
    expect(view[7]).to.equal('─'.repeat(80));
    expect(terminal.isAlternate).to.equal(true);
    expect(terminal.isColoured).to.equal(true);
    terminal.enter('put colour blue');
    await terminal.until(/colour = blue {2}\(index/);
    terminal.enter('quit');
    expect(await terminal.left()).to.equal(0);
    expect(terminal.isAlternate).to.equal(false);
    const kept = terminal.rows('scrollback').join('\n');
    expect(kept).to.match(/conclave> put colour blue\n {2}colour = blue {2}\(index/);
    expect(kept).to.match(/conclave> quit\n· closing; .*\nleft 0/);
    expect(kept).not.to.include('commits/s');
    expect(terminal.written).to.include('\u001b[?7h').and.to.include('\u001b[?2004l');
  });

  it('pages through help, which does not fit', async () => {
    const terminal = new Terminal(small);
    await terminal.serving();
    terminal.enter('help');
    await terminal.until(/lines \d+-\d+ of \d+ · PageUp back · Space on · Esc to the end/);
    expect(terminal.text).to.match(/^ {2}status +every node/m);
    expect(terminal.text).not.to.match(/^ {2}quit/m);
    terminal.type(' ');
    await terminal.until((now) => !/^ {2}status/m.test(now.text));
    expect(terminal.promptRow).to.equal('conclave>');
    for (let page = 0; page < 10; page++) terminal.type(keys.pageDown);
    await terminal.until(/^ {2}quit +close the cluster/m);
    expect(terminal.text).not.to.include('Esc to the end');
    terminal.type(keys.pageUp, keys.pageUp, keys.pageUp, keys.pageUp, keys.pageUp, keys.pageUp);
    await terminal.until(/^conclave> help$/m);
    terminal.type('help c');
    await terminal.until((now) => now.promptRow === 'conclave> help c' && /^ {2}quit/m.test(now.text));
    terminal.type('as', keys.enter);
    await terminal.until(/conclave> help cas\n {2}cas K OLD NEW\n {4}compare and set/);
  });

  it('lets heal mend what a put waits for, and names the answer that comes late', async () => {
    const terminal = new Terminal(['--nodes', '5', '--memory', '--block-interval', '0']);
    await terminal.serving();
    terminal.enter('partition 0,1 2,3');
    await terminal.until(/no leader/);
    terminal.enter('put colour blue');
    await terminal.until(/put colour blue waits for a leader and a majority, \d s/);
    expect(terminal.promptRow).to.equal('conclave>');
    terminal.enter('heal');
    await terminal.until(/^ {2}put colour blue: colour = blue {2}\(index/m);
    expect(terminal.text).to.match(/conclave> heal\n {2}all nodes are connected/);
    expect(terminal.text).not.to.include('waits for');
  });

  it('runs the lines of a paste one after the other', async () => {
    const terminal = new Terminal(small);
    await terminal.serving();
    const lines = ['wait 500', 'put a 1', 'get a'];
    terminal.type(keys.pasteStart, lines.join('\r'), '\r', keys.pasteEnd, 'leader', keys.enter);
    await terminal.until(/a = 1\n/);
    const said = terminal.rows().filter((row) => /conclave> |a = 1 {2}|^ {2}a = 1$|waited/.test(row));
    expect(said.map((row) => row.replace(/ {2}\(.*/, '').trim())).to.deep.equal([
      'conclave> wait 500',
      'conclave> leader',
      'wait 500: waited 500 ms',
      'conclave> put a 1',
      'a = 1',
      'conclave> get a',
      'a = 1',
    ]);
  });

  it('ends with Ctrl-C what is nearest: the line, what is waited for, and only then the program', async () => {
    const terminal = new Terminal(small);
    await terminal.serving();
    terminal.type('crash 0');
    await terminal.until((now) => now.promptRow === 'conclave> crash 0');
    terminal.type(keys.ctrlC);
    await terminal.until((now) => now.promptRow === 'conclave>' && now.text.includes('conclave> crash 0^C'));
    terminal.enter('wait 60000');
    await terminal.until(/wait 60000, \d s/);
    terminal.type(keys.ctrlC);
    await terminal.until(/not waited for any longer, and may yet happen: wait 60000/);
    expect(terminal.text).to.include('3/3 alive');
    terminal.type(keys.ctrlC);
    expect(await terminal.left()).to.equal(0);
  });

  it('scrolls back through all that was said, and stays there while more is said', async () => {
    const terminal = new Terminal(small);
    await terminal.serving();
    for (let line = 1; line <= 40; line++) terminal.enter(`put key-${line} ${line}`);
    await terminal.until(/key-40 = 40/);
    terminal.enter('wait 1500');
    terminal.type(keys.pageUp, keys.pageUp);
    await terminal.until(/lines \d+-\d+ of \d+/);
    const said = () => terminal.rows().slice(6, 22);
    const count = () => Number(/lines \d+-\d+ of (\d+)/.exec(terminal.text)?.[1]);
    const [before, countBefore] = [said(), count()];
    expect(before.join('\n')).to.include('key-').and.not.to.include('key-40');
    await terminal.until(() => count() > countBefore);
    expect(said()).to.deep.equal(before);
    terminal.type('l');
    await terminal.until(/wait 1500: waited|waited 1500 ms/);
    expect(terminal.promptRow).to.equal('conclave> l');
    terminal.type(keys.ctrlL);
    await terminal.until((now) => !now.text.includes('key-'));
    terminal.type(keys.pageUp);
    await terminal.until(/key-40 = 40/);
  });

  it('remembers what was typed for the next run, in a file that only its owner reads', async () => {
    const first = new Terminal(small, withHistory());
    await first.serving();
    for (const line of ['put fruit apple', 'leader', ' put secret 1', 'leader', 'put fruit pear']) {
      first.enter(line);
    }
    await first.until(/fruit = pear/);
    first.type(keys.ctrlD);
    expect(await first.left()).to.equal(0);
    expect(readFileSync(historyFile(), 'utf8')).to.equal('put fruit apple\nleader\nput fruit pear\n');
    expect(statSync(historyFile()).mode & 0o777).to.equal(0o600);

    const second = new Terminal(small, withHistory());
    await second.serving();
    second.type(keys.up, keys.up);
    await second.until((now) => now.promptRow === 'conclave> leader');
    second.type(keys.ctrlC, keys.ctrlR, 'fruit');
    await second.until((now) => now.promptRow === 'conclave> (search: fruit) put fruit pear');
    second.type(keys.ctrlR);
    await second.until((now) => now.promptRow === 'conclave> (search: fruit) put fruit apple');
    second.type(keys.enter);
    await second.until(/conclave> put fruit apple\n {2}fruit = apple/);
    second.type(keys.ctrlR, 'nowhere');
    await second.until((now) => now.promptRow === 'conclave> (not found: nowhere)');
    second.type(keys.ctrlC);
    await second.until((now) => now.promptRow === 'conclave>');
  });

  it('remembers nothing without a terminal, and runs without a place to remember it', async () => {
    await run(['--nodes', '1', '--memory'], 'put a b\n', { XDG_STATE_HOME: folder });
    expect(existsSync(historyFile())).to.equal(false);
    writeFileSync(join(folder, 'conclave'), 'in the way');
    const terminal = new Terminal(small, withHistory());
    await terminal.until(/what is typed is not remembered: E/);
    await terminal.serving();
    terminal.enter('leader');
    await terminal.until(/node \d leads \(term/);
  });

  it('tells of what others do to the network, and of what is typed in its answer alone', async () => {
    const terminal = new Terminal(['--nodes', '5', '--memory', '--block-interval', '0', '--inspect', '0']);
    await terminal.serving();
    const url = new URL(/see it think: (\S+)/.exec(terminal.text)?.[1] ?? '');
    const token = new URLSearchParams(url.hash.slice(1)).get('token');
    const ask = (line: string) =>
      fetch(new URL('/api/command', url), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
        body: JSON.stringify({ line }),
      });
    expect((await ask('partition 0,1')).status).to.equal(200);
    await terminal.until(/· the network is cut into \{0 1\} and \{2 3 4\}/);
    await terminal.until(/^ +0 .* 2 3 4 /m);
    expect(terminal.rows()[1]).to.include('cut off');
    await ask('latency 20-40 4');
    await terminal.until(/· 20-40 ms on the links from and to node 4/);
    terminal.enter('heal');
    await terminal.until(/conclave> heal\n {2}all nodes are connected/);
    expect(terminal.text).not.to.include('the network is whole');
    await terminal.until((now) => !(now.rows()[1] ?? '').includes('cut off'));
    terminal.enter('cut 2 3');
    await terminal.until(/^ +2 .* to 3 /m);
    expect(terminal.text).to.match(/^ +3 .* from 2 /m);
  });

  it('keeps before one’s eyes why nobody can be elected', async () => {
    const terminal = new Terminal([...small, '--latency', '300-600']);
    await terminal.until(/^ An election timeout of 150 ms leaves little time for round trips of 1200 ms *$/m);
    terminal.enter('latency 1-5');
    await terminal.serving();
    await terminal.until(/^ help · Tab completes/m);
  });

  it('completes with Tab, and offers what could come next', async () => {
    const terminal = new Terminal(small);
    await terminal.serving();
    terminal.type('wait conv', keys.tab);
    await terminal.until((now) => now.promptRow === 'conclave> wait converged');
    terminal.type(keys.ctrlC, 're', keys.tab);
    await terminal.until(/^ read {2}revive {2}restart {2}remove {2}replace$/m);
    terminal.type('v', keys.tab);
    await terminal.until((now) => now.promptRow === 'conclave> revive' && !/^ revive {2}/m.test(now.text));
    terminal.type(keys.tab);
    await terminal.until(/^ 0 {2}1 {2}2$/m);
  });

  it('shows the part of a long line that is typed, and wraps what is said between words', async () => {
    const terminal = new Terminal(small);
    await terminal.serving();
    const words = Array.from({ length: 30 }, (_, at) => `word-${at}`).join(' ');
    terminal.type(`put text ${words}`);
    await terminal.until(/word-29$/m);
    expect(terminal.promptRow).to.match(/^conclave> ….*word-29$/);
    expect(terminal.cursorColumn).to.equal(79);
    terminal.type(keys.enter);
    await terminal.until(/text = word-0/);
    expect(terminal.text.replaceAll(/\s+/g, ' ')).to.include(`text = ${words} (index`);
    terminal.enter('put 日本 語語語');
    await terminal.until(/日本 = 語語語/);
    terminal.enter('put colour');
    await terminal.until(/failed: The value is missing\. Usage: put K V$/m);
    expect(terminal.text).not.to.include('[USAGE]');
  });

  it('lays everything out anew when the window changes', async () => {
    const terminal = new Terminal(['--nodes', '5', '--memory']);
    await terminal.serving();
    terminal.enter('put colour blue');
    await terminal.until(/colour = blue/);
    terminal.resize(50, 13);
    await terminal.until((now) => now.rows()[6] === '─'.repeat(50));
    expect(terminal.rows()).to.have.length(13);
    expect(terminal.rows()[12]).to.equal('conclave>');
    terminal.resize(60, 6);
    await terminal.until((now) => !now.text.includes('─') && now.rows()[5] === 'conclave>');
    terminal.resize(120, 40);
    await terminal.until((now) => now.rows()[7] === '─'.repeat(120) && now.rows()[39] === 'conclave>');
    expect(terminal.text).to.include('colour = blue');
  });

  it('makes room for a member that joins, and takes it back when it leaves', async () => {
    const terminal = new Terminal(small);
    await terminal.serving();
    // What was said fills the window: one row too many would push the first of the view out of it.
    terminal.enter('help');
    await terminal.until(/Esc to the end/);
    const hasMembers = (count: number) => (now: Terminal) => {
      const [title = '', ...rows] = now.rows();
      const isWhole = title.startsWith(' Conclave · ') && rows[22] === 'conclave>';
      return isWhole && title.includes(`${count}/${count} alive`) && rows[count + 1] === '─'.repeat(80);
    };
    terminal.enter('add 3');
    await terminal.until(/add 3: node 3 is a member/);
    await terminal.until(hasMembers(4));
    terminal.enter('remove 3');
    await terminal.until(hasMembers(3));
    expect(terminal.rows().filter((row) => row === 'conclave>')).to.have.length(1);
  });

  it('draws without colour where none is wanted, and in ASCII where nothing else can be shown', async () => {
    const terminal = new Terminal(small, { environment: { NO_COLOR: '1', LANG: 'C', LC_ALL: 'C' } });
    await terminal.serving();
    terminal.enter('wait 60000');
    await terminal.until(/[|/\\-] wait 60000, \d s/);
    expect(terminal.isColoured).to.equal(false);
    expect(terminal.rows()[5]).to.equal('-'.repeat(80));
    expect([...terminal.text].every((character) => character.charCodeAt(0) < 128)).to.equal(true);
  });

  it('on a dumb terminal draws nothing, and lets commands run beside one another just so', async () => {
    const terminal = new Terminal(['--nodes', '5', '--memory', '--block-interval', '0'], {
      environment: { TERM: 'dumb' },
    });
    await terminal.until(/is elected leader/);
    terminal.enter('partition 0,1 2,3');
    await terminal.until(/cut into/);
    terminal.enter('put colour blue');
    await terminal.until(/> put colour blue/);
    terminal.enter('heal');
    await terminal.until(/^ {2}put colour blue: colour = blue/m);
    expect(terminal.written).not.to.include('\u001b[');
    terminal.type(keys.ctrlD);
    expect(await terminal.left()).to.equal(0);
  });

  it('gives the terminal back and then says why when the program itself fails', async () => {
    const fault = join(folder, 'fault.mjs');
    writeFileSync(
      fault,
      `import { isMainThread } from 'node:worker_threads';
      const fail = () => { if (process.stdin.isRaw) throw new Error('out of luck'); };
      if (isMainThread) setInterval(fail, 500);`,
    );
    const terminal = new Terminal(['--nodes', '3'], { flags: `--import ${fault}` });
    expect(await terminal.left()).to.equal(1);
    expect(terminal.isAlternate).to.equal(false);
    const kept = terminal.rows('scrollback').join('\n');
    expect(kept)
      .to.match(/logs in \S+ \(removed at exit\)/)
      .and.to.match(/error: out of luck \[UNEXPECTED\]\n[\s\S]*left 1/);
    expect(existsSync(/logs in (\S+)/.exec(kept)?.[1] ?? '/')).to.equal(false);
  });
});
