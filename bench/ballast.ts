import { Buffer } from 'node:buffer';
import type { Application, CreateApplication } from '../src/application/application.js';

export const blockBytes = 64 * 1024;
const headBytes = 16;
const empty = new Uint8Array(0);

/**
 * A state of blocks. A command of one byte adds a block; any other writes one anew, so that a snapshot is a list of the
 * blocks as they were. To a query it answers with what its node's thread holds, in bytes, as JSON.
 */
export const createApplication: CreateApplication = (): Application => {
  let applied = 0;
  let blocks: Uint8Array[] = [];
  return {
    apply(command) {
      applied++;
      const at = command.byteLength === 1 ? blocks.length : applied % Math.max(1, blocks.length);
      if (command.byteLength === 1 || blocks.length > 0) blocks[at] = block(applied);
      return empty;
    },
    query() {
      const { heapUsed, external } = process.memoryUsage();
      return Buffer.from(JSON.stringify({ heapUsed, external }));
    },
    snapshot() {
      const head = Buffer.from(String(applied).padStart(headBytes));
      const taken = [...blocks];
      return (function* () {
        yield head;
        yield* taken;
      })();
    },
    restore() {
      const restored: Uint8Array[] = [new Uint8Array(headBytes)];
      let filled = 0;
      return {
        write(chunk) {
          for (let from = 0; from < chunk.byteLength; ) {
            let last = restored.at(-1) as Uint8Array;
            if (filled === last.byteLength) {
              last = new Uint8Array(blockBytes);
              restored.push(last);
              filled = 0;
            }
            const part = chunk.subarray(from, from + last.byteLength - filled);
            last.set(part, filled);
            filled += part.byteLength;
            from += part.byteLength;
          }
        },
        end() {
          applied = Number(Buffer.from(restored[0] as Uint8Array).toString());
          blocks = restored.slice(1);
        },
      };
    },
    digest: () => String(applied),
  };
};

function block(applied: number): Uint8Array {
  const made = new Uint8Array(blockBytes).fill(applied);
  new DataView(made.buffer).setFloat64(0, applied);
  return made;
}
