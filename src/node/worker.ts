import { randomInt } from 'node:crypto';
import type { Application, CreateApplication } from '../application/application.js';
import { requireApplication } from '../application/contract.js';
import { SystemClock } from '../ground/clock.js';
import { ApplicationError, ConclaveError } from '../ground/errors.js';
import { GatheredPort } from '../ground/gathered-port.js';
import { Random } from '../ground/random.js';
import { messageOf } from '../ground/thrown.js';
import { Configuration } from '../raft/configuration.js';
import { PortTransport } from '../router/port-transport.js';
import { DirectoryLock } from '../storage/directory-lock.js';
import { StorageDisk } from '../storage/disk.js';
import { MemoryStorage } from '../storage/memory-storage.js';
import { NodeFileSystem } from '../storage/node-file-system.js';
import type { Storage } from '../storage/storage.js';
import { WriteAheadLog } from '../storage/write-ahead-log.js';
import { createCiphers } from '../wire/create-cipher.js';
import { logSealOf } from '../wire/log-seal.js';
import { clusterTag } from '../wire/messages.js';
import { serveClient } from './clients/client-port.js';
import type { ClientReply, ClientRequest } from './clients/client-requests.js';
import { HostPort } from './host/host-port.js';
import type { NodeTask } from './host/protocol.js';
import { NodeActor } from './node-actor.js';
import type { NodeObserver } from './node-observer.js';

/**
 * A node's life in a thread of its own: recover, listen, and end when the host says so or the node dies. The
 * thread may be terminated at any moment; then the disk is all that remains.
 */
export async function run(task: NodeTask): Promise<void> {
  const clock = new SystemClock();
  const hostPort = new HostPort(task.hostPort, clock);
  const transport = new PortTransport(task.networkPort, task.gauge);
  const clientPort = new GatheredPort<ClientReply, ClientRequest>(task.clientPort);
  let storage: Storage | null = null;
  try {
    hostPort.post({ type: 'loading' });
    const application = await loadApplication(task);
    hostPort.post({ type: 'recovering' });
    storage = openStorage(task);
    await new Promise<void>((resolve, reject) => {
      const ciphers = createCiphers(task.cipher, new Random(task.options.seed).fork());
      const { voters, learners, addresses } = task.options;
      const birth = Configuration.of(voters, learners, addresses).data;
      const recovered = (storage as Storage).recover(logSealOf(task.cipher, ciphers.entries), birth);
      const actor = new NodeActor(task.options, {
        transport,
        recovered,
        disk: new StorageDisk(storage as Storage),
        application,
        clock,
        identity: {
          id: task.options.id,
          cluster: clusterTag(task.clusterId),
          life: randomInt(1, 2 ** 48 - 1),
        },
        ciphers,
        observer: dyingWith(hostPort, reject),
      });
      serveClient(clientPort, actor);
      hostPort.serve(actor, () => {
        actor.abandon();
        resolve();
      });
      const { lastIndex: lastLogIndex } = actor.replica.log;
      hostPort.post({ type: 'ready', tornBytes: recovered.tornBytes, lastLogIndex });
    });
  } catch (error) {
    hostPort.died(error);
    throw error;
  } finally {
    storage?.close();
    transport.close();
    clientPort.close();
    hostPort.close();
  }
}

/** The host's observer, but a death ends the thread's task with its error, which `run` then reports. */
function dyingWith(observer: NodeObserver, died: (error: unknown) => void): NodeObserver {
  return {
    standingChanged: (standing) => observer.standingChanged(standing),
    progressed: (commitIndex, height, recovery) => observer.progressed(commitIndex, height, recovery),
    snapshotNews: (news) => observer.snapshotNews(news),
    configured: (...told) => observer.configured?.(...told),
    died,
  };
}

/** @throws {ApplicationError} saying which module, and what is wrong with it; {ConclaveError} that it throws itself */
async function loadApplication({ application }: NodeTask): Promise<Application> {
  try {
    const module: { createApplication?: CreateApplication } = await import(String(application.module));
    if (typeof module.createApplication !== 'function') {
      throw new ApplicationError('It exports no function createApplication.');
    }
    return requireApplication(await module.createApplication(application.options));
  } catch (cause) {
    if (cause instanceof ConclaveError && !(cause instanceof ApplicationError)) throw cause;
    throw new ApplicationError(
      `The application ${application.module} could not be made: ${messageOf(cause)}`,
      { cause },
    );
  }
}

function openStorage({ storage, options, clusterId }: NodeTask): Storage {
  if (storage.kind === 'memory') return new MemoryStorage();
  return new WriteAheadLog({
    fileSystem: new NodeFileSystem(),
    directory: storage.directory,
    clusterId,
    nodeId: options.id,
    mustExist: storage.mustExist,
    lock: new DirectoryLock(storage.directory, storage.owner),
    ...(storage.segmentBytes === undefined ? {} : { segmentBytes: storage.segmentBytes }),
  });
}
