import { unpackBytes } from '../../ground/byte-strings.js';
import type { ClientReply, ClientRequest, ReplyOf } from '../../node/clients/client-requests.js';
import type { LogIndex, NodeId, Term } from '../../raft/entry.js';
import type { RareStates } from '../rare-states/rare-states.js';
import type { Applied } from '../world/watched-application.js';
import { AskedRequests } from './asked-requests.js';
import type { ClusterRecord } from './cluster-record.js';
import { type AtNode, type Batch, isRefusal, type Request, type Wire } from './request.js';
import { answeredWasApplied } from './state-machines.js';
import { Violation } from './violation.js';

/** What is looked up at a node when it is asked, and when it answers. */
export interface AskedNodes {
  /** Does it believe that it leads? */
  leads(id: NodeId): boolean;
  asked(id: NodeId): void;
  answered(id: NodeId): void;
}

/** A node has answered that an entry is committed. */
interface Claim {
  readonly id: NodeId;
  readonly index: LogIndex;
  readonly term: Term;
}

/**
 * Every request of every simulated client, on both sides of the wire: what was called, sent, heard and told to the
 * caller stands in `AskedRequests`; here, what the nodes make of it. Each is answered exactly once.
 */
export class Requests extends AskedRequests {
  readonly #cluster: ClusterRecord;
  readonly #nodes: AskedNodes;
  readonly #rare: RareStates;
  /** What nodes have said is committed, in steps that are not over. */
  #claims: Claim[] = [];
  /** What was said in steps that never ended, for the process did: it is judged when others commit so far. */
  #lastWords: Claim[] = [];

  constructor(
    cluster: ClusterRecord,
    nodes: AskedNodes,
    rare: RareStates,
    broken: (violation: Violation) => void,
  ) {
    super(rare, broken);
    this.#cluster = cluster;
    this.#nodes = nodes;
    this.#rare = rare;
  }

  /** A request reaches the node. */
  arrived(wire: Wire, request: ClientRequest): void {
    const committedBefore = this.#cluster.committed.length;
    const nodeLed = this.#nodes.leads(wire.node);
    const seen = { committedBefore, nodeLed };
    if (request.type === 'read') {
      const asked = this.requestIn(request.query);
      if (asked === null) return;
      if (request.consistency !== 'stale') this.#nodes.asked(wire.node);
      wire.readsAtNode.set(request.request, { request: asked, batch: null, ...seen });
      return;
    }
    if (request.type === 'session') {
      wire.sessionsAtNode.add(request.first);
      return;
    }
    const batch: Batch = { count: request.count, answered: 0, wasApplied: false };
    wire.batches.add(batch);
    for (const [at, command] of (unpackBytes(request.commands, request.count) ?? []).entries()) {
      const asked = this.requestIn(command);
      if (asked !== null) wire.commandsAtNode.set(request.first + at, { request: asked, batch, ...seen });
    }
  }

  /** The node answers. */
  answered(wire: Wire, reply: ClientReply): void {
    if ('first' in reply && wire.sessionsAtNode.delete(reply.first)) return;
    if (reply.type === 'applied') this.#applied(wire, reply);
    else if (reply.type === 'refused') this.#refused(wire, reply);
    else {
      const at = this.#taken(wire, wire.readsAtNode, reply.request);
      if (at === null) return;
      const sending = this.#sendingOf(at, wire);
      if (reply.type === 'answer') {
        const { index, result } = reply;
        if (sending !== null) sending.told = { type: 'done', index, term: 0, result };
        this.#readAnswered(wire, at, index);
      } else if (sending !== null) sending.told = { type: 'refused', code: reply.error.code };
    }
  }

