import { expect } from 'chai';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { runCommandsOn } from '../../src/inspector/run-command.js';
import { fakeContext } from '../console/fake-context.js';

const { signal: never } = new AbortController();

/** An error; people read the code only where it says more. */
function told(code: string, message: string, more = ''): object {
  return { code, message, text: `${message}${more}` };
}

/*
 * What one page asks for must not keep another from acting: sixty-four waits that were typed and forgotten once made
 * the inspector refuse every command.
 */
describe("the inspector's commands", () => {
  it('are carried out while others wait, however many do', async () => {
    const { context, calls } = fakeContext({ leader: () => null });
    const run = runCommandsOn(context);
    const askers = Array.from({ length: 64 }, () => new AbortController());
    const waits = askers.map(({ signal }) => run('wait leader within 3600000', signal));
    expect(await run('heal', never)).to.include({ ok: true });
    expect(calls).to.deep.equal([['heal']]);
    expect(await run('wait no-leader', never)).to.deep.equal({
      ok: false,
      error: told(
        'OVERLOADED',
        '64 waits are under way already. Let one of them end first.',
        ' [OVERLOADED]',
      ),
    });
    for (const asker of askers) asker.abort();
    await Promise.all(waits);
    expect(await run('wait no-leader', never)).to.include({ ok: true });
  });

  it('are so many at one time, and no more', async () => {
    let release = () => {};
    const released = new Promise<boolean>((resolve) => {
      release = () => resolve(true);
    });
    const { context } = fakeContext();
    const run = runCommandsOn({ ...context, cluster: { ...context.cluster, crash: () => released } });
    const crashes = Array.from({ length: 64 }, () => run('crash 0', never));
    expect(await run('heal', never)).to.deep.include({
      ok: false,
      error: told(
        'OVERLOADED',
        '64 commands are under way already. Let one of them end first.',
        ' [OVERLOADED]',
      ),
    });
    expect(await run('wait 0', never)).to.include({ ok: true });
    release();
    await Promise.all(crashes);
    expect(await run('heal', never)).to.include({ ok: true });
  });

  it('are answered with what somebody may read: not all of a log, nor all of a value, nor what drives a terminal', async () => {
    const { context } = fakeContext();
    const asked: unknown[] = [];
    const command = Buffer.from(`\u001b[2J${'x'.repeat(10_000)}`);
    const cluster = {
      ...context.cluster,
      log: async (...args: unknown[]) => {
        asked.push(args);
        const entry = { index: 1, term: 1, leaderId: 0, kind: 'command' as const };
        return [{ ...entry, command: command.subarray(0, 4_096), commandBytes: command.length }];
      },
      propose: () => Promise.reject(new Error(`\u0007${'y'.repeat(10_000_000)}`)),
    };
    const store = new KeyValueClient(cluster);
    const run = runCommandsOn({ ...context, cluster, store });
    const shown = await run('log 0 1 1000', never);
    expect(asked).to.deep.equal([[0, 1, 1000, { bytesMax: 4_096 }]]);
    const [, line = ''] = shown.ok ? shown.lines : [];
    expect(line)
      .to.match(/^ +1 +1 +0 +\\u001b\[2Jx+… \(\d+ characters\)$/)
      .and.have.length.below(4_200);
    expect(await run('log 0 1 1001', never)).to.deep.include({
      ok: false,
      error: told('USAGE', 'At most 1000 entries are shown here at once.'),
    });
    const failed = await run('put a b', never);
    const message = failed.ok ? '' : failed.error.message;
    expect(message)
      .to.match(/^\\u0007y+… /)
      .and.have.length.below(1_100);
    await context.store.put('long', 'z'.repeat(100_000));
    const got = await runCommandsOn(context)('get long', never);
    expect(got.ok && got.lines[0]).to.match(/^long = z+… \(100007 characters\)$/);
  });
});
