import { NodeDeadError } from '../../ground/errors.js';
import type { NodeId } from '../../raft/entry.js';
import { reportOf } from '../host/error-report.js';
import type { NodeCounts } from '../measures/node-counts.js';
import { type ClientRead, outcomeUnknown, type Proposal } from './client-requests.js';

/** A proposal, and which of its numbers have not been answered: [first, end) each, ascending. */
interface OpenProposal {
  readonly proposal: Proposal;
  gaps: readonly (readonly [first: number, end: number])[];
}

/**
 * What clients have asked of this node and have not been told. Each request is answered exactly once, whatever dies;
 * but a chart can die of the very event that brought it, or halfway through one that was about others' requests. Who
 * is still here when the node ends is answered here.
 */
export class OpenRequests {
  readonly #proposals = new Set<OpenProposal>();
  readonly #reads = new Set<ClientRead>();
  readonly #counts: NodeCounts;
  #queryBytes = 0;

  constructor(counts: NodeCounts) {
    this.#counts = counts;
  }

  /** How many requests are not answered in full. */
  get size(): number {
    return this.#proposals.size + this.#reads.size;
  }

  /** Bytes of the queries that are not answered. */
  get queryBytes(): number {
    return this.#queryBytes;
  }

  /** The proposal, from now on noted until its last command is answered. */
  addProposal(proposal: Proposal): Proposal {
    const { first, count, isOfSession = false, reply } = proposal;
    const open: OpenProposal = { proposal, gaps: [[first, first + count]] };
    this.#proposals.add(open);
    // What keeps a session is no command of anybody's.
    const counts = isOfSession ? null : this.#counts;
    if (counts !== null) counts.commandsTaken += count;
    return {
      ...proposal,
      reply: (answer) => {
        if ('first' in answer) open.gaps = without(open.gaps, answer.first, answer.first + answer.count);
        if (open.gaps.length === 0) this.#proposals.delete(open);
        counts?.answered(answer);
        reply(answer);
      },
    };
  }

  /** The read, from now on noted until it is answered. */
  addRead(read: ClientRead): ClientRead {
    this.#reads.add(read);
    this.#counts.readsTaken++;
    this.#queryBytes += read.query.length;
    return {
      ...read,
      reply: (answer) => {
        if (this.#reads.delete(read)) this.#queryBytes -= read.query.length;
        this.#counts.answered(answer);
        read.reply(answer);
      },
    };
  }

  /**
   * The node has ended, and all who know better have answered. What became of the commands nobody can say.
   * @param cause what it died of, if it did
   */
  refuseAll(id: NodeId, cause?: unknown): void {
    const dead = reportOf(new NodeDeadError(id));
    for (const { request, reply } of this.#reads) reply({ type: 'readRefused', request, error: dead });
    this.#reads.clear();
    this.#queryBytes = 0;
    if (this.#proposals.size === 0) return;
    const error = reportOf(outcomeUnknown(`Node ${id} died while it dealt with the command`, cause));
    for (const { proposal, gaps } of this.#proposals) {
      for (const [first, end] of gaps) proposal.reply({ type: 'refused', first, count: end - first, error });
    }
    this.#proposals.clear();
  }
}

function without(gaps: OpenProposal['gaps'], first: number, end: number): OpenProposal['gaps'] {
  return gaps.flatMap(([from, to]) => {
    const left: [number, number] = [from, Math.min(to, first)];
    const right: [number, number] = [Math.max(from, end), to];
    return [left, right].filter(([start, stop]) => start < stop);
  });
}