  #applied(wire: Wire, { first, count, index: firstIndex, term, results: packed }: ReplyOf<'applied'>): void {
    const results = unpackBytes(packed, count) ?? [];
    const last = wire.commandsAtNode.get(first + count - 1)?.batch ?? null;
    for (let at = 0; at < count; at++) {
      const open = this.#taken(wire, wire.commandsAtNode, first + at);
      if (open === null) continue;
      const index = firstIndex + at;
      const result = results[at] ?? new Uint8Array(0);
      const { bytes: command } = open.request;
      this.whole(() => answeredWasApplied(wire.node, { index, term, command, result }, this.#cluster));
      this.#claims.push({ id: wire.node, index, term });
      const sending = this.#sendingOf(open, wire);
      if (sending !== null) sending.told = { type: 'done', index, term, result };
      this.#inBatch(wire, open, true);
    }
    if (last !== null && last.answered < last.count) this.#rare.count('a batch answered in parts');
  }

  #refused(wire: Wire, { first, count, error }: ReplyOf<'refused'>): void {
    const told = { type: 'refused', code: error.code } as const;
    for (let number = first; number < first + count; number++) {
      const open = this.#taken(wire, wire.commandsAtNode, number);
      if (open === null) continue;
      const { request, nodeLed } = open;
      // In a session it may have been applied where it was sent before, or will be where it is sent next.
      const isAlone = request.place === null;
      if (isAlone && isRefusal(told) && request.appliedAt !== null)
        this.#wasApplied(wire.node, request, wire.node);
      if (nodeLed && error.code === 'NOT_LEADER') {
        this.#rare.count('a command superseded at the node that took it');
      }
      if (error.code === 'RESULT_FORGOTTEN') {
        this.broke(
          'FirstResultIsKept',
          wire.node,
          `Node ${wire.node} has forgotten what came of command ${request.number}.`,
        );
      }
      if (error.code === 'OVERLOADED') this.#rare.count('a node that refused more commands than it can hold');
      const sending = this.#sendingOf(open, wire);
      if (sending !== null) sending.told = told;
      this.#inBatch(wire, open, false);
    }
  }

