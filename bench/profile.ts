import { BroadcastChannel } from 'node:worker_threads';
import { ConclaveError } from '../src/ground/errors.js';
import { closedLoop, warmUp } from './measure.js';
import { withOurs } from './ours.js';
import type { Row } from './rows.js';

/** To all threads of the process: note what you have taken of a processor, profile yourself, write down what you found. */
export type ProfileOrder =
  | { readonly type: 'count' }
  | { readonly type: 'record' }
  | { readonly type: 'write'; readonly directory: string; readonly row: string };

/** What a thread says to each order: to the last, how it did. */
export type ProfileAnswer = { readonly type: 'done' } | ThreadProfile;

export interface ThreadProfile {
  readonly type: 'written';
  /** Ascending in the order in which threads were started. */
  readonly threadId: number;
  readonly role: ThreadRole;
  /** Of a processor, from `count` to `record`. */
  readonly cpuMs: number;
}

export type ThreadRole = 'clients' | 'router' | 'node';

export const profileChannel = 'conclave.bench.profile';

/** The module that each thread must have loaded first. */
export const profiledThread = new URL('./profiled-thread.js', import.meta.url).href;

/** A thread writes a profile of some seconds within some hundred milliseconds. */
const answerMsMax = 20_000;

/** Processor time of a command, in microseconds. */
export interface ProfileLine {
  readonly row: string;
  readonly committedPerSecond: number;
  /** `clients`, `router`, `node N`; `engine`: threads that compile and collect garbage. */
  readonly usPerCommand: Readonly<Record<string, number>>;
}

/**
 * What each thread takes of a processor for a command, measured before anything is sampled; and a CPU profile of each, of
 * as many seconds again, as a file to open in a browser's developer tools.
 */
export async function profileRow(row: Row, seconds: number, directory: string): Promise<ProfileLine> {
  const channel = new BroadcastChannel(profileChannel);
  try {
    return await withOurs(row, async (command) => {
      const load = () => closedLoop(row.inFlight, seconds * 1000, command);
      const ask = (order: ProfileOrder) => askThreads(channel, order, row.nodes + 2);
      await warmUp(row.inFlight, command);
      await ask({ type: 'count' });
      const before = process.cpuUsage();
      const { length: committed } = await load();
      const { user, system } = process.cpuUsage(before);
      await ask({ type: 'record' });
      await load();
      const answers = await ask({ type: 'write', directory, row: row.name });
      const threads = answers.filter((answer) => answer.type === 'written');
      const perCommand = shares(threads, (user + system) / 1000).map(
        ([thread, cpuMs]) => [thread, Number(((cpuMs * 1000) / committed).toPrecision(3))] as const,
      );
      return {
        row: row.name,
        committedPerSecond: Math.round(committed / seconds),
        usPerCommand: Object.fromEntries(perCommand),
      };
    });
  } finally {
    channel.close();
  }
}

function askThreads(
  channel: BroadcastChannel,
  order: ProfileOrder,
  threads: number,
): Promise<ProfileAnswer[]> {
  return new Promise((resolve, reject) => {
    const answers: ProfileAnswer[] = [];
    const late = setTimeout(() => {
      const text = `${answers.length} of ${threads} threads could be profiled.`;
      reject(new ConclaveError('TIMEOUT', text));
    }, answerMsMax);
    channel.onmessage = ({ data }: { data: unknown }) => {
      answers.push(data as ProfileAnswer);
      if (answers.length < threads) return;
      clearTimeout(late);
      resolve(answers);
    };
    channel.postMessage(order);
  });
}

/** Nodes are started in their order. */
function shares(threads: readonly ThreadProfile[], totalMs: number): (readonly [string, number])[] {
  const inOrder = [...threads].sort((a, b) => a.threadId - b.threadId);
  const nodes = inOrder.filter(({ role }) => role === 'node');
  const ownMs = inOrder.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  const named = inOrder.map(
    (thread) =>
      [thread.role === 'node' ? `node ${nodes.indexOf(thread)}` : thread.role, thread.cpuMs] as const,
  );
  return [...named, ['engine', Math.max(0, totalMs - ownMs)]];
}
