import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';
import { type ProfileAnswer, type ProfileOrder, profileChannel, type ThreadRole } from './profile.js';

/*
 * Loaded into each thread of a benchmark before anything else (`--import`): says what the thread takes of a processor,
 * and profiles it.
 */

/** Between two samples of a stack, in microseconds. */
const samplingUs = 500;

const channel = new BroadcastChannel(profileChannel);
const session = new Session();
let countedMs = 0;
let cpuMs = 0;

channel.onmessage = async ({ data }: { data: unknown }) => {
  const answer = await obey(data as ProfileOrder | ProfileAnswer);
  if (answer !== null) channel.postMessage(answer);
};
channel.unref();

/** Null if it is what another thread answers. */
async function obey(order: ProfileOrder | ProfileAnswer): Promise<ProfileAnswer | null> {
  switch (order.type) {
    case 'count':
      countedMs = threadMs();
      return { type: 'done' };
    case 'record':
      cpuMs = threadMs() - countedMs;
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: samplingUs });
      await session.post('Profiler.start');
      return { type: 'done' };
    case 'write': {
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      const isOf = (folder: string) => profile.nodes.some(({ callFrame }) => callFrame.url.includes(folder));
      const role: ThreadRole = isMainThread ? 'clients' : isOf('/src/node/') ? 'node' : 'router';
      await mkdir(order.directory, { recursive: true });
      const file = join(order.directory, `${order.row}.${threadId}-${role}.cpuprofile`);
      await writeFile(file, JSON.stringify(profile));
      return { type: 'written', threadId, role, cpuMs };
    }
    default:
      return null;
  }
}

/** What the calling thread has had of a processor: a file that is read at once is read by the thread that asks. */
function threadMs(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6;
}
