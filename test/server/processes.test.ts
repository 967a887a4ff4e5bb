import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { RaftClient } from '../../src/client/raft-client.js';
import type { Leader } from '../../src/node/when-ready.js';
import { program } from '../cli/program.js';
import { killRounds } from '../soak/kill-rounds.js';
import { freePorts } from './server-world.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The commands of the README, with ports that are free. */
describe('three processes, as the README starts them', function () {
  this.timeout(120_000);
  const commands = [...readme.matchAll(/^ {4}npx conclave (server .*)$/gm)].map(([, words]) => words!);
  let ports: number[];
  let directory: string;
  const running = new Set<ChildProcess>();

  const elsewhere = (text: string) => text.replace(/:700([123])/g, (_, at) => `:${ports[Number(at) - 1]}`);

  function start(
    words: readonly string[],
    variables: Record<string, string> = {},
  ): ChildProcess & { said: string } {
    const env = { ...process.env, ...variables };
    const child = Object.assign(spawn(process.execPath, [program, ...words], { cwd: directory, env }), {
      said: '',
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        child.said += text;
      });
    }
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  }

  const serve = (id: number) => start(elsewhere(commands[id - 1]!).split(' '));

  async function say(lines: readonly string[]): Promise<readonly Record<string, unknown>[]> {
    const words = [
      'connect',
      elsewhere('127.0.0.1:7001,127.0.0.1:7002,127.0.0.1:7003'),
      '--script',
      '-',
      '--json',
    ];
    const child = start(words);
    child.stdin?.end(`${lines.join('\n')}\n`);
    let out = '';
    child.stdout?.on('data', (text) => {
      out += text;
    });
    await once(child, 'close');
    expect(child.exitCode, child.said).to.equal(0);
    return out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  }

  /** On a machine with more to do, nobody may lead for a moment. */
  async function knownLeader(client: RaftClient): Promise<Leader> {
    for (;;) {
      const leader = await client.leader();
      if (leader !== null) return leader;
      await setTimeout(20);
    }
  }

  beforeEach(async () => {
    ports = await freePorts(3);
    directory = mkdtempSync(join(tmpdir(), 'conclave-processes-'));
  });
  afterEach(async () => {
    await Promise.all(
      [...running].map(async (child) => {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }),
    );
    rmSync(directory, { recursive: true, force: true });
  });

  it('survive kill -9 of the one that leads, which comes back, and end when they are told to', async () => {
    expect(commands).to.have.length(3);
    const servers = new Map([1, 2, 3].map((id) => [id, serve(id)]));
    await say(['wait leader', 'put colour blue', 'expect value colour blue', 'status']);
    const client = await RaftClient.connect(elsewhere('127.0.0.1:7003'), { timeoutMs: 20_000 });
    const leader = await knownLeader(client);
    servers.get(leader.id)!.kill('SIGKILL');
    await once(servers.get(leader.id)!, 'exit');
    const store = new KeyValueClient(client);
    await store.put('shape', 'round', { timeoutMs: 30_000 });
    expect(await store.get('colour')).to.equal('blue');
    servers.set(leader.id, serve(leader.id));
    for (let running = 0; running < 3; ) {
      const [converged, status] = await say(['wait converged', 'status']);
      expect(converged).to.include({ ok: true });
      expect(status!.nodes).to.have.length(3);
      running = (status!.nodes as { role: string }[]).filter(({ role }) => role !== 'dead').length;
    }
    await client.close();
    for (const server of servers.values()) server.kill('SIGTERM');
    const codes = await Promise.all([...servers.values()].map((server) => once(server, 'exit')));
    expect(codes.map(([code]) => code)).to.deep.equal([143, 143, 143]);
    const lines = servers
      .get(leader.id)!
      .said.trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(
      lines.every(({ level, time, msg }) => [30, 40, 50].includes(level) && time > 0 && msg !== ''),
    ).to.equal(true);
  });

  /** What one that serves the inspector's page says of where it is. */
  async function pageOf(child: ChildProcess & { said: string }): Promise<URL> {
    for (;;) {
      const line = child.said.split('\n').find((each) => each.includes('"msg":"inspector"'));
      if (line !== undefined) return new URL(JSON.parse(line).url);
      expect(child.exitCode, child.said).to.equal(null);
      await setTimeout(20);
    }
  }

  it('serve a page of the inspector where they are told to, to whoever has its token', async () => {
    const words = (id: number, ...more: string[]) => [...elsewhere(commands[id - 1]!).split(' '), ...more];
    const token = 'correct-horse-battery';
    const drawn = start(words(1, '--inspect', '0'));
    const given = start(words(2), { CONCLAVE_INSPECT: '0', CONCLAVE_INSPECT_TOKEN: token });
    start(words(3));
    const pages = [await pageOf(drawn), await pageOf(given)] as const;
    await say(['wait leader', 'wait ready']);
    expect(pages[0].hash).to.match(/^#token=[\w-]{16,}$/);
    expect([pages[1].hash, given.said.includes(token)], 'no log has it').to.deep.equal(['', false]);
    const tokens = [pages[0].hash.slice('#token='.length), token];
    for (const [at, page] of pages.entries()) {
      const run = (shown: string) =>
        fetch(new URL('/api/command', page), {
          method: 'POST',
          headers: { Authorization: `Bearer ${shown}`, 'Content-Type': 'application/json' },
          body: JSON.stringify({ line: `put colour shade-${at}` }),
        });
      expect((await run('another-horse-battery')).status).to.equal(401);
      const answer = await run(tokens[at] as string);
      expect([answer.status, ((await answer.json()) as { ok: boolean }).ok]).to.deep.equal([200, true]);
    }
    await say(['expect value colour shade-1']);
    const refused = start(words(3, '--inspect', '--inspect-token', 'short'));
    await once(refused, 'close');
    expect([refused.exitCode, refused.said]).to.satisfy(
      ([code, said]: [number, string]) => code === 2 && /token must have at least 16/.test(said),
    );
  });

  it('run the program that embeds one', async () => {
    const others = [2, 3].map(serve);
    const [, text] = /```js\n(import \{ KeyValueClient, RaftClient, RaftServer \}[\s\S]*?)```/.exec(readme)!;
    const index = new URL('../../src/index.js', import.meta.url).href;
    const file = join(directory, 'program.mjs');
    writeFileSync(file, elsewhere(text!).replace("'conclave'", `'${index}'`));
    const child = spawn(process.execPath, [file], { cwd: directory });
    running.add(child);
    let said = '';
    child.stdout.on('data', (part) => {
      said += part;
    });
    child.stderr.on('data', (part) => {
      said += part;
    });
    await once(child, 'close');
    running.delete(child);
    expect([child.exitCode, said]).to.deep.equal([0, 'blue\n']);
    expect(others.every(({ exitCode }) => exitCode === null)).to.equal(true);
  });
});

describe('processes under kill -9', function () {
  this.timeout(180_000);

  it('lose nothing that was acknowledged and apply nothing twice, while any one is killed', async () => {
    const { acknowledged, rounds } = await killRounds(4, 7);
    expect(rounds).to.equal(4);
    expect(acknowledged).to.be.above(10);
  });
});
