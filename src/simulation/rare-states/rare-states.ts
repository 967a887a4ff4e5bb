import { catchesUp, type NodeStanding } from '../../node/information.js';
import type { NodeActor } from '../../node/node-actor.js';
import type { SnapshotNews } from '../../node/node-observer.js';
import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import { lastIndexOf } from '../../raft/run.js';
import type { DiskRecord } from '../disk/disk-record.js';
import type { PowerLoss } from '../disk/simulated-file-system.js';
import type { ClusterRecord } from '../invariants/cluster-record.js';
import type { Observation } from '../invariants/observation.js';

/**
 * States that are reached rarely and where bugs live. A sweep that has not met one of them has not tested what
 * happens in it ("sometimes assertions").
 */
export const rareStateNames = [
  'a split vote',
  'a pre-vote refused',
  'two leaders at once, of different terms',
  'a leader deposed with a proposal in flight',
  'a leader that lost its quorum and resigned',
  'a disk that stalled a leader out of office',
  'a truncated suffix',
  'a run truncated within',
  'an older entry on a majority and not committed (Figure 8)',
  'an entry that was on a majority and was replaced (Figure 8)',
  'a command superseded at the node that took it',
  'a batch answered in parts',
  'a batch half applied and half refused',
  'an outcome unknown to the client',
  'a command sent again within its session',
  'a command repeated in the log',
  'a command of an expired session in the log',
  'a leader asked for a read while it had a lease',
  'an answer to a call that had ended',
  'a request that went to another node',
  'a call that no leader took in time',
  'a call aborted before it had an effect',
  'a session that refused more than it can hold',
  'a caller that waited for room',
  'a node that refused more commands than it can hold',
  'a stale read',
  'a whole window lost',
  'a read that had to wait for the no-op',
  'a linearizable read served by a follower',
  'a write lost with the power',
  'a torn write',
  'a torn tail repaired',
  'a name lost from a directory',
  'a node that died of its disk',
  'a recovery that met a failing disk',
  'a damaged disk refused',
  'a recovery of more than one segment',
  'a segment that was made ahead',
  'a catch-up of more than a hundred entries',
  'a leader that had entries to apply before it served',
  'a snapshot taken',
  'a snapshot installed',
  'a state restored from disk',
  'entries read back from disk for a follower',
  'a joint configuration inherited by the next leader',
  'a configuration rolled back',
  'a leader removed',
  'a learner promoted',
  'a member added again under its id',
  'a member that was removed and comes with an empty disk',
  'a message for the one who bore the id before',
  'a snapshot that carries a configuration',
  'a change refused',
  'a transfer refused',
  'a leader that hands over',
  'a block applied',
  'a command that the voters found not to be valid',
] as const;
export type RareState = (typeof rareStateNames)[number];

/** What is looked at of a node that stands otherwise than before. */
interface StandingNode {
  readonly id: NodeId;
  readonly actor: NodeActor | null;
}

/** Counts the rare states that a run reaches. */
export class RareStates {
  readonly counts = new Map<RareState, number>();
  readonly #cluster: ClusterRecord;
  readonly #candidates = new Map<Term, Set<NodeId>>();
  readonly #leading = new Map<NodeId, Term>();
  #repeated = 0;
  #expired = 0;
  #configurations = 1;
  readonly #incarnations: Map<NodeId, LogIndex>;
  readonly #latest = new Map<NodeId, LogIndex>();

  constructor(cluster: ClusterRecord) {
    this.#cluster = cluster;
    this.#incarnations = new Map(cluster.birth.members.map(({ id, incarnation }) => [id, incarnation]));
  }

  count(state: RareState): void {
    this.counts.set(state, (this.counts.get(state) ?? 0) + 1);
  }

  snapshotNews(news: SnapshotNews): void {
    const { type } = news;
    if (type === 'taken') this.count('a snapshot taken');
    if (type === 'installed') {
      this.count('a snapshot installed');
      if (news.snapshot.mark.configurationIndex > 0) this.count('a snapshot that carries a configuration');
    }
    if (type === 'restored') this.count('a state restored from disk');
  }

  powerLost({ lostWrites, tornWrites, lostNames }: PowerLoss): void {
    if (lostWrites > 0) this.count('a write lost with the power');
    if (tornWrites > 0) this.count('a torn write');
    if (lostNames > 0) this.count('a name lost from a directory');
  }

  /** After each step of a node. */
  stepped(seen: Observation): void {
    const { before, replica, changedFrom, standing, log } = seen;
    this.#countSessions();
    this.#countMembers(seen);
    if (before === null) return;
    this.#compare(before.counts, seen.counts);
    if (changedFrom <= before.lastIndex && changedFrom <= log.lastIndex) {
      this.count('a truncated suffix');
      // What did not change is still seen in the run as it was.
      const run = log.at(changedFrom - 1);
      if (run !== undefined && lastIndexOf(run) >= changedFrom) this.count('a run truncated within');
    }
    if (before.standing === 'leader' && standing !== 'leader') this.#leaderFell(seen);
    if (before.standing !== 'leader' && standing === 'leader') this.#leaderRose(seen);
    if (replica.lastApplied - before.lastApplied > 100)
      this.count('a catch-up of more than a hundred entries');
  }

