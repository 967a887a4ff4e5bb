import { expect } from 'chai';
import { runCommandsOn } from '../../src/inspector/run-command.js';
import { fakeContext } from '../console/fake-context.js';

const { signal: never } = new AbortController();

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
      error: { code: 'OVERLOADED', message: '64 waits are under way already. Let one of them end first.' },
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
      error: { code: 'OVERLOADED', message: '64 commands are under way already. Let one of them end first.' },
    });
    expect(await run('wait 0', never)).to.include({ ok: true });
    release();
    await Promise.all(crashes);
    expect(await run('heal', never)).to.include({ ok: true });
  });
});
