import { expect } from 'chai';
import { Random } from '../../src/ground/random.js';
import { NodeActor } from '../../src/node/node-actor.js';
import { defaultLimits, defaultSnapshots, defaultTimings } from '../../src/node/validate-options.js';
import type { NodeId } from '../../src/raft/entry.js';
import { VirtualTime } from '../../src/simulation/world/virtual-time.js';
import { MemoryStorage } from '../../src/storage/memory-storage.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { Ledger } from './ledger.js';

/*
 * A cluster on a machine that it loads. All frames are dealt with one after the other, so that fifty voters that ask
 * fifty others for their votes keep it at work for a second; with timeouts of at most 300 ms, all would have asked
 * again by then, and again, and what is dealt with is always of the past.
 */

/** What a frame costs the machine from sender to receiver: a busy one of two cores, in ms. */
const frameMs = 0.2;
const latencyMs = 1;
/** Frames that wait; the rest is lost. */
const waitingMax = 20_000;

/** Virtual ms until somebody commits, or null if that takes a minute. */
function msToFirstCommit(size: number, seed: number): number | null {
  const time = new VirtualTime();
  const random = new Random(seed);
  const cipher = createCipher({ kind: 'none' }, random);
  const voters = Array.from({ length: size }, (_, id) => id);
  const receivers: ((from: NodeId, frame: Uint8Array) => void)[] = [];
  let freeAtMs = 0;
  let waiting = 0;
  const send = (from: NodeId, to: NodeId, frame: Uint8Array) => {
    if (waiting >= waitingMax) return;
    waiting++;
    freeAtMs = Math.max(freeAtMs, time.now() + latencyMs) + frameMs;
    time.after(freeAtMs - time.now(), () => {
      waiting--;
      receivers[to]?.(from, frame);
    });
  };
  const storages = voters.map(() => new MemoryStorage());
  const actors = voters.map((id) => {
    const options = { id, voters, learners: [], preVote: true, checkQuorum: true, candidacy: true };
    return new NodeActor(
      {
        ...options,
        timings: defaultTimings,
        limits: defaultLimits,
        snapshots: defaultSnapshots,
        seed: random.uint32(),
      },
      {
        transport: {
          send: (to, frame) => send(id, to, frame),
          receive: (handler) => {
            receivers[id] = handler;
          },
        },
        disk: { store: storages[id] as MemoryStorage, write: (_, durable) => durable() },
        recovered: (storages[id] as MemoryStorage).recover(),
        application: new Ledger(),
        clock: {
          now: () => time.now(),
          setTimeout: (callback, delayMs) => time.after(delayMs, callback),
          clearTimeout: (timer) => time.cancel(timer as ReturnType<VirtualTime['after']>),
          soon: (turn) => time.after(0, turn),
        },
        ciphers: { frames: cipher, entries: cipher },
        identity: { id, cluster: 1, life: 1 + id },
        observer: {
          standingChanged: () => {},
          progressed: () => {},
          snapshotNews: () => {},
          died: (error) => expect.fail(String(error)),
        },
      },
    );
  });
  const isDone = () => actors.some(({ replica }) => replica.commitIndex > 0);
  while (!isDone() && time.step(60_000));
  for (const actor of actors) actor.end();
  return isDone() ? Math.round(time.now()) : null;
}

describe('A cluster of fifty-one voters on a loaded machine', () => {
  it('comes to a leader that commits, because rounds that are lost lengthen the wait for the next', function () {
    this.timeout(60_000);
    const found = [1, 2, 3].map((seed) => msToFirstCommit(51, seed));
    for (const ms of found) expect(ms).a('number').below(15_000);
  });

  it('is the worse for its size alone: five are done at once', () => {
    expect(msToFirstCommit(5, 1)).below(300);
  });
});
