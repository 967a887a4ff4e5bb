import type { MessagePort } from 'node:worker_threads';
import { packBytes, unpackBytes } from '../src/ground/byte-strings.js';
import { SystemClock } from '../src/ground/clock.js';
import type { NodeId } from '../src/raft/entry.js';
import { PortTransport } from '../src/router/port-transport.js';
import { NodeFileSystem } from '../src/storage/node-file-system.js';
import { WriteAheadLog } from '../src/storage/write-ahead-log.js';

export interface FloorTask {
  readonly id: NodeId;
  readonly nodes: number;
  readonly networkPort: MessagePort;
  readonly gauge: SharedArrayBuffer;
  readonly hostPort: MessagePort;
  /** Null keeps nothing. */
  readonly directory: string | null;
}

/** A turn's commands on their way: how many they are and who has them. */
interface Batch {
  readonly count: number;
  holders: number;
}

/**
 * What is left of a node without Raft's rules: node 0 sends each turn's commands to the others as one buffer, all
 * keep it (and sync it, with a disk), and when a majority has it the commands are answered. No terms, no log, no
 * chart, no encoding of entries.
 */
export async function run(task: FloorTask): Promise<void> {
  const clock = new SystemClock();
  const transport = new PortTransport(task.networkPort, task.gauge);
  const keep = openStore(task);
  const batches = new Map<number, Batch>();
  let waiting: Uint8Array[] = [];
  let turnIsDue = false;
  let next = 1;

  const hold = (number: number) => {
    const batch = batches.get(number);
    if (batch === undefined || ++batch.holders < Math.floor(task.nodes / 2) + 1) return;
    batches.delete(number);
    const results = packBytes(new Array<Uint8Array>(batch.count).fill(new Uint8Array(0)));
    task.hostPort.postMessage({ count: batch.count, results }, [results.buffer]);
  };
  const turn = () => {
    turnIsDue = false;
    const commands = packBytes(waiting);
    const number = next++;
    batches.set(number, { count: waiting.length, holders: 0 });
    waiting = [];
    for (let to = 1; to < task.nodes; to++) {
      const frame = new Uint8Array(8 + commands.length);
      new DataView(frame.buffer).setFloat64(0, number);
      frame.set(commands, 8);
      transport.send(to, frame);
    }
    transport.flush();
    keep(commands);
    hold(number);
  };

  transport.receive((from, frame) => {
    const number = new DataView(frame.buffer, frame.byteOffset).getFloat64(0);
    if (task.id === 0) return hold(number);
    keep(frame.subarray(8));
    transport.send(from, frame.slice(0, 8));
    transport.flush();
  });
  await new Promise<void>((resolve) => {
    task.hostPort.on('message', (message: { commands: Uint8Array; count: number } | 'close') => {
      if (message === 'close') return resolve();
      waiting.push(...(unpackBytes(message.commands, message.count) ?? []));
      if (!turnIsDue) clock.soon(turn);
      turnIsDue = true;
    });
  });
  transport.close();
  task.hostPort.close();
}

function openStore(task: FloorTask): (bytes: Uint8Array) => void {
  const { directory, id: nodeId } = task;
  if (directory === null) return () => {};
  const log = new WriteAheadLog({ fileSystem: new NodeFileSystem(), directory, clusterId: 'floor', nodeId });
  log.recover();
  let index = 1;
  return (bytes) => {
    const run = { firstIndex: index++, count: 1, term: 1, kind: 'command', sealed: bytes } as const;
    log.write({ hardState: null, runs: [run] });
    log.sync();
  };
}
