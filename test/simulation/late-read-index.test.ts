import { expect } from 'chai';
import { put } from '../../src/application/key-value/commands.js';
import { get } from '../../src/application/key-value/queries.js';
import { packBytes } from '../../src/ground/byte-strings.js';
import { Random } from '../../src/ground/random.js';
import type { ClientReply } from '../../src/node/clients/client-requests.js';
import { drawCharacter } from '../../src/simulation/character.js';
import { defaultSimulation } from '../../src/simulation/options.js';
import { World } from '../../src/simulation/world/world.js';
import { createCipher } from '../../src/wire/create-cipher.js';
import { FrameDecoder } from '../../src/wire/messages.js';
import { RunSeals } from '../../src/wire/run-seals.js';

describe('A follower that crashed while it asked for a read index', () => {
  it('does not take the late answer for one to a question of its next life', () => {
    const random = new Random(5);
    const options = { ...defaultSimulation, nodes: 3, faults: [] };
    const world = new World({ ...drawCharacter(options, random.fork()), waitsForDisk: true }, random, null);
    const cipher = createCipher(options.cipher, random);
    const decoder = new FrameDecoder(cipher, new RunSeals(cipher));
    const within = (holds: () => boolean) => world.run(world.time.now() + 20_000, holds);
    const propose = (value: string) => {
      const { committed } = world.oracle.cluster;
      const before = committed.length;
      const body = packBytes([put('key', value)]);
      leader?.ask((actor) => actor.propose({ first: 0, count: 1, body, reply: () => {} }));
      within(() => committed.length > before);
    };
    const read = (heard: (index: number) => void) =>
      follower?.ask((actor) => {
        const reply = (given: ClientReply) => heard(given.type === 'answer' ? given.index : -1);
        actor.read({ kind: 'client', request: 0, query: get('key'), reply }, 'linearizable');
      });

    world.start();
    const leads = () => world.hosts.find((host) => host.actor?.replica.leaderId === host.id);
    const follows = (host: (typeof world.hosts)[number] | undefined) =>
      host?.actor?.replica.leaderId === leader?.id;
    within(() => leads() !== undefined && world.oracle.cluster.committed.length > 0);
    const leader = leads();
    const follower = world.hosts.find((host) => host !== leader);
    within(() => follows(follower));

    // The answer to the first question stays under way while its asker crashes.
    let late: Uint8Array | null = null;
    const send = world.send.bind(world);
    world.send = (from, to, frame) => {
      const isAnswer = late === null && decoder.decode(frame)?.type === 'readIndexResponse';
      if (isAnswer) late = frame.slice();
      else send(from, to, frame);
    };
    read(() => {});
    within(() => late !== null);
    follower?.crash(true);
    within(() => follower?.actor !== null && follows(follower));
    propose('new');

    // It comes just after the next life has asked a question of its own.
    const committed = world.oracle.cluster.committed.length;
    world.network.cut(leader?.id ?? -1, follower?.id ?? -1);
    world.network.heal();
    let index: number | null = null;
    read((answered) => {
      index = answered;
    });
    world.run(world.time.now() + 0.06);
    (follower as { arrive(from: number, frame: Uint8Array): unknown }).arrive(
      leader?.id ?? -1,
      late ?? new Uint8Array(0),
    );
    within(() => index !== null);
    expect(
      index === -1 || (index ?? 0) >= committed,
      `answered at ${index}, committed ${committed}`,
    ).to.equal(true);
  });
});
