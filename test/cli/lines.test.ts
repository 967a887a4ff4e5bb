import { expect } from 'chai';
import fc from 'fast-check';
import { LineTooLongError, splitLines } from '../../src/cli/input/lines.js';

async function linesOf(chunks: readonly Uint8Array[], bytesMax = 1_000): Promise<Buffer[]> {
  async function* stream() {
    yield* chunks;
  }
  const lines: Buffer[] = [];
  for await (const some of splitLines(stream(), bytesMax))
    lines.push(...some.map((line) => Buffer.from(line)));
  return lines;
}

describe('splitting input into lines', () => {
  it('gives back any bytes, however the stream was cut', async () => {
    const line = fc
      .uint8Array({ maxLength: 20 })
      .map((bytes) => bytes.map((byte) => (byte === 10 ? 13 : byte)));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1 }),
        fc.array(fc.nat(200)),
        fc.boolean(),
        async (lines, cuts, ended) => {
          const all = Buffer.concat(lines.flatMap((one) => [one, Buffer.from('\n')]));
          const last = lines[lines.length - 1];
          const whole = ended || last?.length === 0 ? all : all.subarray(0, -1);
          const places = [0, ...cuts.map((cut) => cut % whole.length).sort((a, b) => a - b), whole.length];
          const chunks = places.slice(1).map((end, at) => whole.subarray(places[at], end));
          expect(await linesOf(chunks)).to.deep.equal(lines.map((one) => Buffer.from(one)));
        },
      ),
    );
  });

  it('finds none in nothing, and one empty line in a line feed', async () => {
    expect(await linesOf([])).to.deep.equal([]);
    expect(await linesOf([Buffer.from('\n')])).to.deep.equal([Buffer.alloc(0)]);
  });

  it('refuses a line that no command holds, before it is read to its end', async () => {
    let chunksRead = 0;
    async function* endless() {
      for (;;) {
        chunksRead++;
        yield Buffer.from(chunksRead === 1 ? 'short\nlong' : 'xxxxxxxxxx');
      }
    }
    const reading = (async () => {
      for await (const _ of splitLines(endless(), 100));
    })();
    const error = await reading.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(LineTooLongError);
    expect((error as Error).message).to.include('Line 2 has more than 100 bytes');
    expect(chunksRead).to.be.below(15);
  });
});