  #readAnswered(wire: Wire, { request, committedBefore }: AtNode, index: LogIndex): void {
    const { node } = wire;
    if (request.kind === 'linearizable') {
      this.#nodes.answered(node);
      this.whole(() => readIndexIsCurrent(node, index, committedBefore));
    } else {
      this.#rare.count('a stale read');
      if (index < wire.staleIndex) {
        this.broke(
          'StaleReadsNeverGoBack',
          node,
          `Node ${node} answered a stale read from index ${index}, after one from index ${wire.staleIndex}.`,
        );
      }
      wire.staleIndex = index;
    }
  }

  /** A node has taken a step, and what it has committed is known: is all that it answered with among it? */
  stepped(id: NodeId): void {
    for (const claim of this.#claimsOf(id)) this.#judge(claim, this.#cluster.committedAt(claim.index)?.term);
    if (this.#lastWords.length === 0) return;
    this.#lastWords = this.#lastWords.filter((claim) => {
      const committed = this.#cluster.committedAt(claim.index);
      if (committed !== undefined) this.#judge(claim, committed.term);
      return committed === undefined;
    });
  }

  /** A process has ended, in the midst of a step perhaps: what that step committed nobody sees any more. */
  processEnded(id: NodeId): void {
    this.#lastWords.push(...this.#claimsOf(id));
  }

  #claimsOf(id: NodeId): Claim[] {
    const its = this.#claims.filter((claim) => claim.id === id);
    if (its.length > 0) this.#claims = this.#claims.filter((claim) => claim.id !== id);
    return its;
  }

  #judge({ id, index, term }: Claim, committedIn: Term | undefined): void {
    if (committedIn === term) return;
    this.broke(
      'AnsweredIsCommitted',
      id,
      `Node ${id} answered that a command stands at index ${index} in term ${term}, and that entry is not committed.`,
    );
  }

  /** Does a node that has taken a step know of all that it has not answered? */
  knowsWhatIsOpen(id: NodeId, { asked, known }: { readonly asked: number; readonly known: number }): void {
    if (known >= asked) return;
    this.broke(
      'OpenRequestsAreKnown',
      id,
      `Node ${id} has ${asked} requests open and knows of ${known}: if it died now, the others would never be answered.`,
    );
  }

  /** A node applies a command. */
  applied(id: NodeId, { command, index }: Applied): void {
    const request = this.requestIn(command);
    if (request === null) {
      this.#rare.count('a block applied');
      return;
    }
    if (request.verify && request.appliedAt === null) this.#wasApproved(id, request);
    if (request.appliedAt !== null && request.appliedAt !== index) {
      throw new Violation(
        'AppliedOnce',
        id,
        `Node ${id} applied command ${request.number} at index ${index}, and it was applied at index ${request.appliedAt}: its session sent it twice.`,
      );
    }
    request.appliedAt = index;
    const { sending } = request;
    if (request.isWithoutEffect || (request.place === null && isRefusal(sending?.told ?? null))) {
      this.#wasApplied(id, request, sending?.wire.node ?? null);
    }
  }

  /** A voter is asked whether a command is valid. Some find a few of them not to be, and all find so of a few. */
  judged(id: NodeId, command: Uint8Array): boolean {
    const request = this.requestIn(command);
    // A block.
    if (request === null) return true;
    const isValid = request.number % 12 !== 0 && (request.number + id) % 5 !== 0;
    if (isValid) request.approvedBy.add(id);
    return isValid;
  }

  /** What is to be verified is appended only once a majority of the voters has found it valid. */
  #wasApproved(id: NodeId, { number, approvedBy }: Request): void {
    if (this.#cluster.configuration.hasQuorum((voter) => approvedBy.has(voter))) return;
    this.broke(
      'AppliedWasApproved',
      id,
      `Node ${id} applied command ${number}, which was to be verified, and ${approvedBy.size === 0 ? 'no node' : `only ${[...approvedBy].join(', ')}`} found it valid.`,
    );
  }

  /** A command that was refused as certainly without effect is never applied. (§8: the client will send it again) */
  #wasApplied(id: NodeId, { number, appliedAt }: Request, refusedBy: NodeId | null): void {
    const who = refusedBy === null ? 'its session' : `node ${refusedBy}`;
    this.broke(
      'RefusedWasNotApplied',
      id,
      `Node ${id} applied at index ${appliedAt} the command ${number}, which ${who} has refused as certainly without effect.`,
    );
  }

  /** Takes out what the node has of this number; it can be answered once. */
  #taken(wire: Wire, open: Map<number, AtNode>, number: number): AtNode | null {
    const found = open.get(number);
    if (found === undefined) {
      this.broke(
        'AnsweredOnce',
        wire.node,
        `Node ${wire.node} answered request ${number} of client ${wire.client}, which it does not have: it was answered before, or never asked.`,
      );
      return null;
    }
    open.delete(number);
    return found;
  }

  /** The sending that is answered, if nothing has come after it. */
  #sendingOf({ request }: AtNode, wire: Wire) {
    return request.sending?.wire === wire ? request.sending : null;
  }

  #inBatch(wire: Wire, { batch }: AtNode, wasApplied: boolean): void {
    if (batch === null) return;
    if (batch.answered > 0 && batch.wasApplied && !wasApplied) {
      this.#rare.count('a batch half applied and half refused');
    }
    batch.answered++;
    batch.wasApplied = wasApplied;
    if (batch.answered === batch.count) wire.batches.delete(batch);
  }
}

/**
 * A linearizable read shows a state no older than what was committed anywhere when it was asked. (thesis §6.4, §8)
 *
 * @param committedBefore how much was committed when the question arrived at the node
 */
function readIndexIsCurrent(id: NodeId, index: LogIndex, committedBefore: LogIndex): void {
  if (index >= committedBefore) return;
  throw new Violation(
    'ReadIndexIsCurrent',
    id,
    `Node ${id} answered a linearizable read from the state at index ${index}, when index ${committedBefore} had been committed before it was asked.`,
  );
}