  /** What more was committed that has no effect, since the last look. */
  #countSessions(): void {
    const { repeated, expired } = this.#cluster.sessions.counts;
    for (; this.#repeated < repeated; this.#repeated++) this.count('a command repeated in the log');
    for (; this.#expired < expired; this.#expired++) this.count('a command of an expired session in the log');
  }

  #countMembers({ id, replica, heard, before, standing }: Observation): void {
    const { configurations } = this.#cluster;
    for (; this.#configurations < configurations.length; this.#configurations++) {
      const [last, next] = configurations.slice(this.#configurations - 1).map((each) => each.configuration);
      if (last === undefined || next === undefined) continue;
      for (const { id, incarnation } of next.members) {
        if (next.isVoter(id) && last.isLearner(id)) this.count('a learner promoted');
        const former = this.#incarnations.get(id);
        if (former !== undefined && former !== incarnation) this.count('a member added again under its id');
        this.#incarnations.set(id, incarnation);
      }
    }
    const { latestIndex } = replica.configurations;
    if (before !== null && latestIndex < (this.#latest.get(id) ?? 0))
      this.count('a configuration rolled back');
    this.#latest.set(id, latestIndex);
    if (before?.standing === 'leader' && standing !== 'leader' && !replica.configuration.isMember(id)) {
      this.count('a leader removed');
    }
    if (before !== null && heard.forFormerBearer > before.forFormerBearer) {
      this.count('a message for the one who bore the id before');
    }
  }

  #compare(before: Observation['counts'], now: Observation['counts']): void {
    if (now.portionsRead > before.portionsRead) this.count('entries read back from disk for a follower');
  }

  standingChanged(host: StandingNode, standing: NodeStanding): void {
    const { role, term, state } = standing;
    if (catchesUp(standing)) this.count('a leader that had entries to apply before it served');
    if (role === 'candidate') {
      const candidates = this.#candidates.get(term) ?? new Set();
      this.#candidates.set(term, candidates.add(host.id));
      if (candidates.size === 2) this.count('a split vote');
    }
    if (state.startsWith('alive.follower')) {
      const votes = host.actor?.replica.votes;
      if (votes !== undefined && [...votes.values()].includes(false)) this.count('a pre-vote refused');
    }
  }

  /** A disk is about to replace its entries from `from` on. */
  replacing(disk: DiskRecord, from: LogIndex): void {
    for (let index = Math.max(from, this.#cluster.committed.length + 1); index <= disk.lastIndex; index++) {
      if (!this.#cluster.isOnQuorum(index, disk.at(index)?.term ?? 0)) continue;
      this.count('an entry that was on a majority and was replaced (Figure 8)');
      return;
    }
  }

  #leaderRose({ id, replica, log }: Observation): void {
    this.#leading.set(id, replica.currentTerm);
    if (replica.configuration.isJoint) this.count('a joint configuration inherited by the next leader');
    if (this.#leading.size > 1) this.count('two leaders at once, of different terms');
    const next = replica.commitIndex + 1;
    const older = log.at(next);
    if (older === undefined || older.term >= replica.currentTerm) return;
    if (next > this.#cluster.committed.length && this.#cluster.isOnQuorum(next, older.term)) {
      this.count('an older entry on a majority and not committed (Figure 8)');
    }
  }

  #leaderFell({ id, replica, before }: Observation): void {
    this.#leading.delete(id);
    const { lastIndex } = replica.log;
    if (replica.commitIndex < lastIndex && replica.log.runAt(lastIndex)?.kind === 'command') {
      this.count('a leader deposed with a proposal in flight');
    }
    if (before?.term !== replica.currentTerm) return;
    const waitsForDisk = replica.log.durableIndex < lastIndex;
    this.count(
      waitsForDisk
        ? 'a disk that stalled a leader out of office'
        : 'a leader that lost its quorum and resigned',
    );
  }

  /** A client is about to ask this node for a linearizable read. */
  readAsked(actor: NodeActor | null): void {
    const isHeld = actor?.chart.getSnapshot().matches({ alive: { leader: { authority: 'establishing' } } });
    if (isHeld === true) this.count('a read that had to wait for the no-op');
    if (actor?.hasLease === true) this.count('a leader asked for a read while it had a lease');
  }

  /** A client has a linearizable answer of this node. */
  readAnswered(actor: NodeActor | null): void {
    if (actor?.chart.getSnapshot().matches({ alive: 'follower' }) === true) {
      this.count('a linearizable read served by a follower');
    }
  }

  /** A node has ended: it leads no more. */
  ended(id: NodeId): void {
    this.#leading.delete(id);
  }
}
