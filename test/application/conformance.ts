import { expect } from 'chai';
import fc from 'fast-check';
import type { Application } from '../../src/application/application.js';
import { ApplicationError } from '../../src/ground/errors.js';

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

    function feed(application: Application, commands: readonly Uint8Array[], first = 1): Uint8Array[] {
      return commands.map((command, i) => application.apply(command, { index: first + i, term: 1 }));
    }

    it('gives equal results, digests and snapshots for equal histories', () => {
      fc.assert(
        fc.property(histories, (commands) => {
          const [one, other] = [create(), create()];
          expect(feed(one, commands)).to.deep.equal(feed(other, commands));
          expect(one.digest()).to.equal(other.digest());
          expect(one.snapshot()).to.deep.equal(other.snapshot());
        }),
        { numRuns: 50 },
      );
    });

    it('is equal after a restore, and stays equal when both go on', () => {
      fc.assert(
        fc.property(histories, histories, histories, (before, lost, after) => {
          const [original, restored] = [create(), create()];
          feed(original, before);
          feed(restored, lost);
          restored.restore(original.snapshot());
          expect(restored.digest()).to.equal(original.digest());
          const first = before.length + 1;
          expect(feed(restored, after, first)).to.deep.equal(feed(original, after, first));
          expect(restored.digest()).to.equal(original.digest());
          expect(restored.snapshot()).to.deep.equal(original.snapshot());
        }),
        { numRuns: 50 },
      );
    });

    it('reads its own snapshot from the middle of a larger buffer', () => {
      const [original, restored] = [create(), create()];
      feed(original, samples);
      const snapshot = original.snapshot();
      const larger = new Uint8Array(snapshot.length + 7).fill(0xc1);
      larger.set(snapshot, 3);
      restored.restore(larger.subarray(3, 3 + snapshot.length));
      expect(restored.digest()).to.equal(original.digest());
    });

    it('takes a snapshot that later commands do not change', () => {
      const application = create();
      feed(application, samples);
      const snapshot = application.snapshot();
      const before = snapshot.slice();
      feed(application, samples, samples.length + 1);
      expect(snapshot).to.deep.equal(before);
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
      const [digest, snapshot] = [application.digest(), application.snapshot()];
      fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void application.query(bytes)));
      expect(application.digest()).to.equal(digest);
      expect(application.snapshot()).to.deep.equal(snapshot);
    });

    it('refuses to restore from garbage and is as it was', () => {
      const application = create();
      feed(application, samples);
      const [digest, snapshot] = [application.digest(), application.snapshot()];
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          expect(() => application.restore(bytes)).to.throw(ApplicationError);
        }),
      );
      expect(application.digest()).to.equal(digest);
      expect(application.snapshot()).to.deep.equal(snapshot);
    });
  });
}
