import type { Application } from '../application/application.js';
import type { Clock } from '../ground/clock.js';
import { Random } from '../ground/random.js';
import { Configuration } from '../raft/configuration.js';
import { Log } from '../raft/log.js';
import { newReplica } from '../raft/replica.js';
import type { Disk } from '../storage/disk.js';
import type { Recovered } from '../storage/storage.js';
import type { Cipher } from '../wire/cipher.js';
import { LogEntryCodec } from '../wire/log-entry.js';
import { PendingProposals } from './clients/pending-proposals.js';
import { PendingReads } from './clients/pending-reads.js';
import { PendingVerifications } from './clients/pending-verifications.js';
import { DiskLane } from './disk/disk-lane.js';
import type { NodeOptions } from './options.js';
import type { NodeParts } from './parts.js';
import { CommitNews } from './peers/commit-news.js';
import { ElectionTimer } from './peers/election-timer.js';
import { Outbox } from './peers/outbox.js';
import { PeerLinks } from './peers/peer-links.js';

/** What of a node's world its parts need. */
interface PartPorts {
  readonly disk: Disk;
  readonly recovered: Recovered;
  readonly application: Application;
  readonly cipher: Cipher;
}

/** Makes the parts of a node from what its storage recovered. */
export function assemble(options: NodeOptions, ports: PartPorts, clock: Clock): NodeParts {
  const { recovered, cipher, application } = ports;
  const configuration = Configuration.of(options.voters, options.learners);
  const replica = newReplica(options.id, configuration, recovered.hardState, new Log(recovered.entries));
  const links = new PeerLinks(replica, options.limits);
  return {
    options,
    replica,
    clock,
    application,
    links,
    news: new CommitNews(clock, () => links.tellCommit()),
    timer: new ElectionTimer(replica, options.timings, clock, new Random(options.seed)),
    codec: new LogEntryCodec(cipher),
    outbox: new Outbox(),
    disk: new DiskLane(ports.disk, replica),
    proposals: new PendingProposals(replica, options.limits.proposalsMax),
    verifications: new PendingVerifications(replica),
    reads: new PendingReads(replica, (query) => application.query(query), firstRequestOf(options, clock)),
    settings: { candidacy: options.candidacy, blockIntervalMs: 0 },
  };
}

/** Not met in an earlier life: the seed is another, or where it is fixed, the time is. */
function firstRequestOf({ seed }: NodeOptions, clock: Clock): number {
  return new Random(seed).fork().below(2 ** 48) + Math.floor(clock.now());
}
