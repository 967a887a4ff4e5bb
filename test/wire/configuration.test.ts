import { expect } from 'chai';
import fc from 'fast-check';
import type { ConfigurationData, Member } from '../../src/raft/configuration.js';
import {
  addressBytesMax,
  decodeConfiguration,
  encodeConfiguration,
  priorityMax,
} from '../../src/wire/configuration.js';
import { packTuple } from '../../src/wire/tuple.js';

const members = fc.uniqueArray(
  fc.record({
    id: fc.maxSafeNat(),
    address: fc.string({ unit: 'binary', maxLength: 40 }),
    incarnation: fc.nat(),
    priority: fc.nat(255),
  }),
  { selector: ({ id }) => id, minLength: 1, maxLength: 12 },
);

/** Any part that a member can have in a configuration, drawn for each; the first one votes. */
const configurations = fc
  .tuple(
    members,
    fc.array(fc.constantFrom('voter', 'stays', 'leaves', 'steps down', 'learner'), { minLength: 12 }),
  )
  .map(([all, parts]): ConfigurationData => {
    const having = (...wanted: string[]) =>
      all.filter((_, at) => wanted.includes(at === 0 ? 'stays' : parts[at]!));
    return {
      voters: having('voter', 'stays'),
      learners: having('learner', 'steps down'),
      outgoing: parts[0] === 'voter' ? null : having('stays', 'leaves', 'steps down'),
    };
  });

function inOrder(list: readonly Member[] | null): Member[] | null {
  return list === null ? null : [...list].sort((a, b) => a.id - b.id);
}

function packed(...items: Parameters<typeof packTuple>[0]): Uint8Array {
  const tuple = packTuple(items);
  return new Uint8Array(tuple.subarray(tuple.start, tuple.end));
}

describe('A configuration in its entry', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(configurations, (data) => {
        // Without `outgoing` nobody steps down or leaves.
        const learners = data.outgoing === null ? [] : data.learners;
        const whole = { ...data, learners };
        const decoded = decodeConfiguration(encodeConfiguration(whole))!;
        for (const list of ['voters', 'learners', 'outgoing'] as const) {
          expect(inOrder(decoded[list])).deep.equal(inOrder(whole[list]));
        }
      }),
    );
  });

  it('has this form for good', () => {
    const voters = [{ id: 1, address: 'a:1', incarnation: 0, priority: 7 }];
    const bytes = encodeConfiguration({
      voters,
      learners: [{ id: 300, address: '', incarnation: 2, priority: 0 }],
      outgoing: voters,
    });
    expect(Buffer.from(bytes).toString('hex')).equal('96019201cd012c92000292c403613a31c400920502920700');
  });

  it('is none in bytes that are another version, lie, or name nobody', () => {
    const none = new Uint8Array();
    const long = new Uint8Array(addressBytesMax + 1).fill(97);
    const wrong = [
      none,
      packed(2, [1], [0], [none], [1], [0]),
      packed(1, [1], [0], [none], [1]),
      packed(1, [1], [0], [none], [2], [0]),
      packed(1, [1], [0], [none], [3], [0]),
      packed(1, [1, 1], [0, 0], [none, none], [1, 1], [0, 0]),
      packed(1, [1, 2], [0], [none, none], [1, 1], [0, 0]),
      packed(1, [1.5], [0], [none], [1], [0]),
      packed(1, [1], [true], [none], [1], [0]),
      packed(1, [1], [0], [long], [1], [0]),
      packed(1, [1], [0], [new Uint8Array([0xff])], [1], [0]),
      packed(1, 1, [0], [none], [1], [0]),
      packed(1, [1], [0], [none], [1], [priorityMax + 1]),
      packed(1, [1], [0], [none], [1], []),
    ];
    for (const bytes of wrong) expect(decodeConfiguration(bytes)).equal(null);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        decodeConfiguration(bytes);
      }),
    );
  });
});
