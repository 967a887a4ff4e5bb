import { expect } from 'chai';
import { DirectoryLock } from '../../src/storage/directory-lock.js';
import {
  after,
  beginning,
  type Contender,
  Keys,
  type Phase,
  type Rules,
  type State,
  type Tree,
  treeOf,
} from './lock-model.js';

/** Takes the lock if it can be had, holds it for a while and gives it up. */
function contender(pid: number, { owner, ...more }: Partial<Contender> & { owner?: string } = {}): Contender {
  return {
    pid,
    run(host) {
      const lock = new DirectoryLock('d', owner, host);
      try {
        lock.acquire();
      } catch (error) {
        const { code, message } = error as Error & { code?: string };
        host.enter(code === 'DIRECTORY_LOCKED' ? 'refused' : `failed: ${message}`);
        return;
      }
      host.enter('holds');
      host.enter('leaves');
      lock.release();
    },
    ...more,
  };
}

const three = [contender(101), contender(102), contender(103)];
const two = three.slice(0, 2);

/** What a process wrote into its lock that lives no more. */
const dead = JSON.stringify({ pid: 99, startTime: 'life of 99', owner: 'gone' });

/** Visits every state that can be reached from this one, and holds each to what a lock is for. @returns how many there are. */
function explore(tree: Tree, contenders: readonly Contender[], rules: Rules): number {
  const keys = new Keys();
  const seen = new Set<string>();
  const toVisit = [beginning(contenders, tree)];
  for (let state = toVisit.pop(); state !== undefined; state = toVisit.pop()) {
    const key = keys.of(state);
    if (seen.has(key)) continue;
    seen.add(key);
    checkHolders(state, contenders);
    const next = after(state, contenders, rules);
    if (next.length === 0) checkEnd(state);
    toVisit.push(...next);
  }
  return seen.size;
}

/** One at most holds the lock, and what it holds it with is there. */
function checkHolders({ files, standings }: State, contenders: readonly Contender[]): void {
  const holders = contenders.filter((_, at) => standings[at]?.phase === 'holds');
  if (holders.length > 1) throw new Error(`${holders.map(({ pid }) => pid).join(' and ')} hold the lock`);
  for (const { pid } of holders) {
    const { LOCK: lock = {} } = treeOf(files);
    const names = typeof lock === 'string' ? [] : Object.keys(lock);
    if (names.length !== 1 || names[0]?.startsWith(`${pid}.`) !== true) {
      throw new Error(`${pid} holds the lock, and in it is ${names.join(' and ') || 'nothing'}`);
    }
  }
}

/** All have come to an end: somebody won, nobody failed, and whoever comes next wins and leaves nothing behind. */
function checkEnd({ files, standings }: State): void {
  const phases = standings.filter(({ hasBegun }) => hasBegun).map(({ phase }): Phase => phase);
  expect(phases.filter((phase) => !['leaves', 'refused', 'crashed'].includes(phase))).to.deep.equal([]);
  if (!phases.includes('crashed')) expect(phases).to.include('leaves');
  const newcomer = [contender(200)];
  const rules = { crashes: false, claimsAreHidden: false, inOrder: false };
  let state: State = { files, standings: beginning(newcomer, {}).standings };
  for (
    let next = after(state, newcomer, rules)[0];
    next !== undefined;
    next = after(state, newcomer, rules)[0]
  ) {
    state = next;
  }
  expect(state.standings[0]?.phase).to.equal('leaves');
  expect(treeOf(state.files)).to.deep.equal({});
}

/*
 * Two processes once won the directory's lock: the first's link failed, the holder released, the first looked and saw
 * no lock, a third linked its own, and the first renamed its own over that. No number of runs shows that such a thing
 * cannot be; all orders do.
 */
describe('the lock of a directory, in every order of its contenders’ steps', function () {
  // Each step of a model throws, and nobody looks where from: stacks would be most of the time that this takes.
  const { stackTraceLimit } = Error;
  before(() => {
    Error.stackTraceLimit = 0;
  });
  // (Mocha's own name is hidden here by the model's.)
  globalThis.after(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  this.timeout(120_000);

  const crashing = { crashes: true, claimsAreHidden: true, inOrder: true };
  const lasting = { ...crashing, crashes: false };

  const places: [what: string, tree: Tree, rules: Rules][] = [
    ['is free', {}, crashing],
    ['was left by a dead process', { LOCK: { '99.a': dead } }, crashing],
    ['was emptied by one that died over it', { LOCK: {} }, lasting],
    ['was being written when the power went', { LOCK: { '99.a': '' } }, lasting],
    ['was left by a dead process, as a file, by an earlier version', { LOCK: dead }, lasting],
    [
      'was left by a process whose number one of them has now',
      { LOCK: { '101.a': JSON.stringify({ pid: 101, startTime: 'an earlier life', owner: 'gone' }) } },
      lasting,
    ],
  ];
  for (const [what, tree, rules] of places) {
    it(`is won by one of three when it ${what}`, () => {
      expect(explore(tree, three, rules)).to.be.greaterThan(500);
    });
  }

  it('is retaken by the successor of a thread that crashed, and by nobody else', () => {
    const thread = { owner: 'node 1', isThread: true } as const;
    const contenders = [contender(101, thread), contender(101, { ...thread, succeeds: 0 }), contender(102)];
    explore({}, contenders, { ...crashing, inOrder: false });
  });

  for (const [what, tree] of [
    ['is free', {}],
    ['was left by a dead process', { LOCK: { '99.a': dead } }],
    [
      'has the claims beside it of processes that died over them',
      { 'LOCK.claim.99.a': { '99.a': dead }, 'LOCK.claim.98.b': {}, 'LOCK.claim.97.1': dead },
    ],
  ] as const) {
    it(`is won by one of two that see each other’s claims, when it ${what}`, () => {
      explore(tree, two, { crashes: true, claimsAreHidden: false, inOrder: true });
    });
  }

  it('would be won by two if a name were given twice, as the numbers of processes are', () => {
    const reborn = {
      LOCK: { '101.0-1': JSON.stringify({ pid: 101, startTime: 'an earlier life', owner: 'gone' }) },
    };
    expect(() => explore(reborn, two, lasting)).to.throw(/101 and 102 hold the lock|in it is nothing/);
  });
});
