import { expect } from 'chai';
import fc from 'fast-check';
import type { Application as AnyApplication } from '../../src/application/application.js';
import { ApplicationError } from '../../src/ground/errors.js';

/** One that snapshots can be taken of. */
type Application = Required<Pick<AnyApplication, 'snapshot' | 'restore'>> & AnyApplication;

/** The whole snapshot. */
export function snapshotOf(application: Application): Uint8Array {
  return new Uint8Array(Buffer.concat([...application.snapshot()]));
}

/** Restores from a snapshot, cut into pieces of these lengths, again and again. */
export function restoreFrom(
  application: Application,
  snapshot: Uint8Array,
  lengths: readonly number[] = [snapshot.length + 1],
): void {
  const sink = application.restore();
  for (let at = 0, cut = 0; at < snapshot.length; cut++) {
    const end = at + (lengths[cut % lengths.length] as number);
    sink.write(snapshot.subarray(at, end));
    at = end;
  }
  sink.end();
}

/**
 * What every application owes to the cluster that replicates it. Run it over each implementation.
 * @param samples at least three commands, no two neighbours equal, some of which change the state.
 */
export function applicationConformance(
  name: string,
  create: () => Application,
  samples: readonly Uint8Array[],
): void {
  describe(`${name} as an application`, () => {
    const histories = fc.array(fc.oneof(fc.constantFrom(...samples), fc.uint8Array({ maxLength: 40 })), {
      maxLength: 60,
    });

    const cuts = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 });

    function feed(application: Application, commands: readonly Uint8Array[], first = 1): Uint8Array[] {
      return commands.map((command, i) => application.apply(command, { index: first + i, term: 1 }));
    }

    it('gives equal results, digests and snapshots for equal histories', () => {
      fc.assert(
        fc.property(histories, (commands) => {
          const [one, other] = [create(), create()];
          expect(feed(one, commands)).to.deep.equal(feed(other, commands));
          expect(one.digest()).to.equal(other.digest());
          expect(snapshotOf(one)).to.deep.equal(snapshotOf(other));
        }),
        { numRuns: 50 },
      );
    });

    it('is equal after a restore, and stays equal when both go on', () => {
      fc.assert(
        fc.property(histories, histories, histories, cuts, (before, lost, after, lengths) => {
          const [original, restored] = [create(), create()];
          feed(original, before);
          feed(restored, lost);
          restoreFrom(restored, snapshotOf(original), lengths);
          expect(restored.digest()).to.equal(original.digest());
          const first = before.length + 1;
          expect(feed(restored, after, first)).to.deep.equal(feed(original, after, first));
          expect(restored.digest()).to.equal(original.digest());
          expect(snapshotOf(restored)).to.deep.equal(snapshotOf(original));
        }),
        { numRuns: 50 },
      );
    });

    it('reads its own snapshot from the middle of a larger buffer', () => {
      const [original, restored] = [create(), create()];
      feed(original, samples);
      const snapshot = snapshotOf(original);
      const larger = new Uint8Array(snapshot.length + 7).fill(0xc1);
      larger.set(snapshot, 3);
      restoreFrom(restored, larger.subarray(3, 3 + snapshot.length));
      expect(restored.digest()).to.equal(original.digest());
    });

    it('takes a snapshot that commands do not change that come before it is read, or while it is', () => {
      const application = create();
      feed(application, samples);
      const before = snapshotOf(application);
      const chunks: Uint8Array[] = [];
      const unread = application.snapshot();
      feed(application, samples.slice(0, 2), samples.length + 1);
      let index = samples.length + 2;
      for (const chunk of unread) {
        chunks.push(chunk);
        feed(application, [samples[index % samples.length] as Uint8Array], ++index);
      }
      expect(new Uint8Array(Buffer.concat(chunks))).to.deep.equal(before);
    });

    it('is as it was until the end of a restore, and stays so if that never comes', () => {
      const [original, restored] = [create(), create()];
      feed(original, samples);
      feed(restored, samples.slice(1));
      const [digest, snapshot] = [restored.digest(), snapshotOf(restored)];
      restored.restore().write(snapshotOf(original));
      expect(restored.digest()).to.equal(digest);
      expect(snapshotOf(restored)).to.deep.equal(snapshot);
    });

    it('tells histories apart: another order, one command less, one more', () => {
      const digestOf = (commands: readonly Uint8Array[]) => {
        const application = create();
        feed(application, commands);
        return application.digest();
      };
      const [first, second, ...rest] = samples as [Uint8Array, Uint8Array, ...Uint8Array[]];
      const digests = [
        digestOf(samples),
        digestOf([second, first, ...rest]),
        digestOf(samples.slice(1)),
        digestOf(samples.slice(0, -1)),
        digestOf([...samples, first]),
        digestOf([...samples, new Uint8Array(0)]),
        digestOf([]),
      ];
      expect(new Set(digests).size).to.equal(digests.length);
    });

    it('takes any bytes as a command or a query without a throw', () => {
      const application = create();
      let index = 0;
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          application.apply(bytes, { index: ++index, term: 1 });
          application.query(bytes);
        }),
      );
    });

    it('takes its own commands with any byte changed without a throw', () => {
      const application = create();
      let index = 0;
      for (const sample of samples) {
        for (let at = 0; at < Math.min(sample.length, 40); at++) {
          for (const mask of [0x01, 0x10, 0x40, 0x80, 0xff]) {
            const changed = sample.slice();
            changed[at] = (changed[at] as number) ^ mask;
            application.apply(changed, { index: ++index, term: 1 });
          }
          application.apply(sample.subarray(0, at), { index: ++index, term: 1 });
        }
      }
    });

    it('is not changed by queries', () => {
      const application = create();
      feed(application, samples);
      const [digest, snapshot] = [application.digest(), snapshotOf(application)];
      fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void application.query(bytes)));
      expect(application.digest()).to.equal(digest);
      expect(snapshotOf(application)).to.deep.equal(snapshot);
    });

    it('refuses to restore from garbage and is as it was', () => {
      const application = create();
      feed(application, samples);
      const [digest, snapshot] = [application.digest(), snapshotOf(application)];
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          expect(() => restoreFrom(application, bytes)).to.throw(ApplicationError);
        }),
      );
      expect(application.digest()).to.equal(digest);
      expect(snapshotOf(application)).to.deep.equal(snapshot);
    });
  });
}
