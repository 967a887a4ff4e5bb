import { catchesUp, type NodeInformation } from '../node/information.js';
import type { Leader } from '../node/when-ready.js';
import type { NodeId, Term } from '../raft/entry.js';

/** A node as it is known by its reports. */
export interface ReportingNode {
  readonly isAlive: boolean;
  readonly known: Pick<NodeInformation, 'id' | 'role' | 'state' | 'term'>;
}

/** Who leads, for one to whom the nodes report. */
export class ReportedLeader {
  #current: Leader | null = null;
  #addressee: NodeId | null = null;
  /** The highest term that somebody was heard to lead. */
  #ledTerm: Term = 0;

  get current(): Leader | null {
    return this.#current;
  }

  /** The leader if it may be able to answer: one that has yet to apply what is committed is not sent anything. */
  get addressee(): NodeId | null {
    return this.#addressee;
  }

  /**
   * Something changed at a node. Does another lead now, or nobody, or the same one in another term; and does what is
   * asked go to another?
   */
  changesWith(nodes: Iterable<ReportingNode>): { readonly leader: boolean; readonly addressee: boolean } {
    const [before, addressedBefore] = [this.#current, this.#addressee];
    const leading = this.#leadingOf(nodes);
    this.#current = leading === null ? null : { id: leading.id, term: leading.term };
    this.#addressee = leading === null || catchesUp(leading) ? null : leading.id;
    const leader = leading?.id !== before?.id || leading?.term !== before?.term;
    return { leader, addressee: leader || this.#addressee !== addressedBefore };
  }

  /** Of those that say they lead, the one of the highest term ever heard of: it has deposed all before it. */
  #leadingOf(nodes: Iterable<ReportingNode>): ReportingNode['known'] | null {
    let leading: ReportingNode['known'] | null = null;
    for (const { isAlive, known } of nodes) {
      if (!isAlive || known.role !== 'leader' || known.term < this.#ledTerm) continue;
      this.#ledTerm = known.term;
      leading = known;
    }
    return leading;
  }
}
