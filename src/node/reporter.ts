import type { Configuration } from '../raft/configuration.js';
import type { LogIndex } from '../raft/entry.js';
import { configurationIsCommitted, isJoining } from '../raft/membership.js';
import { membersOf } from './describe.js';
import type { NodeStanding } from './information.js';
import type { NodeObserver, SnapshotNews } from './node-observer.js';
import type { NodeParts } from './parts.js';

/** Tells the node's observer, once a turn, what has changed since it was told last. */
export class Reporter {
  readonly #observer: NodeObserver;
  #news: SnapshotNews[] = [];
  #standing: NodeStanding | null = null;
  #commitIndex: LogIndex = 0;
  #height: LogIndex = 0;
  #configuration: Configuration | null = null;
  #isConfigurationCommitted = false;

  constructor(observer: NodeObserver) {
    this.#observer = observer;
  }

  /** How the node stands at first, which is no news. */
  begin(standing: NodeStanding): void {
    this.#standing = standing;
  }

  /** What became of a snapshot in this turn. */
  note(news: SnapshotNews): void {
    this.#news.push(news);
  }

  report(parts: NodeParts, standing: NodeStanding): void {
    for (const news of this.#news.splice(0)) this.#observer.snapshotNews(news);
    this.#tellStanding(parts, standing);
    this.#tellMembers(parts);
    const { commitIndex, lastApplied } = parts.replica;
    if (commitIndex === this.#commitIndex && lastApplied === this.#height) return;
    this.#commitIndex = commitIndex;
    this.#height = lastApplied;
    this.#observer.progressed(commitIndex, lastApplied, parts.applier.recovery);
  }

  #tellStanding({ counts }: NodeParts, standing: NodeStanding): void {
    const before = this.#standing;
    const isLeaderSame = before?.leaderId === standing.leaderId && before.term === standing.term;
    if (isLeaderSame && before.role === standing.role && before.state === standing.state) return;
    if (standing.leaderId !== null && !isLeaderSame) counts.leaders++;
    this.#standing = standing;
    this.#observer.standingChanged(standing);
  }

  #tellMembers({ replica }: NodeParts): void {
    // Until one that joins has been added itself, its log may tell of another that bore its id.
    const isCommitted = configurationIsCommitted(replica) && !isJoining(replica);
    if (replica.configuration === this.#configuration && isCommitted === this.#isConfigurationCommitted)
      return;
    this.#configuration = replica.configuration;
    this.#isConfigurationCommitted = isCommitted;
    this.#observer.configured?.(membersOf(replica.configuration), isCommitted);
  }
}
